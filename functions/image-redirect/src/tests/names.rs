use super::*;

const STEM: &str = "5eed0000000040008000000000000001";

/// 63 names that are none, as HTTP API reports them: percent-decoded once.
pub(super) fn hostile() -> Vec<String> {
    let fixed = [
        "",
        ".",
        "..",
        "...",
        "/",
        "//",
        "../",
        "../..",
        "../../etc/passwd",
        "..\\..\\windows",
        "..%2f..%2fetc",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..%c0%af",
        "....//....//etc",
        "/etc/passwd",
        "//evil.example",
        "///evil.example/x.jpg",
        "\\\\evil.example",
        "https://evil.example/x.jpg",
        "http:evil.example",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "@evil.example",
        "?x.jpg",
        "#x.jpg",
        "\u{0}",
        "\r\nlocation: //evil.example",
        "%0d%0alocation:%20//evil.example",
        "\u{2028}",
        "图片.jpg",
        "\u{202e}gpj.exe",
        "<svg onload=alert(1)>.jpg",
        "' OR '1'='1",
        "{\"S\":\"x\"}",
        "${jndi:ldap://evil.example}",
        "../defaults/missing",
        "defaults/missing",
        "incoming/x.jpg",
        "resolve/",
        "avatar#5e550000-0000-4000-8000-00000000a11c",
        "null",
    ]
    .map(str::to_owned);
    let around_a_good_one = [
        STEM.to_owned(),
        format!("{STEM}."),
        format!("{STEM}.jpg."),
        format!("{STEM}.jpg/"),
        format!("{STEM}.jpg "),
        format!(" {STEM}.jpg"),
        format!("/{STEM}.jpg"),
        format!("./{STEM}.jpg"),
        format!("x/../{STEM}.jpg"),
        format!("{STEM}.jpg\u{0}"),
        format!("{STEM}.jpg\n"),
        format!("{STEM}.jpg\r\nx: y"),
        format!("{STEM}.jpg%00"),
        format!("{STEM}%2ejpg"),
        format!("{STEM}.jpg;x"),
        format!("{STEM}.JPG"),
        format!("{STEM}.jpeg"),
        format!("{STEM}.svg"),
        format!("{}.jpg", STEM.to_uppercase()),
        format!("{}.jpg", &STEM[1..]),
        format!("{}.jpg", "0".repeat(5000)),
    ];
    fixed.into_iter().chain(around_a_good_one).collect()
}

#[tokio::test]
async fn hostile_names_lead_to_the_default_image_and_reach_no_table() {
    let (stack, app) = start().await;
    let names = hostile();
    assert_eq!(names.len(), 63);
    let mut events = vec![event!("image-redirect/malformed-name")];
    for name in &names {
        events.push(image_called(name));
        events.push(event!("image-redirect/seed-route").parameter("imagename", name));
    }

    for event in events {
        let answer = send(&app, event).await;
        assert_default(&stack, &answer, "missing");
        assert!(!answer.header("location").contains("evil"));
    }
    assert!(stack.wire().operations().is_empty());
}

#[tokio::test]
async fn a_name_of_another_known_extension_is_read_and_not_shown() {
    let (stack, app) = start().await;
    for extension in ["png", "webp", "gif"] {
        assert_default(&stack, &send(&app, image_called(&format!("{STEM}.{extension}"))).await, "missing");
    }
    assert_eq!(stack.wire().operations().len(), 3);
}

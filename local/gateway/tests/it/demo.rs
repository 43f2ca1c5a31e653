//! The page at `/_demo/`, beside the API.

use serde_json::json;

use crate::client::{get, post, sign_in};
use crate::start;
use crate::workspace::{files, root, text};

#[tokio::test]
async fn the_page_is_served_with_all_of_its_files() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();

    let page = get(base, "/_demo/").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(get(base, "/_demo").send().await.header("location"), "/_demo/");
    let photo = get(base, "/_demo/photos/coffee.jpg").send().await;
    assert_eq!((photo.status, photo.header("content-type")), (200, "image/jpeg"));

    let folder = root().join("client/demo-web");
    for path in files("client/demo-web").into_iter().filter(|path| !path.ends_with("README.md")) {
        let name = path.strip_prefix(&folder).expect("a file of the page").to_str().expect("a name");
        let served = get(base, &format!("/_demo/{name}")).send().await;
        assert_eq!((served.status, served.text()), (200, text(&path)), "{name}");
    }
}

#[tokio::test]
async fn every_module_that_the_page_imports_is_served() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();

    let mut asked = vec!["main.js".to_owned()];
    let mut answered = 0;
    while let Some(name) = asked.get(answered).cloned() {
        let module = get(base, &format!("/_demo/{name}")).send().await;
        assert_eq!((module.status, module.header("content-type")), (200, "text/javascript; charset=utf-8"), "{name}");
        let folder = name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let imported: Vec<_> = imports(&module.text()).map(|import| format!("{folder}{import}")).collect();
        asked.extend(imported.into_iter().filter(|import| !asked.contains(import)).collect::<Vec<_>>());
        answered += 1;
    }

    assert!(asked.iter().any(|name| name == "wx-emulator/multipart.js"), "{asked:?}");
}

/// The modules beside it that a script imports.
fn imports(script: &str) -> impl Iterator<Item = &str> {
    let lines = script.lines().filter(|line| line.starts_with("import "));
    lines.filter_map(|line| line.split_once("'./")?.1.strip_suffix('\''))
}

#[tokio::test]
async fn nothing_else_is_served_there() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();

    for path in ["/_demo/nothing.js", "/_demo/../Cargo.toml", "/_demo/..%2f..%2fCargo.toml", "/_demo//etc/passwd"] {
        assert_eq!(get(base, path).send().await.status, 404, "{path}");
    }
    get(base, "/_other").send().await.assert_refused(404, "not_found");
}

#[tokio::test]
async fn an_outage_of_s3_is_switched_on_and_off_from_the_page() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();
    let alice = sign_in(base, "dev-alice-1").await;
    let task = post(base, "/tasks").from(&alice).json(&json!({})).send().await.expect(201);
    let photo = || {
        let path = format!("/tasks/{}/images", task["task_id"].as_str().expect("a task id"));
        post(base, &path)
            .from(&alice)
            .form(&[("upload_id", "one")], include_bytes!("../../../../events/photos/coffee.jpg"))
    };

    assert_eq!(post(base, "/_demo/faults").json(&json!({ "s3_down": true })).send().await.status, 204);
    photo().send().await.assert_refused(503, "busy");
    assert_eq!(post(base, "/_demo/faults").json(&json!({ "s3_down": false })).send().await.status, 204);

    assert_eq!(photo().send().await.expect(201)["state"], "ready");
}

#[test]
fn nothing_that_is_deployed_knows_of_it() {
    assert!(!text("template.yaml").contains("_demo"));
    for path in files("functions")
        .into_iter()
        .chain(files("shared"))
        .filter(|path| path.extension().is_some_and(|of| of == "rs"))
    {
        assert!(!text(&path).contains("_demo"), "{}", path.display());
    }
}

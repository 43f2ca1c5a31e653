use super::*;

/// The file that a redirect, or the one resolved name, leads to.
async fn shown(app: &App, size: Option<&str>) -> (String, String) {
    let query = size.map_or(String::new(), |size| format!("variant={size}"));
    let redirect = send(app, event!("image-redirect/image").query(&query)).await;
    let resolved = send(app, event!("image-redirect/resolve").json(&json!({"names": [IMAGE], "variant": size}))).await;
    let url = resolved.assert_status(200).json()["images"][0]["url"].as_str().unwrap().to_owned();
    let file = |url: &str| url.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    (file(redirect.assert_status(302).header("location")), file(&url))
}

#[tokio::test]
async fn each_size_is_its_own_object_and_one_that_was_not_made_the_next_larger_one() {
    let (stack, app) = start().await;
    let cases: [(Option<&[&str]>, [&str; 4]); 4] = [
        (Some(&["thumb", "medium"]), ["thumb.jpg", "medium.jpg", "original.jpg", "original.jpg"]),
        (Some(&["thumb"]), ["thumb.jpg", "original.jpg", "original.jpg", "original.jpg"]),
        (Some(&[]), ["original.jpg"; 4]),
        (None, ["original.jpg"; 4]),
    ];
    for (made, files) in cases {
        match made {
            Some(sizes) => stack.put_variants(IMAGE, sizes),
            None => stack.change_image_row(IMAGE, |row| drop(row.as_object_mut().unwrap().remove("variants"))),
        }
        for (size, file) in [Some("thumb"), Some("medium"), Some("original"), None].into_iter().zip(files) {
            assert_eq!(shown(&app, size).await, (file.to_owned(), file.to_owned()), "{made:?} {size:?}");
        }
    }
}

#[tokio::test]
async fn a_size_of_another_spelling_is_the_original_in_a_url() {
    let (stack, app) = start().await;
    stack.put_variants(IMAGE, &["thumb", "medium"]);
    for query in ["variant=huge", "variant=", "variant=Thumb", "variant=thumb%20", "size=thumb", "variant=original"] {
        let answer = send(&app, event!("image-redirect/image").query(query)).await;
        assert!(answer.location_path().ends_with("/original.jpg"), "{query} {answer:?}");
    }
}

#[tokio::test]
async fn a_variant_is_one_read_and_lives_as_long_as_the_image_does() {
    let (stack, app) = start().await;
    stack.put_variants(IMAGE, &["thumb", "medium"]);

    let thumb = send_at(&app, event!("image-redirect/thumb"), into_window(600)).await;

    assert_eq!(thumb.header("cache-control"), "max-age=2940");
    assert_eq!(stack.wire().operations(), ["DynamoDB.GetItem"]);
}

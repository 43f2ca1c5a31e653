use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;

use crate::clients::{BUCKET, get, s3, start};

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let emulators = start().await;
    let client = s3(&emulators);
    let put = client.put_object().bucket(BUCKET).key("images/a/b.jpg").body(b"photo".to_vec().into());
    put.content_type("image/jpeg").cache_control("max-age=60").metadata("kind", "x").send().await.unwrap();

    let object = client.get_object().bucket(BUCKET).key("images/a/b.jpg").send().await.unwrap();

    assert_eq!(object.content_type(), Some("image/jpeg"));
    assert_eq!(object.cache_control(), Some("max-age=60"));
    assert_eq!(object.metadata().unwrap()["kind"], "x");
    assert_eq!(object.accept_ranges(), Some("bytes"));
    assert_eq!(object.body.collect().await.unwrap().to_vec(), b"photo");
    assert_eq!(emulators.objects(), ["images/a/b.jpg"]);
}

#[tokio::test]
async fn a_presigned_url_opens_its_object() {
    let emulators = start().await;
    let client = s3(&emulators);
    client.put_object().bucket(BUCKET).key("a.jpg").body(b"photo".to_vec().into()).send().await.unwrap();
    let config = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let url = client.get_object().bucket(BUCKET).key("a.jpg").presigned(config).await.unwrap();

    let answer = get(url.uri()).await;

    assert_eq!((answer.status, answer.text().as_str()), (200, "photo"));
}

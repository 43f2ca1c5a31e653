use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{ChecksumAlgorithm, Delete, MetadataDirective, ObjectIdentifier};
use emulators::{ACCESS_KEY_ID, Emulators, Options};

use crate::clients::{BUCKET, get, s3, s3_as, s3_at, send, send_to, start, start_with};

async fn put(client: &Client, key: &str, bytes: &[u8]) -> String {
    let put = client.put_object().bucket(BUCKET).key(key).body(bytes.to_vec().into());
    put.send().await.unwrap().e_tag.unwrap()
}

async fn read(client: &Client, key: &str) -> Vec<u8> {
    let object = client.get_object().bucket(BUCKET).key(key).send().await.unwrap();
    object.body.collect().await.unwrap().to_vec()
}

/// A GET URL signed for a minute, `ago` before now.
async fn presigned(client: &Client, key: &str, ago: Duration) -> String {
    let config = PresigningConfig::builder().expires_in(Duration::from_secs(60));
    let config = config.start_time(in_the_past(ago)).build().unwrap();
    client.get_object().bucket(BUCKET).key(key).presigned(config).await.unwrap().uri().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "signatures are judged by the emulator's real clock")]
fn in_the_past(ago: Duration) -> SystemTime {
    SystemTime::now() - ago
}

/// The status and the code of a refusal.
#[track_caller]
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>) -> (u16, String)
where
    SdkError<E>: ProvideErrorMetadata + std::fmt::Debug,
{
    let error = result.expect_err("it is refused");
    let status = error.raw_response().expect("it is answered").status().as_u16();
    (status, error.code().unwrap_or_default().to_owned())
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug, E: ProvideErrorMetadata>(result: Result<T, SdkError<E>>, status: u16, code: &str)
where
    SdkError<E>: ProvideErrorMetadata + std::fmt::Debug,
{
    assert_eq!(refusal(result), (status, code.to_owned()));
}

mod objects {
    use super::*;

    #[tokio::test]
    async fn an_object_comes_back_as_it_was_put() {
        let emulators = start().await;
        let client = s3(&emulators);
        let put = client.put_object().bucket(BUCKET).key("images/a/b.jpg").body(b"photo".to_vec().into());
        let put = put.content_type("image/jpeg").cache_control("max-age=60").content_disposition("inline");
        let e_tag = put.metadata("kind", "x").send().await.unwrap().e_tag.unwrap();

        let object = client.get_object().bucket(BUCKET).key("images/a/b.jpg").send().await.unwrap();
        let head = client.head_object().bucket(BUCKET).key("images/a/b.jpg").send().await.unwrap();

        assert_eq!(object.e_tag(), Some(e_tag.as_str()));
        assert_eq!(e_tag, "\"5ae0c1c8a5260bc7b6648f6fbd115c35\"");
        assert_eq!((object.content_type(), head.content_type()), (Some("image/jpeg"), Some("image/jpeg")));
        assert_eq!((object.cache_control(), head.cache_control()), (Some("max-age=60"), Some("max-age=60")));
        assert_eq!(object.content_disposition(), Some("inline"));
        assert_eq!(object.metadata().unwrap()["kind"], "x");
        assert_eq!((object.accept_ranges(), head.accept_ranges()), (Some("bytes"), Some("bytes")));
        assert_eq!((object.content_length(), head.content_length()), (Some(5), Some(5)));
        assert_eq!(object.content_encoding(), None, "how the upload travelled is not kept");
        assert_eq!(object.body.collect().await.unwrap().to_vec(), b"photo");
        assert_eq!(emulators.objects(), ["images/a/b.jpg"]);
    }

    #[tokio::test]
    async fn a_second_put_replaces_the_first() {
        let emulators = start().await;
        let client = s3(&emulators);
        put(&client, "k", b"first").await;
        put(&client, "k", b"second").await;

        assert_eq!(read(&client, "k").await, b"second");
    }

    #[tokio::test]
    async fn keys_may_be_each_other_s_folders_and_hold_anything() {
        let emulators = start().await;
        let client = s3(&emulators);
        let long = "k".repeat(1000);
        let keys = ["d", "d/e", "a//b", "a/b", "folder/", "../up", "空 格+%2F?", long.as_str()];
        for key in keys {
            put(&client, key, key.as_bytes()).await;
        }

        for key in keys {
            assert_eq!(read(&client, key).await, key.as_bytes(), "{key}");
        }
        assert_eq!(emulators.objects().len(), keys.len());
    }

    #[tokio::test]
    async fn a_missing_key_and_a_missing_bucket_are_told_apart() {
        let emulators = start().await;
        let client = s3(&emulators);

        assert_refused(client.get_object().bucket(BUCKET).key("k").send().await, 404, "NoSuchKey");
        assert_refused(client.get_object().bucket("nowhere").key("k").send().await, 404, "NoSuchBucket");
        assert_refused(client.head_object().bucket(BUCKET).key("k").send().await, 404, "NotFound");
        let put = client.put_object().bucket("nowhere").key("k").body(b"x".to_vec().into());
        assert_refused(put.send().await, 404, "NoSuchBucket");
        assert_refused(client.head_bucket().bucket("nowhere").send().await, 404, "NotFound");
        assert!(client.head_bucket().bucket(BUCKET).send().await.is_ok());
    }

    #[tokio::test]
    async fn a_bucket_can_be_made_twice() {
        let emulators = start().await;
        let client = s3(&emulators);
        client.create_bucket().bucket("another").send().await.unwrap();
        client.put_object().bucket("another").key("k").body(b"x".to_vec().into()).send().await.unwrap();

        client.create_bucket().bucket("another").send().await.unwrap();

        assert!(client.head_object().bucket("another").key("k").send().await.is_ok());
    }

    #[tokio::test]
    async fn a_deleted_object_is_gone_and_deleting_it_again_is_no_error() {
        let emulators = start().await;
        let client = s3(&emulators);
        put(&client, "k", b"x").await;

        client.delete_object().bucket(BUCKET).key("k").send().await.unwrap();
        client.delete_object().bucket(BUCKET).key("k").send().await.unwrap();

        assert!(emulators.objects().is_empty());
        assert_refused(client.delete_object().bucket("nowhere").key("k").send().await, 404, "NoSuchBucket");
    }

    #[tokio::test]
    async fn many_objects_are_deleted_at_once() {
        let emulators = start().await;
        let client = s3(&emulators);
        for key in ["a", "b", "c"] {
            put(&client, key, b"x").await;
        }
        let ids = ["a", "c", "nowhere"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
        let delete = Delete::builder().set_objects(Some(ids.into())).build().unwrap();

        let deleted = client.delete_objects().bucket(BUCKET).delete(delete).send().await.unwrap();

        assert_eq!(deleted.deleted().len(), 3);
        assert_eq!(emulators.objects(), ["b"]);
    }

    #[tokio::test]
    async fn a_copy_keeps_the_headers_unless_they_are_replaced() {
        let emulators = start().await;
        let client = s3(&emulators);
        let put = client.put_object().bucket(BUCKET).key("from").body(b"photo".to_vec().into());
        put.content_type("image/jpeg").send().await.unwrap();
        let copy = |key: &str| client.copy_object().bucket(BUCKET).copy_source(format!("{BUCKET}/from")).key(key);

        copy("kept").send().await.unwrap();
        let replaced = copy("replaced").metadata_directive(MetadataDirective::Replace).content_type("image/png");
        replaced.send().await.unwrap();

        assert_eq!(emulators.object("kept").unwrap().content_type.as_deref(), Some("image/jpeg"));
        assert_eq!(emulators.object("replaced").unwrap().content_type.as_deref(), Some("image/png"));
        assert_eq!(read(&client, "kept").await, b"photo");
        assert_refused(copy("from").send().await, 400, "InvalidRequest");
        assert_refused(copy("k").copy_source_if_match("\"other\"").send().await, 412, "PreconditionFailed");
        let nowhere = client.copy_object().bucket(BUCKET).copy_source(format!("{BUCKET}/nowhere")).key("k");
        assert_refused(nowhere.send().await, 404, "NoSuchKey");
    }
}

mod ranges {
    use super::*;

    #[tokio::test]
    async fn a_range_is_a_part_of_the_object() {
        let emulators = start().await;
        let client = s3(&emulators);
        put(&client, "k", b"0123456789").await;
        let cases = [
            ("bytes=2-4", "bytes 2-4/10", "234"),
            ("bytes=7-", "bytes 7-9/10", "789"),
            ("bytes=-3", "bytes 7-9/10", "789"),
            ("bytes=8-99", "bytes 8-9/10", "89"),
        ];

        for (range, content_range, bytes) in cases {
            let object = client.get_object().bucket(BUCKET).key("k").range(range).send().await.unwrap();
            assert_eq!(object.content_range(), Some(content_range));
            assert_eq!(object.body.collect().await.unwrap().to_vec(), bytes.as_bytes());
        }
    }

    #[tokio::test]
    async fn a_range_behind_the_end_is_refused() {
        let emulators = start().await;
        let client = s3(&emulators);
        put(&client, "k", b"0123456789").await;

        let refused = client.get_object().bucket(BUCKET).key("k").range("bytes=10-").send().await;

        assert_refused(refused, 416, "InvalidRange");
    }
}

mod conditions {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_racing_writers_that_want_to_be_first_one_wins() {
        let emulators = start().await;
        let client = s3(&emulators);
        let first = |number: u8| {
            let put = client.put_object().bucket(BUCKET).key("k").if_none_match("*");
            put.body(vec![number; 10_000].into()).send()
        };

        let results = futures_util::future::join_all((0..20).map(first)).await;

        let winners: Vec<_> = (0..20).filter(|number| results[usize::from(*number)].is_ok()).collect();
        let [winner] = winners[..] else { panic!("winners: {winners:?}") };
        assert_eq!(read(&client, "k").await, vec![winner; 10_000]);
        let loser = results.into_iter().find(Result::is_err).unwrap();
        assert_refused(loser, 412, "PreconditionFailed");
    }

    #[tokio::test]
    async fn a_write_on_condition_of_an_etag_needs_that_etag() {
        let emulators = start().await;
        let client = s3(&emulators);
        let stale = put(&client, "k", b"first").await;
        let fresh = put(&client, "k", b"second").await;
        let third = |key: &str, e_tag: &str| {
            let put = client.put_object().bucket(BUCKET).key(key).if_match(e_tag).body(b"third".to_vec().into());
            put.send()
        };

        assert_refused(third("k", &stale).await, 412, "PreconditionFailed");
        assert_refused(third("nowhere", &fresh).await, 404, "NoSuchKey");
        assert_eq!(read(&client, "k").await, b"second");
        assert!(third("k", &fresh).await.is_ok());
    }

    #[tokio::test]
    async fn a_read_on_condition_of_an_etag_needs_that_etag() {
        let emulators = start().await;
        let client = s3(&emulators);
        let e_tag = put(&client, "k", b"x").await;
        let read = || client.get_object().bucket(BUCKET).key("k");

        assert!(read().if_match(&e_tag).send().await.is_ok());
        assert_refused(read().if_match("\"other\"").send().await, 412, "PreconditionFailed");
    }

    #[tokio::test]
    async fn an_object_that_the_reader_has_is_not_sent_again() {
        let emulators = start().await;
        let client = s3(&emulators);
        let put = client.put_object().bucket(BUCKET).key("k").cache_control("max-age=60");
        let e_tag = put.body(b"photo".to_vec().into()).send().await.unwrap().e_tag.unwrap();
        let url = presigned(&client, "k", Duration::ZERO).await;

        let fresh = send("GET", &url, &[("If-None-Match", &e_tag)], b"").await;
        let changed = send("GET", &url, &[("If-None-Match", "\"other\"")], b"").await;

        assert_eq!((fresh.status, fresh.body.len()), (304, 0));
        assert_eq!(fresh.header("etag"), Some(e_tag.as_str()));
        assert_eq!(fresh.header("cache-control"), Some("max-age=60"));
        assert_eq!(fresh.header("content-length"), None);
        assert_eq!((changed.status, changed.text().as_str()), (200, "photo"));
    }

    #[tokio::test]
    async fn an_object_that_did_not_change_since_is_not_sent_again() {
        let emulators = start().await;
        let client = s3(&emulators);
        put(&client, "k", b"x").await;
        let modified = client.head_object().bucket(BUCKET).key("k").send().await.unwrap().last_modified.unwrap();
        let since = |date: DateTime| client.get_object().bucket(BUCKET).key("k").if_modified_since(date).send();

        assert_eq!(refusal(since(modified).await).0, 304);
        assert!(since(DateTime::from_secs(modified.secs() - 1)).await.is_ok());
    }
}

mod checksums {
    use super::*;

    #[tokio::test]
    async fn every_checksum_that_is_sent_is_compared_and_given_back() {
        let emulators = start().await;
        let client = s3(&emulators);
        let algorithms =
            [ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32C, ChecksumAlgorithm::Sha1, ChecksumAlgorithm::Sha256];
        for algorithm in algorithms {
            let put = client.put_object().bucket(BUCKET).key("k").body(b"photo".to_vec().into());
            put.checksum_algorithm(algorithm).send().await.unwrap();
            // The SDK compares what it reads with the checksum that comes along.
            assert_eq!(read(&client, "k").await, b"photo");
        }

        let mode = aws_sdk_s3::types::ChecksumMode::Enabled;
        let head = client.head_object().bucket(BUCKET).key("k").checksum_mode(mode).send().await.unwrap();
        assert!(head.checksum_sha256().is_some());
    }

    #[tokio::test]
    async fn bytes_that_do_not_match_their_checksum_are_not_stored() {
        let emulators = start().await;
        let client = s3(&emulators);
        let put = || client.put_object().bucket(BUCKET).key("k").body(b"photo".to_vec().into());

        let crc32 = put().checksum_crc32("AAAAAA==").send().await;
        let sha256 = put().checksum_sha256("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").send().await;
        let md5 = put().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await;

        assert_refused(crc32, 400, "BadDigest");
        assert_refused(sha256, 400, "BadDigest");
        assert_refused(md5, 400, "BadDigest");
        assert!(emulators.objects().is_empty());
    }

    #[tokio::test]
    async fn a_body_other_than_the_signed_one_is_not_stored() {
        let emulators = start().await;
        let client = s3(&emulators);
        let config = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
        let put = client.put_object().bucket(BUCKET).key("k").presigned(config).await.unwrap();
        let hash_of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

        let answer = send("PUT", put.uri(), &[("x-amz-content-sha256", hash_of_nothing)], b"photo").await;

        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("XAmzContentSHA256Mismatch"), "{}", answer.text());
        assert!(emulators.objects().is_empty());
    }
}

mod listing {
    use super::*;

    async fn filled() -> (Emulators, Client) {
        let emulators = start().await;
        let client = s3(&emulators);
        for key in ["a", "b/1", "b/2", "b/3/x", "c", "d/1"] {
            put(&client, key, key.as_bytes()).await;
        }
        (emulators, client)
    }

    #[tokio::test]
    async fn pages_follow_each_other_without_gap_or_double() {
        let (_emulators, client) = filled().await;

        let mut pages = client.list_objects_v2().bucket(BUCKET).max_keys(2).into_paginator().send();
        let mut listed = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            assert_eq!(page.key_count(), Some(2));
            listed.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        }

        assert_eq!(listed, ["a", "b/1", "b/2", "b/3/x", "c", "d/1"]);
    }

    #[tokio::test]
    async fn folders_are_listed_once_each_across_pages() {
        let (_emulators, client) = filled().await;

        let listing = client.list_objects_v2().bucket(BUCKET).delimiter("/").max_keys(1);
        let mut pages = listing.into_paginator().send();
        let mut listed = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            listed.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
            listed.extend(page.common_prefixes().iter().map(|prefix| prefix.prefix().unwrap().to_owned()));
        }

        assert_eq!(listed, ["a", "b/", "c", "d/"]);
    }

    #[tokio::test]
    async fn a_prefix_narrows_and_entries_are_complete() {
        let (_emulators, client) = filled().await;

        let page = client.list_objects_v2().bucket(BUCKET).prefix("b/").delimiter("/").send().await.unwrap();

        let keys: Vec<_> = page.contents().iter().map(|object| object.key().unwrap()).collect();
        assert_eq!(keys, ["b/1", "b/2"]);
        assert_eq!(page.common_prefixes()[0].prefix(), Some("b/3/"));
        assert_eq!(page.contents()[0].size(), Some(3));
        assert!(page.contents()[0].e_tag().is_some() && page.contents()[0].last_modified().is_some());
        assert_eq!(page.is_truncated(), Some(false));
    }

    #[tokio::test]
    async fn a_listing_starts_behind_the_key_it_is_given() {
        let (_emulators, client) = filled().await;

        let page = client.list_objects_v2().bucket(BUCKET).start_after("b/2").delimiter("/").send().await.unwrap();

        assert_eq!(page.common_prefixes()[0].prefix(), Some("b/"));
        assert_eq!(page.contents()[0].key(), Some("c"));
    }

    #[tokio::test]
    async fn a_bad_listing_is_refused() {
        let (_emulators, client) = filled().await;
        let list = || client.list_objects_v2().bucket(BUCKET);

        assert_refused(list().continuation_token("%").send().await, 400, "InvalidArgument");
        assert_refused(list().max_keys(-1).send().await, 400, "InvalidArgument");
        let nowhere = client.list_objects_v2().bucket("nowhere").send().await;
        assert_refused(nowhere, 404, "NoSuchBucket");
    }
}

mod access {
    use super::*;

    #[tokio::test]
    async fn a_wrong_secret_and_an_unknown_key_are_refused() {
        let emulators = start().await;
        let cases = [(ACCESS_KEY_ID, "wrong", "SignatureDoesNotMatch"), ("AKIDOTHER", "x", "InvalidAccessKeyId")];

        for (key, secret, code) in cases {
            let client = s3_as(emulators.s3_url(), key, secret);
            let put = client.put_object().bucket(BUCKET).key("k").body(b"x".to_vec().into());
            assert_refused(put.send().await, 403, code);
        }

        assert!(emulators.objects().is_empty());
    }

    #[tokio::test]
    async fn a_presigned_url_opens_its_object_for_reading_only() {
        let emulators = start().await;
        let client = s3(&emulators);
        put(&client, "images/a.jpg", b"photo").await;
        put(&client, "images/b.jpg", b"secret").await;
        let url = presigned(&client, "images/a.jpg", Duration::ZERO).await;

        let good = get(&url).await;
        assert_eq!((good.status, good.text().as_str()), (200, "photo"));
        assert_eq!(get(&url.replace("a.jpg", "b.jpg")).await.status, 403);
        assert_eq!(send("PUT", &url, &[], b"other").await.status, 403);
        assert_eq!(send("DELETE", &url, &[], b"").await.status, 403);
        assert_eq!(get(&format!("{url}&response-content-type=text/html")).await.status, 403);
        assert_eq!(get(&url.replace("X-Amz-Expires=60", "X-Amz-Expires=61")).await.status, 403);
        assert_eq!(read(&client, "images/a.jpg").await, b"photo");
    }

    #[tokio::test]
    async fn a_presigned_url_ends() {
        let emulators = start().await;
        let client = s3(&emulators);
        put(&client, "k", b"photo").await;

        let old = get(&presigned(&client, "k", Duration::from_secs(30)).await).await;
        let expired = get(&presigned(&client, "k", Duration::from_secs(120)).await).await;

        assert_eq!(old.status, 200);
        assert_eq!(expired.status, 403);
        assert!(expired.text().contains("Request has expired"), "{}", expired.text());
    }

    #[tokio::test]
    async fn signed_overrides_change_the_headers() {
        let emulators = start().await;
        let client = s3(&emulators);
        put(&client, "k", b"photo").await;
        let config = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
        let get_object = client.get_object().bucket(BUCKET).key("k").response_content_type("image/webp");
        let url = get_object.response_cache_control("private").presigned(config).await.unwrap();

        let answer = get(url.uri()).await;

        assert_eq!(answer.header("content-type"), Some("image/webp"));
        assert_eq!(answer.header("cache-control"), Some("private"));
    }

    #[tokio::test]
    async fn strangers_are_refused() {
        let emulators = start().await;
        put(&s3(&emulators), "images/a.jpg", b"photo").await;
        let url = format!("{}/{BUCKET}/images/a.jpg", emulators.s3_url());

        for method in ["GET", "HEAD", "PUT", "DELETE"] {
            assert_eq!(send(method, &url, &[], b"").await.status, 403, "{method}");
        }

        assert_eq!(get(&format!("{}/{BUCKET}?list-type=2", emulators.s3_url())).await.status, 403);
        assert_eq!(emulators.objects(), ["images/a.jpg"]);
    }

    #[tokio::test]
    async fn public_reading_opens_images_and_defaults_and_nothing_else() {
        let emulators = start_with(Options { public_read: true, ..Options::default() }).await;
        let client = s3(&emulators);
        for key in ["images/a.jpg", "defaults/missing", "incoming/a", "dead-letters/a", "imagesque"] {
            put(&client, key, key.as_bytes()).await;
        }
        let url = |key: &str| format!("{}/{BUCKET}/{key}", emulators.s3_url());

        for key in ["images/a.jpg", "defaults/missing"] {
            let answer = get(&url(key)).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, key));
            assert_eq!(send("HEAD", &url(key), &[], b"").await.status, 200);
        }
        for key in ["incoming/a", "dead-letters/a", "imagesque", "images/nowhere", "images/../incoming/a", ""] {
            assert_eq!(get(&url(key)).await.status, 403, "{key}");
        }
        for method in ["PUT", "DELETE"] {
            assert_eq!(send(method, &url("images/a.jpg"), &[], b"x").await.status, 403, "{method}");
        }
        assert_eq!(get(&url("images/a.jpg?response-content-type=text/html")).await.status, 400);
        assert_eq!(get(&url("images/a.jpg?acl")).await.status, 403);
    }

    #[tokio::test]
    async fn only_localhost_names_hold_a_bucket() {
        let emulators = start_with(Options { public_read: true, ..Options::default() }).await;
        put(&s3(&emulators), "images/a.jpg", b"photo").await;
        let server: SocketAddr = emulators.s3_url().strip_prefix("http://").unwrap().parse().unwrap();
        let port = server.port();
        let path_style = format!("/{BUCKET}/images/a.jpg");
        let cases = [
            (format!("{BUCKET}.localhost:{port}"), "/images/a.jpg"),
            (format!("localhost:{port}"), path_style.as_str()),
            (format!("my-laptop.lan:{port}"), &path_style),
            (format!("host.docker.internal:{port}"), &path_style),
            ("192.168.1.7".to_owned(), &path_style),
        ];

        for (host, path) in cases {
            let answer = send_to(server, "GET", &host, path, &[], b"").await;
            assert_eq!((answer.status, answer.text().as_str()), (200, "photo"), "{host}");
        }
    }

    #[tokio::test]
    async fn urls_may_be_signed_for_an_outside_name() {
        let emulators = start().await;
        let server: SocketAddr = emulators.s3_url().strip_prefix("http://").unwrap().parse().unwrap();
        put(&s3(&emulators), "k", b"photo").await;
        let outside = format!("my-laptop.lan:{}", server.port());
        let config = s3_at(&format!("http://{outside}")).config().to_builder();
        let signer = Client::from_conf(config.force_path_style(true).build());
        let url = presigned(&signer, "k", Duration::ZERO).await;
        let path = url.strip_prefix(&format!("http://{outside}")).unwrap();

        assert_eq!(send_to(server, "GET", &outside, path, &[], b"").await.status, 200);
        assert_eq!(send_to(server, "GET", &server.to_string(), path, &[], b"").await.status, 403);
    }
}

#[tokio::test]
async fn an_outage_refuses_everything_and_loses_nothing() {
    let emulators = start().await;
    let client = s3(&emulators);
    put(&client, "k", b"kept").await;
    let url = presigned(&client, "k", Duration::ZERO).await;

    emulators.s3_outage().set(true);
    let (read_while_down, preflight) = (get(&url).await, send("OPTIONS", &url, &[], b"").await);
    let put_while_down = client.put_object().bucket(BUCKET).key("k").body(b"other".to_vec().into()).send().await;
    emulators.s3_outage().set(false);

    assert_eq!(read_while_down.status, 503);
    assert_eq!(preflight.status, 403, "whoever asks about pages is told what always holds");
    assert_eq!(refusal(put_while_down), (503, "SlowDown".to_owned()));
    assert_eq!(read(&client, "k").await, b"kept");
}

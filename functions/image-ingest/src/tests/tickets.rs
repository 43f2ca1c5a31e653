//! Pictures that were sent with a ticket's form.

use super::*;

#[tokio::test]
async fn what_was_sent_becomes_the_image_with_its_variants() {
    let house = House::with_ticket(&[]).await;
    let sent = house.sent(LARGE_PHOTO).await;

    house.take(sent.clone()).await.unwrap();

    house.assert_shown(&etag(&sent), &["original.jpg", "thumb.jpg"]);
    let row = house.row();
    let original = house.stack.emulators().object(row["object_key"]["S"].as_str().unwrap()).unwrap();
    assert_eq!(row["bytes"]["N"], original.bytes.len().to_string());
    assert_eq!(original.content_type.as_deref(), Some("image/jpeg"));
    let thumb = &row["variants"]["M"]["thumb"]["M"];
    let file = house.stack.emulators().object(thumb["object_key"]["S"].as_str().unwrap()).unwrap();
    let [width, height] = sides_of(&file.bytes);
    assert_eq!((&thumb["width"]["N"], &thumb["height"]["N"]), (&json!(width.to_string()), &json!(height.to_string())));
    assert_eq!(width.max(height), 320);
    assert!(row["variants"]["M"]["placeholder"]["B"].is_string());
    assert_eq!(row["content_hash"]["S"], "of the ticket", "by which a ticket that is asked for again is known");
}

#[tokio::test]
async fn nothing_private_is_left_of_it_anywhere() {
    let house = House::with_ticket(&[]).await;
    assert!(PHOTO.windows(SECRET.len()).any(|bytes| bytes == SECRET));

    house.take(house.sent(PHOTO).await).await.unwrap();

    for key in house.stack.emulators().objects() {
        let object = house.stack.emulators().object(&key).unwrap();
        assert!(!object.bytes.windows(SECRET.len()).any(|bytes| bytes == SECRET), "{key}");
    }
}

#[tokio::test]
async fn every_format_is_taken_under_its_own_name() {
    for (extension, bytes) in [
        ("png", include_bytes!("../../../../shared/imaging/corpus/text_exif_icc.png").as_slice()),
        ("webp", include_bytes!("../../../../shared/imaging/corpus/exif_xmp_icc.webp")),
        ("gif", include_bytes!("../../../../shared/imaging/corpus/animated_comment.gif")),
        ("jpg", include_bytes!("../../../../shared/imaging/corpus/cmyk_adobe.jpg")),
    ] {
        let house = House::new().await;
        house.put_ticket(extension).await;

        house.take(house.sent(bytes).await).await.unwrap();

        assert_eq!(house.state(), "ready", "{extension}");
        let key = house.row()["object_key"]["S"].as_str().unwrap().to_owned();
        assert!(key.ends_with(&format!("/original.{extension}")), "{key}");
        assert!(house.row()["variants"]["M"]["placeholder"]["B"].is_string(), "{extension}");
        assert_eq!(house.stack.listed(&house.task), [house.name()], "it was not listed before");
    }
}

#[tokio::test]
async fn what_browsers_show_is_taken_however_oddly_it_was_written() {
    for (extension, bytes) in [
        ("png", include_bytes!("../../../../shared/imaging/corpus/apng_of_no_frames.png").as_slice()),
        ("jpg", include_bytes!("../../../../shared/imaging/corpus/baseline_se_64.jpg")),
        ("png", include_bytes!("../../../../shared/imaging/corpus/gamma_1.png")),
        ("jpg", include_bytes!("../../../../shared/imaging/corpus/no_eoi_but_complete.jpg")),
        ("jpg", include_bytes!("../../../../shared/imaging/corpus/no_huffman_tables.jpg")),
        ("gif", include_bytes!("../../../../shared/imaging/corpus/no_trailer.gif")),
        ("jpg", include_bytes!("../../../../shared/imaging/corpus/orientation_6_as_long.jpg")),
        ("jpg", include_bytes!("../../../../shared/imaging/corpus/profile_of_5000_bytes.jpg")),
        ("png", include_bytes!("../../../../shared/imaging/corpus/text_chunk_with_wrong_checksum.png")),
        ("jpg", include_bytes!("../../../../shared/imaging/corpus/two_zero_bytes_before_dqt.jpg")),
    ] {
        let house = House::new().await;
        house.put_ticket(extension).await;

        house.take(house.sent(bytes).await).await.unwrap();

        assert_eq!(house.state(), "ready", "{extension}");
        assert!(house.row()["variants"]["M"]["thumb"]["M"].is_object(), "{extension}");
    }
}

#[tokio::test]
async fn a_picture_of_which_no_variants_can_be_made_is_an_image_all_the_same() {
    let house = House::with_ticket(&[]).await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));
    let sent = house.sent(&undecodable()).await;

    house.take(sent.clone()).await.unwrap();

    house.assert_shown(&etag(&sent), &["original.jpg"]);
    assert_eq!(house.row().get("variants"), None);
    let line = &ours(&log)[0];
    assert_eq!(line["outcome"], "ready");
    assert!(line["no_variants"].as_str().unwrap().starts_with("not decodable"), "{line}");
    assert!(log.metrics().contains("VariantFailures=1"), "{}", log.metrics());
}

#[tokio::test]
async fn an_event_that_comes_twice_changes_nothing_the_second_time() {
    let house = House::with_ticket(&[]).await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));
    let sent = house.sent(PHOTO).await;
    house.take(sent.clone()).await.unwrap();
    let row = house.row();

    house.take(sent.clone()).await.unwrap();

    house.assert_shown(&etag(&sent), &["original.jpg"]);
    assert_eq!(house.row(), row);
    insta::assert_snapshot!(log.metrics(), @r"
    RequestDuration=[ms] Uploads=1 UploadBytes=15024 Variants=1
    RequestDuration=[ms]
    ");
}

#[tokio::test]
async fn two_deliveries_at_once_make_one_image() {
    let house = House::with_ticket(&[]).await;
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));
    let sent = house.sent(PHOTO).await;

    let outcomes = tokio::join!(house.take(sent.clone()), house.take(sent.clone()), house.take(sent.clone()));

    assert!(matches!(outcomes, (Ok(()), Ok(()), Ok(()))), "{outcomes:?}");
    house.assert_shown(&etag(&sent), &["original.jpg"]);
    let counted = |counted| log.metrics().matches(counted).count();
    assert_eq!((counted("Uploads=1"), counted("Variants=1")), (1, 1), "{}", log.metrics());
}

#[tokio::test]
async fn a_form_that_is_used_twice_gives_the_picture_that_is_looked_at_first() {
    let house = House::with_ticket(&[]).await;
    let first = house.sent(PHOTO).await;
    let second = house.sent(OTHER_PHOTO).await;

    house.take(first.clone()).await.unwrap();
    assert_eq!((house.state().as_str(), house.is_sent_still()), ("pending", true), "its bytes are not there any more");
    house.take(second.clone()).await.unwrap();
    house.assert_shown(&etag(&second), &["original.jpg"]);

    let third = house.sent(PHOTO).await;
    house.take(third).await.unwrap();
    house.take(first).await.unwrap();
    house.assert_shown(&etag(&second), &["original.jpg"]);
}

#[tokio::test]
async fn the_second_post_of_a_form_changes_nothing_whatever_it_holds() {
    let house = House::with_ticket(&[]).await;
    let good = house.sent(PHOTO).await;
    house.take(good.clone()).await.unwrap();
    house.take(house.sent(TEXT).await).await.unwrap();
    house.assert_shown(&etag(&good), &["original.jpg"]);

    let house = House::with_ticket(&[]).await;
    house.take(house.sent(TEXT).await).await.unwrap();
    house.take(house.sent(PHOTO).await).await.unwrap();
    house.assert_rejected("image_unsupported");
}

#[tokio::test]
async fn of_a_row_that_went_or_was_removed_nothing_is_left() {
    for state in [Some("removed"), Some("rejected"), None] {
        let house = House::with_ticket(&[]).await;
        let sent = house.sent(PHOTO).await;
        let left = format!("images/{STEM}/{ATTEMPT}/{}/original.jpg", etag(&sent));
        house.stack.put_bytes(&left, PHOTO).await;
        match state {
            Some(state) => house.stack.change_image_row(STEM, |row| row["state"] = json!({"S": state})),
            None => house.stack.remove_image_row(STEM),
        }
        let before = house.stack.image_row(STEM);

        house.take(sent).await.unwrap();

        assert_eq!(house.stack.image_row(STEM), before);
        assert!(house.outputs().is_empty() && !house.is_sent_still(), "{state:?}");
    }
}

#[tokio::test]
async fn a_picture_that_is_removed_while_it_is_looked_at_leaves_nothing() {
    for state in ["removed", "ready"] {
        let house = House::with_ticket(&[]).await;
        let sent = house.sent(PHOTO).await;

        let meanwhile = async {
            house.has_called("S3.PutObject", 1).await;
            house.stack.change_image_row(STEM, |row| row["state"] = json!({"S": state}));
        };
        let (taken, ()) = tokio::join!(house.take(sent), meanwhile);

        taken.unwrap();
        assert_eq!(house.state(), state);
        assert!(house.outputs().is_empty() && !house.is_sent_still(), "{state}");
    }
}

#[tokio::test]
async fn a_late_event_of_an_earlier_try_does_not_touch_the_picture_of_a_later_one() {
    let house = House::with_ticket(&[]).await;
    let sent = house.sent(PHOTO).await;
    let later = "5eed0000000040008000000000000b03";
    house.stack.change_image_row(STEM, |row| {
        row["state"] = json!({"S": "ready"});
        row["attempt"] = json!({"S": later});
        row["object_key"] = json!({"S": format!("images/{STEM}/{later}/e/original.jpg")});
    });
    house.stack.put_bytes(&format!("images/{STEM}/{later}/e/original.jpg"), PHOTO).await;
    let before = house.row();

    house.take(sent).await.unwrap();

    assert_eq!(house.row(), before);
    assert_eq!(below(&house.stack, &format!("images/{STEM}/")), [format!("{later}/e/original.jpg")]);
    assert!(!house.is_sent_still());
}

#[tokio::test]
async fn what_is_gone_before_it_is_looked_at_leaves_the_ticket_as_it_is() {
    let house = House::with_ticket(&[]).await;

    house.take(event!("image-ingest/incoming")).await.unwrap();

    assert_eq!((house.state().as_str(), house.outputs()), ("pending", Vec::new()));
}

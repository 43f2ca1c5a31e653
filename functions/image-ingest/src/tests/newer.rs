//! Rows in a state that only a newer version knows, as after a rollback: the event fails, and every object stays.

use super::*;

const IMAGE: &str = "5eed0000000040008000000000000001";

fn set_state(house: &House, stem: &str, state: &str) {
    house.stack.change_image_row(stem, |row| row["state"] = json!({"S": state}));
}

#[tokio::test]
async fn a_direct_upload_to_a_row_of_an_unknown_state_fails_and_loses_nothing() {
    for state in ["reviewing", "hidden"] {
        let house = House::with_ticket(&[]).await;
        let event = house.sent(PHOTO).await;
        house.stack.put_bytes(&format!("images/{STEM}/{ATTEMPT}/{}/original.jpg", etag(&event)), PHOTO).await;
        set_state(&house, STEM, state);
        let kept = || (house.row(), house.stack.listed(&house.task), house.stack.emulators().objects());
        let before = kept();

        assert_eq!(house.take(event.clone()).await.unwrap_err().code(), web::ErrorCode::Busy, "{state}");
        assert_eq!(kept(), before, "{state}");

        set_state(&house, STEM, "pending");
        house.take(event.clone()).await.unwrap();
        house.assert_shown(&etag(&event), &["original.jpg"]);
    }
}

#[tokio::test]
async fn an_original_whose_row_has_an_unknown_state_fails_and_loses_nothing() {
    for state in ["reviewing", "hidden"] {
        let house = House::new().await;
        set_state(&house, IMAGE, state);
        let kept = || (house.stack.image_row(IMAGE), house.stack.emulators().objects());
        let before = kept();

        let taken = house.take(event!("image-ingest/original")).await;

        assert_eq!(taken.unwrap_err().code(), web::ErrorCode::Busy, "{state}");
        assert_eq!(kept(), before, "{state}");
    }
}

#[tokio::test]
async fn variants_stay_whose_row_gets_an_unknown_state_while_they_are_made() {
    let house = House::new().await;
    house.stack.put_bytes(&format!("images/{IMAGE}/5eed0000000040008000000000000a01/original.jpg"), LARGE_PHOTO).await;

    // While the write that adds them to the row is held, a newer version changes the row.
    house.stack.wire().fail_nth("DynamoDB.UpdateItem", 1, Fault::Held);
    let change = async {
        house.stack.wire().held().await;
        set_state(&house, IMAGE, "reviewing");
        house.stack.wire().release();
    };
    let (taken, ()) = tokio::join!(house.take(event!("image-ingest/original")), change);

    assert_eq!(taken.unwrap_err().code(), web::ErrorCode::Busy);
    assert_eq!(below(&house.stack, &format!("images/{IMAGE}/")).len(), 2, "the original and a thumb");
}

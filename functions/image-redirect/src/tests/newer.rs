//! Rows in a state that only a newer version knows, as after a rollback: nobody is shown their images, and nothing fails.

use super::*;

#[tokio::test]
async fn a_redirect_to_an_image_of_an_unknown_state_is_the_default_one() {
    let (stack, app) = start().await;
    for (n, state, is_of_ticket) in [(1, "reviewing", false), (2, "hidden", false), (3, "reviewing", true)] {
        let name = put_image(&stack, n, state).await;
        if is_of_ticket {
            stack.make_ticket(&name);
        }
        for event in [image_called(&name), image_called(&name).query("variant=thumb")] {
            assert_default(&stack, &send(&app, event).await, "missing");
        }
    }
}

#[tokio::test]
async fn resolve_calls_an_image_of_an_unknown_state_missing_even_to_its_owner() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let reviewing = put_image_of(&alice, &stack, 1, "reviewing").await;
    let ready = put_image_of(&alice, &stack, 2, "ready").await;
    let names = json!({"names": [reviewing, ready]});

    let answer = send(&app, event!("image-redirect/resolve").json(&names).from(&alice)).await;

    let images = answer.assert_status(200).json()["images"].clone();
    assert_eq!((&images[0]["state"], &images[1]["state"]), (&json!("missing"), &json!("ready")));
    assert!(images[0]["url"].as_str().unwrap().starts_with(&in_bucket(&stack, "defaults/missing")));
}

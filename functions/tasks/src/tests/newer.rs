//! Rows in a state that only a newer version knows, as after a rollback: left out, and left alone.

use super::*;

/// A task of somebody's with one ready image and others of unknown states, an upload of the API and one by a ticket.
async fn mixed(stack: &Stack) -> (User, String) {
    let alice = stack.signed_in().await;
    let task = task_with(stack, &alice, &[name(1), name(2), name(3)]).await;
    for (n, state) in [(2, "reviewing"), (3, "hidden")] {
        stack.change_image_row(&name(n), |row| row["state"] = json!({"S": state}));
    }
    stack.make_ticket(&name(3));
    (alice, task)
}

#[tokio::test]
async fn a_page_leaves_images_of_an_unknown_state_out() {
    let (stack, app) = start().await;
    let (alice, task) = mixed(&stack).await;

    let page = send(&app, page_of(&task).from(&alice)).await;

    assert_eq!(shown(&page), [name(1)]);
    assert_eq!(stack.listed(&task), [name(1), name(2), name(3)]);
}

#[tokio::test]
async fn an_image_of_an_unknown_state_cannot_be_deleted_for_now() {
    let (stack, app) = start().await;
    let (alice, task) = mixed(&stack).await;
    let before = (stack.rows("ImagesTable"), stack.listed(&task), stack.emulators().objects());

    for n in [2, 3] {
        send(&app, removal_of(&task, &name(n)).from(&alice)).await.assert_refused(503, "busy");
    }

    assert_eq!((stack.rows("ImagesTable"), stack.listed(&task), stack.emulators().objects()), before);
    send(&app, removal_of(&task, &name(1)).from(&alice)).await.assert_status(204);
}

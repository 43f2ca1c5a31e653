use images::{Found, Size};

use super::*;

const APPLIED_WITHOUT_ANSWER: [Fault; 2] = [Fault::AppliedThenServerError, Fault::AppliedThenReset];
const NOT_APPLIED: [Fault; 3] = [Fault::Refused, Fault::Throttled, Fault::ServerError];

/// Whether its name leads to the image and not to one that stands for it.
async fn is_found(app: &App, name: &str) -> bool {
    matches!(app.images.find(name, Size::Original, clock::now()).await.unwrap(), Found::Image(_))
}

/// An image of a user, in a task of theirs.
struct Shown {
    user: User,
    task: String,
    name: String,
}

impl Shown {
    async fn put(stack: &Stack, n: usize) -> Self {
        let user = stack.signed_in().await;
        let task = task_with(stack, &user, &[name(n)]).await;
        Self { user, task, name: name(n) }
    }

    fn removal(&self) -> Event {
        removal_of(&self.task, &self.name).from(&self.user)
    }

    fn state(&self, stack: &Stack) -> String {
        stack.image_row(&self.name).unwrap()["state"]["S"].as_str().unwrap().to_owned()
    }

    /// Whether anybody can see it: on the page, or by its name.
    async fn is_shown(&self, app: &App) -> bool {
        let page = send(app, page_of(&self.task).from(&self.user)).await;
        let by_name = is_found(app, &self.name).await;
        assert_eq!(by_name, shown(&page).contains(&self.name));
        by_name
    }

    async fn assert_gone(&self, stack: &Stack, app: &App) {
        assert_eq!(self.state(stack), "removed");
        assert!(!stack.listed(&self.task).contains(&self.name));
        assert!(!self.is_shown(app).await);
    }
}

#[tokio::test]
async fn an_image_is_removed_and_removed_again() {
    let (stack, app) = start().await;

    let first = send(&app, event!("tasks/delete-image")).await;
    let second = send(&app, event!("tasks/delete-image")).await;

    insta::assert_snapshot!(first.redacted(), @"204");
    insta::assert_snapshot!(second.redacted(), @"204");
    assert!(stack.listed("seed-task").is_empty());
    assert!(shown(&send(&app, event!("tasks/page")).await).is_empty());
    assert!(!is_found(&app, SEEDED_IMAGE).await, "its URL gives the default image");
}

#[tokio::test]
async fn its_row_becomes_a_tombstone_of_15_days_that_still_names_its_object() {
    let (stack, app) = start().await;
    let before = stack.image_row(SEEDED_IMAGE).unwrap();

    send(&app, event!("tasks/delete-image")).await.assert_status(204);

    let tombstone = stack.image_row(SEEDED_IMAGE).unwrap();
    assert_eq!(tombstone["state"]["S"], "removed");
    let kept = ["attempt", "object_key", "content_hash", "target", "owner_id"];
    assert!(kept.iter().all(|kept| tombstone[kept] == before[kept]), "{tombstone}");
    let end: i64 = tombstone["expires_at"]["N"].as_str().unwrap().parse().unwrap();
    let days = (end - clock::now().as_second() + 60) / (24 * 3600);
    assert_eq!(days, 15);

    send(&app, event!("tasks/delete-image")).await.assert_status(204);
    assert_eq!(stack.image_row(SEEDED_IMAGE).unwrap(), tombstone, "a repetition moves nothing");
}

#[tokio::test]
async fn the_other_images_stay_as_they_are() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let task = task_with(&stack, &alice, &[name(1), name(2), name(3)]).await;

    send(&app, removal_of(&task, &name(2)).from(&alice)).await.assert_status(204);

    assert_eq!(stack.listed(&task), [name(1), name(3)]);
    assert_eq!(shown(&send(&app, page_of(&task).from(&alice)).await), [name(1), name(3)]);
}

#[tokio::test]
async fn what_is_to_come_by_a_ticket_and_what_was_rejected_can_be_removed() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let task = task_with(&stack, &alice, &[name(1)]).await;
    for (n, state) in [(2, "pending"), (3, "rejected")] {
        put_image(&stack, &alice, &task, &name(n), state).await;
        stack.make_ticket(&name(n));
    }
    list_names(&stack, &task, &[name(1), name(2), name(3)]);

    for n in [2, 3] {
        for _repeated in 0..2 {
            send(&app, removal_of(&task, &name(n)).from(&alice)).await.assert_status(204);
        }
        assert_eq!(stack.image_row(&name(n)).unwrap()["state"]["S"], "removed");
    }
    assert_eq!(stack.listed(&task), [name(1)]);
}

#[tokio::test]
async fn a_name_that_the_task_never_showed_is_not_found() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let (task, other_task) = (task_with(&stack, &alice, &[name(1)]).await, task_with(&stack, &alice, &[name(2)]).await);
    put_image(&stack, &alice, &task, &name(3), "pending").await;
    list_names(&stack, &task, &[name(1), name(3)]);
    let rows = || (stack.image_rows(), stack.rows("TasksTable"));
    let before = rows();
    let long = "x".repeat(5000);

    let mut answers = vec![send(&app, event!("tasks/delete-unknown-image")).await];
    for name in [
        &name(2),
        &name(3),
        &name(4),
        &name(1).replace("jpg", "png"),
        &name(1).replace(".jpg", ""),
        &name(1).to_uppercase(),
        &name(1).replace("jpg", "jpg "),
        "5eed0000000040008000000000000002.jpg",
        &format!("avatar#{}", stack.seeded_user().user_id),
        "",
        "..",
        "%2e%2e",
        "a\r\nb",
        "a\u{0}",
        "图",
        &long,
    ] {
        answers.push(send(&app, removal_of(&task, name).from(&alice)).await);
    }

    for answer in answers {
        answer.assert_refused(404, "not_found");
    }
    assert_eq!(rows(), before);
    send(&app, removal_of(&other_task, &name(1)).from(&alice)).await.assert_refused(404, "not_found");
    assert!(!stack.wire().operations().contains(&"DynamoDB.UpdateItem".to_owned()));
}

#[tokio::test]
async fn an_image_in_somebody_elses_task_is_safe() {
    let (stack, app) = start().await;
    let (image, mallory) = (Shown::put(&stack, 1).await, stack.signed_in().await);
    let own_task = stack.task_of(&mallory).await;

    send(&app, image.removal().from(&mallory)).await.assert_refused(404, "task_not_found");
    send(&app, removal_of(&own_task, &image.name).from(&mallory)).await.assert_refused(404, "not_found");

    assert!(image.is_shown(&app).await);
}

#[tokio::test]
async fn a_removal_is_two_round_trips_of_reads_and_two_guarded_writes() {
    let (stack, app) = start().await;

    send(&app, event!("tasks/delete-image")).await.assert_status(204);

    let reads = ["DynamoDB.GetItem"; 3];
    let writes = ["DynamoDB.UpdateItem"; 2];
    assert_eq!(stack.wire().operations(), [&reads[..], &writes[..]].concat());
    let calls = stack.wire().calls();
    assert!(calls[..3].iter().all(|call| call.body.contains(r#""ConsistentRead":true"#)));
    assert!(calls[3].body.contains("ImagesTable") && calls[3].body.contains("attempt = :seen_attempt"));
    assert!(calls[4].body.contains("TasksTable") && calls[4].body.contains("version = :seen"));
}

#[tokio::test]
async fn a_removal_that_was_killed_anywhere_is_finished_by_a_repetition() {
    let (stack, app) = start().await;
    let kills = [(1, Fault::KilledBefore), (1, Fault::KilledAfter), (2, Fault::KilledBefore), (2, Fault::KilledAfter)];
    for (at, (nth, kill)) in kills.into_iter().enumerate() {
        let image = Shown::put(&stack, at).await;
        stack.wire().fail_nth("DynamoDB.UpdateItem", nth, kill);

        stack.killed(send(&app, image.removal())).await;
        let is_untouched = (nth, kill) == (1, Fault::KilledBefore);
        assert_eq!(image.is_shown(&app).await, is_untouched, "{nth} {kill:?}");

        send(&app, image.removal()).await.assert_status(204);
        image.assert_gone(&stack, &app).await;
    }
}

#[tokio::test]
async fn one_failed_call_is_absorbed_wherever_it_is() {
    let (stack, app) = start().await;
    for (at, fault) in NOT_APPLIED.into_iter().chain(APPLIED_WITHOUT_ANSWER).enumerate() {
        for nth in 1..=5 {
            let image = Shown::put(&stack, 10 * at + nth).await;
            stack.wire().fail_call(nth, fault);

            send(&app, image.removal()).await.assert_status(204);

            stack.wire().heal();
            image.assert_gone(&stack, &app).await;
        }
    }
}

#[tokio::test]
async fn done_is_never_said_while_the_image_is_shown_or_listed() {
    let (stack, app) = start().await;
    let faults = [Fault::ServerError, Fault::AppliedThenReset, Fault::AccessDenied];
    for (at, fault) in faults.into_iter().enumerate() {
        for working in 0..5 {
            let image = Shown::put(&stack, 10 * at + working).await;
            // All calls behind the first so many fail, and so do the SDK's retries.
            for nth in working + 1..30 {
                stack.wire().fail_call(nth, fault);
            }

            let answer = send(&app, image.removal()).await;

            stack.wire().heal();
            answer.assert_refused(503, "busy");
            send(&app, image.removal()).await.assert_status(204);
            image.assert_gone(&stack, &app).await;
        }
    }
}

#[tokio::test]
async fn a_name_that_came_meanwhile_stays() {
    let (stack, app) = start().await;
    let image = Shown::put(&stack, 1).await;
    put_image(&stack, &image.user, &image.task, &name(2), "ready").await;
    // The list changes while the SDK waits to try again.
    stack.wire().fail_nth("DynamoDB.UpdateItem", 2, Fault::Throttled);
    let appended = async {
        while stack.wire().calls().len() < 5 {
            tokio::task::yield_now().await;
        }
        list_names(&stack, &image.task, &[name(2), image.name.clone()]);
    };

    let (answer, ()) = tokio::join!(send(&app, image.removal()), appended);

    answer.assert_status(204);
    image.assert_gone(&stack, &app).await;
    assert_eq!(stack.listed(&image.task), [name(2)]);
}

#[tokio::test]
async fn racing_removals_of_one_image_are_all_done() {
    let (stack, app) = start().await;
    let image = Shown::put(&stack, 1).await;
    put_image(&stack, &image.user, &image.task, &name(2), "ready").await;
    list_names(&stack, &image.task, &[image.name.clone(), name(2)]);

    for answer in join_all((0..10).map(|_| send(&app, image.removal()))).await {
        answer.assert_status(204);
    }

    image.assert_gone(&stack, &app).await;
    assert_eq!(stack.listed(&image.task), [name(2)]);
}

#[tokio::test]
async fn racing_removals_of_all_images_of_a_task_leave_none() {
    let (stack, app) = start().await;
    let alice = stack.signed_in().await;
    let names: Vec<_> = (0..30).map(name).collect();
    let task = task_with(&stack, &alice, &names).await;

    for answer in join_all(names.iter().map(|name| send(&app, removal_of(&task, name).from(&alice)))).await {
        answer.assert_status(204);
    }

    assert!(stack.listed(&task).is_empty());
    assert!(stack.image_rows().iter().all(|row| row["state"]["S"] == "removed"));
}

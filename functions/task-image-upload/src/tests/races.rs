//! Many at once: nothing is lost, nothing is doubled, and a limit is a limit.

use futures_util::future::join_all;
use testkit::{Capture, Fault};

use super::*;

fn statuses(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status() == status).count()
}

/// What came back, for whoever reads of a race that was lost.
fn told(answers: &[Answer]) -> String {
    answers.iter().map(|answer| format!("{} {}", answer.status(), answer.text())).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn fifty_parallel_uploads_are_fifty_images() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;

    let answers = join_all((0..50).map(|_| house.send(upload(&alice, &task, photo())))).await;

    assert_eq!(statuses(&answers, 201), 50, "{}", told(&answers));
    answers.iter().for_each(|answer| house.assert_shown(&task, answer));
    assert_eq!((house.stack.listed(&task).len(), house.stack.stored().len()), (50, 50));
}

#[tokio::test]
async fn at_the_limit_exactly_the_limit_is_taken() {
    let house = House::with(&[("MAX_TASK_IMAGES", "7")]).await;
    let (alice, task) = house.somebody().await;

    let answers = join_all((0..20).map(|_| house.send(upload(&alice, &task, photo())))).await;

    assert_eq!((statuses(&answers, 201), statuses(&answers, 409)), (7, 13), "{}", told(&answers));
    for answer in &answers {
        if answer.status() == 409 {
            answer.assert_refused(409, "task_full");
        }
    }
    assert_eq!(house.stack.listed(&task).len(), 7);
}

#[tokio::test]
async fn racing_retries_of_one_upload_id_make_one_image_and_get_one_answer() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let log = Capture::start(|lines| platform::telemetry::subscriber(move || lines.clone()));

    let answers = join_all((0..12).map(|_| house.send(upload(&alice, &task, photo_as("race"))))).await;

    assert_eq!(statuses(&answers, 201), 12, "{}", told(&answers));
    assert!(answers.iter().all(|answer| answer.json() == answers[0].json()));
    assert_eq!((house.stack.listed(&task).len(), house.stack.stored().len()), (1, 1));
    assert_eq!(log.metrics().matches("Uploads=1").count(), 1, "{}", log.metrics());
}

#[tokio::test]
async fn of_racing_uploads_with_one_id_and_other_bytes_one_wins() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    let other = || Multipart::new().field("upload_id", "race").image(OTHER_PHOTO);

    let (one, two) =
        tokio::join!(house.send(upload(&alice, &task, photo_as("race"))), house.send(upload(&alice, &task, other())));

    let mut both = [one.status(), two.status()];
    both.sort_unstable();
    assert_eq!(both, [201, 409], "{}", told(&[one, two]));
    assert_eq!(house.stack.listed(&task).len(), 1);
}

#[tokio::test]
async fn a_slow_try_and_its_retry_finish_the_same_image() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    // The first try hangs at its object; the retry adopts its row and finishes it; then the first one goes on.
    house.stack.wire().fail_nth("S3.PutObject", 1, Fault::Held);

    let retry = async {
        house.stack.wire().held().await;
        let answer = house.send(upload(&alice, &task, photo_as("slow"))).await;
        house.stack.wire().release();
        answer
    };
    let (slow, retry) = tokio::join!(house.send(upload(&alice, &task, photo_as("slow"))), retry);

    assert_eq!((slow.status(), slow.json()), (201, retry.json()));
    house.assert_shown(&task, &slow);
    assert_eq!((house.stack.listed(&task).len(), house.stack.stored().len()), (1, 1));
}

#[tokio::test]
async fn a_prune_never_drops_a_name_that_a_retry_has_just_brought_back() {
    let house = House::with(&[("MAX_TASK_IMAGES", "1")]).await;
    let (alice, task) = house.somebody().await;
    // A listed name whose row went with its TTL.
    house.stack.wire().fail_nth("DynamoDB.UpdateItem", 2, Fault::KilledBefore);
    house.stack.killed(house.send(upload(&alice, &task, photo_as("back")))).await;
    house.stack.remove_image_row(house.stack.image_rows()[0]["stem"]["S"].as_str().unwrap());

    // Another upload has seen that row gone and is about to drop the name, when the retry comes.
    house.stack.wire().fail_nth("DynamoDB.UpdateItem", 2, Fault::Held);
    let other = house.send(upload(&alice, &task, Multipart::new().image(OTHER_PHOTO)));
    let retry = async {
        house.stack.wire().held().await;
        let answer = house.send(upload(&alice, &task, photo_as("back"))).await;
        house.stack.wire().release();
        answer
    };
    let (other, retry) = tokio::join!(other, retry);

    house.assert_shown(&task, retry.assert_status(201));
    other.assert_refused(409, "task_full");
}

#[tokio::test]
async fn a_late_repeat_of_a_claim_never_brings_back_what_was_removed_meanwhile() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    // The claim is applied and its answer is lost; before the SDK repeats it, a retry adopts the row, makes it ready, and
    // its image is deleted.
    house.stack.wire().fail_nth("DynamoDB.PutItem", 1, Fault::AppliedThenHeld);
    let first = house.send(upload(&alice, &task, photo_as("late")));
    let meanwhile = async {
        house.stack.wire().held().await;
        let answer = house.send(upload(&alice, &task, photo_as("late"))).await;
        let name = answer.assert_status(201).json()["name"].as_str().unwrap().to_owned();
        house.stack.change_image_row(&name, |row| row["state"]["S"] = "removed".into());
        house.stack.wire().release();
        name
    };
    let (first, name) = tokio::join!(first, meanwhile);

    assert!(first.status() == 503 || first.status() == 404, "{}", first.text());
    assert_eq!(house.state_of(&name), "removed");
    assert!(house.stack.stored().is_empty());
}

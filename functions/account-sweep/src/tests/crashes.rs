//! A pass is killed between any two calls, loses the answer to any of them, or meets a table that fails. Later passes find
//! what is left.

use super::*;

/// Passes until nothing can be left, from this minute on.
async fn finish(house: &House, from: i64) {
    for minutes in [from, from + 20, from + 40, from + 60] {
        house.run(minutes).await.unwrap();
    }
    assert_eq!(house.left(), [""; 0]);
}

#[tokio::test]
async fn killed_at_any_call_of_any_pass_the_next_ones_finish_it() {
    let passes =
        [(0, Fault::KilledBefore), (0, Fault::KilledAfter), (20, Fault::KilledBefore), (40, Fault::KilledBefore)];
    for (pass_minute, fault) in passes {
        let mut call = 1;
        loop {
            let house = House::full().await;
            for minutes in (0..pass_minute).step_by(20) {
                house.run(minutes).await.unwrap();
            }
            house.stack.wire().forget();
            house.stack.wire().fail_call(call, fault);
            let has_ended = tokio::select! {
                outcome = house.run(pass_minute) => { outcome.unwrap(); true }
                () = house.stack.wire().killed() => false,
            };
            house.stack.wire().heal();
            finish(&house, pass_minute + 20).await;
            if has_ended {
                break;
            }
            call += 1;
        }
        assert!(call > 5, "query, lease, identity, sessions, tasks, images, pointer: {call}");
    }
}

#[tokio::test]
async fn a_table_that_fails_makes_the_pass_come_again_when_its_lease_ends() {
    let operations = ["DynamoDB.UpdateItem", "DynamoDB.DeleteItem", "DynamoDB.BatchGetItem", "DynamoDB.BatchWriteItem"];
    for operation in operations {
        let house = House::full().await;
        house.stack.wire().fail_every(operation, Fault::AccessDenied);
        let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

        let error = house.run(0).await.unwrap_err();

        assert_eq!((error.code().name(), &outcomes(&log)[..]), ("busy", &[json!("failed")][..]), "{operation}");
        house.stack.wire().heal();
        finish(&house, 20).await;
    }
}

#[tokio::test]
async fn while_the_index_cannot_be_read_the_line_says_so() {
    let house = House::full().await;
    house.stack.wire().fail_every("DynamoDB.Query", Fault::AccessDenied);
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));

    house.run(0).await.unwrap_err();

    assert_eq!(outcomes(&log), ["failed"]);
    house.stack.wire().heal();
    finish(&house, 0).await;
}

#[tokio::test]
async fn a_lost_answer_to_any_write_changes_nothing_in_the_end() {
    for operation in ["DynamoDB.UpdateItem", "DynamoDB.DeleteItem", "DynamoDB.BatchWriteItem"] {
        for nth in 1..=3 {
            let house = House::full().await;
            house.stack.wire().fail_nth(operation, nth, Fault::AppliedThenServerError);
            house.run(0).await.unwrap();
            finish(&house, 20).await;
        }
    }
}

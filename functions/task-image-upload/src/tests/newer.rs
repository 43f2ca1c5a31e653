//! Rows in a state that only a newer version knows, as after a rollback: no upload changes them or takes their objects.

use testkit::Fault;

use super::*;

fn set_state(house: &House, name: &str, state: &str) {
    house.stack.change_image_row(name, |row| row["state"]["S"] = state.into());
}

#[tokio::test]
async fn a_retry_that_finds_an_unknown_state_is_busy_and_changes_nothing() {
    for state in ["reviewing", "hidden"] {
        let house = House::new().await;
        let (alice, task) = house.somebody().await;
        let first = house.send(upload(&alice, &task, photo_as("one"))).await;
        set_state(&house, first.assert_status(201).json()["name"].as_str().unwrap(), state);
        let kept = || (house.stack.image_rows(), house.stack.listed(&task), house.stack.stored());
        let before = kept();

        house.send(upload(&alice, &task, photo_as("one"))).await.assert_refused(503, "busy");

        assert_eq!(kept(), before, "{state}");
    }
}

#[tokio::test]
async fn an_object_stays_whose_row_gets_an_unknown_state_before_it_was_ready() {
    let house = House::new().await;
    let (alice, task) = house.somebody().await;
    // While the write that makes the row ready is held, a newer version changes the row.
    house.stack.wire().fail_nth("DynamoDB.UpdateItem", 2, Fault::Held);
    let meanwhile = async {
        house.stack.wire().held().await;
        set_state(&house, &house.stack.listed(&task)[0], "reviewing");
        house.stack.wire().release();
    };
    let (answer, ()) = tokio::join!(house.send(upload(&alice, &task, photo())), meanwhile);

    answer.assert_refused(503, "busy");
    assert_eq!(house.state_of(&house.stack.listed(&task)[0]), "reviewing");
    assert_eq!(house.stack.stored().len(), 1, "the newer version may show it");
}

#[tokio::test]
async fn a_full_list_keeps_the_names_of_unknown_states_and_forms() {
    let house = House::with(&[("MAX_TASK_IMAGES", "1")]).await;
    let (alice, task) = house.somebody().await;
    let first = house.send(upload(&alice, &task, photo())).await;
    let name = first.assert_status(201).json()["name"].as_str().unwrap().to_owned();
    for state in ["reviewing", "hidden"] {
        for is_of_ticket in [false, true] {
            house.stack.change_image_row(&name, |row| {
                row["state"]["S"] = state.into();
                row["touched_at"]["N"] = "1".into();
            });
            if is_of_ticket {
                house.stack.make_ticket(&name);
            }
            house.send(upload(&alice, &task, photo())).await.assert_refused(409, "task_full");
            assert_eq!(house.stack.listed(&task), std::slice::from_ref(&name), "{state}, ticket: {is_of_ticket}");
        }
    }

    let of_a_newer_format = [name.replace("jpg", "jxl")];
    house.stack.set_list(&task, &of_a_newer_format);
    house.send(upload(&alice, &task, photo())).await.assert_refused(409, "task_full");
    assert_eq!(house.stack.listed(&task), of_a_newer_format);
}

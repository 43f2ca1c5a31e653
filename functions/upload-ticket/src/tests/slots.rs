//! Tickets take the slots of their task, as many as there are, and unused tickets free theirs.

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use testkit::post_half_a_form;

use super::*;

#[tokio::test]
async fn a_task_full_of_living_tickets_is_full() {
    let house = House::with(&[("MAX_TASK_IMAGES", "2")]).await;
    let (alice, task) = house.somebody().await;
    for _ in 0..2 {
        house.send(ask(&alice, &task, &photo())).await.assert_status(201);
    }

    let refused = house.send_at(ask(&alice, &task, &photo_as("third")), in_minutes(9)).await;

    refused.assert_refused(409, "task_full");
    assert_eq!(house.stack.listed(&task).len(), 2);
}

#[tokio::test]
async fn a_ticket_that_found_no_room_finds_it_later() {
    let house = House::with(&[("MAX_TASK_IMAGES", "1")]).await;
    let (alice, task) = house.somebody().await;
    house.send(ask(&alice, &task, &photo())).await.assert_status(201);
    house.send(ask(&alice, &task, &photo_as("second"))).await.assert_refused(409, "task_full");

    house.stack.set_list(&task, &[]);

    let answer = house.send(ask(&alice, &task, &photo_as("second"))).await;
    house.assert_ticket(&task, &answer);
}

#[tokio::test]
async fn at_the_limit_exactly_the_limit_is_given() {
    let house = House::with(&[("MAX_TASK_IMAGES", "7")]).await;
    let (alice, task) = house.somebody().await;

    let answers = join_all((0..20).map(|_| house.send(ask(&alice, &task, &photo())))).await;

    let count = |status| answers.iter().filter(|answer| answer.status() == status).count();
    assert_eq!((count(201), count(409)), (7, 13));
    assert_eq!(house.stack.listed(&task).len(), 7);
}

#[tokio::test]
async fn of_200_tickets_exactly_the_unused_ones_free_their_slots() {
    let house = House::with(&[("MAX_TASK_IMAGES", "100")]).await;
    let alice = house.stack.signed_in().await;
    let tasks = [house.stack.task_of(&alice).await, house.stack.task_of(&alice).await];
    let house = &house;
    let ask_for = async |task: &str, how_many: usize, now| -> Vec<Answer> {
        let asks = (0..how_many).map(|_| house.send_at(ask(&alice, task, &photo()), now));
        stream::iter(asks).buffered(4).collect().await
    };
    let mut sent = Vec::new();
    for task in &tasks {
        let tickets = ask_for(task, 100, clock::now()).await;
        for (at, ticket) in tickets.iter().enumerate() {
            house.assert_ticket(task, ticket);
            // One is sent, one is not, one is sent, one is cut.
            match at % 4 {
                0 | 2 => assert_eq!(post(ticket, PHOTO).await.status, 201),
                1 => {}
                _ => {
                    let ticket = ticket.json();
                    let form = form_of(&ticket["fields"]).file(PHOTO);
                    post_half_a_form(ticket["url"].as_str().unwrap(), form).await;
                }
            }
        }
        let of_this: Vec<_> = tickets.iter().step_by(2).map(name_of).collect();
        sent.push(house.stack.listed(task).into_iter().filter(|name| of_this.contains(name)).collect::<Vec<_>>());
    }
    assert_eq!(house.incoming().len(), 100);

    for (task, sent) in tasks.iter().zip(&sent) {
        house.send_at(ask(&alice, task, &photo()), in_minutes(9)).await.assert_refused(409, "task_full");

        for answer in ask_for(task, 1, in_minutes(11)).await.into_iter().chain(ask_for(task, 49, in_minutes(11)).await)
        {
            house.assert_ticket(task, &answer);
        }
        house.send_at(ask(&alice, task, &photo()), in_minutes(11)).await.assert_refused(409, "task_full");
        let listed = house.stack.listed(task);
        assert_eq!((listed.len(), &listed[..50]), (100, &sent[..]), "those that were sent stay, in their order");
    }
}

//! Tickets take places in their task, as many as there are, and those that nothing comes of give them back.

use futures_util::future::join_all;

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
async fn of_a_full_task_the_tickets_that_nothing_came_of_go_and_those_whose_photo_came_stay() {
    let house = House::with(&[("MAX_TASK_IMAGES", "10")]).await;
    let (alice, task) = house.somebody().await;
    let mut tickets = Vec::new();
    for _ in 0..10 {
        tickets.push(house.send(ask(&alice, &task, &photo())).await);
    }
    let sent: Vec<_> = tickets.iter().step_by(2).collect();
    for ticket in &sent {
        assert_eq!(post(ticket, PHOTO).await.status, 201);
    }

    let next = house.send_at(ask(&alice, &task, &photo()), in_minutes(11)).await;

    house.assert_ticket(&task, &next);
    let expected: Vec<_> = sent.into_iter().chain([&next]).map(name_of).collect();
    assert_eq!(house.stack.listed(&task), expected);
}

#![doc = include_str!("../README.md")]

mod answer;
mod background;
pub mod deliveries;
mod demo;
pub mod event;
pub mod function;
pub mod gateway;
pub mod in_process;
pub mod invoke;
pub mod schedule;
pub mod settings;
pub mod stack;

/// The id of one request, as the gateway and Lambda give it out.
fn new_request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

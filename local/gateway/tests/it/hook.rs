//! The example of `docs/events.md` is told of what happens to images, as the document says.

use std::sync::Arc;
use std::time::Duration;

use emulators::template::{Template, policies};
use gateway::function::{Function, Functions};
use gateway::stack::Stack;
use lambda_http::LambdaEvent;
use serde_json::json;

use crate::client::{delete, post, sign_in};
use crate::settings;
use crate::workspace::text;

#[expect(dead_code, reason = "its `main` is for Lambda")]
#[path = "../../examples/on_image.rs"]
mod example;

const PHOTO: &[u8] = include_bytes!("../../../../events/photos/coffee.jpg");

#[test]
fn the_document_shows_the_example_as_it_is_compiled() {
    assert!(text("docs/events.md").contains(&text("local/gateway/examples/on_image.rs")));
}

/// The template with events on, and with the resource that the document shows.
fn template_with_the_example() -> String {
    let document = text("docs/events.md");
    let resource = document.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a resource");
    let template = text("template.yaml");
    let off = "  Events:\n    Type: String\n    Default: \"off\"\n";
    assert!(template.contains(off), "the parameter Events");
    let on = template.replace(off, &off.replace("off", "on"));
    on.replacen("\nResources:\n", &format!("\nResources:\n{resource}"), 1)
}

#[tokio::test]
async fn the_example_is_told_of_images_that_are_shown_and_removed() {
    let shelf = Arc::new(example::Shelf::default());
    let told = Arc::clone(&shelf);
    let mut others = Functions::default();
    let handle = move |event: LambdaEvent<example::Event>| {
        let told = Arc::clone(&told);
        async move { example::handle(&told, event).await }
    };
    others.insert("on-image", Function::new(Duration::from_secs(3), handle));
    let stack = Stack::start_of(&template_with_the_example(), others, &settings(), &|_| None).await.expect("a stack");
    let base = &stack.addresses().gateway;
    let alice = sign_in(base, "dev-alice-1").await;
    let task = post(base, "/tasks").from(&alice).json(&json!({})).send().await.expect(201);
    let task_id = task["task_id"].as_str().expect("a task id");
    let images = format!("/tasks/{task_id}/images");

    let image = post(base, &images).from(&alice).form(&[], PHOTO).send().await.expect(201);
    let second = post(base, &images).from(&alice).form(&[("upload_id", "second")], PHOTO).send().await.expect(201);
    assert_ne!(image["name"], second["name"]);
    until(|| shelf.shown(task_id) == 2).await;
    let removal = format!("{images}/{}", image["name"].as_str().expect("a name"));
    assert_eq!(delete(base, &removal).from(&alice).send().await.status, 204);

    until(|| shelf.shown(task_id) == 1).await;
}

#[test]
fn without_events_there_is_neither_bus_nor_right_nor_variable() {
    let yaml = text("template.yaml");
    let sweep = |yaml: &str| {
        let functions = Template::parse(yaml).expect("our own template").functions;
        functions.into_iter().find(|function| function.name == "image-sweep").expect("the sweep")
    };
    let may_put = |parameters: &[(&str, &str)]| {
        let policy = policies(&yaml, parameters).expect("policies").remove("image-sweep").expect("the sweep's");
        policy.grants.iter().any(|grant| grant.action == "events:PutEvents")
    };

    let (off, on) = (sweep(&yaml), sweep(&template_with_the_example()));
    assert_eq!((off.environment.get("EVENT_BUS"), on.environment["EVENT_BUS"].as_str()), (None, "EventBus"));
    assert_eq!(on.streams[0].filters.len(), off.streams[0].filters.len() + 1);
    assert_eq!((may_put(&[]), may_put(&[("Events", "on")])), (false, true));
    let template = emulators::template::document(&yaml).expect("our own template");
    assert_eq!(template["Resources"]["EventBus"]["Condition"], "HasEvents");
}

async fn until(holds: impl Fn() -> bool) {
    for _ in 0..1500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it was not told");
}

//! Every event file is what its function is sent, and is used.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use emulators::template::Template;
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;

use crate::workspace::{files, root, text};

/// `(function, case, path)` of every event file.
pub(crate) fn events() -> Vec<(String, String, PathBuf)> {
    let name = |path: &Path| path.file_stem().and_then(OsStr::to_str).expect("a name").to_owned();
    let events =
        files("events").into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let events = events.filter(|path| path.parent() != Some(root().join("events").as_path()));
    events.map(|path| (name(path.parent().expect("a folder")), name(&path), path)).collect()
}

#[test]
fn every_event_of_an_authorizer_is_a_question_that_it_understands() {
    for (_, case, path) in events().into_iter().filter(|(function, ..)| function == "session-authorizer") {
        let question = serde_json::from_str::<session_authorizer::Event>(&text(&path));
        assert!(question.is_ok(), "{case}: {:?}", question.err());
    }
}

#[test]
fn every_event_of_the_sweep_is_records_of_a_stream() {
    for (_, case, path) in events().into_iter().filter(|(function, ..)| function == "image-sweep") {
        let records = serde_json::from_str::<image_sweep::Event>(&text(&path));
        assert!(records.is_ok(), "{case}: {:?}", records.err());
    }
}

#[test]
fn every_event_of_the_ingest_is_one_of_s3() {
    for (_, case, path) in events().into_iter().filter(|(function, ..)| function == "image-ingest") {
        let records = serde_json::from_str::<image_ingest::Event>(&text(&path));
        assert!(records.is_ok(), "{case}: {:?}", records.err());
    }
}

#[test]
fn every_event_of_the_account_sweep_is_one_of_a_schedule() {
    for (_, case, path) in events().into_iter().filter(|(function, ..)| function == "account-sweep") {
        let event = serde_json::from_str::<account_sweep::Event>(&text(&path));
        assert!(event.is_ok(), "{case}: {:?}", event.err());
    }
}

#[test]
fn every_other_event_is_a_request_of_payload_format_2_on_a_route_to_its_function() {
    let template = Template::parse(&text("template.yaml")).expect("our own template");
    let is_called_otherwise =
        |function: &str| ["session-authorizer", "image-ingest", "image-sweep", "account-sweep"].contains(&function);
    for (function, case, path) in events().into_iter().filter(|(function, ..)| !is_called_otherwise(function)) {
        let request = lambda_http::request::from_str(&text(&path)).unwrap_or_else(|error| panic!("{path:?}: {error}"));

        let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
            panic!("{function}/{case} is no event of an HTTP API")
        };
        let declared = template.functions.iter().find(|declared| declared.name == function).expect("a function");
        let routes: BTreeSet<_> = declared.routes.iter().map(route_key).collect();
        let route = context.route_key.as_deref().expect("a route");
        assert!(routes.contains(route), "{function}/{case}: {route} is not among {routes:?}");
    }
}

pub(crate) fn route_key(route: &emulators::template::Route) -> String {
    match route.path.as_str() {
        "$default" => "$default".to_owned(),
        path => format!("{} {path}", route.method),
    }
}

#[test]
fn every_event_is_used_by_a_test_of_its_function() {
    let orphans: Vec<_> = events()
        .into_iter()
        .filter(|(function, case, _)| {
            let named = format!("\"{function}/{case}\"");
            !files(format!("functions/{function}/src")).into_iter().any(|path| text(path).contains(&named))
        })
        .map(|(function, case, _)| format!("{function}/{case}"))
        .collect();

    assert!(orphans.is_empty(), "no test sends {orphans:?}");
}

#[test]
fn every_event_is_as_its_table_makes_it() {
    let mut python = Command::new("python3");
    python.arg("events/make.py").arg("--check").current_dir(root());
    let Ok(output) = python.output() else {
        // Past the capture of a passing test's output: a part that was not run has to be seen.
        let _ = writeln!(std::io::stderr(), "left out: there is no python3 to run events/make.py --check with");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

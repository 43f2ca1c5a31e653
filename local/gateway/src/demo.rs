//! `/_demo/`: the page of `client/demo-web`, what it runs on, and the switch that takes S3 down.
//!
//! It is served beside the API by the local stack alone: no function and no template knows of it.

use axum::Router;
use axum::extract::{Json, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use emulators::Outage;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Deserialize;

macro_rules! files {
    ($($name:literal from $path:literal,)*) => {
        &[$(($name, include_bytes!(concat!("../../../", $path)))),*]
    };
}

/// What is served, by the name after `/_demo/`. It is in the program: no path that is asked for reaches the disk.
const FILES: &[(&str, &[u8])] = files![
    "index.html" from "client/demo-web/index.html",
    "style.css" from "client/demo-web/style.css",
    "main.js" from "client/demo-web/main.js",
    "calls.js" from "client/demo-web/calls.js",
    "dom.js" from "client/demo-web/dom.js",
    "faults.js" from "client/demo-web/faults.js",
    "pictures.js" from "client/demo-web/pictures.js",
    "texts.js" from "client/demo-web/texts.js",
    "uploads.js" from "client/demo-web/uploads.js",
    "users.js" from "client/demo-web/users.js",
    "viewer.js" from "client/demo-web/viewer.js",
    "sdk/index.js" from "client/sdk/index.js",
    "wx-emulator/index.js" from "client/wx-emulator/index.js",
    "wx-emulator/domains.js" from "client/wx-emulator/domains.js",
    "wx-emulator/multipart.js" from "client/wx-emulator/multipart.js",
    "wx-emulator/storage.js" from "client/wx-emulator/storage.js",
    "wx-emulator/transport-browser.js" from "client/wx-emulator/transport-browser.js",
    "photos/coffee.jpg" from "events/photos/coffee.jpg",
    "photos/cat.jpg" from "events/photos/seed-avatar.jpg",
    "photos/rocket.jpg" from "shared/imaging/corpus/rocket.jpg",
];

pub(crate) fn router(s3_outage: Outage) -> Router {
    Router::new()
        .route("/_demo", get(async || Redirect::permanent("/_demo/")))
        .route("/_demo/", get(async || file("index.html")))
        .route("/_demo/{*name}", get(async |Path(name): Path<String>| file(&name)))
        .route("/_demo/faults", post(switch))
        .with_state(s3_outage)
}

fn file(name: &str) -> Response {
    match FILES.iter().find(|(known, _)| *known == name) {
        // Files change with the program, under the same names.
        Some((name, bytes)) => {
            ([(CONTENT_TYPE, content_type(name)), (CACHE_CONTROL, "no-cache")], *bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "jpg")) => "image/jpeg",
        _ => "application/octet-stream",
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    s3_down: bool,
}

async fn switch(State(s3_outage): State<Outage>, Json(faults): Json<Faults>) -> StatusCode {
    s3_outage.set(faults.s3_down);
    StatusCode::NO_CONTENT
}

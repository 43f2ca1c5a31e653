#![doc = include_str!("../README.md")]

mod address;
mod bucket;
mod client;
mod clock;
mod contract;
mod finding;
mod front_door;
mod images;
mod session;
pub mod tls;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio_rustls::rustls::RootCertStore;

pub use address::{Address, MalformedAddress};
pub use finding::{Finding, Verdict};
pub use session::Session;

use client::Client;
use finding::{Checked, Trouble};
use session::{Guest, HeaderCheck};

/// What to look at.
#[derive(Debug)]
pub struct Visit {
    /// The base address that mini-programs are given.
    pub front: Address,
    /// The bucket's address, where a redirect to a default image does not tell it.
    pub bucket: Option<Address>,
    /// A living session, where one is at hand.
    pub session: Option<Session>,
    /// Whether to wait until the end of what a redirect may be kept for, and to follow it then.
    pub patient: bool,
    /// Whose certificates are trusted.
    pub roots: RootCertStore,
}

/// Makes every check, in the order of the report. One that fails keeps no other from being made, but for the front
/// door's: nothing behind a closed door can be seen.
pub async fn examine(visit: &Visit, http: SharedHttpClient) -> Vec<Finding> {
    let client = Client::new(http);
    let front = Finding::of("front door", front_door::check(&client, &visit.front, &visit.roots).await);
    let is_open = front.verdict != Verdict::Fail;
    let mut findings = vec![front];
    if is_open {
        findings.extend(examine_inside(visit, &client).await);
    } else {
        let behind = Trouble::not_checked("the front door is closed", "mend that first");
        findings.push(Finding::of("all the others", Err(behind)));
    }
    findings
}

async fn examine_inside(visit: &Visit, client: &Client) -> Vec<Finding> {
    let front = &visit.front;
    let guest = Guest::arrive(client, front, visit.session.clone()).await;
    let mut findings = vec![
        Finding::of("header names", HeaderCheck { client, front, guest: &guest }.run().await),
        Finding::of("login refusal", contract::a_bad_code_is_refused(client, front).await),
        Finding::of("no session", contract::a_call_without_session_is_refused(client, front).await),
        Finding::of("unknown route", contract::an_unknown_route_is_refused(client, front).await),
    ];
    findings.extend(examine_pictures(visit, client).await);
    findings.extend(guest.leave(client, front).await);
    findings
}

/// Follows the redirect to a default image, and sees from there where the bucket is.
async fn examine_pictures(visit: &Visit, client: &Client) -> Vec<Finding> {
    let redirect = images::redirect(client, &visit.front).await;
    let picture = check(&redirect, async |redirect| images::picture(client, redirect).await).await;
    let clock = clock::check(client, &visit.front, redirect.as_ref().ok()).await;
    let bucket = bucket::address(visit.bucket.as_ref(), redirect.as_ref().ok());
    let redirect = redirect.map_err(|_| Trouble::not_checked("no redirect to follow", "mend that one first"));
    let life = check(&redirect, async |redirect| images::life(client, redirect, visit.patient).await).await;
    let unsigned_read = check(&redirect, async |redirect| bucket::unsigned_read(client, redirect).await).await;
    let listing = check(&bucket, async |bucket| bucket::listing(client, bucket).await).await;
    let bad_forms = check(&bucket, async |bucket| bucket::bad_forms(client, bucket).await).await;
    vec![
        Finding::of("default image", picture),
        Finding::of("image address", life),
        Finding::of("unsigned read", unsigned_read),
        Finding::of("bucket listing", listing),
        Finding::of("bad form", bad_forms),
        Finding::of("clock", clock),
    ]
}

/// Makes a check on what an earlier one found; where that found trouble, this is the trouble.
async fn check<T>(found: &Result<T, Trouble>, check: impl AsyncFnOnce(&T) -> Checked) -> Checked {
    match found {
        Ok(found) => check(found).await,
        Err(trouble) => Err(trouble.clone()),
    }
}

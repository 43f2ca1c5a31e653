//! The doctor visits the local stack, which is well, and small servers that are ill in one way each.
#![expect(clippy::expect_used, reason = "the helpers of a test fail as the test itself does")]

mod certificates;
mod healthy;
mod ill;
mod patient;
mod program;

use doctor::{Finding, Session, Verdict, Visit, examine, tls};
use platform::aws::http_client;

fn visit_of(front: &str) -> Visit {
    let front = front.parse().expect("an address");
    Visit { front, bucket: None, session: None, patient: false, roots: tls::roots_of_this_machine() }
}

fn session() -> Session {
    Session { user_id: "the-user".to_owned(), session_id: "the-session".to_owned() }
}

async fn findings_of(visit: Visit) -> Vec<Finding> {
    examine(&visit, http_client()).await
}

/// The report of those that are not well.
fn complaints(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter(|finding| finding.verdict != Verdict::Ok).map(ToString::to_string).collect()
}

fn names(findings: &[Finding], verdict: Verdict) -> Vec<&str> {
    findings.iter().filter(|finding| finding.verdict == verdict).map(|finding| finding.check).collect()
}

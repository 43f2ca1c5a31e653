//! `make doctor`: looks at a running deployment as a mini-program meets it, and says what to do.

use std::process::ExitCode;

use doctor::{Address, Finding, Session, Verdict, Visit, examine, tls};
use platform::aws::http_client;
use platform::config::{self, Variable, Variables};

const USAGE: &str = "doctor ADDRESS [--bucket ADDRESS] [--patient]";

static DOCTOR_SESSION_ID: Variable = Variable {
    name: "DOCTOR_SESSION_ID",
    meaning: "A living session, for the checks that a stranger cannot make; with `DOCTOR_USER_ID`.",
    default: None,
};
static DOCTOR_USER_ID: Variable =
    Variable { name: "DOCTOR_USER_ID", meaning: "The user of that session.", default: None };

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let visit = match visit(std::env::args().skip(1)) {
        Ok(visit) => visit,
        Err(error) => {
            complain(error.as_ref());
            return ExitCode::from(2);
        }
    };
    let findings = examine(&visit, http_client()).await;
    findings.iter().for_each(say);
    let is_well = findings.iter().all(|finding| finding.verdict != Verdict::Fail);
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn visit(mut arguments: impl Iterator<Item = String>) -> Result<Visit, Box<dyn std::error::Error>> {
    let (mut front, mut bucket, mut patient) = (None, None, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bucket" => bucket = Some(arguments.next().ok_or(USAGE)?.parse()?),
            "--patient" => patient = true,
            address if front.is_none() => front = Some(address.parse::<Address>()?),
            _ => return Err(USAGE.into()),
        }
    }
    let session = config::from_env(read_session)?;
    Ok(Visit { front: front.ok_or(USAGE)?, bucket, session, patient, roots: tls::roots_of_this_machine() })
}

/// From the environment: arguments can be seen by everybody who lists processes.
fn read_session(variables: &mut Variables<'_>) -> Option<Session> {
    match (variables.optional(&DOCTOR_SESSION_ID), variables.optional(&DOCTOR_USER_ID)) {
        (Some(session_id), Some(user_id)) => Some(Session { user_id, session_id }),
        (None, None) => None,
        (Some(_), None) => {
            variables.problem(&DOCTOR_USER_ID, "is not set, but DOCTOR_SESSION_ID is");
            None
        }
        (None, Some(_)) => {
            variables.problem(&DOCTOR_SESSION_ID, "is not set, but DOCTOR_USER_ID is");
            None
        }
    }
}

#[expect(clippy::print_stdout, reason = "the report is what this program is started for")]
fn say(finding: &Finding) {
    println!("{finding}");
}

#[expect(clippy::print_stderr, reason = "whoever starts it by hand has to see why it does not look")]
fn complain(error: &dyn std::error::Error) {
    eprintln!("{error}");
}

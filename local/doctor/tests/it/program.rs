use std::process::{Command, Output};

use crate::patient::{Illness, Patient};

/// Runs the program as `make doctor` does, with no other environment.
async fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doctor"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    tokio::task::spawn_blocking(move || command.output().expect("an end")).await.expect("a program")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_prints_a_line_for_each_check_and_ends_well() {
    let patient = Patient::with(Illness::None).await;

    let output = doctor(&[patient.url()], &[]).await;

    let report = String::from_utf8(output.stdout).expect("text");
    assert_eq!((output.status.code(), report.lines().count()), (Some(0), 11), "{report}");
    assert!(report.lines().all(|line| line.starts_with("ok    ")), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failure_makes_it_end_with_1_and_keeps_no_other_check_from_being_made() {
    let patient = Patient::with(Illness::WeChatUnavailable).await;

    let output = doctor(&[patient.url()], &[]).await;

    let report = String::from_utf8(output.stdout).expect("text");
    assert_eq!((output.status.code(), report.lines().count()), (Some(1), 11), "{report}");
    assert_eq!(report.lines().filter(|line| line.starts_with("FAIL  ")).count(), 1, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_comes_from_the_environment_and_is_not_printed() {
    let patient = Patient::with(Illness::None).await;
    let session = [("DOCTOR_SESSION_ID", "the-session"), ("DOCTOR_USER_ID", "the-user")];

    let output = doctor(&[patient.url()], &session).await;

    let report = String::from_utf8(output.stdout).expect("text");
    assert!(report.contains("seen with a session"), "{report}");
    assert!(!report.contains("the-session"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_session_no_address_and_unknown_words_are_refused() {
    for (arguments, variables, words) in [
        (&["http://127.0.0.1"][..], &[("DOCTOR_USER_ID", "the-user")][..], "DOCTOR_SESSION_ID is not set"),
        (&[], &[], "doctor ADDRESS"),
        (&["127.0.0.1:8787"], &[], "an address begins with https://"),
        (&["http://127.0.0.1", "--quick"], &[], "doctor ADDRESS"),
    ] {
        let output = doctor(arguments, variables).await;

        let told = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(told.contains(words), "{told}");
    }
}

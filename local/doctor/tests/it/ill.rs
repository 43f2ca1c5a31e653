use doctor::{Session, Verdict, Visit};
use tokio::net::TcpListener;

use crate::patient::{Illness, Patient};
use crate::{complaints, findings_of, names, session, visit_of};

/// Visits a patient as a stranger: exactly this check fails, and says so in these words.
async fn check(illness: Illness, failing: &str, words: &str) {
    let patient = Patient::with(illness).await;

    let findings = findings_of(visit_of(patient.url())).await;

    assert_eq!(names(&findings, Verdict::Fail), [failing], "{:#?}", complaints(&findings));
    let complaint = complaints(&findings).into_iter().find(|complaint| complaint.starts_with("FAIL")).expect("one");
    assert!(complaint.contains(words), "{complaint}");
    assert!(complaint.contains(" -> "), "no advice: {complaint}");
}

#[tokio::test]
async fn a_proxy_that_drops_underscores_is_seen_by_a_stranger() {
    check(Illness::DropsUnderscores, "header names", "session-id arrives, session_id does not").await;
}

#[tokio::test]
async fn a_proxy_that_drops_underscores_is_seen_with_a_session() {
    let patient = Patient::with(Illness::DropsUnderscores).await;

    let findings = findings_of(Visit { session: Some(session()), ..visit_of(patient.url()) }).await;

    assert_eq!(names(&findings, Verdict::Fail), ["header names"]);
}

#[tokio::test]
async fn a_session_that_has_ended_is_not_mistaken_for_a_proxy() {
    let patient = Patient::with(Illness::None).await;
    let ended = Session { session_id: "another".to_owned(), ..session() };

    let findings = findings_of(Visit { session: Some(ended), ..visit_of(patient.url()) }).await;

    assert_eq!(names(&findings, Verdict::Fail), ["header names"]);
    assert!(complaints(&findings)[0].contains("the session itself is refused"), "{:?}", complaints(&findings));
}

#[tokio::test]
async fn without_a_limit_on_headers_a_stranger_is_told_what_was_not_checked() {
    let patient = Patient::with(Illness::TakesAnyHeaders).await;

    let findings = findings_of(visit_of(patient.url())).await;

    assert_eq!(names(&findings, Verdict::Fail), [""; 0]);
    assert!(complaints(&findings)[0].contains("set DOCTOR_SESSION_ID"), "{:?}", complaints(&findings));
}

#[tokio::test]
async fn a_refused_secret_is_told_apart_from_a_refused_code() {
    check(Illness::WeChatUnavailable, "login refusal", "put the app secret again").await;
}

#[tokio::test]
async fn a_login_that_takes_any_code_is_seen() {
    check(Illness::TakesAnyCode, "login refusal", "expected 401 code_invalid, got 201").await;
}

#[tokio::test]
async fn an_account_in_china_without_an_icp_record_is_told_so_at_the_front_door() {
    check(Illness::WithoutIcpRecord, "front door", "until the account has an ICP record").await;
}

#[tokio::test]
async fn an_endpoint_that_is_closed_is_told_apart_from_an_unknown_route() {
    check(Illness::ClosedEndpoint, "front door", "give the own domain where DefaultEndpoint is closed").await;
}

#[tokio::test]
async fn a_refusal_in_another_shape_is_seen() {
    check(Illness::NoRequestId, "no session", "request_id is missing").await;
}

#[tokio::test]
async fn an_answer_of_the_gateway_itself_is_seen() {
    check(Illness::NoDefaultRoute, "unknown route", r#"got 404 {"message":"Not Found"}"#).await;
}

#[tokio::test]
async fn an_image_that_is_no_redirect_is_seen_and_what_follows_is_not_checked() {
    let patient = Patient::with(Illness::AnswersBytes).await;

    let findings = findings_of(visit_of(patient.url())).await;

    assert_eq!(names(&findings, Verdict::Fail), ["default image"]);
    let not_checked = ["image address", "unsigned read", "bucket listing", "bad form"];
    assert_eq!(names(&findings, Verdict::Warn), not_checked);
}

#[tokio::test]
async fn bytes_under_another_content_type_are_seen() {
    check(Illness::WrongContentType, "default image", r#"called "binary/octet-stream""#).await;
}

#[tokio::test]
async fn cloudfront_without_nosniff_is_a_warning() {
    let patient = Patient::with(Illness::CloudFrontWithoutNosniff).await;

    let findings = findings_of(visit_of(patient.url())).await;

    assert_eq!(names(&findings, Verdict::Warn), ["default image"]);
    assert_eq!(names(&findings, Verdict::Fail), [""; 0]);
    assert!(complaints(&findings)[0].contains("without nosniff"), "{:?}", complaints(&findings));
}

#[tokio::test]
async fn a_redirect_without_max_age_is_seen() {
    check(Illness::NoMaxAge, "default image", "without max-age").await;
}

#[tokio::test]
async fn an_address_that_ends_before_its_redirect_is_seen() {
    check(Illness::ShortAddress, "image address", "may be kept for 60 s, its address lives for 90 s").await;
}

#[tokio::test]
async fn a_bucket_that_can_be_listed_is_seen() {
    check(Illness::Listable, "bucket listing", "everybody can list").await;
}

#[tokio::test]
async fn a_bucket_that_is_read_without_signature_is_seen() {
    check(Illness::Readable, "unsigned read", "without a signature (200)").await;
}

#[tokio::test]
async fn a_bucket_that_takes_unsigned_forms_is_seen() {
    check(Illness::TakesUnsignedForms, "bad form", "nobody signed").await;
}

#[tokio::test]
async fn a_bucket_that_takes_forged_forms_is_seen() {
    check(Illness::TakesForgedForms, "bad form", "nobody signed").await;
}

#[tokio::test]
async fn a_bucket_of_another_region_is_seen() {
    check(Illness::AnotherRegion, "bad form", "307 to http://elsewhere.example").await;
}

#[tokio::test]
async fn a_clock_that_is_ten_minutes_off_is_seen() {
    check(Illness::FastClock, "clock", "ahead of this machine's").await;
}

#[tokio::test]
async fn a_refused_connection_is_the_front_doors_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    drop(listener);

    let findings = findings_of(visit_of(&url)).await;

    assert_eq!(names(&findings, Verdict::Fail), ["front door"]);
    assert!(complaints(&findings)[0].contains("no connection to 127.0.0.1"), "{:?}", complaints(&findings));
    assert_eq!(names(&findings, Verdict::Warn), ["all the others"]);
}

#[tokio::test]
async fn a_name_that_is_not_there_is_told_so() {
    let findings = findings_of(visit_of("https://no-such-name.invalid")).await;

    assert_eq!(names(&findings, Verdict::Fail), ["front door"]);
    assert!(complaints(&findings)[0].contains("the name no-such-name.invalid is not found"), "{findings:?}");
}

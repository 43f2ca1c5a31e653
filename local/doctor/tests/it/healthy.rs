use doctor::{Verdict, Visit};
use emulators::Data;
use gateway::settings::Settings;
use gateway::stack::Stack;

use crate::patient::{Illness, Patient};
use crate::{complaints, findings_of, names, session, visit_of};

async fn stack(delivery: &'static str) -> Stack {
    let settings = Settings {
        host: [127, 0, 0, 1].into(),
        port: 0,
        data: Data::Memory,
        deliveries: 1,
        patience: 30,
        schedule: std::time::Duration::from_secs(60),
        json: false,
        wechat_secret: None,
    };
    let caller = |name: &str| (name == "IMAGE_DELIVERY").then(|| delivery.to_owned());
    Stack::start(&settings, &caller).await.expect("a stack")
}

#[tokio::test]
async fn the_local_stack_is_well_and_every_check_is_made() {
    let stack = stack("presigned").await;

    let findings = findings_of(visit_of(&stack.addresses().gateway)).await;

    assert_eq!(complaints(&findings), [""; 0]);
    let checks = [
        "front door",
        "header names",
        "login refusal",
        "no session",
        "unknown route",
        "default image",
        "image address",
        "unsigned read",
        "bucket listing",
        "bad form",
        "clock",
        "sign out",
    ];
    assert_eq!(names(&findings, Verdict::Ok), checks);
}

#[tokio::test]
async fn in_public_delivery_the_bucket_is_checked_where_it_is_named() {
    let stack = stack("public").await;
    let visit = visit_of(&stack.addresses().gateway);
    let bucket = format!("{}/{}", stack.addresses().s3, stack.addresses().env["IMAGES_BUCKET"]);
    let named = Visit { bucket: Some(bucket.parse().expect("an address")), ..visit_of(&stack.addresses().gateway) };

    let unnamed = findings_of(visit).await;
    let named = findings_of(named).await;

    assert_eq!(names(&unnamed, Verdict::Warn), ["bucket listing", "bad form"]);
    assert_eq!(names(&unnamed, Verdict::Fail), [""; 0]);
    assert_eq!(complaints(&named), [""; 0]);
}

#[tokio::test]
async fn in_cloudfront_delivery_addresses_end_and_nothing_opens_without_a_signature() {
    let stack = stack("cloudfront").await;
    let bucket = format!("{}/{}", stack.addresses().s3, stack.addresses().env["IMAGES_BUCKET"]);
    let visit = Visit { bucket: Some(bucket.parse().expect("an address")), ..visit_of(&stack.addresses().gateway) };

    let findings = findings_of(visit).await;

    assert_eq!(complaints(&findings), [""; 0]);
    let told = findings.iter().map(|finding| format!("{finding:?}")).collect::<String>();
    assert!(told.contains("lives for another") && !told.contains("public delivery"), "{told}");
}

/// What every ill one is compared with.
#[tokio::test]
async fn a_patient_without_an_illness_is_well() {
    let patient = Patient::with(Illness::None).await;

    let stranger = findings_of(visit_of(patient.url())).await;
    let known = findings_of(Visit { session: Some(session()), ..visit_of(patient.url()) }).await;

    assert_eq!(complaints(&stranger), [""; 0]);
    assert_eq!(complaints(&known), [""; 0]);
}

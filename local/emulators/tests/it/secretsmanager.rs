use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use emulators::WECHAT_SECRET_NAME;

use crate::clients::{secretsmanager, send, start};

#[tokio::test]
async fn the_wechat_secret_is_found_by_its_arn_and_by_its_name() {
    let emulators = start().await;
    let client = secretsmanager(&emulators);
    let arn = &emulators.environment()["WECHAT_SECRET"];

    for id in [arn.as_str(), WECHAT_SECRET_NAME] {
        let secret = client.get_secret_value().secret_id(id).send().await.unwrap();
        assert_eq!(secret.secret_string(), Some("dev-wechat-secret"));
        assert_eq!(secret.arn(), Some(arn.as_str()));
    }
}

#[tokio::test]
async fn a_rotated_secret_has_its_new_value_and_a_new_version() {
    let emulators = start().await;
    let client = secretsmanager(&emulators);
    let arn = emulators.environment()["WECHAT_SECRET"].clone();
    let old = client.get_secret_value().secret_id(&arn).send().await.unwrap();

    assert_eq!(emulators.secrets().put(WECHAT_SECRET_NAME, "rotated"), arn);

    let new = client.get_secret_value().secret_id(&arn).send().await.unwrap();
    assert_eq!(new.secret_string(), Some("rotated"));
    assert_ne!(new.version_id(), old.version_id());
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_not_found() {
    let emulators = start().await;
    let client = secretsmanager(&emulators);
    emulators.secrets().remove(WECHAT_SECRET_NAME);

    for id in ["another", WECHAT_SECRET_NAME] {
        let error = client.get_secret_value().secret_id(id).send().await.unwrap_err().into_service_error();
        assert!(matches!(error, GetSecretValueError::ResourceNotFoundException(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_call_without_authorization_or_of_another_operation_is_refused() {
    let emulators = start().await;
    let url = format!("{}/", emulators.secretsmanager_url());
    let target = ("X-Amz-Target", "secretsmanager.GetSecretValue");
    let body = br#"{"SecretId":"wechat"}"#;

    let unsigned = send("POST", &url, &[target], body).await;
    let other = send("POST", &url, &[("Authorization", "x"), ("X-Amz-Target", "secretsmanager.ListSecrets")], body);
    let other = other.await;

    assert_eq!(
        (unsigned.status, unsigned.json()["__type"].as_str()),
        (400, Some("MissingAuthenticationTokenException"))
    );
    assert_eq!((other.status, other.json()["__type"].as_str()), (400, Some("UnknownOperationException")));
    assert!(!unsigned.text().contains("dev-wechat-secret") && !other.text().contains("dev-wechat-secret"));
}

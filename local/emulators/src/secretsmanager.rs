//! Secrets Manager: `GetSecretValue` and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws_json::{json_answer, refusal};
use crate::random;

/// The secrets that the emulated Secrets Manager knows, to be changed while it runs.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<BTreeMap<String, Secret>>>);

struct Secret {
    value: String,
    version: String,
}

impl Secrets {
    /// Sets a secret's current value, making the secret where there is none, and returns its ARN. Putting another
    /// value plays a rotation.
    pub fn put(&self, name: &str, value: impl Into<String>) -> String {
        let secret = Secret { value: value.into(), version: random::uuid() };
        self.lock().insert(name.to_owned(), secret);
        arn(name)
    }

    /// Removes a secret: asking for it is answered with `ResourceNotFoundException` from now on.
    pub fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    pub(crate) fn answer(&self, body: &Bytes) -> Response {
        let Ok(request) = serde_json::from_slice(body) else {
            return refusal("SerializationException", "The request is not a GetSecretValue request");
        };
        match self.get(&request) {
            Some(found) => json_answer(StatusCode::OK, &found),
            None => refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
        }
    }

    fn get(&self, request: &GetSecretValue) -> Option<Value> {
        let secrets = self.lock();
        let (name, secret) =
            secrets.iter().find(|(name, _)| **name == request.secret_id || arn(name) == request.secret_id)?;
        request.asks_for(&secret.version).then(|| {
            json!({
                "ARN": arn(name),
                "Name": name,
                "SecretString": secret.value,
                "VersionId": secret.version,
                "VersionStages": [CURRENT],
                "CreatedDate": 1_700_000_000,
            })
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `X-Amz-Target` says.
pub(crate) const TARGET: &[u8] = b"secretsmanager.GetSecretValue";

const CURRENT: &str = "AWSCURRENT";

/// AWS ends an ARN with six random characters; these are fixed, so that the ARN outlives a restart.
fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:{}:000000000000:secret:{name}-AbCdEf", crate::REGION)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

impl GetSecretValue {
    fn asks_for(&self, version: &str) -> bool {
        self.version_id.as_deref().is_none_or(|wanted| wanted == version)
            && self.version_stage.as_deref().is_none_or(|wanted| wanted == CURRENT)
    }
}

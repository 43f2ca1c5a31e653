use http::HeaderMap;
use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerRequestTypeRequest, ApiGatewayV2CustomAuthorizerV2Request,
};
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::Value;

/// What a gateway asks: who sends these headers? It cannot be printed, as one of them is a secret.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
pub struct Event {
    pub(crate) headers: HeaderMap,
    pub(crate) form: Form,
    /// The gateway's own id of the client's request.
    pub(crate) request_id: String,
}

/// The form in which the gateway wants to be answered.
pub(crate) enum Form {
    /// A boolean, for payload format 2.0.
    Simple,
    /// An IAM policy on the one method that is called, for everything else.
    Policy { method_arn: String },
}

impl TryFrom<Value> for Event {
    type Error = serde_json::Error;

    fn try_from(event: Value) -> Result<Self, Self::Error> {
        // REST APIs name no version at all, WebSocket APIs one of their own.
        match event.get("version").and_then(Value::as_str) {
            Some("2.0") => serde_json::from_value(event).map(simple),
            _ => serde_json::from_value(event).and_then(policy),
        }
    }
}

fn simple(event: ApiGatewayV2CustomAuthorizerV2Request) -> Event {
    let request_id = event.request_context.request_id.unwrap_or_default();
    Event { headers: event.headers, form: Form::Simple, request_id }
}

fn policy(event: ApiGatewayCustomAuthorizerRequestTypeRequest) -> Result<Event, serde_json::Error> {
    // Of a header that was sent twice, `headers` has the last value only. HTTP APIs send nothing else.
    let headers = if event.multi_value_headers.is_empty() { event.headers } else { event.multi_value_headers };
    let method_arn = event.method_arn.ok_or_else(|| serde_json::Error::missing_field("methodArn"))?;
    let request_id = event.request_context.request_id.unwrap_or_default();
    Ok(Event { headers, form: Form::Policy { method_arn }, request_id })
}

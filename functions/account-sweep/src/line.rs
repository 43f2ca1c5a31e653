use jiff::Timestamp;
use lambda_http::Context;
use platform::invocation::{Invocation, Refusal};
use serde::Serialize;
use web::ApiError;

/// What a pass found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Found {
    pub(crate) identities: usize,
    pub(crate) sessions: usize,
    pub(crate) tasks: usize,
    pub(crate) images: usize,
    pub(crate) avatars: usize,
}

/// What the line says beside what it says of every event.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Fields {
    pub(crate) outcome: &'static str,
    #[serde(flatten)]
    pub(crate) found: Found,
}

/// Works, and writes the line: where there is something to say, or an error.
pub(crate) async fn logged<T>(
    context: &Context,
    now: Timestamp,
    work: impl Future<Output = Result<T, ApiError>>,
    fields: impl FnOnce(&T) -> Option<Fields>,
) -> Result<T, ApiError> {
    let trace = context.xray_trace_id.as_deref();
    let invocation = Invocation::new(&context.env_config.function_name, &context.request_id, trace, now);
    let (outcome, ended) = invocation.run(work).await;
    match &outcome {
        Ok(done) => {
            if let Some(fields) = fields(done) {
                ended.log("removal", fields, None);
            }
        }
        Err(error) => {
            let failed = Fields { outcome: "failed", found: Found::default() };
            ended.log("removal", failed, Some(&Refusal::from(error)));
        }
    }
    outcome
}

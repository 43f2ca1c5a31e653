//! Documents that are made from the code: `make docs` writes them anew, this fails when they are old.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use gateway::in_process;
use gateway::settings::Settings;
use platform::Attention;
use platform::config::{self, Variable};
use platform::metrics::{Metric, NAMESPACE};
use web::ErrorCode;

use crate::workspace::text;

#[test]
fn docs_env_md_says_what_the_functions_read() {
    assert_current("env.md", &env_md());
}

#[test]
fn docs_errors_md_says_what_can_be_answered() {
    assert_current("errors.md", &errors_md());
}

#[test]
fn docs_metrics_md_says_what_is_counted() {
    assert_current("metrics.md", &metrics_md());
}

#[test]
fn the_dashboard_shows_metrics_that_there_are() {
    let template = text("template.yaml");
    let watched = |before: &str, after: char| -> BTreeSet<String> {
        let rest = template.split(before).skip(1);
        rest.map(|rest| rest.split(after).next().unwrap_or_default().to_owned()).collect()
    };

    let on_the_dashboard = watched(&format!("[\"{NAMESPACE}\",\""), '"');

    assert!(on_the_dashboard.contains("Logins"), "nothing was found");
    let counted: BTreeSet<_> = Metric::ALL.iter().map(|metric| metric.name().to_owned()).collect();
    for watched in &on_the_dashboard {
        assert!(counted.contains(watched), "nothing counts {watched}");
    }
}

#[track_caller]
#[expect(clippy::disallowed_methods, reason = "`make docs` tells this test to write instead of to compare")]
fn assert_current(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).expect("a document that can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/{name} is old: `make docs` writes it anew");
}

fn env_md() -> String {
    let mut functions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut variables: BTreeMap<&str, &Variable> = BTreeMap::new();
    for (function, read) in in_process::variables() {
        for variable in read {
            variables.insert(variable.name, variable);
            functions.entry(variable.name).or_default().push(function);
        }
    }
    let all = in_process::variables().len();

    let mut text = "# Environment variables

Made from the code by `make docs`. Every fault in them is told at start, all at once; an empty one counts as not set.

## Functions

| variable | meaning | default | read by |
| --- | --- | --- | --- |
"
    .to_owned();
    for (name, variable) in variables {
        let readers = &functions[name];
        let readers = if readers.len() == all { "all".to_owned() } else { readers.join(", ") };
        let _ = writeln!(text, "| {} | {readers} |", row(variable));
    }
    text.push_str("\n## Local stack\n\n| variable | meaning | default |\n| --- | --- | --- |\n");
    for variable in config::variables(Settings::read) {
        let _ = writeln!(text, "| {} |", row(variable));
    }
    text
}

fn row(variable: &Variable) -> String {
    let default = variable.default.map_or_else(|| "–".to_owned(), |default| format!("`{default}`"));
    format!("`{}` | {} | {default}", variable.name, variable.meaning)
}

fn errors_md() -> String {
    let mut text = "# Errors

Made from the code by `make docs`. A refusal has a real HTTP status and one shape:

```json
{\"errcode\": 50302, \"errmsg\": \"系统繁忙，请稍后再试\", \"error\": \"busy\", \"request_id\": \"…\", \"retry_after\": 2}
```

`error` is what programs compare, `errmsg` what may be shown to the user, `request_id` what the logs know the request by.
`detail` is there with every 400: one English sentence for developers that says what the request must be.
`retry_after` (seconds, also a `Retry-After` header) is there where a retry helps.

| status | `errcode` | `error` | `errmsg` | when |
| --- | --- | --- | --- | --- |
"
    .to_owned();
    for code in ErrorCode::ALL {
        let (status, errcode, name, message) = (code.status(), code.errcode(), code.name(), code.text());
        let _ = writeln!(text, "| {status} | {errcode} | `{name}` | {message} | {} |", when(code));
    }
    text.push_str(
        "
A refusal is the first that applies: route (404, 405), session (401), size (413), form (400), task (404), type (415),
content (422), conflict (409), outage (503).

## Answers of API Gateway itself

These have no `error`, only `{\"message\": \"…\"}`, and come before or instead of a function's answer:

| status | `message` | when |
| --- | --- | --- |
| 413 | Request Entity Too Large | the body is over 10 MB, or its event over Lambda's 6 MB |
| 429 | Too Many Requests | the stage's or the account's rate is exceeded |
| 500 | Internal Server Error | the function failed or ran into its timeout |
| 503 | Service Unavailable | the function could not be reached, or did not answer within 30 s |
",
    );
    text
}

fn when(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BadRequest => "malformed JSON, multipart, field or id; `image` missing, double or empty",
        ErrorCode::SessionInvalid => "the session headers are missing, malformed, unknown, expired or revoked",
        ErrorCode::CodeInvalid => "WeChat's code is wrong, used or expired",
        ErrorCode::LoginBlocked => "WeChat blocks this user (40226)",
        ErrorCode::TaskNotFound => "no such task, or someone else's",
        ErrorCode::NotFound => "unknown route, or an unknown image in a JSON call",
        ErrorCode::MethodNotAllowed => {
            "the path has other methods (`Allow`); where POST is the only one: 没有使用POST请求"
        }
        ErrorCode::TaskFull => "the task has as many images as it may have",
        ErrorCode::UploadIdReused => "the same `upload_id` with other content",
        ErrorCode::ImageTooLarge => "the image has too many bytes",
        ErrorCode::ImageUnsupported => {
            "not JPEG, PNG, WebP or GIF, judged by content; for HEIC: 不支持HEIC图片，请选择压缩图或JPEG"
        }
        ErrorCode::ImageInvalid => "damaged, or too many pixels, frames or scans",
        ErrorCode::ImageIncomplete => "the file ends before the image does: sent or saved in part",
        ErrorCode::TooManyRequests => "too many failed logins from one address",
        ErrorCode::WechatUnavailable => "WeChat is down, slow or odd, or refuses our secret",
        ErrorCode::Busy => "AWS throttles, is slow or down, or WeChat is (45011)",
        ErrorCode::Internal => "a fault of ours; the log has the cause",
    }
}

fn metrics_md() -> String {
    let mut text = format!(
        "# Logs and metrics

Made from the code by `make docs`.

## Metrics

Counts are members of the log lines. With `Monitoring=full`, metric filters of `template.yaml` take them out of the lines into the namespace
`{NAMESPACE}`; with `basic` there are no metrics, and the lines can be asked (below). A metric is sent by the requests that count
it and by no others: an alarm on one has to treat missing data as good. What is paid for is each metric with each value of
its dimensions, for the hours in which it was sent. `RequestDuration` is `duration_ms` in the line.

| metric | unit | dimensions | what it says |
| --- | --- | --- | --- |
"
    );
    for metric in Metric::ALL {
        let (name, unit, dimensions) = (metric.name(), metric.unit(), metric.dimensions().join("`, `"));
        let _ = writeln!(text, "| `{name}` | {unit} | `{dimensions}` | {} |", metric.meaning());
    }
    text.push_str(
        "
## What has to be looked at

A line with one of these as its `attention` rings `AttentionAlarm`, whatever became of the request.

| attention | what it says |
| --- | --- |
",
    );
    for attention in Attention::ALL {
        let _ = writeln!(text, "| `{}` | {} |", attention.name(), attention.meaning());
    }
    text.push_str(
        r#"
## Dimensions

`FunctionName` is the function's name, as in Lambda's own metrics; no two stacks of an account share one. In the local stack it
is `local`. `ErrorCode` is `error` of [errors](errors.md). Refused uploads by their reasons are the `Refusals` of the
functions that take uploads.

## The line of a request

Each request is one line of JSON of at most 600 bytes, and what it counted is a part of it. That of the
authorizer has `"message": "check"`, and `authorized` in the place of method, route and status; a batch of the sweep has
`"message": "sweep"`, and `records` and `failed`; an object that came to the bucket has `"message": "ingest"` and `outcome`
(`ready`, `rejected`, `variants`, `no_variants` and why, `nothing`, `failed`):

```json
{"timestamp": "2026-01-01T00:00:00Z", "level": "INFO", "message": "request", "http.method": "POST",
 "http.route": "ANY /tasks/{task_id}/images", "http.status": 201, "duration_ms": 84, "request_id": "JKJaXmPLvHcESHA=",
 "user_id": "5e550000-0000-4000-8000-00000000a11c", "aws.calls": 5,
 "FunctionName": "mini-functions-TaskImageUploadFunction-4Ff2…", "Uploads": 1, "UploadBytes": 482113}
```

| field | what it says |
| --- | --- |
| `timestamp` | when the request came in |
| `level` | `ERROR` where the status is 500 or above |
| `http.route` | the route, never the path |
| `request_id` | API Gateway's id, which a refusal also tells the client |
| `trace_id` | X-Ray's id, where it took the trace (`Monitoring=full`) |
| `user_id` | who called, where the session was accepted or just made; of `image-ingest` whose photo it is |
| `aws.calls` | requests sent to AWS, the SDK's repetitions counted |
| `attention` | what somebody has to look at, see above |
| `error.code`, `error.cause` | where it was refused: `error` of [errors](errors.md), and what the client is not told |

No line holds a session id, an openid, a code, a secret, a file name, a path, a header or a body. Other lines are rare; each
has a `level` and a `message`.

## Questions to CloudWatch Logs Insights

What became of one request, whose id a user has sent?

```
fields @timestamp, http.route, http.status, error.code, error.cause, duration_ms, aws.calls, user_id, trace_id
| filter request_id = "JKJaXmPLvHcESHA="
```

What is refused or fails, where and why?

```
filter message = "request" and ispresent(error.code)
| stats count(*) as refusals, count_distinct(user_id) as users by http.route, error.code, error.cause
| sort refusals desc
```

Which routes are slow, and do they wait for AWS?

```
filter message = "request"
| stats count(*) as requests, pct(duration_ms, 50) as p50, pct(duration_ms, 95) as p95, avg(aws.calls) as calls by http.route
| sort p95 desc
```

What was counted, an hour at a time, where there are no metrics?

```
filter ispresent(Logins) or ispresent(Uploads) or ispresent(Redirects)
| stats sum(Logins) as logins, sum(NewUsers) as users, sum(Uploads) as uploads, sum(Redirects) as redirects by bin(1h)
```

What rang?

```
filter ispresent(attention)
| stats count(*) as n, max(@timestamp) as last by attention, error.code, error.cause
```
"#,
    );
    text
}

//! `make local`: starts the local stack, says where it is, and runs until Ctrl-C.

use std::fmt;
use std::process::ExitCode;

use gateway::settings::{self, Settings};
use gateway::stack::{Addresses, Stack};
use platform::{config, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    // Standard output is for the addresses: a program reads them there.
    let _ = tracing::subscriber::set_global_default(telemetry::subscriber(std::io::stderr));
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(format_args!("the local stack did not start: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    for name in settings::unknown(variable_names().iter().map(String::as_str)) {
        complain(format_args!("{name} is no variable of the local stack (local/gateway/README.md has them)"));
    }
    let settings = config::from_lookup(&environment, Settings::read)?.on_an_address()?;
    let stack = Stack::start(&settings, &environment).await?;
    let addresses = stack.addresses();
    let addresses = if settings.json { serde_json::to_string(addresses)? } else { banner(addresses) };
    // Listens before it speaks: a program that has read the addresses may end the stack at once.
    let (interrupted, ()) = tokio::join!(biased; tokio::signal::ctrl_c(), async { say(&addresses) });
    interrupted?;
    stack.stop().await;
    Ok(())
}

fn banner(addresses: &Addresses) -> String {
    let Addresses { gateway, dynamodb, s3, secretsmanager, wechat, lambda, data, .. } = addresses;
    let invoke_url = if lambda == "http://127.0.0.1:8792" { String::new() } else { format!(" INVOKE_URL={lambda}") };
    format!(
        "mini-functions is running; Ctrl-C ends it.

  demo page        {gateway}/_demo/
  gateway          {gateway}
  DynamoDB         {dynamodb}
  S3               {s3}
  Secrets Manager  {secretsmanager}
  fake WeChat      {wechat}
  Lambda Invoke    {lambda}
  data             {data}

  sign in:  curl -H 'content-type: application/json' -d '{{\"code\":\"dev-alice-1\"}}' {gateway}/session
  invoke:   make invoke{invoke_url} FUNCTION=session-check EVENT=good
"
    )
}

#[expect(clippy::disallowed_methods, reason = "the stack is told by the environment, and hands it on to the functions")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn variable_names() -> Vec<String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
}

#[expect(clippy::print_stdout, reason = "the addresses are what this program is started for")]
fn say(text: &str) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "whoever starts the stack by hand has to see why it does not")]
fn complain(of: fmt::Arguments<'_>) {
    eprintln!("{of}");
}

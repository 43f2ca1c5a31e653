//! The template gives every function what it reads, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use emulators::template::Template;
use gateway::in_process;

/// Set by Lambda itself, or outside it by whoever brings credentials.
const FROM_LAMBDA: [&str; 5] =
    ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];
/// Filled by whoever deploys, or by `sam local`: the template names them without a value.
const FILLED_LATER: [&str; 9] = [
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "CLOUDFRONT_KEY_PAIR_ID",
    "CLOUDFRONT_KEY_SECRET",
    "IMAGE_BASE_URL",
    "S3_PUBLIC_ENDPOINT",
    "WECHAT_APPID",
    "WECHAT_SECRET",
];

fn given() -> BTreeMap<String, BTreeSet<String>> {
    let template = Template::parse(include_str!("../../../../template.yaml")).expect("our own template");
    let functions = template.functions.into_iter();
    // glibc reads these two, no code of ours does.
    let variables = |environment: BTreeMap<String, String>| {
        environment.into_keys().filter(|name| !name.starts_with("MALLOC_")).collect()
    };
    functions.map(|function| (function.name, variables(function.environment))).collect()
}

/// What the globals give to all, and functions that know no session do not read.
fn given_to_all(given: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut functions = given.values();
    let first = functions.next().cloned().unwrap_or_default();
    functions.fold(first, |common, variables| &common & variables)
}

#[test]
fn every_function_is_given_the_variables_that_it_reads_and_no_others() {
    let given = given();
    let read = in_process::variables();
    let given_to_all = given_to_all(&given);

    assert_eq!(given.keys().collect::<Vec<_>>(), read.keys().collect::<Vec<_>>());
    for (function, variables) in read {
        let names = variables.iter().map(|variable| variable.name);
        let expected: BTreeSet<_> = names
            .filter(|name| !FROM_LAMBDA.contains(name) && !FILLED_LATER.contains(name))
            .map(str::to_owned)
            .collect();
        assert_eq!(given[function], &expected | &given_to_all, "{function}");
    }
}

#[test]
fn the_template_names_every_variable_that_is_filled_later() {
    let template = include_str!("../../../../template.yaml");

    for name in FILLED_LATER {
        assert!(template.contains(&format!("{name}:")), "{name}");
    }
}

/// "Alarms based on metric math expressions can reference a maximum of 10 metrics. This is a hard limit":
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html>. It is told by a deployment that fails.
#[test]
fn no_alarm_adds_up_more_metrics_than_cloudwatch_does() {
    let alarms: Vec<_> =
        include_str!("../../../../template.yaml").split("    Type: AWS::CloudWatch::Alarm\n").collect();
    let most = alarms[1..].iter().map(|alarm| {
        let of_this = alarm.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
        of_this.filter(|line| line.trim() == "MetricStat:").count()
    });
    let most = most.max().expect("alarms");
    assert!((2..=10).contains(&most), "{most} metrics in one alarm");
}

#[test]
fn every_function_is_watched_by_the_alarms_and_shown_on_the_dashboard() {
    let text = include_str!("../../../../template.yaml");
    let template = Template::parse(text).expect("our own template");

    for function in template.functions {
        let id = function.logical_id;
        for metric in ["Errors", "Throttles"] {
            let watched = format!("MetricName: {metric}, Dimensions: [{{ Name: FunctionName, Value: !Ref {id} }}]");
            assert!(text.contains(&watched), "no alarm counts the {metric} of {id}");
            let shown = format!(r#"["AWS/Lambda","{metric}","FunctionName","${{{id}}}"]"#);
            assert!(text.contains(&shown), "the dashboard does not show the {metric} of {id}");
        }
    }
}

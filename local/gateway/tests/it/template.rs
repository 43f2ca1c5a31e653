//! The template gives every function what it reads and nothing else, and keeps and tells what goes wrong.

use std::collections::{BTreeMap, BTreeSet};

use emulators::template::{Template, document};
use gateway::in_process;
use platform::metrics::Metric;
use serde_json::{Value, json};

use crate::workspace::text;

/// Set by Lambda itself, or outside it by whoever brings credentials.
const FROM_LAMBDA: [&str; 5] =
    ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION"];
/// Filled by whoever deploys, or by `sam local`: the template names them without a value.
const FILLED_LATER: [&str; 11] = [
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_EVENTBRIDGE",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    "CLOUDFRONT_KEY_PAIR_ID",
    "CLOUDFRONT_KEY_SECRET",
    "EVENT_BUS",
    "IMAGE_BASE_URL",
    "S3_PUBLIC_ENDPOINT",
    "WECHAT_APPID",
    "WECHAT_SECRET",
];

/// Of a protocol: other values are for tests.
const NOT_OF_THE_TEMPLATE: [&str; 1] = ["ACCOUNT_QUIET_SECONDS"];

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
fn code_and_template_have_the_same_defaults_and_ranges() {
    let document = document(include_str!("../../../../template.yaml")).expect("our own template");
    let told = variables_told_by_parameters(&document);
    assert!(told.len() >= 12, "{told:?}");
    let read: BTreeMap<_, _> =
        in_process::variables().into_values().flatten().map(|variable| (variable.name, variable)).collect();
    for (variable, parameter) in told.into_iter().filter(|(variable, _)| read.contains_key(variable)) {
        let parameter = &document["Parameters"][parameter];
        let default = parameter["Default"].as_str().map_or(parameter["Default"].to_string(), str::to_owned);
        if let Some(of_code) = read[variable].default {
            assert_eq!(default, of_code, "{variable}");
        }
        let (Some(min), Some(max)) = (parameter["MinValue"].as_i64(), parameter["MaxValue"].as_i64()) else { continue };
        for (value, is_taken) in [(min - 1, false), (min, true), (max, true), (max + 1, false)] {
            let problems = in_process::problems(&|name| (name == variable).then(|| value.to_string()));
            // Two variables that contradict each other are another fault.
            let refusal = format!("{variable} must be a whole number from");
            let is_refused = problems.iter().any(|problem| problem.starts_with(&refusal));
            assert_eq!(!is_refused, is_taken, "{variable}={value}");
        }
    }
}

/// The variables of all functions that are given the value of a parameter.
fn variables_told_by_parameters(document: &Value) -> BTreeMap<&str, &str> {
    let functions = document["Resources"].as_object().expect("resources").values().map(|one| &one["Properties"]);
    let functions = functions.chain([&document["Globals"]["Function"]]);
    let variables = functions.filter_map(|function| function["Environment"]["Variables"].as_object()).flatten();
    let told = variables.filter_map(|(variable, value)| Some((variable.as_str(), value["Ref"].as_str()?)));
    told.filter(|(_, name)| document["Parameters"].get(name).is_some()).collect()
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
            .filter(|name| ![&FROM_LAMBDA[..], &FILLED_LATER, &NOT_OF_THE_TEMPLATE].concat().contains(name))
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

/// glibc refuses an `M_MMAP_THRESHOLD` above half of its `HEAP_MAX_SIZE`, which is 64 MiB on 64-bit machines (`malloc/malloc.c`,
/// `do_set_mmap_threshold`). It says nothing, and with the trim threshold set, which ends its own adjusting, every block of
/// 128 KiB and more is then mapped anew.
#[test]
fn no_threshold_of_malloc_is_above_what_glibc_accepts() {
    const MOST: u64 = 32 << 20;
    let template = template();
    let thresholds = functions(&template).filter_map(|(id, function)| {
        let threshold = function["Environment"]["Variables"]["MALLOC_MMAP_THRESHOLD_"].as_str()?;
        Some((id, threshold.parse::<u64>().expect("a number of bytes")))
    });
    let thresholds: Vec<_> = thresholds.collect();

    assert!(!thresholds.is_empty(), "no function sets a threshold");
    for (id, threshold) in thresholds {
        assert!(threshold <= MOST, "{id}: glibc would ignore {threshold}");
    }
}

/// A bucket with a fixed name that outlives a failed creation jams the name; see the comments in the template.
#[test]
fn what_has_a_fixed_name_goes_with_a_creation_that_fails() {
    let template = template();
    let policy = |id: &str| template["Resources"][id]["DeletionPolicy"].as_str().map(str::to_owned);

    assert_eq!(policy("ImagesBucket").as_deref(), Some("RetainExceptOnCreate"));
    for (id, table) in all(&template, "AWS::DynamoDB::Table") {
        assert_eq!(policy(id).as_deref(), Some("Retain"), "{id}");
        assert_eq!(table.get("TableName"), None, "{id}");
        assert_eq!(table["DeletionProtectionEnabled"], json!(true), "{id}");
    }
}

fn template() -> Value {
    document(&text("template.yaml")).expect("our own template")
}

/// The properties of all resources of a type, by their logical ids.
fn all<'a>(template: &'a Value, kind: &'static str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    of_type(template, kind).map(|(id, one)| (id, &one["Properties"]))
}

fn of_type<'a>(template: &'a Value, kind: &'static str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let resources = template["Resources"].as_object().into_iter().flatten();
    resources.filter(move |(_, one)| one["Type"] == kind)
}

/// Those that there are with `Monitoring=basic`.
fn basic<'a>(template: &'a Value, kind: &'static str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let of_kind = of_type(template, kind);
    of_kind.filter(|(_, one)| one["Condition"] != "HasFullMonitoring").map(|(id, one)| (id, &one["Properties"]))
}

fn functions(template: &Value) -> impl Iterator<Item = (&String, &Value)> {
    all(template, "AWS::Serverless::Function")
}

/// The event sources of a function behind which nobody waits for an answer, by their names.
fn sources(function: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let events = function["Events"].as_object().into_iter().flatten();
    events.filter(|(_, event)| event["Type"] != "HttpApi")
}

/// Every metric that an alarm looks at with `Monitoring=full`, and of what.
fn watched(template: &Value) -> Vec<(&str, &Value)> {
    let alarms =
        of_type(template, "AWS::CloudWatch::Alarm").filter(|(_, one)| one["Condition"] != "HasBasicMonitoring");
    alarms.flat_map(|(_, one)| metrics(&one["Properties"])).collect()
}

fn metrics(alarm: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let several = alarm["Metrics"].as_array().into_iter().flatten().map(|one| &one["MetricStat"]["Metric"]);
    let metrics = several.chain([alarm]);
    metrics.filter_map(|metric| Some((metric["MetricName"].as_str()?, &metric["Dimensions"][0]["Value"])))
}

/// Of a bill without traffic, alarms are the larger half.
#[test]
fn basic_monitoring_has_five_alarm_metrics_and_nothing_else_that_is_paid_for_by_the_month() {
    let template = template();
    let watched: BTreeSet<_> = basic(&template, "AWS::CloudWatch::Alarm")
        .flat_map(|(_, alarm)| metrics(alarm))
        .map(|(name, _)| name)
        .collect();

    let five = ["5xx", "ApproximateNumberOfMessagesVisible", "Attention", "IteratorAge", "Throttles"];
    assert_eq!(watched, BTreeSet::from(five));
    assert_eq!(basic(&template, "AWS::CloudWatch::Alarm").flat_map(|(_, alarm)| metrics(alarm)).count(), five.len());
    assert_eq!(basic(&template, "AWS::CloudWatch::Dashboard").count(), 0);
    let filters: Vec<_> = basic(&template, "AWS::Logs::MetricFilter").map(|(id, _)| id.as_str()).collect();
    assert_eq!(filters, ["AttentionLines"]);
    let only_with_full = |then: Value, otherwise: Value| json!({ "Fn::If": ["HasFullMonitoring", then, otherwise] });
    assert_eq!(template["Globals"]["Function"]["Tracing"], only_with_full(json!("Active"), json!("PassThrough")));
    let paid = all(&template, "AWS::Serverless::Function").flat_map(|(_, function)| sources(function));
    for (name, source) in paid.filter(|(_, source)| source["Properties"].get("MetricsConfig").is_some()) {
        let nothing = json!({ "Ref": "AWS::NoValue" });
        let elsewhere = only_with_full(json!({ "Metrics": ["EventCount"] }), nothing.clone());
        let of_mappings = json!({ "Fn::If": ["InChina", nothing, elsewhere] });
        assert_eq!(source["Properties"]["MetricsConfig"], of_mappings, "{name}");
    }
}

#[test]
fn a_line_that_says_attention_rings() {
    let template = template();
    let (_, filter) = basic(&template, "AWS::Logs::MetricFilter").next().expect("a filter");
    let (_, alarm) =
        all(&template, "AWS::CloudWatch::Alarm").find(|(id, _)| *id == "AttentionAlarm").expect("an alarm");

    assert_eq!(filter["FilterPattern"], r#"{ $.attention = "*" }"#);
    let metric = &filter["MetricTransformations"][0];
    // Of this stack alone: a filter can take no dimension but from the line.
    assert_eq!(metric["MetricNamespace"], json!({ "Fn::Sub": "mini-functions/${AWS::StackName}" }));
    assert_eq!((&metric["MetricNamespace"], &metric["MetricName"]), (&alarm["Namespace"], &alarm["MetricName"]));
}

/// What the filters take out of the lines, the tests of the functions see: `Capture::metrics`.
#[test]
fn full_monitoring_takes_every_metric_out_of_the_lines() {
    let template = template();
    let filters =
        of_type(&template, "AWS::Logs::MetricFilter").filter(|(_, one)| one["Condition"] == "HasFullMonitoring");
    let taken: BTreeMap<_, _> = filters
        .map(|(_, one)| {
            let metric = &one["Properties"]["MetricTransformations"][0];
            let keys =
                metric["Dimensions"].as_array().into_iter().flatten().map(|one| one["Key"].as_str().expect("a key"));
            (metric["MetricName"].as_str(), (metric["MetricValue"].clone(), metric["Unit"].as_str(), keys.collect()))
        })
        .collect();

    let counted = Metric::ALL.map(|metric| {
        let value = json!(format!("$.{}", metric.field()));
        (Some(metric.name()), (value, Some(metric.unit()), metric.dimensions().to_vec()))
    });
    assert_eq!(taken, BTreeMap::from(counted));
}

/// "Alarms based on metric math expressions can reference a maximum of 10 metrics. This is a hard limit":
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-limits.html>. It is told by a deployment that fails.
#[test]
fn no_alarm_adds_up_more_metrics_than_cloudwatch_does() {
    let template = template();
    let most = all(&template, "AWS::CloudWatch::Alarm").map(|(_, alarm)| metrics(alarm).count()).max();
    let most = most.expect("alarms");
    assert!((2..=10).contains(&most), "{most} metrics in one alarm");
}

#[test]
fn every_function_is_watched_by_the_alarms_and_shown_on_the_dashboard() {
    let template = template();
    let watched = watched(&template);
    let dashboard = dashboard(&template);

    for (id, function) in functions(&template) {
        // Who waits for an answer gets none when Lambda turns the call away. Events wait, and may wait too long.
        let turned_away = sources(function).map(|(_, source)| match source["Type"].as_str() {
            Some("S3") => "AsyncEventAge",
            Some("DynamoDB") => "IteratorAge",
            Some("Schedule") => "RemovalAge",
            other => panic!("{id}: how is it seen that events of {other:?} wait?"),
        });
        for metric in turned_away.chain(["Errors"]) {
            assert!(watched.contains(&(metric, &json!({ "Ref": id }))), "no alarm looks at the {metric} of {id}");
        }
        if sources(function).next().is_none() {
            assert!(watched.contains(&("Throttles", &json!({ "Ref": id }))), "no alarm counts the Throttles of {id}");
        }
        for metric in ["Errors", "Throttles"] {
            let shown = format!(r#"["AWS/Lambda","{metric}","FunctionName","${{{id}}}"]"#);
            assert!(dashboard.contains(&shown), "the dashboard does not show the {metric} of {id}");
        }
    }
}

#[test]
fn events_that_a_function_gives_up_on_are_kept_for_two_weeks_and_ring() {
    let template = template();
    let watched = watched(&template);

    for (id, function) in functions(&template) {
        for (name, source) in sources(function) {
            let rings = match source["Type"].as_str() {
                Some("S3") => {
                    let queue = named(&function["DeadLetterQueue"]["TargetArn"]);
                    let kept_for = &template["Resources"][queue]["Properties"]["MessageRetentionPeriod"];
                    assert_eq!(kept_for, &json!(14 * 86400), "{id}: {name}");
                    let depth = json!({ "Fn::GetAtt": format!("{queue}.QueueName") });
                    [("ApproximateNumberOfMessagesVisible", depth), ("DeadLetterErrors", json!({ "Ref": id }))]
                }
                Some("DynamoDB") => {
                    let destination = &source["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]["Fn::If"];
                    assert_eq!(destination[0], "InChina", "{id}: {name}");
                    assert_eq!(named(&destination[2]), "ImagesBucket", "{id}: {name}");
                    let queue = &template["Resources"][named(&destination[1])]["Properties"];
                    assert_eq!(queue["MessageRetentionPeriod"], json!(14 * 86400), "{id}: {name}");
                    let mapping = json!({ "Ref": format!("{id}{name}") });
                    [("OnFailureDestinationDeliveredEventCount", mapping.clone()), ("DroppedEventCount", mapping)]
                }
                // The next minute brings another that is as good.
                Some("Schedule") => continue,
                other => panic!("{id}: where is what it gives up on of {other:?}?"),
            };
            for (metric, of) in rings {
                assert!(watched.contains(&(metric, &of)), "no alarm looks at the {metric} of {id}");
            }
        }
    }
}

/// The resource whose ARN this is.
fn named(arn: &Value) -> &str {
    arn["Fn::GetAtt"].as_str().and_then(|attribute| attribute.strip_suffix(".Arn")).expect("the ARN of a resource")
}

/// Rows and tombstones live for 15 days, and what Lambda gave up on can be sent again for 14. What was sent with a ticket may say
/// where it was taken; S3 keeps what was deleted as an old version for a day at least.
#[test]
fn what_was_sent_and_what_failed_is_kept_as_long_as_its_row_and_goes_for_good() {
    let template = template();
    let rules = &template["Resources"]["ImagesBucket"]["Properties"]["LifecycleConfiguration"]["Rules"];
    let rule = |prefix: &str| {
        let rule = rules.as_array().into_iter().flatten().find(|rule| rule["Prefix"] == prefix).expect("a rule");
        let old_versions = &rule["NoncurrentVersionExpiration"]["NoncurrentDays"];
        (rule["Status"].as_str(), rule["ExpirationInDays"].as_u64(), old_versions.as_u64())
    };

    assert_eq!(rule("incoming/"), (Some("Enabled"), Some(15), Some(1)));
    assert_eq!(rule("aws/lambda/"), (Some("Enabled"), Some(15), None));
}

#[test]
fn the_page_for_whoever_runs_a_stack_explains_every_alarm_and_every_widget() {
    let template = template();
    let page = text("docs/operations.md");
    let first_cells: BTreeSet<_> =
        page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).collect();

    for (alarm, _) in all(&template, "AWS::CloudWatch::Alarm") {
        let name = format!("`{alarm}`");
        assert!(first_cells.iter().any(|cell| cell.split(", ").any(|one| one == name)), "{alarm} has no row");
    }
    let dashboard = dashboard(&template);
    let titles: Vec<_> = dashboard.split(r#""title":""#).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(titles.contains(&"Sign-ins"), "no widget was found");
    for title in titles {
        assert!(first_cells.contains(title), "{title} has no row");
    }
}

fn dashboard(template: &Value) -> String {
    let body = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
    body.as_str().expect("the dashboard's text").to_owned()
}

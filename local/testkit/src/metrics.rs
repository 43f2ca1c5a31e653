//! Documents of CloudWatch's embedded metric format, judged as CloudWatch judges them.

use std::collections::BTreeSet;

use serde_json::Value;

const NAMESPACE: &str = "mini-functions";
/// `MetricDatum` of the CloudWatch API.
const UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// The metrics of a document, in its order: `Logins=1 Refusals{busy}=1`, times as `[ms]`. The function's name, which is a
/// dimension of each, is left out.
#[track_caller]
pub(crate) fn metrics_of(document: &Value) -> String {
    assert!(document["_aws"]["Timestamp"].is_i64(), "{document}");
    let directives = document["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    assert!(!directives.is_empty(), "{document}");
    let mut names = BTreeSet::new();
    let mut metrics = Vec::new();
    for directive in directives {
        assert_eq!(directive["Namespace"], NAMESPACE);
        let dimensions = dimensions_of(directive, document);
        let defined = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&defined.len()), "{document}");
        for metric in defined {
            let (name, unit) = (metric["Name"].as_str().unwrap(), metric["Unit"].as_str().unwrap());
            assert!(UNITS.contains(&unit), "{unit}");
            assert!(names.insert(name), "{name} is defined twice");
            let value = document[name].as_u64().unwrap_or_else(|| panic!("no {name} in {document}"));
            let value = if unit == "Milliseconds" { "[ms]".to_owned() } else { value.to_string() };
            metrics.push(format!("{name}{dimensions}={value}"));
        }
    }
    metrics.join(" ")
}

#[track_caller]
fn dimensions_of(directive: &Value, document: &Value) -> String {
    let sets = directive["Dimensions"].as_array().unwrap();
    assert_eq!(sets.len(), 1, "each further set is paid for: {document}");
    let names: Vec<_> = sets[0].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(names.len() <= 30 && names.first() == Some(&"FunctionName"), "{document}");
    let values = names.iter().map(|name| document[name].as_str().unwrap_or_else(|| panic!("no {name} in {document}")));
    let values: Vec<_> = values.collect();
    assert!(values.iter().all(|value| (1..=1024).contains(&value.len())), "{document}");
    match values[1..] {
        [] => String::new(),
        ref others => format!("{{{}}}", others.join(",")),
    }
}

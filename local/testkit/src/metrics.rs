//! What the metric filters of `template.yaml` take out of log lines, taken out as CloudWatch does it.

use std::sync::LazyLock;

use emulators::template::document;
use serde_json::Value;

use crate::stack::TEMPLATE;

/// One metric filter. Those that are understood here take the value of a member, where a line has it.
struct Filter {
    metric: String,
    unit: String,
    member: String,
    /// The members that the metric is told apart by.
    dimensions: Vec<String>,
}

static FILTERS: LazyLock<Vec<Filter>> = LazyLock::new(|| {
    let template = document(TEMPLATE).unwrap();
    let resources = template["Resources"].as_object().unwrap().values();
    let filters = resources.filter(|resource| resource["Type"] == "AWS::Logs::MetricFilter");
    filters.filter_map(|resource| Filter::of(&resource["Properties"])).collect()
});

impl Filter {
    /// Nothing for the one that counts lines.
    fn of(properties: &Value) -> Option<Self> {
        let transformation = &properties["MetricTransformations"][0];
        let member = selected(&transformation["MetricValue"])?;
        assert_eq!(properties["FilterPattern"], format!("{{ $.{member} >= 0 }}"));
        assert_eq!(transformation["MetricNamespace"], "mini-functions");
        let dimensions = transformation["Dimensions"].as_array().unwrap();
        assert!(dimensions.len() <= 3, "CloudWatch takes three dimensions from a line");
        let dimensions = dimensions.iter().map(|dimension| {
            let member = selected(&dimension["Value"]).unwrap();
            assert_eq!(dimension["Key"], member);
            member
        });
        let text = |name: &str| transformation[name].as_str().unwrap().to_owned();
        Some(Self { metric: text("MetricName"), unit: text("Unit"), member, dimensions: dimensions.collect() })
    }

    /// `Logins=1` or `Refusals{busy}=1`, times as `[ms]`. The function's name, by which all are told apart, is left out.
    fn applied(&self, line: &Value) -> Option<String> {
        let value = line[&self.member].as_u64()?;
        let value = if self.unit == "Milliseconds" { "[ms]".to_owned() } else { value.to_string() };
        let told_apart_by = self.dimensions.iter().map(|member| {
            line[member].as_str().filter(|value| !value.is_empty()).unwrap_or_else(|| panic!("no {member} in {line}"))
        });
        let others: Vec<_> = told_apart_by.skip(1).collect();
        let others = if others.is_empty() { String::new() } else { format!("{{{}}}", others.join(",")) };
        Some(format!("{}{others}={value}", self.metric))
    }
}

/// The member that a selector names: of the kind `$.name`, without dots behind it, which would be members of members.
fn selected(selector: &Value) -> Option<String> {
    let name = selector.as_str()?.strip_prefix("$.")?;
    assert!(name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_'), "{name}");
    Some(name.to_owned())
}

/// The metrics of a line in its order, those with dimensions of their own last; nothing for a line of no event.
pub(crate) fn metrics_of(line: &str) -> Option<String> {
    let members: Value = serde_json::from_str(line).unwrap();
    members.get("duration_ms")?;
    let at = |filter: &&Filter| (filter.dimensions.len(), line.find(&format!("\"{}\":", filter.member)));
    let mut filters: Vec<_> = FILTERS.iter().collect();
    filters.sort_by_key(at);
    let metrics: Vec<_> = filters.iter().filter_map(|filter| filter.applied(&members)).collect();
    Some(metrics.join(" "))
}

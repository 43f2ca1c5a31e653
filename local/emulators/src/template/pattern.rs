use serde_json::{Map, Value};

use super::TemplateError;

/// A filter of an event source: which records it lets pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Map<String, Value>);

impl Pattern {
    /// Reads the text of a pattern.
    ///
    /// # Errors
    /// Where it is none, or compares by more than equality and prefixes.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let not_understood = || TemplateError::NotUnderstood(format!("the pattern {text}"));
        let fields: Map<String, Value> = serde_json::from_str(text).map_err(|_| not_understood())?;
        if is_understood(&fields) { Ok(Self(fields)) } else { Err(not_understood()) }
    }

    /// Whether a record has what the pattern asks for.
    pub fn fits(&self, record: &Value) -> bool {
        fits(&self.0, record)
    }
}

fn is_understood(fields: &Map<String, Value>) -> bool {
    fields.values().all(|wanted| match wanted {
        Value::Object(deeper) => is_understood(deeper),
        Value::Array(any) => any.iter().all(|one| !one.is_array() && (!one.is_object() || prefix(one).is_some())),
        _ => false,
    })
}

fn fits(fields: &Map<String, Value>, record: &Value) -> bool {
    fields.iter().all(|(name, wanted)| match (wanted, record.get(name)) {
        (Value::Object(deeper), Some(found)) => fits(deeper, found),
        (Value::Array(any), Some(found)) => any.iter().any(|one| is_met(one, found)),
        _ => false,
    })
}

fn is_met(one: &Value, found: &Value) -> bool {
    match prefix(one) {
        Some(prefix) => found.as_str().is_some_and(|found| found.starts_with(prefix)),
        None => one == found,
    }
}

fn prefix(one: &Value) -> Option<&str> {
    one.as_object().filter(|operators| operators.len() == 1)?.get("prefix")?.as_str()
}

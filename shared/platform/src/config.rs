//! Configuration: variables that document themselves, read once at start, refused with every fault at once.
//!
//! A function's `Config::read` takes [`Variables`] and asks for what it needs. [`from_env`] runs it for Lambda,
//! [`from_lookup`] for tests and the local stack, [`variables`] for `docs/env.md`.

use std::fmt;
use std::ops::RangeInclusive;

use jiff::Timestamp;

/// One environment variable: its name, what it means, and what it is when it is not set.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name in the environment.
    pub name: &'static str,
    /// One sentence for `docs/env.md`, with the unit.
    pub meaning: &'static str,
    /// The text that stands for an unset variable; `None` where it must be set, or may be absent.
    pub default: Option<&'static str>,
}

/// The environment while a `Config` is read from it. Faults are collected, not returned one by one.
pub struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
    seen: Vec<&'static Variable>,
}

impl Variables<'_> {
    /// The value, or nothing where the variable is unset or empty.
    pub fn optional(&mut self, variable: &'static Variable) -> Option<String> {
        if !self.seen.contains(&variable) {
            self.seen.push(variable);
        }
        (self.lookup)(variable.name).filter(|value| !value.is_empty()).or_else(|| variable.default.map(str::to_owned))
    }

    /// The value. Unset or empty is a fault.
    pub fn required(&mut self, variable: &'static Variable) -> String {
        self.optional(variable).unwrap_or_else(|| {
            self.problem(variable, "is not set");
            String::new()
        })
    }

    /// A whole number within `range`.
    pub fn number(&mut self, variable: &'static Variable, range: RangeInclusive<u64>) -> u64 {
        let value = self.required(variable);
        match value.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                if !value.is_empty() {
                    let (least, most) = (range.start(), range.end());
                    self.problem(variable, format_args!("must be a whole number from {least} to {most}"));
                }
                *range.start()
            }
        }
    }

    /// One of the named choices.
    pub fn choice<T: Copy>(&mut self, variable: &'static Variable, choices: &[(&str, T)]) -> Option<T> {
        let value = self.required(variable);
        let chosen = choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice);
        if chosen.is_none() && !value.is_empty() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.problem(variable, format_args!("must be one of: {}", names.join(", ")));
        }
        chosen
    }

    /// An `http` or `https` address without a trailing slash, or nothing where it is unset.
    pub fn address(&mut self, variable: &'static Variable) -> Option<String> {
        let value = self.optional(variable)?;
        let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(['?', '#', ' '])) {
            self.problem(variable, "must be an address that begins with https:// or http://");
        }
        Some(value.trim_end_matches('/').to_owned())
    }

    /// A time as RFC 3339 writes it, or nothing where it is unset.
    pub fn time(&mut self, variable: &'static Variable) -> Option<Timestamp> {
        let value = self.optional(variable)?;
        let time = value.parse().ok();
        if time.is_none() {
            self.problem(variable, "must be a time as RFC 3339 writes it");
        }
        time
    }

    /// Reports a fault that takes more than one value to see. The value itself is never part of it: it may be a secret.
    pub fn problem(&mut self, variable: &Variable, fault: impl fmt::Display) {
        self.problems.push(format!("{} {fault}", variable.name));
    }
}

/// Everything that is wrong with the configuration, one line each.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is refused:\n{}", .0.join("\n"))]
pub struct Problems(pub Vec<String>);

/// Reads a configuration from the process environment.
///
/// # Errors
/// Every fault, all at once.
#[expect(clippy::disallowed_methods, reason = "this is the one legal reader of the environment")]
pub fn from_env<C>(read: impl FnOnce(&mut Variables<'_>) -> C) -> Result<C, Problems> {
    from_lookup(&|name| std::env::var(name).ok(), read)
}

/// Reads a configuration from `lookup`.
///
/// # Errors
/// Every fault, all at once.
pub fn from_lookup<C>(
    lookup: &dyn Fn(&str) -> Option<String>,
    read: impl FnOnce(&mut Variables<'_>) -> C,
) -> Result<C, Problems> {
    let mut variables = Variables { lookup, problems: Vec::new(), seen: Vec::new() };
    let config = read(&mut variables);
    if variables.problems.is_empty() { Ok(config) } else { Err(Problems(variables.problems)) }
}

/// The variables that `read` asks for, in the order in which it asks.
pub fn variables<C>(read: impl FnOnce(&mut Variables<'_>) -> C) -> Vec<&'static Variable> {
    let mut variables = Variables { lookup: &|_| None, problems: Vec::new(), seen: Vec::new() };
    read(&mut variables);
    variables.seen
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: Variable = Variable { name: "TABLE", meaning: "A table.", default: None };
    static SECONDS: Variable = Variable { name: "SECONDS", meaning: "A time, in seconds.", default: Some("60") };
    static BASE: Variable = Variable { name: "BASE", meaning: "An address.", default: None };
    static MODE: Variable = Variable { name: "MODE", meaning: "A mode.", default: Some("fast") };

    type Config = (String, u64, Option<String>, Option<u8>);

    fn read(variables: &mut Variables<'_>) -> Config {
        (
            variables.required(&TABLE),
            variables.number(&SECONDS, 1..=3600),
            variables.address(&BASE),
            variables.choice(&MODE, &[("fast", 1), ("safe", 2)]),
        )
    }

    fn with(values: &[(&str, &str)]) -> Result<Config, Problems> {
        let lookup = |name: &str| values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        from_lookup(&lookup, read)
    }

    #[test]
    fn unset_variables_take_their_defaults() {
        assert_eq!(with(&[("TABLE", "t")]), Ok(("t".into(), 60, None, Some(1))));
    }

    #[test]
    fn an_empty_variable_is_an_unset_one() {
        assert_eq!(with(&[("TABLE", "t"), ("SECONDS", ""), ("BASE", "")]), Ok(("t".into(), 60, None, Some(1))));
    }

    #[test]
    fn every_fault_is_reported_at_once_and_no_value_is_repeated() {
        let problems = with(&[("SECONDS", "s3cret"), ("BASE", "ftp://s3cret"), ("MODE", "s3cret")]).unwrap_err();

        assert_eq!(problems.0.len(), 4, "{problems}");
        assert!(!problems.to_string().contains("s3cret"), "{problems}");
    }

    #[test]
    fn a_number_out_of_range_is_refused_at_both_ends() {
        for value in ["0", "3601", "-1", "1.5", "99999999999999999999"] {
            assert!(with(&[("TABLE", "t"), ("SECONDS", value)]).is_err(), "{value}");
        }
    }

    #[test]
    fn an_address_loses_its_trailing_slash() {
        assert_eq!(with(&[("TABLE", "t"), ("BASE", "https://x/")]).unwrap().2.as_deref(), Some("https://x"));
    }

    #[test]
    fn the_variables_of_a_configuration_can_be_listed() {
        let names: Vec<_> = variables(read).iter().map(|variable| variable.name).collect();
        assert_eq!(names, ["TABLE", "SECONDS", "BASE", "MODE"]);
    }
}

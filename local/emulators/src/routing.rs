//! Which route a request takes, by the
//! [rules of HTTP API](https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html):
//! the most specific path wins, then a method over `ANY`, then `$default`.

use std::collections::BTreeMap;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::template::{Route, Template};

#[cfg(test)]
mod tests;

/// Every route of the template.
#[derive(Debug, Clone)]
pub struct Routes {
    entries: Vec<Entry>,
    default: Option<String>,
}

/// The route that a request takes.
#[derive(Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The route's key, such as `POST /session` or `$default`.
    pub key: &'a str,
    /// The function behind it.
    pub function: &'a str,
    /// The path's variables, decoded.
    pub variables: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Entry {
    key: String,
    method: String,
    path: Vec<Segment>,
    function: String,
}

/// One part of a route's path.
#[derive(Debug, Clone)]
enum Segment {
    Literal(String),
    Variable(String),
    Greedy(String),
}

const ANY: &str = "ANY";
const DEFAULT: &str = "$default";

impl Routes {
    /// The routes of all functions.
    pub fn of(template: &Template) -> Self {
        let functions = template.functions.iter();
        let routes = functions.flat_map(|function| function.routes.iter().map(|route| (route, function.name.as_str())));
        let (defaults, others): (Vec<_>, Vec<_>) = routes.partition(|(route, _)| route.path == DEFAULT);
        Self {
            entries: others.into_iter().map(|(route, function)| Entry::new(route, function)).collect(),
            default: defaults.first().map(|(_, function)| (*function).to_owned()),
        }
    }

    /// The route of a request; `path` is as sent, with its percent signs. Nothing without a `$default` route.
    pub fn find(&self, method: &Method, path: &str) -> Option<Match<'_>> {
        let segments: Vec<_> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        let fitting = self.entries.iter().filter(|entry| entry.takes(method) && entry.fits(&segments));
        let best = fitting.min_by_key(|entry| entry.precedence());
        let matched = best.map(|entry| Match {
            key: &entry.key,
            function: &entry.function,
            variables: entry.variables(&segments),
        });
        matched.or_else(|| Some(Match { key: DEFAULT, function: self.default.as_deref()?, variables: BTreeMap::new() }))
    }
}

impl Entry {
    fn new(route: &Route, function: &str) -> Self {
        Self {
            key: format!("{} {}", route.method, route.path),
            method: route.method.clone(),
            path: route.path.trim_start_matches('/').split('/').map(Segment::parse).collect(),
            function: function.to_owned(),
        }
    }

    fn takes(&self, method: &Method) -> bool {
        self.method == ANY || self.method == method.as_str()
    }

    fn fits(&self, segments: &[&str]) -> bool {
        let greedy = matches!(self.path.last(), Some(Segment::Greedy(_)));
        let same_length = if greedy { segments.len() >= self.path.len() } else { segments.len() == self.path.len() };
        same_length && self.path.iter().zip(segments).all(|(part, segment)| part.fits(segment))
    }

    fn precedence(&self) -> (Vec<u8>, bool) {
        (self.path.iter().map(Segment::rank).collect(), self.method == ANY)
    }

    fn variables(&self, segments: &[&str]) -> BTreeMap<String, String> {
        let parts = self.path.iter().enumerate();
        let named = parts.filter_map(|(index, part)| match part {
            Segment::Literal(_) => None,
            Segment::Variable(name) => Some((name.clone(), decoded(segments[index]))),
            Segment::Greedy(name) => Some((name.clone(), decoded(&segments[index..].join("/")))),
        });
        named.collect()
    }
}

impl Segment {
    fn parse(text: &str) -> Self {
        match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            None => Self::Literal(text.to_owned()),
            Some(name) => match name.strip_suffix('+') {
                None => Self::Variable(name.to_owned()),
                Some(name) => Self::Greedy(name.to_owned()),
            },
        }
    }

    fn fits(&self, segment: &str) -> bool {
        match self {
            Self::Literal(literal) => *literal == decoded(segment),
            Self::Variable(_) | Self::Greedy(_) => !segment.is_empty(),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Variable(_) => 1,
            Self::Greedy(_) => 2,
        }
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

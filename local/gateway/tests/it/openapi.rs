//! `docs/openapi.yaml` has the routes, methods and errors that are there. Whether real answers are as it says, and whether
//! hostile requests find others, is tried by `make test-openapi`.

use std::collections::{BTreeMap, BTreeSet};

use emulators::template::Template;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Value, json};
use web::ErrorCode;

use crate::client::Request;
use crate::start;
use crate::workspace::text;

/// Every method that a document can have, and how it writes it.
const METHODS: [(&str, &str); 7] = [
    ("GET", "get"),
    ("POST", "post"),
    ("PUT", "put"),
    ("PATCH", "patch"),
    ("DELETE", "delete"),
    ("OPTIONS", "options"),
    ("TRACE", "trace"),
];

fn document() -> Value {
    let yaml = Yaml::load_from_str(&text("docs/openapi.yaml")).expect("YAML");
    as_json(&yaml[0])
}

fn as_json(node: &Yaml) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(flag)) => json!(flag),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(items) => items.iter().map(as_json).collect(),
        Yaml::Mapping(entries) => {
            let name = |key: &Yaml| key.as_str().map(str::to_owned).expect("a key of text");
            Value::Object(entries.iter().map(|(key, value)| (name(key), as_json(value))).collect())
        }
        other => panic!("{other:?} is not expected in docs/openapi.yaml"),
    }
}

/// The operations of each path, by method.
fn paths(document: &Value) -> BTreeMap<&str, BTreeMap<&'static str, &Value>> {
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().map(|(path, item)| (path.as_str(), operations(item))).collect()
}

fn operations(path: &Value) -> BTreeMap<&'static str, &Value> {
    METHODS.iter().filter_map(|(method, key)| Some((*method, path.get(key)?))).collect()
}

/// An address of this path: `x` for each of its variables.
fn address(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "x" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

#[test]
fn the_document_has_the_paths_of_the_template_and_no_others() {
    let template = Template::parse(&text("template.yaml")).expect("our own template");
    let routes = template.functions.iter().flat_map(|function| &function.routes);
    let routed: BTreeSet<_> = routes.map(|route| route.path.as_str()).filter(|path| *path != "$default").collect();

    assert_eq!(paths(&document()).into_keys().collect::<BTreeSet<_>>(), routed);
}

#[tokio::test]
async fn the_document_has_the_methods_that_are_taken_and_no_others() {
    let stack = start().await;
    let base = stack.addresses().gateway.as_str();
    for (path, operations) in paths(&document()) {
        for (method, _) in METHODS.iter().filter(|(method, _)| !operations.contains_key(method)) {
            let answer = Request::new(method, base, &address(path)).send().await;
            match *method {
                "OPTIONS" => assert_eq!(answer.status, 204, "{path}"),
                _ => answer.assert_refused(405, "method_not_allowed"),
            }

            let allowed: BTreeSet<_> = answer.header("allow").split(", ").collect();
            let head = operations.contains_key("GET").then_some("HEAD");
            assert_eq!(allowed, operations.keys().copied().chain(head).collect(), "{path}");
        }
    }
}

#[tokio::test]
async fn the_document_says_which_operations_need_a_session() {
    let document = document();
    let stack = start().await;
    for (path, operations) in paths(&document) {
        for (method, operation) in operations {
            let answer = Request::new(method, &stack.addresses().gateway, &address(path)).send().await;

            let is_public = operation.get("security") == Some(&json!([]));
            assert!(is_public || !operation.as_object().expect("an operation").contains_key("security"), "{path}");
            assert_eq!(answer.status != 401, is_public, "{method} {path}");
            let status = answer.status.to_string();
            assert!(operation["responses"].get(&status).is_some(), "{method} {path} does not have {status}");
        }
    }
}

#[test]
fn the_document_has_every_error_of_the_table_and_no_others() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let described = |schema: &Value| schema["properties"]["error"]["const"].as_str().map(str::to_owned);
    let errors: BTreeMap<_, _> = schemas.iter().filter_map(|(name, schema)| Some((described(schema)?, name))).collect();

    let names: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.name().to_owned()).collect();
    assert_eq!(errors.keys().cloned().collect::<BTreeSet<_>>(), names);
    for code in ErrorCode::ALL {
        let schema = &schemas[errors[code.name()]];
        let fields = &schema["properties"];
        let texts = fields["errmsg"]["enum"].as_array().expect("texts");
        assert_eq!(fields["errcode"]["const"], code.errcode(), "{}", code.name());
        assert!(texts.contains(&json!(code.text())), "{}", code.name());
        let required = match code.status() {
            400 => Some(&json!(["detail"])),
            429 | 503 => Some(&json!(["retry_after"])),
            _ => None,
        };
        assert_eq!(schema.get("required"), required, "{}", code.name());
    }
}

#[test]
fn the_document_has_every_error_under_its_status() {
    let document = document();
    for code in ErrorCode::ALL {
        // No operation is answered so: it is the answer where there is none.
        if code == ErrorCode::MethodNotAllowed {
            continue;
        }
        let name = format!("{code:?}");
        let statuses: BTreeSet<_> = paths(&document)
            .into_values()
            .flat_map(BTreeMap::into_values)
            .flat_map(|operation| operation["responses"].as_object().expect("responses"))
            .filter(|(_, response)| has_error(&document, response, &name))
            .map(|(status, _)| status.clone())
            .collect();
        assert_eq!(statuses, BTreeSet::from([code.status().to_string()]), "{name}");
    }
}

/// Whether a response, wherever it is written, has the schema of this error among its own.
fn has_error(document: &Value, response: &Value, error: &str) -> bool {
    let target = response["$ref"].as_str().map(|target| target.trim_start_matches('#'));
    let response = target.map_or(response, |target| document.pointer(target).expect("a response"));
    let schema = &response["content"]["application/json"]["schema"];
    let choices = schema["oneOf"].as_array().map_or(std::slice::from_ref(schema), Vec::as_slice);
    choices.iter().any(|choice| choice["$ref"] == format!("#/components/schemas/{error}"))
}

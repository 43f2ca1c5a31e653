//! What the local stack takes from `template.yaml`: tables, bucket, functions, their variables and routes.
//!
//! The template is the one place where these are written down, so nothing can be right on the laptop and wrong in the
//! cloud. Only what our template needs is understood; an unknown function is an error, never a guess.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, Mapping, Scalar, Yaml};
use serde_json::{Map, Value, json};

mod pattern;
mod policy;
#[cfg(test)]
mod tests;

pub use self::pattern::Pattern;
pub use self::policy::{Grant, Policy, policies};

/// What Lambda allows a function that asks for nothing else.
const LAMBDA_TIMEOUT_SECONDS: u64 = 3;
/// How many records of a stream Lambda puts into one event unless told.
const LAMBDA_BATCH_SIZE: usize = 100;

/// The local meaning of a SAM template. Everything comes in the order of its logical ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Every `AWS::DynamoDB::Table`.
    pub tables: Vec<Table>,
    /// The one `AWS::S3::Bucket`.
    pub bucket: Bucket,
    /// Every `AWS::Serverless::Function`.
    pub functions: Vec<Function>,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its logical id, which is also its name on the laptop.
    pub logical_id: String,
    /// The body of the `CreateTable` call that makes it.
    pub create: Value,
    /// The attribute that holds an item's end (seconds since 1970), where the table has one.
    pub ttl_attribute: Option<String>,
}

/// The bucket of the images.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Its logical id.
    pub logical_id: String,
    /// Its name on the laptop: the logical id in kebab case, as bucket names have no capitals.
    pub name: String,
}

/// A Lambda function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its logical id.
    pub logical_id: String,
    /// The folder under `functions/` that holds it.
    pub name: String,
    /// Its variables with local names and the parameters' defaults. One that only the cloud or whoever deploys can
    /// fill (an attribute, a parameter without a default, `AWS::NoValue`) is left out.
    pub environment: BTreeMap<String, String>,
    /// How long one invocation may take (seconds).
    pub timeout_seconds: u64,
    /// The HTTP API routes that lead to it.
    pub routes: Vec<Route>,
    /// The objects whose creation it is told of.
    pub objects: Vec<ObjectSource>,
    /// The streams of tables that it follows.
    pub streams: Vec<StreamSource>,
    /// Whether it is called each minute.
    pub is_scheduled: bool,
    /// The events on buses that it is told of.
    pub rules: Vec<RuleSource>,
}

/// An event source: objects that are created in the bucket under keys of this form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectSource {
    /// How the keys begin.
    pub prefix: String,
    /// How they end.
    pub suffix: String,
}

/// An event source: the stream of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSource {
    /// The table.
    pub table: String,
    /// The most records of one event.
    pub batch_size: usize,
    /// A record that none of these fits is not handed on; without any, all are.
    pub filters: Vec<Pattern>,
}

/// An event source: a rule of EventBridge.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSource {
    /// The logical id of the bus, which is its name on the laptop.
    pub bus: String,
    /// What events it is about.
    pub pattern: Pattern,
}

/// One route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// A method in capitals, or `ANY`.
    pub method: String,
    /// A path with `{variables}`, or `$default`.
    pub path: String,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// It is not YAML.
    #[error("the template is not YAML: {0}")]
    Syntax(#[from] saphyr::ScanError),
    /// Something that has to be there is not.
    #[error("{0} is missing in the template")]
    Missing(String),
    /// It uses more of the language than is understood here.
    #[error("the template says {0}, which is not understood here")]
    NotUnderstood(String),
}

impl Template {
    /// Reads the text of a template.
    ///
    /// # Errors
    /// Where the text is not YAML, lacks a part that the local stack needs, or says something that is not understood
    /// here.
    pub fn parse(yaml: &str) -> Result<Self, TemplateError> {
        let template = document(yaml)?;
        let scope = Scope { template: &template };
        Ok(Self {
            tables: scope.all("AWS::DynamoDB::Table").map(|id| scope.table(id)).collect::<Result<_, _>>()?,
            bucket: scope.bucket()?,
            functions: scope.all("AWS::Serverless::Function").map(|id| scope.function(id)).collect::<Result<_, _>>()?,
        })
    }
}

/// All that a template says, with the short form of its functions (`!If`) in the long one (`Fn::If`).
///
/// # Errors
/// Where the text is not YAML, or not that of a template.
pub fn document(yaml: &str) -> Result<Value, TemplateError> {
    let documents = Yaml::load_from_str(yaml)?;
    long_form(documents.first().ok_or_else(|| missing("the document"))?)
}

/// Turns YAML into JSON, and the short form of the template's functions (`!If`) into the long one (`Fn::If`).
fn long_form(node: &Yaml) -> Result<Value, TemplateError> {
    Ok(match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(flag)) => json!(flag),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.0),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(items) => items.iter().map(long_form).collect::<Result<_, _>>()?,
        Yaml::Mapping(entries) => Value::Object(long_form_entries(entries)?),
        Yaml::Tagged(tag, argument) => {
            let function = match tag.suffix.as_str() {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            Value::Object(Map::from_iter([(function, long_form(argument)?)]))
        }
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            return Err(TemplateError::NotUnderstood(format!("{node:?}")));
        }
    })
}

/// The entries of a mapping, and those that it takes over from another one by YAML's merge key `<<`.
fn long_form_entries(entries: &Mapping) -> Result<Map<String, Value>, TemplateError> {
    let mut own = Map::new();
    let mut merged = Map::new();
    for (key, value) in entries {
        match (key, long_form(value)?) {
            (Yaml::Value(Scalar::String(name)), Value::Object(others)) if name == "<<" => merged = others,
            (Yaml::Value(Scalar::String(name)), value) => drop(own.insert(name.to_string(), value)),
            (other, _) => return Err(TemplateError::NotUnderstood(format!("the key {other:?}"))),
        }
    }
    merged.extend(own);
    Ok(merged)
}

/// The whole template in its long form: what names in it stand for.
struct Scope<'a> {
    template: &'a Value,
}

impl<'a> Scope<'a> {
    fn all(&self, kind: &'static str) -> impl Iterator<Item = &'a str> {
        let resources = self.template["Resources"].as_object().into_iter().flatten();
        resources.filter(move |(_, resource)| resource["Type"] == kind).map(|(id, _)| id.as_str())
    }

    fn table(&self, id: &str) -> Result<Table, TemplateError> {
        let mut create = json!({ "TableName": id });
        for name in ["BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"] {
            if let Some(value) = self.property(id, name)? {
                create[name] = value;
            }
        }
        // CloudFormation turns a stream on by describing it, the API by a switch.
        if let Some(Value::Object(mut stream)) = self.property(id, "StreamSpecification")? {
            stream.insert("StreamEnabled".to_owned(), json!(true));
            create["StreamSpecification"] = Value::Object(stream);
        }
        let ttl_attribute = self.property(id, "TimeToLiveSpecification")?.as_ref().and_then(ttl_attribute);
        Ok(Table { logical_id: id.to_owned(), create, ttl_attribute })
    }

    fn bucket(&self) -> Result<Bucket, TemplateError> {
        let mut buckets = self.all("AWS::S3::Bucket");
        let id = buckets.next().ok_or_else(|| missing("an AWS::S3::Bucket"))?;
        match buckets.next() {
            None => Ok(Bucket { logical_id: id.to_owned(), name: kebab_case(id) }),
            Some(second) => Err(TemplateError::NotUnderstood(format!("two buckets, {id} and {second}"))),
        }
    }

    /// How the template makes the bucket's name, where it does.
    fn bucket_name(&self) -> Option<&'a Value> {
        let id = self.all("AWS::S3::Bucket").next()?;
        self.template["Resources"][id]["Properties"].get("BucketName")?.get("Fn::Sub")
    }

    fn function(&self, id: &str) -> Result<Function, TemplateError> {
        let code = self.property(id, "CodeUri")?.ok_or_else(|| missing(format!("{id}: CodeUri")))?;
        let code = code.as_str().unwrap_or_default();
        let mut environment = self.variables(&self.template["Globals"]["Function"])?;
        environment.extend(self.variables(&self.template["Resources"][id]["Properties"])?);
        Ok(Function {
            logical_id: id.to_owned(),
            name: code.rsplit('/').next().unwrap_or(code).trim_end_matches(".zip").to_owned(),
            environment,
            timeout_seconds: self.timeout_seconds(id)?,
            routes: routes(&self.property(id, "Events")?.unwrap_or_default()),
            objects: self.sources(id, "S3").map(|source| self.object_source(source)).collect::<Result<_, _>>()?,
            streams: self.sources(id, "DynamoDB").map(|source| self.stream_source(source)).collect::<Result<_, _>>()?,
            is_scheduled: self.is_scheduled(id)?,
            rules: self
                .sources(id, "EventBridgeRule")
                .map(|source| self.rule_source(source))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The event sources of a function that are of this type, as they are written.
    fn sources(&self, id: &str, kind: &'static str) -> impl Iterator<Item = &'a Value> {
        let events = self.template["Resources"][id]["Properties"]["Events"].as_object();
        let events = events.into_iter().flatten().map(|(_, event)| event);
        events.filter(move |event| event["Type"] == kind).map(|event| &event["Properties"])
    }

    /// Each minute is the one schedule that is understood.
    fn is_scheduled(&self, id: &str) -> Result<bool, TemplateError> {
        let schedules: Vec<_> = self.sources(id, "Schedule").map(|source| &source["Schedule"]).collect();
        match schedules.iter().find(|schedule| **schedule != "rate(1 minute)") {
            Some(other) => Err(TemplateError::NotUnderstood(format!("the schedule {other}"))),
            None => Ok(!schedules.is_empty()),
        }
    }

    fn object_source(&self, source: &Value) -> Result<ObjectSource, TemplateError> {
        let events = match &source["Events"] {
            Value::Array(events) => events.iter().collect(),
            event => vec![event],
        };
        if events != ["s3:ObjectCreated:*"] {
            return Err(TemplateError::NotUnderstood(format!("the events {events:?} of S3")));
        }
        let mut told_of = ObjectSource::default();
        for rule in source["Filter"]["S3Key"]["Rules"].as_array().into_iter().flatten() {
            let value = rule["Value"].as_str().unwrap_or_default().to_owned();
            match rule["Name"].as_str() {
                Some("prefix") => told_of.prefix = value,
                Some("suffix") => told_of.suffix = value,
                _ => return Err(TemplateError::NotUnderstood(format!("the rule {rule}"))),
            }
        }
        Ok(told_of)
    }

    fn stream_source(&self, source: &Value) -> Result<StreamSource, TemplateError> {
        let table = source["Stream"]["Fn::GetAtt"].as_str().and_then(|attribute| attribute.strip_suffix(".StreamArn"));
        let filters = self.value(&source["FilterCriteria"]["Filters"])?.unwrap_or_default();
        let filters = filters.as_array().into_iter().flatten();
        let filters = filters.map(|filter| Pattern::parse(filter["Pattern"].as_str().unwrap_or_default()));
        Ok(StreamSource {
            table: table.ok_or_else(|| missing("the Stream of a DynamoDB event"))?.to_owned(),
            batch_size: source["BatchSize"].as_u64().map_or(LAMBDA_BATCH_SIZE, |size| size as usize),
            filters: filters.collect::<Result<_, _>>()?,
        })
    }

    fn rule_source(&self, source: &Value) -> Result<RuleSource, TemplateError> {
        let bus = source["EventBusName"]["Ref"].as_str().ok_or_else(|| missing("the EventBusName of a rule"))?;
        Ok(RuleSource { bus: bus.to_owned(), pattern: Pattern::parse(&source["Pattern"].to_string())? })
    }

    fn variables(&self, function: &Value) -> Result<BTreeMap<String, String>, TemplateError> {
        let variables = self.value(&function["Environment"]["Variables"])?.unwrap_or_default();
        let variables = variables.as_object().into_iter().flatten();
        variables.map(|(name, value)| Ok((name.clone(), scalar_text(name, value)?))).collect()
    }

    fn timeout_seconds(&self, id: &str) -> Result<u64, TemplateError> {
        let own = self.property(id, "Timeout")?;
        let seconds = match own {
            Some(own) => Some(own),
            None => self.value(&self.template["Globals"]["Function"]["Timeout"])?,
        };
        Ok(seconds.and_then(|seconds| seconds.as_u64()).unwrap_or(LAMBDA_TIMEOUT_SECONDS))
    }

    fn property(&self, id: &str, name: &str) -> Result<Option<Value>, TemplateError> {
        match self.template["Resources"][id]["Properties"].get(name) {
            Some(node) => self.value(node),
            None => Ok(None),
        }
    }

    /// What `node` stands for on the laptop; `None` where only the cloud knows, or where it says `AWS::NoValue`.
    fn value(&self, node: &Value) -> Result<Option<Value>, TemplateError> {
        match node {
            Value::Object(entries) => match function_call(entries) {
                Some((function, argument)) => self.call(function, argument),
                None => self.object(entries).map(Some),
            },
            Value::Array(items) => {
                let known = items.iter().filter_map(|item| self.value(item).transpose());
                Ok(Some(known.collect::<Result<_, _>>()?))
            }
            scalar => Ok(Some(scalar.clone())),
        }
    }

    fn object(&self, entries: &Map<String, Value>) -> Result<Value, TemplateError> {
        let known = entries.iter().filter_map(|(key, value)| match self.value(value) {
            Ok(value) => value.map(|value| Ok((key.clone(), value))),
            Err(error) => Some(Err(error)),
        });
        Ok(Value::Object(known.collect::<Result<_, _>>()?))
    }

    fn call(&self, function: &str, argument: &Value) -> Result<Option<Value>, TemplateError> {
        match (function, argument.as_array().map(Vec::as_slice)) {
            ("Ref", _) => self.reference(argument.as_str().unwrap_or_default()),
            ("Fn::If", Some([condition, then, otherwise])) => {
                let name = condition.as_str().unwrap_or_default();
                self.value(if self.named_condition(name)? { then } else { otherwise })
            }
            // A function that the bucket's events call cannot refer to the bucket, and says its name anew.
            ("Fn::Sub", _) if Some(argument) == self.bucket_name() => Ok(Some(json!(self.bucket()?.name))),
            ("Fn::GetAtt" | "Fn::Sub", _) => Ok(None),
            _ => Err(TemplateError::NotUnderstood(format!("{function} {argument}"))),
        }
    }

    fn reference(&self, name: &str) -> Result<Option<Value>, TemplateError> {
        if name.starts_with("AWS::") {
            return Ok(None);
        }
        if let Some(parameter) = self.template["Parameters"].get(name) {
            return Ok(parameter.get("Default").cloned());
        }
        let kind = &self.template["Resources"][name]["Type"];
        match kind.as_str().ok_or_else(|| missing(name))? {
            "AWS::DynamoDB::Table" | "AWS::Events::EventBus" => Ok(Some(json!(name))),
            "AWS::S3::Bucket" => Ok(Some(json!(kebab_case(name)))),
            _ => Ok(None),
        }
    }

    fn named_condition(&self, name: &str) -> Result<bool, TemplateError> {
        self.holds(self.template["Conditions"].get(name).ok_or_else(|| missing(format!("the condition {name}")))?)
    }

    fn holds(&self, condition: &Value) -> Result<bool, TemplateError> {
        let not_understood = || TemplateError::NotUnderstood(format!("the condition {condition}"));
        let call = condition.as_object().and_then(function_call).ok_or_else(not_understood)?;
        match (call.0, call.1.as_array().map(Vec::as_slice)) {
            ("Condition", _) => self.named_condition(call.1.as_str().unwrap_or_default()),
            ("Fn::Equals", Some([one, other])) => Ok(self.value(one)? == self.value(other)?),
            ("Fn::Not", Some([condition])) => Ok(!self.holds(condition)?),
            ("Fn::And", Some(all)) => all.iter().try_fold(true, |held, next| Ok(held & self.holds(next)?)),
            ("Fn::Or", Some(any)) => any.iter().try_fold(false, |held, next| Ok(held | self.holds(next)?)),
            _ => Err(not_understood()),
        }
    }
}

fn function_call(entries: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = entries.iter().next().filter(|_| entries.len() == 1)?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name, argument))
}

fn ttl_attribute(specification: &Value) -> Option<String> {
    let enabled = specification["Enabled"].as_bool().unwrap_or(false);
    specification["AttributeName"].as_str().filter(|_| enabled).map(str::to_owned)
}

fn routes(events: &Value) -> Vec<Route> {
    let events = events.as_object().into_iter().flatten().map(|(_, event)| event);
    let of_the_api = events.filter(|event| event["Type"] == "HttpApi");
    // An event that names neither path nor method is SAM's way of writing the default route.
    let text = |event: &Value, name: &str| event["Properties"][name].as_str().map(str::to_owned);
    of_the_api
        .map(|event| Route {
            method: text(event, "Method").unwrap_or_else(|| "ANY".to_owned()).to_uppercase(),
            path: text(event, "Path").unwrap_or_else(|| "$default".to_owned()),
        })
        .collect()
}

/// Every variable is text; the template may write numbers and switches without quotes.
fn scalar_text(name: &str, value: &Value) -> Result<String, TemplateError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(TemplateError::NotUnderstood(format!("{name}: {value}"))),
    }
}

/// `ImagesBucket` → `images-bucket`
fn kebab_case(logical_id: &str) -> String {
    let mut name = String::new();
    for character in logical_id.chars() {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

fn missing(what: impl Into<String>) -> TemplateError {
    TemplateError::Missing(what.into())
}

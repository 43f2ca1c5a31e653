//! What the template lets each function do: the policy of its role, as pairs of an action and a resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Scope, TemplateError, document, function_call};

/// One action that a policy allows on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// As IAM calls it: `dynamodb:GetItem`.
    pub action: String,
    /// The logical id stands for the ARN: `TasksTable/index/by_owner`, `ImagesBucket/images/*`. A bucket that may be listed
    /// below a prefix is `ImagesBucket?prefix=images/*`.
    pub resource: String,
}

/// What a function's role may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// What it is granted.
    pub grants: BTreeSet<Grant>,
    /// What Lambda itself does with it, whatever the code does: it writes events that it gives up on to a bucket.
    pub used_by_lambda: BTreeSet<Grant>,
}

/// The policy of every function, under the name of its folder, when the template is deployed with these parameters.
///
/// # Errors
/// Where the text is not YAML, or a policy says something that is not understood here: a managed policy, a `Deny`, another
/// condition than a prefix of keys.
pub fn policies(yaml: &str, parameters: &[(&str, &str)]) -> Result<BTreeMap<String, Policy>, TemplateError> {
    let mut template = document(yaml)?;
    for (name, value) in parameters {
        template["Parameters"][name]["Default"] = json!(value);
    }
    let scope = Scope { template: &template };
    let functions = scope.all("AWS::Serverless::Function");
    functions.map(|id| Ok((scope.function(id)?.name, scope.policy(id)?))).collect()
}

impl Scope<'_> {
    fn policy(&self, id: &str) -> Result<Policy, TemplateError> {
        Ok(Policy { grants: self.grants(id)?, used_by_lambda: self.used_by_lambda(id)? })
    }

    fn used_by_lambda(&self, id: &str) -> Result<BTreeSet<Grant>, TemplateError> {
        let function = &self.template["Resources"][id]["Properties"];
        let sources = function["Events"].as_object().into_iter().flatten().map(|(_, event)| &event["Properties"]);
        let mut used = BTreeSet::new();
        for place in sources.chain([&function["EventInvokeConfig"]]) {
            let destination = &place["DestinationConfig"]["OnFailure"]["Destination"];
            let destination = if destination.is_null() { String::new() } else { self.resource(destination)? };
            if self.template["Resources"][&destination]["Type"] == "AWS::S3::Bucket" {
                used.insert(Grant {
                    action: "s3:PutObject".to_owned(),
                    resource: format!("{destination}/aws/lambda/"),
                });
                // By listing, Lambda sees whether the bucket is there.
                used.insert(Grant { action: "s3:ListBucket".to_owned(), resource: destination });
            }
        }
        Ok(used)
    }

    fn grants(&self, id: &str) -> Result<BTreeSet<Grant>, TemplateError> {
        let mut grants = BTreeSet::new();
        for policy in one_or_more(&self.template["Resources"][id]["Properties"]["Policies"]) {
            let statements = policy.get("Statement").ok_or_else(|| not_understood(policy))?;
            for statement in one_or_more(statements) {
                if let Some(statement) = self.chosen(statement)? {
                    grants.extend(self.statement(statement)?);
                }
            }
        }
        Ok(grants)
    }

    fn statement(&self, statement: &Value) -> Result<Vec<Grant>, TemplateError> {
        let parts = statement.as_object().ok_or_else(|| not_understood(statement))?;
        let is_known = |part: &String| ["Sid", "Effect", "Action", "Resource", "Condition"].contains(&part.as_str());
        if statement["Effect"] != "Allow" || !parts.keys().all(is_known) {
            return Err(not_understood(statement));
        }
        let prefix = statement.get("Condition").map(prefix).transpose()?.unwrap_or_default();
        let mut grants = Vec::new();
        for action in one_or_more(&statement["Action"]) {
            let action = action.as_str().ok_or_else(|| not_understood(action))?;
            for resource in one_or_more(&statement["Resource"]) {
                let resource = self.resource(resource)? + &prefix;
                grants.push(Grant { action: action.to_owned(), resource });
            }
        }
        Ok(grants)
    }

    fn resource(&self, node: &Value) -> Result<String, TemplateError> {
        let node = self.chosen(node)?.ok_or_else(|| not_understood(node))?;
        if let Some(text) = node.as_str() {
            return Ok(text.to_owned());
        }
        let (function, argument) = node.as_object().and_then(function_call).ok_or_else(|| not_understood(node))?;
        let argument = argument.as_str().unwrap_or_default();
        let resource = match function {
            // Of a secret, the reference is the ARN.
            "Ref" if self.template["Resources"][argument]["Type"] == "AWS::SecretsManager::Secret" => {
                argument.to_owned()
            }
            "Fn::GetAtt" => argument.strip_suffix(".Arn").unwrap_or_default().to_owned(),
            "Fn::Sub" => match self.in_spelled_out_bucket(argument) {
                Some(resource) => resource,
                None => argument.strip_prefix("${").unwrap_or_default().replacen(".Arn}", "", 1),
            },
            _ => String::new(),
        };
        let id = resource.split('/').next().unwrap_or_default();
        if self.template["Resources"].get(id).is_none() || resource.contains("${") {
            return Err(not_understood(node));
        }
        Ok(resource)
    }

    /// A function that a bucket calls cannot refer to it and spells its name out.
    fn in_spelled_out_bucket(&self, arn: &str) -> Option<String> {
        let name = arn.strip_prefix("arn:${AWS::Partition}:s3:::")?;
        let name_of = |id: &str| self.template["Resources"][id]["Properties"]["BucketName"]["Fn::Sub"].as_str();
        self.all("AWS::S3::Bucket").find_map(|id| Some(format!("{id}{}", name.strip_prefix(name_of(id)?)?)))
    }

    /// What a node is with these parameters; nothing where it says `AWS::NoValue`.
    fn chosen<'a>(&self, node: &'a Value) -> Result<Option<&'a Value>, TemplateError> {
        match (node.get("Fn::If").and_then(Value::as_array).map(Vec::as_slice), &node["Ref"]) {
            (Some([condition, then, otherwise]), _) => {
                let holds = self.named_condition(condition.as_str().unwrap_or_default())?;
                self.chosen(if holds { then } else { otherwise })
            }
            (None, Value::String(name)) if name == "AWS::NoValue" => Ok(None),
            _ => Ok(Some(node)),
        }
    }
}

/// The prefix of keys that a condition asks for, as it stands behind a bucket.
fn prefix(condition: &Value) -> Result<String, TemplateError> {
    let operator = condition.get("StringLike").or_else(|| condition.get("StringEquals"));
    match operator.and_then(|operator| operator["s3:prefix"].as_str()) {
        Some(prefix) if condition.as_object().is_some_and(|all| all.len() == 1) => Ok(format!("?prefix={prefix}")),
        _ => Err(not_understood(condition)),
    }
}

/// IAM takes a single thing for a list of one.
fn one_or_more(node: &Value) -> &[Value] {
    match node {
        Value::Null => &[],
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

fn not_understood(node: &Value) -> TemplateError {
    TemplateError::NotUnderstood(format!("in a policy {node}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The grants of a function with these statements, as lines; or why they are not understood.
    fn read(statements: &str, parameters: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let yaml = format!(
            "Parameters: {{ Mode: {{ Type: String, Default: plain }} }}
Conditions: {{ Signs: !Equals [!Ref Mode, signed] }}
Resources:
  Rows: {{ Type: AWS::DynamoDB::Table }}
  Things: {{ Type: AWS::S3::Bucket, Properties: {{ BucketName: !Sub \"${{AWS::StackName}}-things\" }} }}
  Key: {{ Type: AWS::SecretsManager::Secret }}
  OneFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: target/lambda/one.zip
      Policies: [{{ Statement: [{statements}] }}]
"
        );
        let policies = policies(&yaml, parameters).map_err(|error| error.to_string())?;
        Ok(lines(&policies["one"].grants))
    }

    fn lines(grants: &BTreeSet<Grant>) -> Vec<String> {
        grants.iter().map(|grant| format!("{} {}", grant.action, grant.resource)).collect()
    }

    #[track_caller]
    fn assert_grants(statements: &str, expected: &[&str]) {
        assert_eq!(read(statements, &[]).expect("a good policy"), expected);
    }

    #[test]
    fn every_action_is_granted_on_every_resource_of_its_statement() {
        assert_grants(
            r#"{ Effect: Allow, Action: [dynamodb:GetItem, dynamodb:Query],
                 Resource: [!GetAtt Rows.Arn, !Sub "${Rows.Arn}/index/by_age"] },
               { Effect: Allow, Action: s3:GetObject, Resource: !Sub "${Things.Arn}/seen/*" }"#,
            &[
                "dynamodb:GetItem Rows",
                "dynamodb:GetItem Rows/index/by_age",
                "dynamodb:Query Rows",
                "dynamodb:Query Rows/index/by_age",
                "s3:GetObject Things/seen/*",
            ],
        );
    }

    #[test]
    fn a_prefix_that_may_be_listed_stands_behind_its_bucket() {
        assert_grants(
            r#"{ Effect: Allow, Action: s3:ListBucket, Resource: !GetAtt Things.Arn,
                 Condition: { StringLike: { "s3:prefix": "seen/*" } } }"#,
            &["s3:ListBucket Things?prefix=seen/*"],
        );
    }

    #[test]
    fn a_bucket_is_known_by_its_spelled_out_name_too() {
        assert_grants(
            r#"{ Effect: Allow, Action: s3:GetObject,
                 Resource: !Sub "arn:${AWS::Partition}:s3:::${AWS::StackName}-things/seen/*" }"#,
            &["s3:GetObject Things/seen/*"],
        );
    }

    #[test]
    fn lambda_looks_for_its_place_for_failures_and_writes_there() {
        let ours = policies(include_str!("../../../../template.yaml"), &[]).expect("our own template");
        let expected = ["s3:ListBucket ImagesBucket", "s3:PutObject ImagesBucket/aws/lambda/"];
        assert_eq!(lines(&ours["image-sweep"].used_by_lambda), expected);
        assert_eq!(lines(&ours["session-check"].used_by_lambda), [""; 0]);
    }

    #[test]
    fn a_statement_is_there_where_its_condition_holds() {
        let statement = "!If [Signs, { Effect: Allow, Action: secretsmanager:GetSecretValue, Resource: !Ref Key }, !Ref AWS::NoValue]";
        assert_grants(statement, &[]);
        let signed = read(statement, &[("Mode", "signed")]).expect("a good policy");
        assert_eq!(signed, ["secretsmanager:GetSecretValue Key"]);
    }

    #[test]
    fn what_is_not_understood_is_refused_and_never_guessed() {
        for statement in [
            "AWSLambdaRole",
            "{ Effect: Deny, Action: s3:GetObject, Resource: !GetAtt Things.Arn }",
            "{ Effect: Allow, NotAction: s3:GetObject, Resource: !GetAtt Things.Arn }",
            "{ Effect: Allow, Action: s3:GetObject, Resource: !GetAtt Nobody.Arn }",
            "{ Effect: Allow, Action: s3:GetObject, Resource: !Ref Things }",
            "{ Effect: Allow, Action: s3:GetObject, Resource: !Sub \"${Things.Arn}/${Key}\" }",
            "{ Effect: Allow, Action: s3:GetObject, Resource: !GetAtt Things.Arn, Condition: { Bool: { \"aws:SecureTransport\": true } } }",
        ] {
            let complaint = read(statement, &[]).expect_err(statement);
            assert!(complaint.contains("not understood"), "{complaint}");
        }
    }

    #[test]
    fn every_function_of_ours_is_granted_something() {
        let ours = policies(include_str!("../../../../template.yaml"), &[]).expect("our own template");
        assert!(ours.values().all(|policy| !policy.grants.is_empty()), "{ours:?}");
    }
}

use std::collections::BTreeMap;

use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerPolicy, ApiGatewayV2CustomAuthorizerIamPolicyResponse,
    ApiGatewayV2CustomAuthorizerSimpleResponse,
};
use lambda_http::aws_lambda_events::iam::{IamPolicyEffect, IamPolicyStatement};
use serde::Serialize;
use session::Caller;

use crate::event::Form;

/// Stands where the form asks for a user and none is known. No user id looks like it.
const NOBODY: &str = "nobody";

/// What the back end learns about its caller. REST APIs take no nested values, so there are none.
type Context = BTreeMap<String, String>;

/// The verdict, in the form that the gateway asked for.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// A boolean.
    Simple(ApiGatewayV2CustomAuthorizerSimpleResponse<Context>),
    /// A policy on the one method that is called. A wildcard would be for answers that are cached, which these must not be.
    Policy(ApiGatewayV2CustomAuthorizerIamPolicyResponse<Context>),
}

impl Answer {
    pub(crate) fn allow(form: Form, caller: &Caller) -> Self {
        let context = Context::from([
            ("user_id".to_owned(), caller.user_id.to_string()),
            ("expires_at".to_owned(), caller.expires_at.to_string()),
        ]);
        match form {
            Form::Simple => simple(true, context),
            Form::Policy { method_arn } => policy(IamPolicyEffect::Allow, method_arn, caller.user_id.as_str(), context),
        }
    }

    pub(crate) fn deny(form: Form) -> Self {
        match form {
            Form::Simple => simple(false, Context::new()),
            Form::Policy { method_arn } => policy(IamPolicyEffect::Deny, method_arn, NOBODY, Context::new()),
        }
    }
}

fn simple(is_authorized: bool, context: Context) -> Answer {
    let mut answer = ApiGatewayV2CustomAuthorizerSimpleResponse::default();
    answer.is_authorized = is_authorized;
    answer.context = context;
    Answer::Simple(answer)
}

fn policy(effect: IamPolicyEffect, method_arn: String, principal: &str, context: Context) -> Answer {
    let mut statement = IamPolicyStatement::default();
    statement.effect = effect;
    statement.action = vec!["execute-api:Invoke".to_owned()];
    statement.resource = vec![method_arn];
    let mut policy = ApiGatewayCustomAuthorizerPolicy::default();
    policy.version = Some("2012-10-17".to_owned());
    policy.statement = vec![statement];
    let mut answer = ApiGatewayV2CustomAuthorizerIamPolicyResponse::default();
    answer.principal_id = Some(principal.to_owned());
    answer.policy_document = policy;
    answer.context = context;
    Answer::Policy(answer)
}

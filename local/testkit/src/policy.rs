//! Least privilege, held by the functions' own tests: what they do and what `template.yaml` grants is the same.

use std::collections::BTreeSet;

use emulators::template::{Grant, Policy, Template, policies};
use emulators::{CLOUDFRONT_SECRET_NAME, WECHAT_SECRET_NAME};

use crate::recording::Access;
use crate::stack::TEMPLATE;

/// A way to deploy in which policies differ from those of another. It changes which secret is read; whatever else is done in
/// any delivery counts as done in all of them.
struct Deployment {
    name: &'static str,
    parameters: &'static [(&'static str, &'static str)],
    /// The secret that holds the key to sign for CloudFront with.
    signs_with: Option<&'static str>,
    /// Whether there is a bus that events are put on.
    has_events: bool,
}

/// The bus of the template, under its own name in the tests.
const BUS: &str = "EventBus";

const DEPLOYMENTS: [Deployment; 4] = [
    Deployment { name: "presigned", parameters: &[], signs_with: None, has_events: false },
    Deployment { name: "with events", parameters: &[("Events", "on")], signs_with: None, has_events: true },
    Deployment {
        name: "cloudfront with key A",
        parameters: &[("ImageDelivery", "cloudfront"), ("ImageKey", "A")],
        signs_with: Some("ImageKeyASecret"),
        has_events: false,
    },
    Deployment {
        name: "cloudfront with key B",
        parameters: &[("ImageDelivery", "cloudfront"), ("ImageKey", "B")],
        signs_with: Some("ImageKeyBSecret"),
        has_events: false,
    },
];

/// The faults of a function's policy, in whichever deployment: calls and signatures without a grant, and grants that no test
/// needs.
fn faults_of(function: &str, done: &BTreeSet<Access>) -> Vec<String> {
    let bucket = Template::parse(TEMPLATE).unwrap().bucket;
    let mut faults = Vec::new();
    for deployment in &DEPLOYMENTS {
        let Policy { grants, used_by_lambda } =
            policies(TEMPLATE, deployment.parameters).unwrap().remove(function).unwrap();
        let deployed = |access: &Access| deployed(access, deployment, (&bucket.name, &bucket.logical_id));
        let by_lambda = used_by_lambda.iter().map(|grant| Access::new(&grant.action, &grant.resource));
        let renewals = done.iter().filter_map(renewal);
        let needed: BTreeSet<_> = done.iter().filter_map(deployed).chain(by_lambda).chain(renewals).collect();
        let found = compare(&needed, &grants);
        faults.extend(found.iter().map(|fault| format!("{function}, {}: {fault}", deployment.name)));
    }
    faults
}

/// What an access in the tests is in a deployment: names become logical ids, and some keys are not there to be read.
fn deployed(access: &Access, deployment: &Deployment, bucket: (&str, &str)) -> Option<Access> {
    let (kind, rest) = access.resource.split_once('/').unwrap_or((&access.resource, ""));
    let resource = match kind {
        BUS if !deployment.has_events => return None,
        "secret" if rest == WECHAT_SECRET_NAME => "WeChatSecret".to_owned(),
        "secret" if rest == CLOUDFRONT_SECRET_NAME => deployment.signs_with?.to_owned(),
        _ => match access.resource.strip_prefix(bucket.0) {
            Some(inside) => format!("{}{inside}", bucket.1),
            None => access.resource.clone(),
        },
    };
    Some(Access { resource, ..access.clone() })
}

/// Whoever checks sessions renews them, though only once an hour: a function needs that right whether a test of its own meets
/// the hour or not.
fn renewal(access: &Access) -> Option<Access> {
    let is_check = access.action == "dynamodb:GetItem" && access.resource == "SessionsTable";
    is_check.then(|| Access::new("dynamodb:UpdateItem", "SessionsTable"))
}

/// The faults of a policy: what it lacks, what it has beyond need, and what is wider than a need can show.
fn compare(needed: &BTreeSet<Access>, granted: &BTreeSet<Grant>) -> BTreeSet<String> {
    let lacking = needed.iter().filter(|access| !granted.iter().any(|grant| allows(grant, access)));
    let lacking = lacking.map(|access| format!("{} on {} is done, but not granted", access.action, folder(access)));
    let told = |grant: &Grant, fault| format!("{} on {} {fault}", grant.action, grant.resource);
    let idle = granted.iter().filter(|grant| !needed.iter().any(|access| allows(grant, access)));
    let wide = granted.iter().filter(|grant| is_wide(grant) || is_beyond_prefixes(grant, needed));
    let idle = idle.map(|grant| told(grant, "is granted, but no test does it"));
    lacking.chain(idle).chain(wide.map(|grant| told(grant, "is wider than a test can show to be needed"))).collect()
}

fn allows(grant: &Grant, access: &Access) -> bool {
    let is_reached = match grant.resource.strip_suffix('*') {
        Some(prefix) => access.resource.starts_with(prefix),
        // Who may list a bucket may do so below any prefix.
        None => access.resource == grant.resource || access.resource.split('?').next() == Some(&grant.resource),
    };
    grant.action == access.action && is_reached
}

/// Wildcards are for the keys below a folder: what is behind another one, no test can show to be needed.
fn is_wide(grant: &Grant) -> bool {
    let key = grant.resource.split_once(['/', '=']).map_or("", |(_, key)| key);
    let is_folder = grant.action.starts_with("s3:") && key.ends_with("/*") && key.matches('*').count() == 1;
    grant.action.contains('*') || (grant.resource.contains('*') && !is_folder)
}

/// A bucket that is only ever listed below prefixes may be listed below these.
fn is_beyond_prefixes(grant: &Grant, needed: &BTreeSet<Access>) -> bool {
    let is_whole = |access: &Access| access.resource == grant.resource;
    grant.action == "s3:ListBucket" && !grant.resource.contains('?') && !needed.iter().any(is_whole)
}

/// The resource without the ids that are in a key: `ImagesBucket/images/…`.
fn folder(access: &Access) -> String {
    match access.resource.split('/').collect::<Vec<_>>()[..] {
        [bucket, folder, _, ..] if folder != "index" => format!("{bucket}/{folder}/…"),
        _ => access.resource.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording;

    #[test]
    #[ignore = "`make test` runs it, when the tests of all functions have noted what they do"]
    fn every_policy_grants_what_the_tests_of_its_function_do_and_nothing_else() {
        let functions = Template::parse(TEMPLATE).unwrap().functions.into_iter().map(|function| function.name);
        let faults: Vec<_> = functions.flat_map(|function| faults_of(&function, &recording::of(&function))).collect();
        assert!(faults.is_empty(), "the policies in template.yaml:\n{}", faults.join("\n"));
    }

    fn faults(needed: &[(&str, &str)], granted: &[(&str, &str)]) -> Vec<String> {
        let needed = needed.iter().map(|(action, resource)| Access::new(action, resource)).collect();
        let grant =
            |(action, resource): &(&str, &str)| Grant { action: (*action).into(), resource: (*resource).into() };
        compare(&needed, &granted.iter().map(grant).collect()).into_iter().collect()
    }

    const READ: (&str, &str) = ("dynamodb:GetItem", "TasksTable");
    const PUT: (&str, &str) = ("s3:PutObject", "ImagesBucket/images/*");

    #[test]
    fn a_policy_that_grants_what_is_done_has_no_fault() {
        let done =
            [READ, ("s3:PutObject", "ImagesBucket/images/a/b.jpg"), ("s3:ListBucket", "ImagesBucket?prefix=in/a")];
        assert_eq!(faults(&done, &[READ, PUT, ("s3:ListBucket", "ImagesBucket?prefix=in/*")]), [""; 0]);
    }

    #[test]
    fn a_call_without_a_grant_is_a_fault() {
        let lacks = |action, resource| faults(&[READ, (action, resource)], &[READ]);
        assert_eq!(
            lacks("dynamodb:PutItem", "TasksTable"),
            ["dynamodb:PutItem on TasksTable is done, but not granted"]
        );
        assert_eq!(
            lacks("dynamodb:GetItem", "UsersTable"),
            ["dynamodb:GetItem on UsersTable is done, but not granted"]
        );
        let index = "TasksTable/index/by_owner";
        assert_eq!(lacks("dynamodb:Query", index), [format!("dynamodb:Query on {index} is done, but not granted")]);
    }

    #[test]
    fn a_key_beside_the_prefix_is_a_fault_and_told_without_its_ids() {
        let done = [("s3:PutObject", "ImagesBucket/images/a/b.jpg"), ("s3:PutObject", "ImagesBucket/incoming/a/b")];
        assert_eq!(faults(&done, &[PUT]), ["s3:PutObject on ImagesBucket/incoming/… is done, but not granted"]);
    }

    #[test]
    fn a_grant_that_no_test_needs_is_a_fault() {
        let idle = "dynamodb:DeleteItem on TasksTable is granted, but no test does it";
        assert_eq!(faults(&[READ], &[READ, ("dynamodb:DeleteItem", "TasksTable")]), [idle]);
    }

    #[test]
    fn wildcards_are_refused_but_for_the_keys_below_a_folder() {
        for (action, resource) in [
            ("dynamodb:*", "TasksTable"),
            ("dynamodb:Get*", "TasksTable"),
            ("dynamodb:GetItem", "*"),
            ("dynamodb:Query", "TasksTable/index/*"),
            ("s3:*", "ImagesBucket/images/*"),
            ("s3:PutObject", "ImagesBucket/*"),
            ("s3:PutObject", "ImagesBucket/*/original.jpg"),
            ("s3:ListBucket", "ImagesBucket?prefix=*"),
        ] {
            let done = (action, resource.trim_end_matches('*'));
            let wide = format!("{action} on {resource} is wider than a test can show to be needed");
            assert!(faults(&[done], &[(action, resource)]).contains(&wide), "{wide}");
        }
    }

    #[test]
    fn a_whole_bucket_may_be_listed_only_where_it_is_listed_without_a_prefix() {
        let (below, whole) = (("s3:ListBucket", "ImagesBucket?prefix=in/a"), ("s3:ListBucket", "ImagesBucket"));
        let wide = "s3:ListBucket on ImagesBucket is wider than a test can show to be needed";
        assert_eq!(faults(&[below], &[whole]), [wide]);
        assert_eq!(faults(&[below, whole], &[whole]), [""; 0]);
    }

    #[test]
    fn the_key_to_sign_with_is_read_only_where_a_deployment_signs_for_cloudfront() {
        let read = Access::new("secretsmanager:GetSecretValue", "secret/cloudfront");
        let secrets: Vec<_> = DEPLOYMENTS.iter().map(|to| Some(deployed(&read, to, ("", ""))?.resource)).collect();
        assert_eq!(secrets, [None, None, Some("ImageKeyASecret".to_owned()), Some("ImageKeyBSecret".to_owned())]);
    }

    #[test]
    fn the_right_to_renew_sessions_goes_with_that_to_check_them() {
        let check = Access::new("dynamodb:GetItem", "SessionsTable");
        assert_eq!(renewal(&check), Some(Access::new("dynamodb:UpdateItem", "SessionsTable")));
        assert_eq!(renewal(&Access::new("dynamodb:GetItem", "TasksTable")), None);
        assert_eq!(renewal(&Access::new("dynamodb:Query", "SessionsTable")), None);
    }

    #[test]
    fn events_are_put_only_where_a_deployment_has_a_bus() {
        let put = Access::new("events:PutEvents", BUS);
        let needed: Vec<_> =
            DEPLOYMENTS.iter().filter_map(|to| deployed(&put, to, ("", "")).map(|_| to.name)).collect();
        assert_eq!(needed, ["with events"]);
    }
}

use super::*;

fn ours() -> Template {
    Template::parse(include_str!("../../../../template.yaml")).expect("our own template")
}

fn function<'a>(template: &'a Template, name: &str) -> &'a Function {
    template.functions.iter().find(|function| function.name == name).expect("a function of that name")
}

/// A template with one bucket and one function, whose variable `X` is written as `variable`.
fn with_variable(variable: &str) -> String {
    format!(
        "Parameters:
  Filled: {{ Type: Number, Default: 7 }}
  Empty: {{ Type: String, Default: \"\" }}
  Asked: {{ Type: String }}
Conditions:
  IsEmpty: !Equals [!Ref Empty, \"\"]
  IsNotEmpty: !Not [!Condition IsEmpty]
  Both: !And [!Condition IsEmpty, !Condition IsNotEmpty]
  Either: !Or [!Condition IsEmpty, !Condition IsNotEmpty]
Resources:
  OneBucket: {{ Type: AWS::S3::Bucket, Properties: {{ BucketName: !Sub \"one-${{AWS::Region}}\" }} }}
  OneSecret: {{ Type: AWS::SecretsManager::Secret }}
  OneFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: target/lambda/one
      Environment: {{ Variables: {{ X: {variable} }} }}
"
    )
}

#[track_caller]
fn assert_variable(written: &str, expected: Option<&str>) {
    let template = Template::parse(&with_variable(written)).expect("a good template");
    assert_eq!(template.functions[0].environment.get("X").map(String::as_str), expected, "{written}");
}

#[test]
fn a_mapping_takes_over_what_an_anchor_names_and_its_own_entries_win() {
    let document =
        document("first: { <<: &shared { A: 1, B: !Ref Two }, C: 3 }\nsecond: { <<: *shared, A: 4 }").unwrap();

    assert_eq!(document["first"], json!({ "A": 1, "B": { "Ref": "Two" }, "C": 3 }));
    assert_eq!(document["second"], json!({ "A": 4, "B": { "Ref": "Two" } }));
}

#[test]
fn every_folder_of_functions_is_one_function_of_the_template() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions");
    let entries = std::fs::read_dir(folder).expect("functions/").map(|entry| entry.expect("an entry"));
    let mut folders: Vec<_> = entries.map(|entry| entry.file_name().into_string().expect("a plain name")).collect();
    folders.sort();

    let mut names: Vec<_> = ours().functions.into_iter().map(|function| function.name).collect();
    names.sort();

    assert_eq!(names, folders);
}

#[test]
fn tables_become_the_calls_that_make_them() {
    let tables = ours().tables;

    let ids: Vec<_> = tables.iter().map(|table| table.logical_id.as_str()).collect();
    assert_eq!(ids, ["ImagesTable", "SessionsTable", "TasksTable", "UsersTable"]);
    assert_eq!(
        tables[0].create,
        json!({
            "TableName": "ImagesTable",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "stem", "AttributeType": "S" },
                { "AttributeName": "owner_id", "AttributeType": "S" }
            ],
            "KeySchema": [{ "AttributeName": "stem", "KeyType": "HASH" }],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by_owner",
                "KeySchema": [
                    { "AttributeName": "owner_id", "KeyType": "HASH" },
                    { "AttributeName": "stem", "KeyType": "RANGE" }
                ],
                "Projection": { "ProjectionType": "KEYS_ONLY" }
            }],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        })
    );
    assert_eq!(tables[2].create["GlobalSecondaryIndexes"][0]["IndexName"], "by_owner");
    assert_eq!(
        tables[2].create["GlobalSecondaryIndexes"][0]["Projection"],
        json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"] })
    );
}

#[test]
fn sessions_and_images_end_by_themselves_and_nothing_else_does() {
    let ttl: Vec<_> = ours().tables.into_iter().map(|table| (table.logical_id, table.ttl_attribute)).collect();

    let expires_at = Some("expires_at".to_owned());
    assert_eq!(
        ttl,
        [
            ("ImagesTable".to_owned(), expires_at.clone()),
            ("SessionsTable".to_owned(), expires_at),
            ("TasksTable".to_owned(), None),
            ("UsersTable".to_owned(), None),
        ]
    );
}

#[test]
fn the_bucket_has_a_name_that_s3_accepts() {
    assert_eq!(ours().bucket, Bucket { logical_id: "ImagesBucket".into(), name: "images-bucket".into() });
}

#[test]
fn a_function_that_the_bucket_calls_knows_it_by_its_name_spelled_out() {
    assert_eq!(function(&ours(), "image-ingest").environment["IMAGES_BUCKET"], "images-bucket");

    let variable =
        |yaml: &str| Template::parse(yaml).expect("a good template").functions[0].environment.get("X").cloned();
    assert_eq!(variable(&with_variable("!Sub 'one-${AWS::Region}'")).as_deref(), Some("one-bucket"));
    assert_eq!(variable(&with_variable("!Sub 'two-${AWS::Region}'")), None, "which only the cloud knows");
}

#[test]
fn variables_have_local_names_and_the_defaults_of_the_parameters() {
    let template = ours();
    let variables = &function(&template, "task-image-upload").environment;

    assert_eq!(variables["SESSIONS_TABLE"], "SessionsTable", "from the globals");
    assert_eq!(variables["TASKS_TABLE"], "TasksTable");
    assert_eq!(variables["IMAGES_BUCKET"], "images-bucket");
    assert_eq!(function(&template, "image-ingest").environment["IMAGES_BUCKET"], "images-bucket", "spelled out");
    assert_eq!(variables["IMAGE_DELIVERY"], "presigned");
    assert_eq!(variables["SESSION_IDLE_SECONDS"], "604800");
    assert_eq!(variables["MAX_IMAGE_BYTES"], (4 * 1024 * 1024).to_string());
}

#[test]
fn variables_that_only_the_cloud_can_fill_are_left_out() {
    let template = ours();
    let variables = &function(&template, "session-login").environment;

    assert_eq!(variables["WECHAT_API_BASE"], "https://api.weixin.qq.com");
    for absent in ["WECHAT_APPID", "WECHAT_SECRET", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SECRETS_MANAGER"] {
        assert_eq!(variables.get(absent), None, "{absent}");
    }
}

#[test]
fn each_function_gets_the_variables_it_needs_and_no_others() {
    let template = ours();

    assert_eq!(function(&template, "session-check").environment.get("IMAGES_BUCKET"), None);
    assert_eq!(function(&template, "avatar-upload").environment.get("TASKS_TABLE"), None);
    assert_eq!(function(&template, "tasks").environment.get("WECHAT_API_BASE"), None);
}

#[test]
fn a_function_has_the_time_that_the_template_gives_it() {
    let template = ours();
    assert_eq!(function(&template, "session-check").timeout_seconds, 10, "from the globals");
    assert_eq!(function(&template, "image-sweep").timeout_seconds, 60, "its own");

    let seconds = |yaml: &str| Template::parse(yaml).expect("a good template").functions[0].timeout_seconds;
    assert_eq!(seconds(&with_variable("1")), 3, "as Lambda does");
    assert_eq!(seconds(&with_variable("1").replace("CodeUri", "Timeout: 60\n      CodeUri")), 60);
}

#[test]
fn each_minute_is_the_one_schedule_that_is_understood() {
    let template = ours();
    assert!(function(&template, "account-sweep").is_scheduled);
    assert!(!function(&template, "session-check").is_scheduled);

    let with = |schedule: &str| {
        let events =
            format!("Events: {{ One: {{ Type: Schedule, Properties: {{ Schedule: {schedule} }} }} }}\n      CodeUri");
        Template::parse(&with_variable("1").replace("CodeUri", &events))
    };
    assert!(with("rate(1 minute)").expect("a good template").functions[0].is_scheduled);
    assert!(matches!(with("rate(5 minutes)"), Err(TemplateError::NotUnderstood(_))));
}

#[test]
fn every_path_has_an_owner_for_any_method() {
    let template = ours();
    let routes = |name| {
        let routes = function(&template, name).routes.iter();
        let mut routes: Vec<_> = routes.map(|route| format!("{} {}", route.method, route.path)).collect();
        routes.sort();
        routes
    };

    assert_eq!(routes("session-login"), ["POST /session"]);
    assert_eq!(routes("session-check"), ["ANY /session"]);
    assert_eq!(routes("session-revoke"), ["DELETE /session"]);
    assert_eq!(
        routes("tasks"),
        ["ANY $default", "ANY /tasks", "ANY /tasks/{task_id}", "ANY /tasks/{task_id}/images/{name}"]
    );
    assert_eq!(routes("task-image-upload"), ["ANY /task/postImage", "ANY /tasks/{task_id}/images"]);
    assert_eq!(routes("avatar-upload"), ["ANY /me/avatar"]);
    assert_eq!(
        routes("image-redirect"),
        ["ANY /images/resolve", "ANY /images/{name}", "ANY /task/{imagename}", "ANY /users/{user_id}/avatar"]
    );
}

#[test]
fn an_event_without_path_and_method_is_the_default_route() {
    let yaml = with_variable("1") + "      Events: { Rest: { Type: HttpApi } }\n";

    let template = Template::parse(&yaml).expect("a good template");

    assert_eq!(template.functions[0].routes, [Route { method: "ANY".into(), path: "$default".into() }]);
}

#[test]
fn cloudformation_functions_are_resolved_as_far_as_a_laptop_can() {
    assert_variable("plain", Some("plain"));
    assert_variable("15", Some("15"));
    assert_variable("true", Some("true"));
    assert_variable("!Ref Filled", Some("7"));
    assert_variable("!Ref Empty", Some(""));
    assert_variable("!Ref OneBucket", Some("one-bucket"));
    assert_variable("!If [IsEmpty, yes, no]", Some("yes"));
    assert_variable("!If [IsNotEmpty, yes, !Ref Filled]", Some("7"));
    assert_variable("!If [Both, yes, no]", Some("no"));
    assert_variable("!If [Either, yes, no]", Some("yes"));
    assert_variable("{ \"Fn::If\": [IsEmpty, { Ref: Filled }, no] }", Some("7"));

    assert_variable("!If [IsNotEmpty, yes, !Ref AWS::NoValue]", None);
    assert_variable("!Ref Asked", None);
    assert_variable("!Ref AWS::Region", None);
    assert_variable("!Ref OneSecret", None);
    assert_variable("!GetAtt OneSecret.Id", None);
    assert_variable("!Sub \"${OneSecret}/x\"", None);
}

#[track_caller]
fn assert_refused(yaml: &str, complaint: &str) {
    let error = Template::parse(yaml).expect_err("must be refused").to_string();
    assert!(error.contains(complaint), "{error}");
}

#[test]
fn what_is_not_understood_is_refused_and_never_guessed() {
    assert_refused(&with_variable("!Ref Nobody"), "Nobody is missing");
    assert_refused(&with_variable("!If [Nowhere, a, b]"), "the condition Nowhere is missing");
    assert_refused(&with_variable("!If [IsEmpty, a]"), "Fn::If");
    assert_refused(&with_variable("!Join [a, [b]]"), "Fn::Join");
    assert_refused(&with_variable("[a, b]"), "X: [\"a\",\"b\"]");
}

#[test]
fn a_broken_template_is_refused() {
    assert_refused("", "the document is missing");
    assert_refused("a: [", "not YAML");
    assert_refused("Resources: {}", "an AWS::S3::Bucket is missing");
    assert_refused(&with_variable("1").replace("CodeUri", "Elsewhere"), "CodeUri is missing");
    assert_refused(&(with_variable("1") + "  Two: { Type: AWS::S3::Bucket }\n"), "two buckets, OneBucket and Two");
}

#[test]
fn the_sweep_follows_the_images_and_is_called_for_what_ends_objects_only() {
    let template = ours();
    let [stream] = function(&template, "image-sweep").streams.as_slice() else { panic!("one stream") };
    assert_eq!((stream.table.as_str(), stream.batch_size), ("ImagesTable", 25));

    let image = |state: &str| json!({ "state": { "S": state } });
    let record = |name: &str, stem: &str, new: Value| {
        let record = json!({ "eventName": name, "dynamodb": { "Keys": { "stem": { "S": stem } }, "NewImage": new } });
        stream.filters.iter().any(|filter| filter.fits(&record))
    };
    assert!(record("REMOVE", "5eed", Value::Null));
    assert!(record("MODIFY", "5eed", image("removed")));
    assert!(record("MODIFY", "avatar#somebody", json!({})));
    for state in ["pending", "ready", "rejected"] {
        assert!(!record("MODIFY", "5eed", image(state)), "{state}");
        assert!(!record("INSERT", "5eed", image(state)), "{state}");
    }
    assert!(!record("INSERT", "avatar#somebody", json!({})), "the first avatar replaces none");
}

#[test]
fn a_pattern_that_compares_in_another_way_is_refused() {
    for understood in [r#"{"a":["x",1,null]}"#, r#"{"a":{"b":[{"prefix":"x"}]}}"#, "{}"] {
        assert!(Pattern::parse(understood).is_ok(), "{understood}");
    }
    for odd in ["", "[]", r#"{"a":"x"}"#, r#"{"a":[{"suffix":"x"}]}"#, r#"{"a":[{"prefix":1}]}"#, r#"{"a":[["x"]]}"#] {
        assert!(matches!(Pattern::parse(odd), Err(TemplateError::NotUnderstood(_))), "{odd}");
    }
}

#[test]
fn a_pattern_lets_pass_what_has_all_that_it_asks_for() {
    let pattern = Pattern::parse(r#"{"a":["x",{"prefix":"y-"}],"b":{"c":[1]}}"#).unwrap();
    for (record, fits) in [
        (json!({ "a": "x", "b": { "c": 1 }, "d": 2 }), true),
        (json!({ "a": "y-z", "b": { "c": 1 } }), true),
        (json!({ "a": "z", "b": { "c": 1 } }), false),
        (json!({ "a": "x", "b": { "c": 2 } }), false),
        (json!({ "a": "x" }), false),
        (json!({ "a": 1, "b": 1 }), false),
    ] {
        assert_eq!(pattern.fits(&record), fits, "{record}");
    }
}

#[test]
fn a_function_names_the_keys_that_it_is_told_of() {
    let with = |source: &str| {
        let events = format!("Events: {{ One: {{ Type: S3, Properties: {source} }} }}\n      CodeUri");
        Template::parse(&with_variable("1").replace("CodeUri", &events))
    };
    let source = |prefix: &str, suffix: &str| vec![ObjectSource { prefix: prefix.into(), suffix: suffix.into() }];
    let objects = |rules: &str| {
        let source = format!(
            "{{ Bucket: !Ref OneBucket, Events: s3:ObjectCreated:*, Filter: {{ S3Key: {{ Rules: {rules} }} }} }}"
        );
        with(&source).unwrap().functions[0].objects.clone()
    };
    assert_eq!(objects("[{ Name: prefix, Value: in/ }]"), source("in/", ""));
    assert_eq!(objects("[{ Name: prefix, Value: a/ }, { Name: suffix, Value: .jpg }]"), source("a/", ".jpg"));
    assert_eq!(
        with("{ Bucket: !Ref OneBucket, Events: [\"s3:ObjectCreated:*\"] }").unwrap().functions[0].objects,
        source("", "")
    );
    let other = with("{ Bucket: !Ref OneBucket, Events: s3:ObjectRemoved:* }");
    assert!(matches!(other, Err(TemplateError::NotUnderstood(_))), "{other:?}");
}

use super::*;

fn ours() -> Routes {
    Routes::of(&Template::parse(include_str!("../../../../template.yaml")).expect("our own template"))
}

/// The routes of AWS's own example of precedence, each leading to a function of its own.
fn of_the_manual(routes: &[(&str, &str)]) -> Routes {
    let entries = routes.iter().filter(|(key, _)| *key != DEFAULT).map(|(key, function)| {
        let (method, path) = key.split_once(' ').expect("a method and a path");
        Entry::new(&Route { method: method.into(), path: path.into() }, function)
    });
    let default = routes.iter().find(|(key, _)| *key == DEFAULT).map(|(_, function)| (*function).to_owned());
    Routes { entries: entries.collect(), default }
}

#[track_caller]
fn assert_taken(routes: &Routes, request: &str, key: &str, variables: &[(&str, &str)]) {
    let (method, path) = request.split_once(' ').expect("a method and a path");
    let method = method.parse().expect("a method");
    let found = routes.find(&method, path).expect("a route");
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!((found.key, found.variables), (key, variables), "{request}");
}

#[test]
fn the_most_specific_path_wins_then_a_method_over_any_then_the_default() {
    let routes = of_the_manual(&[
        ("$default", "default"),
        ("ANY /{proxy+}", "all"),
        ("GET /pets/{proxy+}", "greedy"),
        ("GET /pets/dog/{id}", "variable"),
        ("GET /pets/dog/1", "literal"),
        ("ANY /pets/dog/1", "any"),
    ]);

    assert_taken(&routes, "GET /pets/dog/1", "GET /pets/dog/1", &[]);
    assert_taken(&routes, "POST /pets/dog/1", "ANY /pets/dog/1", &[]);
    assert_taken(&routes, "GET /pets/dog/2", "GET /pets/dog/{id}", &[("id", "2")]);
    assert_taken(&routes, "GET /pets/cat/1", "GET /pets/{proxy+}", &[("proxy", "cat/1")]);
    assert_taken(&routes, "POST /pets/cat/1", "ANY /{proxy+}", &[("proxy", "pets/cat/1")]);
    assert_taken(&routes, "GET /", "$default", &[]);
}

#[test]
fn without_a_default_route_an_unknown_path_leads_nowhere() {
    let routes = of_the_manual(&[("GET /here", "here")]);

    assert_eq!(routes.find(&Method::GET, "/there"), None);
    assert_eq!(routes.find(&Method::POST, "/here"), None);
}

#[test]
fn our_paths_lead_to_their_owners_whatever_the_method() {
    let routes = ours();
    let function = |method: Method, path| routes.find(&method, path).expect("a route").function;

    assert_eq!(function(Method::POST, "/session"), "session-login");
    assert_eq!(function(Method::DELETE, "/session"), "session-revoke");
    assert_eq!(function(Method::GET, "/session"), "session-check");
    assert_eq!(function(Method::PATCH, "/session"), "session-check");
    assert_eq!(function(Method::GET, "/task/postImage"), "task-image-upload");
    assert_eq!(function(Method::POST, "/task/any.jpg"), "image-redirect");
    assert_eq!(function(Method::GET, "/images/resolve"), "image-redirect");
    assert_eq!(function(Method::DELETE, "/tasks/t/images/n.jpg"), "tasks");
    assert_eq!(function(Method::DELETE, "/tasks/t/images"), "task-image-upload");
    assert_eq!(function(Method::GET, "/nowhere"), "tasks");
}

#[test]
fn variables_are_matched_as_sent_and_handed_over_decoded() {
    let routes = ours();

    assert_taken(&routes, "GET /images/a%2Fb.jpg", "ANY /images/{name}", &[("name", "a/b.jpg")]);
    assert_taken(&routes, "GET /images/%E7%85%A7.jpg", "ANY /images/{name}", &[("name", "照.jpg")]);
    assert_taken(
        &routes,
        "GET /tasks/t/images/n",
        "ANY /tasks/{task_id}/images/{name}",
        &[("task_id", "t"), ("name", "n")],
    );
}

#[test]
fn an_empty_variable_and_a_trailing_slash_match_nothing() {
    let routes = ours();

    assert_taken(&routes, "GET /images/", "$default", &[]);
    assert_taken(&routes, "GET /tasks//images", "$default", &[]);
    assert_taken(&routes, "GET /session/", "$default", &[]);
    assert_taken(&routes, "GET /Session", "$default", &[]);
}

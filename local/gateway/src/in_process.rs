//! Every function of the template, in this process, one line each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use emulators::template::Template;
use platform::config::{self, Problems, Variable};
use platform::{Patience, aws, clock};

use crate::function::{Function, Functions};

/// The one list of functions: hands `$use` the name and the library of each, and `event` with those that are not called
/// over HTTP, `background` with those of them that nobody waits for.
macro_rules! for_each_function {
    ($use:ident) => {
        $use!("account", account);
        $use!("account-remove", account_remove);
        $use!("account-sweep", account_sweep, background);
        $use!("avatar-upload", avatar_upload);
        $use!("image-ingest", image_ingest, background);
        $use!("image-redirect", image_redirect);
        $use!("image-sweep", image_sweep, background);
        $use!("session-authorizer", session_authorizer, event);
        $use!("session-check", session_check);
        $use!("session-login", session_login);
        $use!("session-revoke", session_revoke);
        $use!("task-image-upload", task_image_upload);
        $use!("tasks", tasks);
        $use!("upload-ticket", upload_ticket);
    };
}

/// Where a variable's value comes from: the caller first, then the local stack, then the template.
pub struct Environment<'a> {
    /// The variables that the caller of the stack has set.
    pub caller: &'a dyn Fn(&str) -> Option<String>,
    /// The variables of the stack itself: addresses, credentials, the app id.
    pub local: BTreeMap<String, String>,
    /// The names of tables and bucket, and the defaults of the parameters.
    pub template: &'a Template,
    /// How many times longer than on AWS the functions wait and may take.
    pub patience: u32,
}

impl Environment<'_> {
    /// A variable as `function` sees it. Empty is unset.
    fn value(&self, function: &str, name: &str) -> Option<String> {
        let given = (self.caller)(name).filter(|value| !value.is_empty());
        let templates = || self.function(function)?.environment.get(name).cloned();
        given.or_else(|| self.local.get(name).cloned()).or_else(templates)
    }

    fn timeout(&self, function: &str) -> Duration {
        Duration::from_secs(self.function(function).map_or(0, |function| function.timeout_seconds)) * self.patience
    }

    fn function(&self, name: &str) -> Option<&emulators::template::Function> {
        self.template.functions.iter().find(|function| function.name == name)
    }
}

/// The functions, and every variable that one of them reads.
pub struct Connected {
    /// The functions, ready to be invoked.
    pub functions: Functions,
    /// The variables with which a function outside this process meets the same stack.
    pub variables: BTreeMap<String, String>,
}

/// Collects functions, and the faults of all their configurations.
struct Connecting<'a> {
    environment: &'a Environment<'a>,
    connected: Connected,
    problems: BTreeSet<String>,
}

impl Connecting<'_> {
    /// A function's configuration. Its faults are collected, so that all of them are reported at once.
    fn config<C>(&mut self, function: &str, read: impl Fn(&mut config::Variables<'_>) -> C) -> Option<C> {
        let lookup = |name: &str| self.environment.value(function, name);
        let told = config::variables(&read).into_iter().map(|variable| variable.name);
        let told = told.filter_map(|name| Some((name.to_owned(), lookup(name)?)));
        self.connected.variables.extend(told);
        match config::from_lookup(&lookup, read) {
            Ok(config) => Some(config),
            Err(Problems(problems)) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    fn add(&mut self, name: &str, function: Function) {
        self.connected.functions.insert(name, function);
    }
}

/// Starts every function as its `main.rs` does, all of them over one HTTP client.
///
/// # Errors
/// Every fault in the configuration of any of them, all at once.
pub async fn connect(environment: &Environment<'_>) -> Result<Connected, Problems> {
    let http = aws::http_client();
    let [answering, background] =
        [Patience::ANSWERING, Patience::BACKGROUND].map(|patience| patience.stretched(environment.patience));
    let variables = environment.local.keys();
    let variables = variables.filter_map(|name| Some((name.clone(), environment.value("", name)?))).collect();
    let connected = Connected { functions: Functions::default(), variables };
    let mut connecting = Connecting { environment, connected, problems: BTreeSet::new() };

    macro_rules! app {
        ($name:literal, $library:ident, $patience:expr) => {
            match connecting.config($name, $library::Config::read) {
                Some(config) => Some(Arc::new($library::App::new(config, http.clone(), $patience))),
                None => None,
            }
        };
    }
    macro_rules! connect {
        ($name:literal, $library:ident) => {
            if let Some(app) = app!($name, $library, answering) {
                app.warm().await;
                let answer = move |event| {
                    let app = Arc::clone(&app);
                    async move {
                        let handle = |request, now| $library::handle(&app, request, now);
                        web::serve(event, clock::now(), answering.deadline, handle).await
                    }
                };
                connecting.add($name, Function::new(environment.timeout($name), answer));
            }
        };
        ($name:literal, $library:ident, event) => {
            if let Some(app) = app!($name, $library, answering) {
                app.warm().await;
                connect!($name, $library, app);
            }
        };
        ($name:literal, $library:ident, background) => {
            if let Some(app) = app!($name, $library, background) {
                connect!($name, $library, app);
            }
        };
        ($name:literal, $library:ident, $app:ident) => {
            let answer = move |event| {
                let app = Arc::clone(&$app);
                async move { $library::handle(&app, event, clock::now()).await }
            };
            connecting.add($name, Function::new(environment.timeout($name), answer));
        };
    }
    for_each_function!(connect);

    let problems: Vec<_> = connecting.problems.into_iter().collect();
    if problems.is_empty() { Ok(connecting.connected) } else { Err(Problems(problems)) }
}

/// Every fault that a function finds in an environment.
pub fn problems(lookup: &dyn Fn(&str) -> Option<String>) -> BTreeSet<String> {
    let mut problems = BTreeSet::new();
    macro_rules! read {
        ($name:literal, $library:ident $(, $kind:ident)?) => {
            if let Err(Problems(found)) = config::from_lookup(lookup, $library::Config::read) {
                problems.extend(found);
            }
        };
    }
    for_each_function!(read);
    problems
}

/// What each function reads from its environment.
pub fn variables() -> BTreeMap<&'static str, Vec<&'static Variable>> {
    let mut functions = BTreeMap::new();
    macro_rules! read {
        ($name:literal, $library:ident $(, $kind:ident)?) => {
            functions.insert($name, config::variables($library::Config::read));
        };
    }
    for_each_function!(read);
    functions
}

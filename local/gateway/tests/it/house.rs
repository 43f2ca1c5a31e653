//! The plan of the house: who may build on whom, and what belongs to every function.

use std::collections::BTreeSet;

use emulators::template::Template;
use gateway::in_process;

use crate::workspace::{Metadata, Package, folders, text};

/// What each crate may be built from, of ours. `local/emulators` and `imaging` stand alone: the ones stand for servers
/// that know nothing of us, the other knows bytes and nothing else.
const MAY_USE: [(&str, &[&str]); 12] = [
    ("crc-fast", &[]),
    ("platform", &[]),
    ("imaging", &[]),
    ("emulators", &[]),
    ("web", &["platform"]),
    ("wechat", &["platform", "web"]),
    ("session", &["platform", "web"]),
    ("users", &["platform", "web", "session"]),
    ("images", &["platform", "web", "session", "imaging"]),
    ("moderation", &["platform", "web", "images", "users", "wechat"]),
    ("testkit", &["emulators"]),
    ("doctor", &["platform"]),
];

/// What a function may be built from, of ours: never another function, nothing of the laptop or of the tests.
const A_FUNCTION_MAY_USE: [&str; 8] =
    ["platform", "web", "session", "users", "images", "imaging", "moderation", "wechat"];

/// Who may talk with WeChat: signing in, phone numbers, checks of texts and images, and WeChat's own messages.
const CALLS_WECHAT: [&str; 7] =
    ["moderation", "session-login", "account-remove", "account-wechat", "tasks", "image-check", "wechat-push"];

fn template() -> Template {
    Template::parse(&text("template.yaml")).expect("our own template")
}

#[test]
fn crates_build_on_each_other_in_one_direction_only() {
    for package in Metadata::read().ours() {
        let name = package.name.as_str();
        let may_use = match package.room() {
            "functions" => A_FUNCTION_MAY_USE.as_slice(),
            _ if name == "gateway" => continue,
            _ => MAY_USE.iter().find(|(of, _)| *of == name).unwrap_or_else(|| panic!("{name} is not in the plan")).1,
        };
        let beyond: Vec<_> = package.uses().into_iter().filter(|used| !may_use.contains(used)).collect();
        assert!(beyond.is_empty(), "{name} must not use {beyond:?}");
    }
}

#[test]
fn the_test_kit_and_the_emulators_are_for_tests_and_the_laptop() {
    for package in Metadata::read().ours() {
        assert!(!package.uses().contains("testkit"), "{} is built from the test kit", package.name);
    }
    for package in Metadata::read().ours().filter(|package| package.room() != "local") {
        let of_tests = package.tests_use();
        assert!(of_tests.is_subset(&BTreeSet::from(["testkit", "emulators"])), "{}: {of_tests:?}", package.name);
    }
}

/// The original brings 570 KiB of tables into every package with S3 (docs/decisions/0012-own-crc-fast.md).
#[test]
fn our_own_crc_fast_is_the_only_one() {
    let lock = text("Cargo.lock");
    let found: Vec<_> = lock.split("[[package]]").filter(|package| package.contains("name = \"crc-fast\"\n")).collect();
    assert!(matches!(found[..], [ours] if !ours.contains("source = ")), "{found:?}");
}

#[test]
fn wechat_is_named_by_what_calls_it_and_by_nothing_else() {
    let linked = Metadata::read().ours().filter(|package| package.uses().contains("wechat"));
    let linked: BTreeSet<_> = linked.map(|package| package.name.as_str()).collect();
    assert!(linked.contains("session-login") && linked.is_subset(&BTreeSet::from(CALLS_WECHAT)), "{linked:?}");
}

#[test]
fn what_the_laptop_and_the_tests_need_is_not_in_the_functions() {
    let linked = Metadata::read().linked_by_functions();
    for name in ["axum", "dynoxide-rs", "image", "proptest", "rusqlite", "s3s"] {
        assert!(linked.iter().all(|package| package.name != name), "{name}");
    }
}

#[test]
fn a_function_is_a_folder_a_package_a_resource_and_a_folder_of_events() {
    let functions = folders("functions");

    let packages: BTreeSet<_> = Metadata::read().functions().map(|package| package.name.clone()).collect();
    let resources: BTreeSet<_> = template().functions.into_iter().map(|function| function.name).collect();
    let in_process: BTreeSet<_> = in_process::variables().into_keys().map(str::to_owned).collect();
    let events: BTreeSet<_> = folders("events").into_iter().filter(|folder| folder != "photos").collect();

    assert_eq!(packages, functions, "packages");
    assert_eq!(resources, functions, "resources of template.yaml");
    assert_eq!(in_process, functions, "functions of the local stack");
    assert_eq!(events, functions, "folders of events/");
}

#[test]
fn a_function_is_a_library_with_a_small_program_around_it() {
    for function in Metadata::read().functions() {
        assert!(function.has_target("lib") && function.has_target("bin"), "{}", function.name);
        assert_at_most(function, "src/main.rs", 15);
        assert_at_most(function, "src/lib.rs", 150);
        assert!(text(function.folder().join("src/lib.rs")).contains("pub async fn handle("), "{}", function.name);
        assert!(function.folder().join("src/tests.rs").exists(), "{}", function.name);
    }
}

#[test]
fn every_crate_explains_itself_within_a_screen() {
    for package in Metadata::read().ours() {
        assert_at_most(package, "README.md", 40);
        let library = text(package.folder().join("src/lib.rs"));
        assert!(library.starts_with("#![doc = include_str!(\"../README.md\")]\n"), "{}", package.name);
    }
}

#[track_caller]
fn assert_at_most(package: &Package, file: &str, most: usize) {
    let lines = text(package.folder().join(file)).lines().count();
    assert!(lines <= most, "{file} of {} has {lines} lines, not at most {most}", package.name);
}

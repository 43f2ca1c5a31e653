//! What is built from: one HTTP client, one crypto provider, known licences, nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use spdx::{Expression, ParseMode};

use crate::workspace::{Metadata, root};

/// Licences that let everybody do what our own do, as long as their notice stays.
const PERMITTED: [&str; 9] = [
    "Apache-2.0",
    "MIT",
    "BSD-3-Clause", // sha1_smol, subtle
    "ISC",          // ring, webpki
    "Zlib",         // foldhash, zlib-rs
    "BSL-1.0",      // ryu
    "0BSD",         // adler2
    "Unicode-3.0",  // the tables of idna's ICU
    "IJG",          // jpeg-encoder; the README says what it asks for
];

/// A second TLS stack costs a cold start, a second HTTP client a second pool of connections
/// (`docs/decisions/0002-ring.md`).
const NOT_IN_A_FUNCTION: [&str; 9] =
    ["aws-lc-rs", "aws-lc-sys", "aws-lc-fips-sys", "openssl", "openssl-sys", "native-tls", "reqwest", "ureq", "curl"];

/// Of each of these there is one.
const ONCE_IN_A_FUNCTION: [&str; 5] = ["hyper", "hyper-util", "rustls", "ring", "aws-smithy-http-client"];

/// Crates that are there in two versions, because of whom. A row that is no longer needed fails, too.
const TWICE: [(&str, &str); 11] = [
    ("base64", "hyper-util is ahead of lambda_http"),
    ("crypto-common", "with digest"),
    ("digest", "the SDK's crc-fast is behind sha2 and hmac"),
    ("foldhash", "with hashbrown"),
    ("getrandom", "ring is behind"),
    ("hashbrown", "rusqlite (tests and local stack) is behind"),
    ("hashlink", "rusqlite (tests and local stack) is behind"),
    ("miniz_oxide", "png is behind"),
    ("spin", "multer is behind the SDK's crc-fast"),
    ("syn", "macros that run while building; the SDK's and tracing's are behind"),
    ("windows-sys", "ring is behind; on Windows only"),
];

#[test]
fn the_functions_have_one_http_client_and_one_crypto_provider() {
    let linked = Metadata::read().linked_by_functions();
    let count = |name: &str| linked.iter().filter(|package| package.name == name).count();

    for name in NOT_IN_A_FUNCTION {
        assert_eq!(count(name), 0, "{name}");
    }
    for name in ONCE_IN_A_FUNCTION {
        assert_eq!(count(name), 1, "{name}");
    }
}

#[test]
fn what_the_laptop_and_the_tests_need_is_not_in_the_functions() {
    let linked = Metadata::read().linked_by_functions();
    for name in ["axum", "dynoxide-rs", "image", "proptest", "rusqlite", "s3s"] {
        assert!(linked.iter().all(|package| package.name != name), "{name}");
    }
}

#[test]
fn every_licence_is_a_permitted_one() {
    for package in &Metadata::read().packages {
        let licence = package.license.as_deref().unwrap_or_else(|| panic!("{} names no licence", package.name));
        let expression = Expression::parse_mode(licence, ParseMode::LAX).expect("an SPDX expression");
        let is_permitted =
            expression.evaluate(|asked| asked.license.id().is_some_and(|id| PERMITTED.contains(&id.name)));
        assert!(is_permitted, "{}: {licence}", package.name);
    }
}

#[test]
fn no_crate_is_there_twice_without_a_reason() {
    let mut versions: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for package in &Metadata::read().packages {
        versions.entry(package.name.as_str()).or_default().insert(package.version.as_str());
    }
    let twice: Vec<_> = versions.into_iter().filter(|(_, versions)| versions.len() > 1).collect();

    let excused = TWICE.map(|(name, _)| name);
    assert_eq!(twice.iter().map(|(name, _)| *name).collect::<Vec<_>>(), excused, "{twice:?}");
    assert!(twice.iter().all(|(_, versions)| versions.len() == 2), "{twice:?}");
}

/// `make local` and `make doctor` select their programs from the whole workspace, so cargo takes the features that all of its packages
/// ask for; the tests' own dependencies ask for more. Where that differs for one crate, all that are built on it are built twice.
#[test]
fn what_the_tests_have_built_serves_the_programs() {
    let programs = resolved("normal,build");
    let tests = resolved("normal,build,dev");

    let built_again: Vec<_> = programs.difference(&tests).collect();
    assert!(
        built_again.is_empty(),
        "the tests ask these for other features; ask for the same in local/gateway/Cargo.toml: {built_again:#?}"
    );
}

/// Every crate with its features, where the workspace is built with these kinds of dependencies.
fn resolved(kinds: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--workspace", "--locked", "--prefix", "none", "--format", "{p} [{f}]", "--edges", kinds]);
    let output = cargo.current_dir(root()).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

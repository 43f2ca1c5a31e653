//! Documents that people write: what they point to has to be there.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::workspace::{Metadata, files, folders, root, text};

fn pages() -> impl Iterator<Item = PathBuf> {
    files("").into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = text(&page);
        for link in links(&text) {
            let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
            let target = if path.is_empty() { page.clone() } else { page.parent().expect("a folder").join(path) };
            if !target.exists() || heading.is_some_and(|heading| !has_heading(&target, heading)) {
                dead.push(format!("{}: {link}", page.strip_prefix(root()).expect("a page of ours").display()));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// The targets of Markdown links that stay within the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.contains([' ', '\n']))
}

/// Whether a page has a heading of this anchor, as GitHub makes them.
fn has_heading(page: &Path, anchor: &str) -> bool {
    let text = text(page);
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    headings.any(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
        kept.map(|character| if character == ' ' { '-' } else { character }).collect::<String>() == anchor
    })
}

#[test]
fn both_readmes_have_every_function_in_their_table() {
    for page in ["README.md", "README.zh-CN.md"] {
        let text = text(page);
        let rows = text.lines().filter_map(|line| line.strip_prefix("| [")?.split_once("](functions/"));
        let named: BTreeSet<_> = rows.map(|(name, _)| name.trim_matches('`').to_owned()).collect();
        assert_eq!(named, folders("functions"), "{page}");
    }
}

#[test]
fn every_route_of_the_template_is_in_the_api_document() {
    let document = text("docs/api.md");
    let template = emulators::template::Template::parse(&text("template.yaml")).expect("our own template");
    for route in template.functions.iter().flat_map(|function| &function.routes) {
        assert!(route.path == "$default" || document.contains(&format!("{}`", route.path)), "{}", route.path);
    }
}

/// Promises name the tests that hold them as `package::test`: what `cargo test -p package test` runs.
#[test]
fn every_promise_names_tests_that_exist() {
    let document = text("docs/semantics.md");
    let named: Vec<_> = document.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::")).collect();
    assert!(named.len() > 40, "{} tests are few", named.len());

    let mut missing = Vec::new();
    for (package, test) in named {
        let folder = Metadata::read().ours().find(|of| of.name == package).map(|of| of.folder().to_owned());
        let sources = folder.map(files).unwrap_or_default();
        let mut sources = sources.into_iter().filter(|path| path.extension() == Some(OsStr::new("rs")));
        if !sources.any(|path| text(path).contains(&format!("fn {test}("))) {
            missing.push(format!("{package}::{test}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_decision_has_its_number_and_is_short() {
    let decisions = files("docs/decisions");
    for (at, path) in decisions.iter().enumerate() {
        let name = path.file_name().and_then(OsStr::to_str).expect("a name");
        assert!(name.starts_with(&format!("{:04}-", at + 1)), "{name} is not number {}", at + 1);
        assert!(text(path).lines().count() <= 40, "{name} is longer than 40 lines");
    }
}

//! What a machine lacks is said in one sentence before anything is built.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::workspace::root;

/// A machine on which these programs are installed, and nothing else. Each prints its text.
fn machine(programs: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in programs {
        let path = folder.path().join(name);
        fs::write(&path, format!("#!/bin/sh\necho '{text}'\n")).expect("a program");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }
    folder
}

fn before_building(machine: &TempDir, target: &Path) -> Output {
    let mut command = Command::new("/bin/sh");
    command.arg("scripts/before_building.sh").current_dir(root());
    command.env_clear().env("PATH", machine.path()).env("CARGO_TARGET_DIR", target).output().expect("a shell")
}

#[test]
fn whatever_a_build_lacks_is_said_in_one_sentence() {
    let (cargo, cc) = (("cargo", ""), ("cc", ""));
    for (programs, sentence) in [
        (&[cc][..], "Rust is missing: install it from https://rustup.rs"),
        (
            &[cargo, ("rustc", "rustc 1.95.0 (59807616e 2026-04-14)")],
            "A C compiler is missing: as in apt-get install gcc",
        ),
        (&[cargo, cc, ("rustc", "rustc 1.94.2 (aaaaaaaaa 2026-03-01)")], "This is rustc 1.94.2 (aaaaaaaaa 2026-03-01)"),
    ] {
        let output = before_building(&machine(programs), Path::new("none"));

        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{complaint}");
        assert!(complaint.starts_with(sentence) && complaint.lines().count() == 1, "{complaint}");
    }
}

#[test]
fn a_first_build_says_how_long_it_takes_and_later_ones_do_not() {
    let machine = machine(&[("cargo", ""), ("gcc", ""), ("rustc", "rustc 1.107.0 (bbbbbbbbb 2027-12-01)")]);
    let target = tempfile::tempdir().expect("a folder");

    let first = before_building(&machine, target.path());
    fs::create_dir_all(target.path().join("debug/deps")).expect("a folder");
    let later = before_building(&machine, target.path());

    assert!(first.status.success() && String::from_utf8_lossy(&first.stderr).starts_with("The first build takes"));
    assert!(later.status.success() && later.stderr.is_empty(), "{later:?}");
}

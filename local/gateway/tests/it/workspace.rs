//! The workspace as cargo and the file system know it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;

/// Folders that are built, downloaded or grown.
const NOT_IN_THE_REPOSITORY: [&str; 4] = ["target", "node_modules", "fuzz/corpus", "fuzz/artifacts"];

/// What `cargo metadata` says: the manifests, and what they resolve to. Read as plain JSON, since a crate that knows all
/// of its fields would serve for the four that are looked at here.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    /// Where it was downloaded from; nothing for the packages of this workspace.
    source: Option<String>,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Nothing for a normal one, else `dev` or `build`.
    kind: Option<String>,
    path: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Debug, Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Metadata {
    /// Asked for once by all tests of this program.
    pub(crate) fn read() -> &'static Self {
        static METADATA: OnceLock<Metadata> = OnceLock::new();
        METADATA.get_or_init(|| {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root());
            let output = cargo.output().expect("cargo");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).expect("cargo's metadata")
        })
    }

    /// The packages of this workspace.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.source.is_none())
    }

    /// The packages of `functions/`.
    pub(crate) fn functions(&self) -> impl Iterator<Item = &Package> {
        self.ours().filter(|package| package.room() == "functions")
    }

    /// Everything that goes into the functions, on any system, each package once.
    pub(crate) fn linked_by_functions(&self) -> Vec<&Package> {
        let edges: BTreeMap<_, _> = self.resolve.nodes.iter().map(|node| (&node.id, &node.deps)).collect();
        let mut linked = BTreeSet::new();
        let mut waiting: Vec<_> = self.functions().map(|package| &package.id).collect();
        while let Some(id) = waiting.pop() {
            if linked.insert(id) {
                let is_normal = |edge: &&Edge| edge.dep_kinds.iter().any(|edge| edge.kind.is_none());
                waiting.extend(edges[id].iter().filter(is_normal).map(|edge| &edge.pkg));
            }
        }
        self.packages.iter().filter(|package| linked.contains(&package.id)).collect()
    }
}

impl Package {
    /// The folder of the repository that it lies in: `functions`, `shared` or `local`.
    pub(crate) fn room(&self) -> &str {
        let room = self.folder().parent().and_then(Path::file_name).and_then(OsStr::to_str);
        room.expect("a package in a folder of the repository")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().expect("a manifest in a folder")
    }

    /// Our own packages that it is built from.
    pub(crate) fn uses(&self) -> BTreeSet<&str> {
        self.ours_of_kind(|kind| kind != Some("dev"))
    }

    /// Our own packages that only its tests use.
    pub(crate) fn tests_use(&self) -> BTreeSet<&str> {
        self.ours_of_kind(|kind| kind == Some("dev"))
    }

    fn ours_of_kind(&self, is_wanted: impl Fn(Option<&str>) -> bool) -> BTreeSet<&str> {
        let ours = self.dependencies.iter().filter(|dependency| dependency.path.is_some());
        ours.filter(|dependency| is_wanted(dependency.kind.as_deref())).map(|dependency| &*dependency.name).collect()
    }

    pub(crate) fn has_target(&self, kind: &str) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|of_target| of_target == kind))
    }
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The text of a file, by its path in the repository.
#[track_caller]
pub(crate) fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below a folder of the repository, what was built or downloaded left out.
pub(crate) fn files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![root().join(folder)];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().and_then(OsStr::to_str).expect("a name");
            let is_made = name.starts_with('.') || NOT_IN_THE_REPOSITORY.iter().any(|made| path.ends_with(made));
            if !path.is_dir() {
                files.push(path);
            } else if !is_made {
                waiting.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The folders directly below a folder of the repository.
pub(crate) fn folders(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(folder)).expect("a folder");
    let folders = entries.map(|entry| entry.expect("a readable folder").path()).filter(|path| path.is_dir());
    folders.map(|path| path.file_name().and_then(OsStr::to_str).expect("a name").to_owned()).collect()
}

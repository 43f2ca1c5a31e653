#!/bin/sh
# Says in one sentence what a build lacks, before cargo or the linker say it in theirs, and how long the first one takes.
# docs/first-minutes.md has what to install where.
cd "${0%/*}/.." || exit
cargo=${CARGO:-cargo}
cargo=${cargo%% *}

missing() {
	echo "$1 (docs/first-minutes.md)" >&2
	exit 2
}

command -v "$cargo" >/dev/null || missing "Rust is missing: install it from https://rustup.rs, then open a new terminal"
for compiler in "${CC:-cc}" gcc clang none; do
	command -v "${compiler%% *}" >/dev/null && break
done
[ "$compiler" != none ] || missing "A C compiler is missing: as in apt-get install gcc libc6-dev, or xcode-select --install"

while read -r key _ value; do
	[ "$key" = rust-version ] && least=${value#\"1.} && least=${least%%[!0-9]*}
done <Cargo.toml
version=$(rustc --version) || exit
minor=${version#rustc 1.}
[ "${minor%%.*}" -ge "$least" ] || missing "This is $version, and 1.$least or newer is needed: rustup update stable"

[ -d "${CARGO_TARGET_DIR:-target}/debug/deps" ] ||
	echo "The first build takes some minutes and 2 GB below target/; later ones take seconds." >&2

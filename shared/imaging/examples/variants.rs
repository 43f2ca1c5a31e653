//! Makes what is stored of one picture by hand: `cargo run --release -p imaging --example variants -- IN FOLDER`.

use std::error::Error;
use std::path::Path;
use std::{env, fs, process::ExitCode};

use imaging::{Limits, Variant, clean, variants};

#[expect(clippy::print_stderr, reason = "a program for a person at a terminal")]
fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, folder] = arguments.as_slice() else {
        eprintln!("usage: variants IN FOLDER");
        return ExitCode::FAILURE;
    };
    match make(input, Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{input}: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn make(input: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let picture = clean(&fs::read(input)?, &Limits::default())?;
    let made = variants(&picture)?;
    fs::create_dir_all(folder)?;
    fs::write(folder.join("original").with_extension(picture.format.extension()), &picture.bytes)?;
    fs::write(folder.join("placeholder"), &made.placeholder)?;
    put(folder, "thumb", made.thumb)?;
    put(folder, "medium", made.medium)
}

#[expect(clippy::print_stdout, reason = "a program for a person at a terminal")]
fn put(folder: &Path, name: &str, variant: Option<Variant>) -> Result<(), Box<dyn Error>> {
    let Some(variant) = variant else { return Ok(()) };
    println!("{name}: {}x{}, {} bytes", variant.width, variant.height, variant.bytes.len());
    Ok(fs::write(folder.join(name).with_extension("jpg"), variant.bytes)?)
}

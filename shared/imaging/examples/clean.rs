//! Cleans one picture by hand: `cargo run -p imaging --example clean -- IN OUT`.

use std::{env, fs, process::ExitCode};

use imaging::{Limits, clean};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a person at a terminal")]
fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        eprintln!("usage: clean IN OUT");
        return ExitCode::FAILURE;
    };
    match clean_file(input, output) {
        Ok(line) => println!("{line}"),
        Err(fault) => {
            eprintln!("{input}: {fault}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn clean_file(input: &str, output: &str) -> Result<String, Box<dyn std::error::Error>> {
    let dirty = fs::read(input)?;
    let picture = clean(&dirty, &Limits::default())?;
    fs::write(output, &picture.bytes)?;
    let (format, before, after) = (picture.format, dirty.len(), picture.bytes.len());
    Ok(format!("{format:?}, {}x{} as displayed, {before} bytes before, {after} after", picture.width, picture.height))
}

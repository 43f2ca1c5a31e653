//! Does one thing with a photo over and over, for a clock outside: `imaging strip PHOTO TIMES`, or
//! `imaging variants PHOTO TIMES FOLDER`, which leaves the variants in the folder.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::{env, fs};

use imaging::{Limits, clean, variants};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["strip", photo, times] => strip(photo, times.parse()?),
        ["variants", photo, times, folder] => make_variants(photo, times.parse()?, Path::new(folder)),
        _ => Err("usage: imaging strip PHOTO TIMES | imaging variants PHOTO TIMES FOLDER".into()),
    }
}

fn strip(photo: &str, times: u32) -> Result<(), Box<dyn Error>> {
    let bytes = fs::read(photo)?;
    for _ in 0..times {
        black_box(clean(black_box(&bytes), &Limits::default())?);
    }
    Ok(())
}

/// Like the others that are measured: the file is read each time, and written.
fn make_variants(photo: &str, times: u32, folder: &Path) -> Result<(), Box<dyn Error>> {
    for _ in 0..times {
        let made = variants(&clean(&fs::read(photo)?, &Limits::default())?)?;
        fs::write(folder.join("thumb.jpg"), made.thumb.ok_or("no thumb")?.bytes)?;
        fs::write(folder.join("medium.jpg"), made.medium.ok_or("no medium")?.bytes)?;
    }
    Ok(())
}

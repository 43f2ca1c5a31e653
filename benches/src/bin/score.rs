//! How like its reference a picture looks, by SSIMULACRA2: 100 is the same, 80 hard to tell apart, 70 good.
//! `score REFERENCE.png PICTURE.png`; both RGB of the same size, eight bits.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::{env, iter};

use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [reference, picture] = arguments.as_slice() else {
        return Err("usage: score REFERENCE.png PICTURE.png".into());
    };
    println!("{:.2}", compute_frame_ssimulacra2(read(reference)?, read(picture)?)?);
    Ok(())
}

fn read(path: &str) -> Result<Rgb, Box<dyn Error>> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
    let mut bytes: Vec<u8> = iter::repeat_n(0, reader.output_buffer_size().ok_or("too large")?).collect();
    let picture = reader.next_frame(&mut bytes)?;
    if picture.color_type != png::ColorType::Rgb || picture.bit_depth != png::BitDepth::Eight {
        return Err(format!("{path}: not RGB of eight bits").into());
    }
    let pixels = bytes.as_chunks().0.iter().map(|rgb| rgb.map(|colour| f32::from(colour) / 255.0)).collect();
    let (width, height) = (usize::try_from(picture.width)?, usize::try_from(picture.height)?);
    Ok(Rgb::new(pixels, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709)?)
}

use jpeg_encoder::{ColorType, Encoder};

use super::*;

const WIDTH: u16 = 83;
const HEIGHT: u16 = 61;

/// A grey picture with soft and with hard edges.
fn grey(is_progressive: bool, restart_interval: u16) -> Vec<u8> {
    let level = |x: u16, y: u16| if (x / 9 + y / 7).is_multiple_of(2) { (x * 3) as u8 } else { 255 - (y * 4) as u8 };
    let levels: Vec<u8> = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| level(x, y))).collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 85);
    encoder.set_progressive(is_progressive);
    encoder.set_restart_interval(restart_interval);
    encoder.encode(&levels, WIDTH, HEIGHT, ColorType::Luma).unwrap();
    bytes
}

fn decoded(bytes: &[u8], longest: u32) -> Plane {
    match decode(bytes, longest).unwrap().samples {
        Samples::Grey(plane) => plane.into_whole(),
        Samples::Rgb(_) | Samples::YCbCr { .. } => panic!("it is grey"),
    }
}

#[test]
fn samples_are_those_of_another_decoder() {
    for (is_progressive, restart_interval) in [(false, 0), (false, 3), (true, 0)] {
        let bytes = grey(is_progressive, restart_interval);
        let other = jpeg_decoder::Decoder::new(bytes.as_slice()).decode().unwrap();
        let ours = decoded(&bytes, u32::from(WIDTH));
        assert_eq!(ours.samples().len(), other.len());
        assert!(ours.samples().iter().zip(&other).all(|(ours, other)| ours.abs_diff(*other) <= 2));
    }
}

#[test]
fn each_scale_shows_the_same_picture() {
    let mean = |plane: &Plane| {
        let sum: usize = plane.samples().iter().copied().map(usize::from).sum();
        sum / plane.samples().len()
    };
    for is_progressive in [false, true] {
        let bytes = grey(is_progressive, 0);
        let whole = decoded(&bytes, u32::from(WIDTH));
        for (longest, width) in [(32, 42), (24, 32), (16, 21), (8, 11)] {
            let small = decoded(&bytes, longest);
            assert_eq!(small.size().0, width);
            assert!(mean(&small).abs_diff(mean(&whole)) <= 4);
        }
    }
}

/// Overflow checks are on here.
#[test]
fn damaged_data_are_decoded_as_far_as_they_go() {
    for is_progressive in [false, true] {
        let bytes = grey(is_progressive, 5);
        for place in 2..bytes.len() {
            for change in [0x01, 0x80, 0xFF] {
                let mut damaged = bytes.clone();
                if let Some(byte) = damaged.get_mut(place) {
                    *byte ^= change;
                }
                // A damaged frame may be of any size.
                let is_small = Coded::read(&damaged).is_ok_and(|coded| (1..100_000).contains(&coded.frame.pixels()));
                if is_small {
                    let _ = (decode(&damaged, 8), decode(&damaged, u32::from(WIDTH)));
                }
            }
        }
    }
}

//! A JPEG decoder that makes small pictures of large ones: of each block of 8 × 8 samples it computes 1, 2 × 2, 3 × 3, 4 × 4
//! or all of them, from the coefficients that these depend on, and hands the planes over as they are.
//!
//! It reads what `clean` wrote. Damaged data are decoded as far as they go, as browsers do.

mod idct;
mod progressive;
mod sequential;
#[cfg(test)]
mod tests;

use crate::NoVariants;
use crate::jpeg::{Coded, Component, Frame, Model};
use crate::samples::{Extent, Plane, Samples};

use super::{Decoded, check_memory, scale, undecodable};
use crate::colour::{Colours, by_profile};
use crate::pixels::{Pixels, Rgb};

/// How much larger than the variant a plane has to be, in quarters: reducing by less loses quality.
const HEADROOM_QUARTERS: u64 = 5;

pub(super) fn decode(bytes: &[u8], longest: u32) -> Result<Decoded, NoVariants> {
    let picture = Coded::read(bytes).map_err(undecodable)?;
    let scales = scales(&picture, longest);
    let mut planes = planes(&picture.frame, &scales)?;
    let is_anything_there = if picture.frame.is_progressive() {
        progressive::decode(&picture, &scales, &mut planes)?
    } else {
        sequential::decode(&picture, &scales, &mut planes)?
    };
    if !is_anything_there {
        return Err(undecodable("no block of it is there"));
    }
    let orientation = picture.orientation;
    let planes = finish(planes, &picture.frame, &scales)?;
    let (samples, colours) = settle(planes, picture.model(), picture.profile)?;
    Ok(Decoded { samples, orientation, colours })
}

fn scales(picture: &Coded<'_>, longest: u32) -> Vec<Scale> {
    let components = picture.frame.components.iter().enumerate();
    let scale_of = |(index, component)| {
        // Variants have half as much colour, whatever the picture has.
        let is_chroma = picture.model() == Model::YCbCr && index > 0;
        Scale::of(&picture.frame, component, if is_chroma { longest.div_ceil(2) } else { longest })
    };
    components.map(scale_of).collect()
}

/// How many samples of a block are computed, side by side and below.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    One,
    Two,
    Three,
    Four,
    All,
}

impl Scale {
    const ALL: [Self; 5] = [Self::One, Self::Two, Self::Three, Self::Four, Self::All];

    /// The smallest that leaves the variants' filter something to do. A component that has more samples in one direction
    /// than in the other is measured by the other.
    fn of(frame: &Frame, component: &Component, longest: u32) -> Self {
        let ((across, down), (horizontal, vertical)) = (frame.sampling(), component.sampling);
        let whole = u64::from(frame.width.max(frame.height));
        let suffices = |scale: &Self| {
            [(horizontal, across), (vertical, down)].into_iter().all(|(factor, most)| {
                let side = whole * u64::from(factor) * scale.samples() as u64;
                4 * side >= HEADROOM_QUARTERS * u64::from(longest) * u64::from(most) * 8
            })
        };
        Self::ALL.into_iter().find(suffices).unwrap_or(Self::All)
    }

    const fn samples(self) -> usize {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
            Self::Four => 4,
            Self::All => 8,
        }
    }

    /// The last coefficient of the zigzag that the samples depend on.
    const fn last(self) -> u8 {
        match self {
            Self::One => 0,
            Self::Two => 4,
            Self::Three => 12,
            Self::Four => 24,
            Self::All => 63,
        }
    }
}

/// Where in a block of 8 × 8 the coefficients of the zigzag stand.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// What one coefficient of the zigzag is worth, and where it goes.
#[derive(Clone, Copy)]
struct Step {
    /// Its place in a block of as many samples as are computed.
    place: u8,
    quantum: i32,
}

/// The coefficients that a component's samples depend on, in the order of the zigzag. Those that stand outside the corner
/// of the block that is used go to a place that nobody reads.
fn steps(scale: Scale, quantisation: &[u16; 64]) -> [Step; 64] {
    let samples = scale.samples();
    let mut steps = [Step { place: 0, quantum: 0 }; 64];
    for ((step, place), quantum) in steps.iter_mut().zip(ZIGZAG).zip(quantisation) {
        let (row, column) = (usize::from(place / 8), usize::from(place % 8));
        let is_used = row < samples && column < samples;
        let place = if is_used { row * samples + column } else { samples * samples };
        *step = Step { place: place as u8, quantum: i32::from(*quantum) };
    }
    steps
}

/// A component's samples, in whole units.
struct PlaneUnderWay {
    /// How many stand side by side.
    width: usize,
    samples: Vec<u8>,
}

fn planes(frame: &Frame, scales: &[Scale]) -> Result<Vec<PlaneUnderWay>, NoVariants> {
    /// What no scan tells of.
    const GREY: u8 = 128;
    let sizes = frame.components.iter().zip(scales).map(|(component, scale)| {
        let (across, down) = frame.blocks_in_units(component);
        [across, down].map(|blocks| blocks as usize * scale.samples())
    });
    let sizes: Vec<[usize; 2]> = sizes.collect();
    check_memory(sizes.iter().map(|[width, height]| *width as u64 * *height as u64).sum())?;
    Ok(sizes.iter().map(|&[width, height]| PlaneUnderWay { width, samples: vec![GREY; width * height] }).collect())
}

fn finish(planes: Vec<PlaneUnderWay>, frame: &Frame, scales: &[Scale]) -> Result<Vec<Plane>, NoVariants> {
    let (across, down) = frame.sampling();
    let planes = planes.into_iter().zip(&frame.components).zip(scales).map(|((plane, component), scale)| {
        let (horizontal, vertical) = component.sampling;
        let extent = |side: u32, factor: u32, most: u32| {
            f64::from(side) * f64::from(factor) / f64::from(most) * scale.samples() as f64 / 8.0
        };
        let extent =
            Extent { width: extent(frame.width, horizontal, across), height: extent(frame.height, vertical, down) };
        Plane::new(plane.width, plane.samples, extent).ok_or_else(|| undecodable("too few samples"))
    });
    planes.collect()
}

/// The samples as variants are made of them. Only grey and the colours of films stay as they are.
fn settle(planes: Vec<Plane>, model: Model, profile: Option<Vec<u8>>) -> Result<(Samples, Colours), NoVariants> {
    let mut planes = planes.into_iter();
    let mut next = || planes.next().ok_or_else(|| undecodable("too few components"));
    match model {
        Model::Grey => {
            let plane = next()?;
            match profile {
                None => Ok((Samples::Grey(plane), Colours::Srgb)),
                Some(profile) => {
                    let grey = plane.into_whole();
                    let rgb = by_profile(&profile, grey.samples(), grey.samples().len());
                    let colours = if rgb.is_some() { Colours::Srgb } else { Colours::Icc(profile) };
                    let rgb = rgb.unwrap_or_else(|| grey.samples().iter().flat_map(|&grey| [grey; 3]).collect());
                    Ok((Samples::Rgb(whole(&grey, rgb)?), colours))
                }
            }
        }
        Model::YCbCr => {
            let samples = Samples::YCbCr { luma: next()?, chroma: [next()?, next()?] };
            Ok((samples, Colours::of_profile(profile)))
        }
        Model::Rgb => {
            let [red, green, blue] = aligned([next()?, next()?, next()?]);
            let pixels = red.samples().iter().zip(green.samples()).zip(blue.samples());
            let rgb = pixels.flat_map(|((&red, &green), &blue)| [red, green, blue]).collect();
            Ok((Samples::Rgb(whole(&red, rgb)?), Colours::of_profile(profile)))
        }
        Model::Cmyk { is_inverted, is_ycck } => {
            let [first, second, third, fourth] = aligned([next()?, next()?, next()?, next()?]);
            let pixels = first.samples().iter().zip(second.samples()).zip(third.samples()).zip(fourth.samples());
            let inks = pixels.map(|(((&first, &second), &third), &fourth)| {
                let colours = [first, second, third];
                let stored = if is_ycck { crate::samples::rgb_of(colours).map(|light| 255 - light) } else { colours };
                let [cyan, magenta, yellow] = stored;
                [cyan, magenta, yellow, fourth].map(|ink| if is_inverted { 255 - ink } else { ink })
            });
            let inks: Vec<[u8; 4]> = inks.collect();
            let converted = profile.and_then(|profile| by_profile(&profile, inks.as_flattened(), inks.len()));
            let rgb = converted.unwrap_or_else(|| inks.iter().copied().flat_map(on_paper).collect());
            Ok((Samples::Rgb(whole(&first, rgb)?), Colours::Srgb))
        }
    }
}

/// Planes without what surrounds the picture, all of the first one's size.
fn aligned<const N: usize>(planes: [Plane; N]) -> [Plane; N] {
    let size = planes.first().map_or((0, 0), Plane::size);
    planes.map(|plane| plane.resized(size))
}

fn whole(plane: &Plane, rgb: Vec<u8>) -> Result<Pixels, NoVariants> {
    let (width, height) = plane.size();
    Pixels::new(width, height, rgb).ok_or_else(|| undecodable("too few pixels"))
}

/// What the four inks look like: each takes its colour away from white.
fn on_paper([cyan, magenta, yellow, black]: [u8; 4]) -> Rgb {
    [cyan, magenta, yellow].map(|ink| scale(255 - ink, 255 - black))
}

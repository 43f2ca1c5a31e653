//! What colours the numbers of a picture mean, and how they are said in sRGB.

use moxcms::{
    Chromaticity, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout, ToneReprCurve, TransformOptions,
};
use png::{CodingIndependentCodePoints, SourceChromaticities};

use crate::icc;
use crate::pixels::Pixels;
use crate::samples::Samples;

/// What a file says about the colours of its pixels. What it says wrongly it has not said: browsers show sRGB then.
pub(crate) enum Colours {
    /// Nothing, or that they are these.
    Srgb,
    /// A profile, perhaps a broken one.
    Icc(Vec<u8>),
    /// By gamma and primaries, or by the numbers of films.
    Described(Box<ColorProfile>),
}

impl Colours {
    /// By the profile that a file has, or has not.
    pub(crate) fn of_profile(profile: Option<Vec<u8>>) -> Self {
        profile.map_or(Self::Srgb, Self::Icc)
    }

    /// By the gamma and the primaries of a PNG. `gamma` is the exponent with which the numbers were made.
    pub(crate) fn of_gamma(gamma: Option<f32>, primaries: Option<SourceChromaticities>) -> Self {
        let mut described = ColorProfile::new_srgb();
        if let Some(primaries) = primaries {
            let [white, red, green, blue] = [primaries.white, primaries.red, primaries.green, primaries.blue]
                .map(|(x, y)| Chromaticity::new(x.into_value(), y.into_value()));
            if [white, red, green, blue].iter().any(|point| point.y <= 0.0) {
                return Self::Srgb;
            }
            described.update_rgb_colorimetry(white.to_xyyb(), ColorPrimaries { red, green, blue });
        }
        if let Some(gamma) = gamma.filter(|gamma| *gamma > 0.0) {
            let curve = Some(ToneReprCurve::Parametric(vec![1.0 / gamma]));
            (described.red_trc, described.green_trc, described.blue_trc) = (curve.clone(), curve.clone(), curve);
        }
        described.cicp = None;
        Self::Described(Box::new(described))
    }

    /// By the numbers of ITU-T H.273.
    pub(crate) fn of_numbers(numbers: CodingIndependentCodePoints) -> Self {
        let cicp = (|| {
            Some(CicpProfile {
                color_primaries: numbers.color_primaries.try_into().ok()?,
                transfer_characteristics: numbers.transfer_function.try_into().ok()?,
                matrix_coefficients: numbers.matrix_coefficients.try_into().ok()?,
                full_range: numbers.is_video_full_range_image,
            })
        })();
        let mut described = ColorProfile::new_srgb();
        match cicp {
            Some(cicp) if described.update_rgb_colorimetry_from_cicp(cicp) => Self::Described(Box::new(described)),
            _ => Self::Srgb,
        }
    }

    /// The pixels as variants have them, and the profile that goes with them: a small one stays, so that the colours of a
    /// wide gamut do; else they are said in sRGB, which needs none.
    pub(crate) fn apply(self, samples: Samples) -> (Samples, Option<Vec<u8>>) {
        let source = match self {
            Self::Srgb => return (samples, None),
            Self::Icc(profile) if icc::suits_variants(&profile) => return (samples, Some(profile)),
            Self::Icc(profile) => ColorProfile::new_from_slice(&profile).ok(),
            Self::Described(profile) => Some(*profile),
        };
        let Some(source) = source.filter(|profile| profile.color_space == DataColorSpace::Rgb) else {
            return (samples, None);
        };
        let pixels = samples.into_pixels();
        let converted = to_srgb(&source, Layout::Rgb, pixels.rgb(), pixels.rgb().len() / 3)
            .and_then(|rgb| Pixels::new(pixels.width(), pixels.height(), rgb));
        (Samples::Rgb(converted.unwrap_or(pixels)), None)
    }
}

/// Samples of grey or of four inks by the profile that speaks of them, as sRGB. `None` if it speaks of something else.
pub(crate) fn by_profile(profile: &[u8], samples: &[u8], pixels: usize) -> Option<Vec<u8>> {
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    let layout = match (profile.color_space, samples.len() / pixels.max(1)) {
        (DataColorSpace::Gray, 1) => Layout::Gray,
        (DataColorSpace::Cmyk, 4) => Layout::Rgba,
        _ => return None,
    };
    to_srgb(&profile, layout, samples, pixels)
}

fn to_srgb(source: &ColorProfile, layout: Layout, samples: &[u8], pixels: usize) -> Option<Vec<u8>> {
    let options = TransformOptions::default();
    let transform = source.create_transform_8bit(layout, &ColorProfile::new_srgb(), Layout::Rgb, options).ok()?;
    let mut rgb = vec![0; 3 * pixels];
    transform.transform(samples, &mut rgb).ok()?;
    Some(rgb)
}

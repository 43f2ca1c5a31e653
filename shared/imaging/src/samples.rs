//! Decoded pictures: as pixels, or as the planes that JPEG has, which need not become pixels to become a JPEG again.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::exif::Orientation;
use crate::pixels::{Pixels, Rgb};

pub(crate) enum Samples {
    Rgb(Pixels),
    Grey(Plane),
    /// The colours may have fewer samples than the luma.
    YCbCr {
        luma: Plane,
        chroma: [Plane; 2],
    },
}

impl Samples {
    /// Reduced to these sides, the colours of planes to half of them.
    pub(crate) fn resized(self, (width, height): (u32, u32)) -> Self {
        match self {
            Self::Rgb(pixels) => Self::Rgb(pixels.resized((width, height))),
            Self::Grey(plane) => Self::Grey(plane.resized((width, height))),
            Self::YCbCr { luma, chroma } => Self::YCbCr {
                luma: luma.resized((width, height)),
                chroma: chroma.map(|plane| plane.resized((width.div_ceil(2), height.div_ceil(2)))),
            },
        }
    }

    /// Turned and mirrored as `orientation` asks.
    pub(crate) fn upright(self, orientation: Option<Orientation>) -> Self {
        let Some(orientation) = orientation else { return self };
        match self {
            Self::Rgb(pixels) => Self::Rgb(pixels.upright(orientation)),
            Self::Grey(plane) => Self::Grey(plane.upright(orientation)),
            Self::YCbCr { luma, chroma } => {
                Self::YCbCr { luma: luma.upright(orientation), chroma: chroma.map(|plane| plane.upright(orientation)) }
            }
        }
    }

    pub(crate) fn into_pixels(self) -> Pixels {
        match self {
            Self::Rgb(pixels) => pixels,
            Self::Grey(plane) => plane.to_pixels(|_, _, level| [level; 3]),
            Self::YCbCr { luma, chroma: [blue, red] } => {
                luma.to_pixels(|x, y, level| rgb_of([level, blue.half_at(x, y), red.half_at(x, y)]))
            }
        }
    }
}

/// A colour of JFIF in the light of a screen.
pub(crate) fn rgb_of([luma, blue, red]: [u8; 3]) -> Rgb {
    const fn fixed(factor: f64) -> i32 {
        (factor * 65536.0 + 0.5) as i32
    }
    let luma = (i32::from(luma) << 16) + (1 << 15);
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    [luma + fixed(1.402) * red, luma - fixed(0.344_136_3) * blue - fixed(0.714_136_3) * red, luma + fixed(1.772) * blue]
        .map(|light| (light >> 16).clamp(0, 255) as u8)
}

/// The samples of one component, row by row.
#[derive(Clone)]
pub(crate) struct Plane {
    width: u32,
    height: u32,
    samples: Vec<u8>,
    extent: Extent,
}

/// How much of a plane is the picture, in samples, which need not be whole ones: what lies to the right and below of it
/// fills up blocks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Extent {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Plane {
    /// `None` if it has not as many samples as it takes.
    pub(crate) fn new(width: usize, samples: Vec<u8>, extent: Extent) -> Option<Self> {
        let height = samples.len().checked_div(width)?;
        let [width, height] = [width, height].map(|side| u32::try_from(side).unwrap_or(0));
        let is_inside = extent.width <= f64::from(width) && extent.height <= f64::from(height);
        let is_plane = crate::limits::pixels(width, height) == samples.len() as u64 && !samples.is_empty();
        (is_plane && is_inside).then_some(Self { width, height, samples, extent })
    }

    pub(crate) fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// How many samples the picture has, those counted that it has in part.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.extent.width.ceil() as u32, self.extent.height.ceil() as u32)
    }

    /// Without what only fills up blocks.
    pub(crate) fn into_whole(self) -> Self {
        let size = self.size();
        self.resized(size)
    }

    /// Row `y` of the picture's samples.
    pub(crate) fn row(&self, y: u32) -> &[u8] {
        let start = self.width as usize * y as usize;
        self.samples.get(start..start + self.size().0 as usize).unwrap_or_default()
    }

    pub(crate) fn resized(self, (width, height): (u32, u32)) -> Self {
        let extent = Extent { width: width.into(), height: height.into() };
        if self.size() == (width, height) {
            // Nothing to filter: a sample that is the picture's in part counts as a whole one.
            let samples = if self.width == width {
                let mut samples = self.samples;
                samples.truncate(width as usize * height as usize);
                samples
            } else {
                (0..height).flat_map(|y| self.row(y)).copied().collect()
            };
            return Self { width, height, samples, extent };
        }
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .crop(0.0, 0.0, self.extent.width, self.extent.height)
            .use_alpha(false);
        let mut samples = vec![0; width as usize * height as usize];
        // Fails where there are fewer samples than the sides say: both have as many.
        let resized = TypedImageRef::<U8>::from_buffer(self.width, self.height, &self.samples).is_ok_and(|whole| {
            TypedImage::from_buffer(width, height, &mut samples)
                .is_ok_and(|mut small| Resizer::new().resize_typed(&whole, &mut small, &options).is_ok())
        });
        debug_assert!(resized);
        Self { width, height, samples, extent }
    }

    /// Turned and mirrored as `orientation` asks. It must be a whole one.
    fn upright(self, orientation: Orientation) -> Self {
        let (width, height) = Orientation::displayed(Some(orientation), self.width, self.height);
        let samples = orientation.turned(&self.samples, self.width, self.height);
        Self { width, height, samples, extent: Extent { width: width.into(), height: height.into() } }
    }

    /// The sample that belongs to the luma's at `x`, `y`, of a plane that has half as many.
    fn half_at(&self, x: u32, y: u32) -> u8 {
        let place = self.width as usize * (y / 2) as usize + (x / 2) as usize;
        self.samples.get(place).copied().unwrap_or_default()
    }

    fn to_pixels(&self, colour: impl Fn(u32, u32, u8) -> Rgb) -> Pixels {
        let (width, height) = self.size();
        let rows = (0..height).flat_map(|y| (0..).zip(self.row(y)).map(move |(x, level)| (x, y, *level)));
        let rgb = rows.flat_map(|(x, y, level)| colour(x, y, level)).collect();
        Pixels::of(width, height, rgb)
    }
}

//! A decoded picture: eight bits for each of red, green and blue.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::exif::Orientation;
use crate::limits::pixels;

pub(crate) type Rgb = [u8; 3];

pub(crate) struct Pixels {
    width: u32,
    height: u32,
    /// Row by row, `3 * width * height` bytes.
    rgb: Vec<u8>,
}

impl Pixels {
    /// `None` if there are not as many bytes as the sides say.
    pub(crate) fn new(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        (width > 0 && height > 0 && bytes(width, height) == Some(rgb.len())).then_some(Self { width, height, rgb })
    }

    pub(crate) const fn width(&self) -> u32 {
        self.width
    }

    pub(crate) const fn height(&self) -> u32 {
        self.height
    }

    pub(crate) fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    pub(crate) fn resized(self, (width, height): (u32, u32)) -> Self {
        if (width, height) == (self.width, self.height) {
            return self;
        }
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(false);
        let mut rgb = vec![0; bytes(width, height).unwrap_or_default()];
        // Fails where there are fewer bytes than the sides say: both have as many.
        let resized = TypedImageRef::<U8x3>::from_buffer(self.width, self.height, &self.rgb).is_ok_and(|whole| {
            TypedImage::from_buffer(width, height, &mut rgb)
                .is_ok_and(|mut small| Resizer::new().resize_typed(&whole, &mut small, &options).is_ok())
        });
        debug_assert!(resized);
        Self { width, height, rgb }
    }

    /// Turned and mirrored as `orientation` asks.
    pub(crate) fn upright(self, orientation: Option<Orientation>) -> Self {
        let Some(orientation) = orientation else { return self };
        let (width, height) = Orientation::displayed(Some(orientation), self.width, self.height);
        let (stored, _) = self.rgb.as_chunks::<3>();
        let mut turned: Vec<Rgb> = Vec::with_capacity(stored.len());
        for y in 0..height {
            turned.extend((0..width).map(|x| {
                let (x, y) = orientation.stored_at(x, y, self.width, self.height);
                let index = usize::try_from(pixels(self.width, y) + u64::from(x)).unwrap_or(usize::MAX);
                stored.get(index).copied().unwrap_or_default()
            }));
        }
        Self { width, height, rgb: turned.into_flattened() }
    }
}

/// The sides of a picture after reducing it so that the longest is no longer than `longest`. No side becomes zero.
pub(crate) fn fit(width: u32, height: u32, longest: u32) -> (u32, u32) {
    let whole = width.max(height);
    if whole <= longest {
        return (width, height);
    }
    let reduced = |side: u32| {
        let rounded = (u64::from(side) * u64::from(longest) + u64::from(whole) / 2) / u64::from(whole);
        u32::try_from(rounded).unwrap_or(longest).max(1)
    };
    (reduced(width), reduced(height))
}

fn bytes(width: u32, height: u32) -> Option<usize> {
    usize::try_from(pixels(width, height) * 3).ok()
}

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

    /// Of as many bytes as the sides say.
    pub(crate) const fn of(width: u32, height: u32, rgb: Vec<u8>) -> Self {
        Self { width, height, rgb }
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
    pub(crate) fn upright(self, orientation: Orientation) -> Self {
        let (width, height) = Orientation::displayed(Some(orientation), self.width, self.height);
        let (stored, _) = self.rgb.as_chunks::<3>();
        let turned: Vec<Rgb> = orientation.turned(stored, self.width, self.height);
        Self { width, height, rgb: turned.into_flattened() }
    }
}

fn bytes(width: u32, height: u32) -> Option<usize> {
    usize::try_from(pixels(width, height) * 3).ok()
}

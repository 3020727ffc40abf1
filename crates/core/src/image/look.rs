//! What one picture looks like.

/// The file format of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
    /// GIF; its first frame is measured.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// TIFF; its first page is measured.
    Tiff,
    /// Pixels in an array file: IDX, `.npy`, `.npz`.
    Array,
}

impl Format {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Array => "array",
        }
    }

    /// The usual extension, lower case, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tif",
            Self::Array => "npy",
        }
    }
}

/// The colour channels that a file stores. A palette counts as what its entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channels {
    /// One channel.
    Grey,
    /// Grey with transparency.
    GreyAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue with transparency.
    Rgba,
    /// Cyan, magenta, yellow, black.
    Cmyk,
}

impl Channels {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grey => "grey",
            Self::GreyAlpha => "grey with alpha",
            Self::Rgb => "RGB",
            Self::Rgba => "RGBA",
            Self::Cmyk => "CMYK",
        }
    }
}

/// Measurements of one picture. Brightness is 0 (black) to 1 (white), luma of BT.601 unless said otherwise;
/// transparent pixels are laid over white.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// What the content is, whatever the name says.
    pub format: Format,
    /// Pixels from left to right, as stored.
    pub width: u32,
    /// Pixels from top to bottom, as stored.
    pub height: u32,
    /// Colour channels, as stored.
    pub channels: Channels,
    /// Bits a channel, as stored: 1, 2, 4, 8, 16 or 32.
    pub bits: u8,
    /// EXIF orientation, 1 to 8; 1 where there is none.
    pub orientation: u8,
    /// 5th percentile of brightness.
    pub brightness_p5: f32,
    /// Mean brightness.
    pub brightness: f32,
    /// 99th percentile of brightness.
    pub brightness_p99: f32,
    /// Standard deviation of brightness.
    pub contrast: f32,
    /// Sharpness, 0 (blurred) to 1: how much of the finest detail that an edge of this contrast could have is there.
    /// See the measurer for the formula.
    pub sharpness: f32,
    /// Shannon entropy of the brightness histogram over its maximum (8 bits); 0 … 1.
    pub entropy: f32,
    /// Share of the picture's sides taken by a frame of one colour, 0 (none) to 1.
    pub border: f32,
    /// Its colours; `None` where only the brightness was decoded: of large sets they are measured on a sample.
    pub colours: Option<Colours>,
}

/// The colours of one picture, 0 … 1; grey pictures have three times the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colours {
    /// Mean of red, green and blue.
    pub mean: [f32; 3],
    /// Standard deviation of red, green and blue.
    pub std: [f32; 3],
}

/// What keeps a picture from being looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DamageKind {
    /// The file has no bytes.
    Empty,
    /// The content is no picture format that is known.
    NotAPicture,
    /// The file ends too early.
    Truncated,
    /// The content is damaged otherwise.
    Damaged,
    /// It claims more pixels than the limit.
    TooLarge,
    /// A list names it, and it is not there.
    Missing,
    /// The operating system refuses to read it.
    Refused,
}

impl DamageKind {
    /// The kind in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotAPicture => "not a picture",
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
            Self::TooLarge => "too large",
            Self::Missing => "missing",
            Self::Refused => "cannot be read",
        }
    }
}

/// Why a picture cannot be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What kind of trouble.
    pub kind: DamageKind,
    /// What is wrong, in words and with the numbers.
    pub problem: String,
}

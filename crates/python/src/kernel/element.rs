//! The number types that tensors are made of.

/// A type of floating-point number, by its code in calls from Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dtype {
    /// 32 bits; code 0.
    F32,
    /// 64 bits; code 1.
    F64,
    /// 16 bits, five of them for the exponent; code 2.
    F16,
    /// 16 bits, eight of them for the exponent; code 3.
    Bf16,
}

impl Dtype {
    /// The type with this code.
    pub(crate) fn of(code: u8) -> Option<Self> {
        [Self::F32, Self::F64, Self::F16, Self::Bf16].get(usize::from(code)).copied()
    }

    /// Bytes of a number.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }
}

/// A number as it lies in memory. All that is done with it can be done for many at once by vector instructions.
pub(crate) trait Element: Copy + Send + Sync + 'static {
    /// Its value, exactly.
    fn wide(self) -> f64;

    /// Bits that grow with the magnitude; those of an infinity or more are not finite.
    fn magnitude(self) -> u64;

    /// What an infinity's [`Element::magnitude`] is.
    const INFINITE: u64;

    /// The first twelve bits of the number in single precision: sign, exponent, three bits of the mantissa.
    fn head(self) -> u16;

    /// Whether it is a number and not infinite.
    fn is_finite(self) -> bool {
        self.magnitude() < Self::INFINITE
    }
}

impl Element for f32 {
    const INFINITE: u64 = 0x7f80_0000;

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn magnitude(self) -> u64 {
        u64::from(self.to_bits() & 0x7fff_ffff)
    }

    #[inline(always)]
    fn head(self) -> u16 {
        (self.to_bits() >> 20) as u16
    }
}

impl Element for f64 {
    const INFINITE: u64 = 0x7ff0_0000_0000_0000;

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }

    #[inline(always)]
    fn magnitude(self) -> u64 {
        self.to_bits() & 0x7fff_ffff_ffff_ffff
    }

    /// A magnitude that single precision cannot hold counts as the largest or smallest that it can.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "what does not fit is clamped first")]
    fn head(self) -> u16 {
        let clamped = self.clamp(f64::from(f32::MIN), f64::from(f32::MAX));
        (if self.is_infinite() { self } else { clamped } as f32).head()
    }
}

/// A number in half precision, as its bits.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct F16(pub(crate) u16);

impl F16 {
    /// In single precision, without a branch: shifted into place, and its exponent put right by a multiplication, which also makes
    /// subnormal numbers normal. What then is 65536 or more was infinite or no number.
    #[inline(always)]
    pub(crate) fn single(self) -> f32 {
        let bits = u32::from(self.0);
        let magnitude = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
        let special = if magnitude >= 65536.0 { 0x7f80_0000 } else { 0 };
        f32::from_bits(magnitude.to_bits() | special | (bits & 0x8000) << 16)
    }
}

impl Element for F16 {
    const INFINITE: u64 = 0x7c00;

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self.single())
    }

    #[inline(always)]
    fn magnitude(self) -> u64 {
        u64::from(self.0 & 0x7fff)
    }

    #[inline(always)]
    fn head(self) -> u16 {
        self.single().head()
    }
}

/// A number in bfloat16, as its bits.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Bf16(pub(crate) u16);

impl Element for Bf16 {
    const INFINITE: u64 = 0x7f80;

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(f32::from_bits(u32::from(self.0) << 16))
    }

    #[inline(always)]
    fn magnitude(self) -> u64 {
        u64::from(self.0 & 0x7fff)
    }

    #[inline(always)]
    fn head(self) -> u16 {
        self.0 >> 4
    }
}

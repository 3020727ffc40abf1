//! The number types that tensors are made of.

use std::ops::{Add, Sub};

use super::extremes::{Extremes, OfBits, OfFloats};
use super::level::FUSED;
use super::memory::{halves, words};

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

/// Numbers that are worked on side by side.
pub(crate) const LANES: usize = 16;

/// A number as it lies in memory. All that is done with it can be done for many at once by vector instructions.
pub(crate) trait Element: Copy + Send + Sync + 'static {
    /// What it is summed in.
    type Lane: Lane;

    /// What follows its extremes.
    type Extremes: Extremes<Self>;

    /// What an infinity's [`Element::magnitude`] is.
    const INFINITE: u64;

    /// Its value, exactly.
    fn lane(self) -> Self::Lane;

    /// The values of many, in two halves. Which is in which half does not matter.
    #[inline(always)]
    fn lanes<const LEVEL: u8>(numbers: &[Self; 2 * LANES]) -> [[Self::Lane; LANES]; 2] {
        [std::array::from_fn(|i| numbers[i].lane()), std::array::from_fn(|i| numbers[LANES + i].lane())]
    }

    /// Its value, exactly.
    #[inline(always)]
    fn wide(self) -> f64 {
        self.lane().double()
    }

    /// Bits that grow with the magnitude; those of an infinity or more are not finite.
    fn magnitude(self) -> u64;

    /// Its first bits, at most twelve: sign, exponent, and three of the mantissa where there is room.
    fn head(self) -> u16;

    /// The first and the last of all numbers with this head, by their bits.
    fn ends(head: u16) -> (f64, f64);

    /// Whether it is a number and not infinite.
    #[inline(always)]
    fn is_finite(self) -> bool {
        self.magnitude() < Self::INFINITE
    }
}

/// What numbers are summed in: single or double precision.
pub(crate) trait Lane: Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> {
    /// Zero.
    const ZERO: Self;

    /// The nearest to a number.
    fn of(x: f64) -> Self;

    /// The least that is not below a number.
    fn at_least(x: f64) -> Self;

    /// The greatest that is not above a number.
    fn at_most(x: f64) -> Self;

    /// The same number.
    fn double(self) -> f64;

    /// Without its sign.
    fn magnitude(self) -> Self;

    /// `sum` and the square of `x`.
    fn add_square<const LEVEL: u8>(sum: Self, x: Self) -> Self;

    /// Whether squares of distances of this size, or none, are not too small to be held.
    fn holds(reach: f64) -> bool;
}

impl Lane for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, reason = "the nearest is wanted")]
    fn of(x: f64) -> Self {
        x as Self
    }

    #[inline(always)]
    fn at_least(x: f64) -> Self {
        let nearest = Self::of(x);
        if f64::from(nearest) < x { nearest.next_up() } else { nearest }
    }

    #[inline(always)]
    fn at_most(x: f64) -> Self {
        -Self::at_least(-x)
    }

    #[inline(always)]
    fn double(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn add_square<const LEVEL: u8>(sum: Self, x: Self) -> Self {
        if LEVEL >= FUSED { x.mul_add(x, sum) } else { x * x + sum }
    }

    /// The least normal number is 10⁻³⁸.
    #[inline(always)]
    fn holds(reach: f64) -> bool {
        reach >= 1e-15 || reach == 0.0
    }
}

impl Lane for f64 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn of(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn at_least(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn at_most(x: f64) -> Self {
        x
    }

    #[inline(always)]
    fn double(self) -> f64 {
        self
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        self.abs()
    }

    #[inline(always)]
    fn add_square<const LEVEL: u8>(sum: Self, x: Self) -> Self {
        if LEVEL >= FUSED { x.mul_add(x, sum) } else { x * x + sum }
    }

    #[inline(always)]
    fn holds(_: f64) -> bool {
        true
    }
}

impl Element for f32 {
    type Lane = f32;
    type Extremes = OfFloats<f32>;

    const INFINITE: u64 = 0x7f80_0000;

    #[inline(always)]
    fn lane(self) -> f32 {
        self
    }

    #[inline(always)]
    fn magnitude(self) -> u64 {
        u64::from(self.to_bits() & 0x7fff_ffff)
    }

    #[inline(always)]
    fn head(self) -> u16 {
        (self.to_bits() >> 20) as u16
    }

    fn ends(head: u16) -> (f64, f64) {
        let first = u32::from(head) << 20;
        (f64::from(Self::from_bits(first)), f64::from(Self::from_bits(first | 0xf_ffff)))
    }
}

impl Element for f64 {
    type Lane = f64;
    type Extremes = OfFloats<f64>;

    const INFINITE: u64 = 0x7ff0_0000_0000_0000;

    #[inline(always)]
    fn lane(self) -> f64 {
        self
    }

    #[inline(always)]
    fn magnitude(self) -> u64 {
        self.to_bits() & 0x7fff_ffff_ffff_ffff
    }

    #[inline(always)]
    fn head(self) -> u16 {
        (self.to_bits() >> 52) as u16
    }

    fn ends(head: u16) -> (f64, f64) {
        let first = u64::from(head) << 52;
        (Self::from_bits(first), Self::from_bits(first | 0xf_ffff_ffff_ffff))
    }
}

/// A number in half precision, as its bits.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct F16(pub(crate) u16);

impl Element for F16 {
    type Lane = f32;
    type Extremes = OfBits;

    const INFINITE: u64 = 0x7c00;

    /// Without a branch: shifted into place, and the exponent put right by a multiplication, which also makes subnormal numbers normal. What
    /// then is 65536 or more was infinite or no number.
    #[inline(always)]
    fn lane(self) -> f32 {
        let bits = u32::from(self.0);
        let magnitude = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
        let special = if magnitude >= 65536.0 { 0x7f80_0000 } else { 0 };
        f32::from_bits(magnitude.to_bits() | special | (bits & 0x8000) << 16)
    }

    #[inline(always)]
    fn lanes<const LEVEL: u8>(numbers: &[Self; 2 * LANES]) -> [[f32; LANES]; 2] {
        halves::<LEVEL>(numbers)
    }

    #[inline(always)]
    fn magnitude(self) -> u64 {
        u64::from(self.0 & 0x7fff)
    }

    #[inline(always)]
    fn head(self) -> u16 {
        self.0 >> 7
    }

    fn ends(head: u16) -> (f64, f64) {
        (Self(head << 7).wide(), Self(head << 7 | 0x7f).wide())
    }
}

/// A number in bfloat16, as its bits.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(crate) struct Bf16(pub(crate) u16);

impl Element for Bf16 {
    type Lane = f32;
    type Extremes = OfBits;

    const INFINITE: u64 = 0x7f80;

    #[inline(always)]
    fn lane(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    /// Two numbers are a word of 32 bits: one is its upper half as it stands, one its lower half moved up.
    #[inline(always)]
    fn lanes<const LEVEL: u8>(numbers: &[Self; 2 * LANES]) -> [[f32; LANES]; 2] {
        let words = words(numbers);
        [words.map(|word| f32::from_bits(word & 0xffff_0000)), words.map(|word| f32::from_bits(word << 16))]
    }

    #[inline(always)]
    fn magnitude(self) -> u64 {
        u64::from(self.0 & 0x7fff)
    }

    #[inline(always)]
    fn head(self) -> u16 {
        self.0 >> 4
    }

    fn ends(head: u16) -> (f64, f64) {
        (Self(head << 4).wide(), Self(head << 4 | 0xf).wide())
    }
}

macro_rules! extremes_by_bits {
    ($t:ident) => {
        impl Extremes<$t> for OfBits {
            #[inline(always)]
            fn of(x: $t) -> Self {
                Self::of(x.0)
            }

            #[inline(always)]
            fn take(&mut self, numbers: &[$t; 2 * LANES]) {
                for (i, x) in numbers.iter().enumerate() {
                    self.take(i, x.0);
                }
            }

            fn take_one(&mut self, x: $t) {
                self.take(0, x.0);
            }

            fn ends(&self) -> (f64, f64) {
                let (least, greatest) = self.ends();
                ($t(least).wide(), $t(greatest).wide())
            }

            fn has_zero(&self) -> bool {
                self.has_zero()
            }
        }
    };
}

extremes_by_bits!(F16);
extremes_by_bits!(Bf16);

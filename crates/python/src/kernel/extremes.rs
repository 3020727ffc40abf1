//! The least and the greatest of many numbers, and whether one is zero.

use super::element::LANES;

/// Follows numbers of one type, of which all are finite; of others nothing is said.
pub(crate) trait Extremes<T>: Copy {
    /// Of one number.
    fn of(x: T) -> Self;

    /// Takes in many.
    fn take(&mut self, numbers: &[T; 2 * LANES]);

    /// Takes in one.
    fn take_one(&mut self, x: T);

    /// Least and greatest.
    fn ends(&self) -> (f64, f64);

    /// Whether one was zero.
    fn has_zero(&self) -> bool;
}

/// Of numbers that the processor compares as such.
#[derive(Clone, Copy)]
pub(crate) struct OfFloats<T> {
    least: [T; LANES],
    greatest: [T; LANES],
    /// The least magnitude.
    nearest: [T; LANES],
}

macro_rules! of_floats {
    ($t:ty) => {
        impl Extremes<$t> for OfFloats<$t> {
            #[inline(always)]
            fn of(x: $t) -> Self {
                Self { least: [x; LANES], greatest: [x; LANES], nearest: [x.abs(); LANES] }
            }

            #[inline(always)]
            fn take(&mut self, numbers: &[$t; 2 * LANES]) {
                for half in [0, LANES] {
                    for i in 0..LANES {
                        let x = numbers[half + i];
                        self.least[i] = if x < self.least[i] { x } else { self.least[i] };
                        self.greatest[i] = if x > self.greatest[i] { x } else { self.greatest[i] };
                        self.nearest[i] = if x.abs() < self.nearest[i] { x.abs() } else { self.nearest[i] };
                    }
                }
            }

            fn take_one(&mut self, x: $t) {
                self.least[0] = self.least[0].min(x);
                self.greatest[0] = self.greatest[0].max(x);
                self.nearest[0] = self.nearest[0].min(x.abs());
            }

            fn ends(&self) -> (f64, f64) {
                let least = self.least.into_iter().fold(<$t>::INFINITY, <$t>::min);
                (least.into(), self.greatest.into_iter().fold(<$t>::NEG_INFINITY, <$t>::max).into())
            }

            fn has_zero(&self) -> bool {
                self.nearest.contains(&0.0)
            }
        }
    };
}

of_floats!(f32);
of_floats!(f64);

/// Of numbers of 16 bits, by their bits: sign, then magnitude.
///
/// Compared as unsigned numbers, negative ones are the greater, by their magnitude. Compared as signed numbers, negative ones are the
/// smaller, yet among them those of great magnitude are the greater.
#[derive(Clone, Copy)]
pub(crate) struct OfBits {
    least: [u16; 2 * LANES],
    greatest: [u16; 2 * LANES],
    least_signed: [i16; 2 * LANES],
    greatest_signed: [i16; 2 * LANES],
}

impl OfBits {
    #[inline(always)]
    pub(super) fn of(bits: u16) -> Self {
        let signed = bits.cast_signed();
        Self {
            least: [bits; 2 * LANES],
            greatest: [bits; 2 * LANES],
            least_signed: [signed; 2 * LANES],
            greatest_signed: [signed; 2 * LANES],
        }
    }

    #[inline(always)]
    pub(super) fn take(&mut self, i: usize, bits: u16) {
        self.least[i] = self.least[i].min(bits);
        self.greatest[i] = self.greatest[i].max(bits);
        self.least_signed[i] = self.least_signed[i].min(bits.cast_signed());
        self.greatest_signed[i] = self.greatest_signed[i].max(bits.cast_signed());
    }

    /// Bits of the least and of the greatest number.
    pub(super) fn ends(&self) -> (u16, u16) {
        let least = self.least.into_iter().min().unwrap_or(0);
        let greatest = self.greatest.into_iter().max().unwrap_or(0);
        let greatest_signed = self.greatest_signed.into_iter().max().unwrap_or(0);
        let has_negative = greatest >> 15 == 1;
        // With no negative number the least is that of the smallest magnitude; with none but negative ones, the greatest.
        let positive = if greatest_signed >= 0 { greatest_signed.cast_unsigned() } else { least };
        (if has_negative { greatest } else { least }, positive)
    }

    /// Whether there was a zero, of either sign.
    pub(super) fn has_zero(&self) -> bool {
        self.least.contains(&0) || self.least_signed.contains(&i16::MIN)
    }
}

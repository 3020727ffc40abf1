//! Numbers out of a `TensorProto`.
//!
//! Field numbers and the rule that the last value stands for all that are missing are those of
//! `tensorflow/core/framework/tensor.proto`.

use half::{bf16, f16};

use super::wire::{Fields, Value, varint};

/// The types of numbers that are read; `types.proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    F32,
    F64,
    F16,
    Bf16,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

impl Kind {
    fn of(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::F32,
            2 => Self::F64,
            3 => Self::I32,
            4 => Self::U8,
            5 => Self::I16,
            6 => Self::I8,
            9 => Self::I64,
            10 => Self::Bool,
            14 => Self::Bf16,
            17 => Self::U16,
            19 => Self::F16,
            22 => Self::U32,
            23 => Self::U64,
            _ => return None,
        })
    }

    fn width(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// A number of the packed content; little endian.
    fn of_bytes(self, bytes: &[u8]) -> f64 {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        self.of_bits(u64::from_le_bytes(wide))
    }

    /// A number of the lists of values: floats of two bytes stand there as their bits, signed numbers are sign-extended.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the bits above the type's width are no part of the number"
    )]
    fn of_bits(self, bits: u64) -> f64 {
        match self {
            Self::F32 => f64::from(f32::from_bits(bits as u32)),
            Self::F64 => f64::from_bits(bits),
            Self::F16 => f16::from_bits(bits as u16).to_f64(),
            Self::Bf16 => bf16::from_bits(bits as u16).to_f64(),
            Self::I8 => f64::from((bits as u8).cast_signed()),
            Self::I16 => f64::from((bits as u16).cast_signed()),
            Self::I32 => f64::from((bits as u32).cast_signed()),
            Self::I64 => bits.cast_signed() as f64,
            Self::U8 => f64::from(bits as u8),
            Self::U16 => f64::from(bits as u16),
            Self::U32 => f64::from(bits as u32),
            Self::U64 => bits as f64,
            Self::Bool => f64::from(u8::from(bits != 0)),
        }
    }
}

/// Tensors of more numbers are no series of scalars or layers.
const MOST: u64 = 1 << 24;

/// A tensor, its numbers not decoded yet.
#[derive(Clone, Debug)]
pub(super) struct Tensor<'a> {
    kind: Kind,
    /// Its numbers, by the shape.
    n: usize,
    content: &'a [u8],
    message: &'a [u8],
}

impl<'a> Tensor<'a> {
    /// None if it is damaged, holds no numbers or too many.
    pub(super) fn new(message: &'a [u8]) -> Option<Self> {
        let (mut kind, mut n, mut content) = (None, 1u64, [].as_slice());
        let mut fields = Fields::new(message);
        for (number, value) in &mut fields {
            match number {
                1 => kind = Kind::of(value.varint()),
                2 => n = elements(value.bytes())?,
                4 => content = value.bytes(),
                _ => {}
            }
        }
        if fields.is_damaged() || n > MOST {
            return None;
        }
        Some(Self { kind: kind?, n: usize::try_from(n).ok()?, content, message })
    }

    /// The only number, if it is one.
    pub(super) fn scalar(&self) -> Option<f64> {
        if self.n != 1 {
            return None;
        }
        let mut first = None;
        self.each(&mut |number| {
            first.get_or_insert(number);
        });
        first
    }

    /// Replaces `out` by the numbers; false unless there are `n`.
    #[allow(clippy::cast_possible_truncation, reason = "layers are recorded in single precision")]
    pub(super) fn vector(&self, n: usize, out: &mut Vec<f32>) -> bool {
        out.clear();
        if self.n != n {
            return false;
        }
        if self.kind == Kind::F32 && !self.content.is_empty() {
            out.extend(self.content.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        } else {
            self.each(&mut |number| out.push(number as f32));
        }
        if let Some(last) = out.last().copied().filter(|_| out.len() < n && self.content.is_empty()) {
            out.resize(n, last);
        }
        out.len() == n
    }

    /// Calls back with each number that is written.
    fn each(&self, found: &mut dyn FnMut(f64)) {
        let kind = self.kind;
        if !self.content.is_empty() {
            return self.content.chunks_exact(kind.width()).for_each(|bytes| found(kind.of_bytes(bytes)));
        }
        for (number, value) in Fields::new(self.message) {
            match (number, value) {
                (5..=7 | 10..=11 | 13 | 16..=17, Value::Varint(bits)) => found(kind.of_bits(bits)),
                (5, Value::Fixed32(bytes)) => found(kind.of_bytes(&bytes)),
                (6, Value::Fixed64(bytes)) => found(kind.of_bytes(&bytes)),
                (5, Value::Bytes(packed)) => {
                    packed.chunks_exact(4).for_each(|b| found(f64::from(f32::from_bits(le_u32(b)))));
                }
                (6, Value::Bytes(packed)) => {
                    packed.chunks_exact(8).for_each(|b| found(Kind::F64.of_bytes(b)));
                }
                (7 | 10 | 11 | 13 | 16 | 17, Value::Bytes(mut packed)) => {
                    while let Some(bits) = varint(&mut packed) {
                        found(kind.of_bits(bits));
                    }
                }
                _ => {}
            }
        }
    }
}

fn le_u32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |b| u32::from_le_bytes(*b))
}

/// The product of the sizes of a `TensorShapeProto`; None if one is unknown or the product too large.
fn elements(shape: &[u8]) -> Option<u64> {
    let mut n = 1u64;
    for (number, dimension) in Fields::new(shape) {
        match number {
            2 => {
                let size = Fields::new(dimension.bytes()).find(|(number, _)| *number == 1);
                n = n.checked_mul(size.map_or(0, |(_, size)| size.varint()))?;
            }
            3 if dimension.varint() != 0 => return None,
            _ => {}
        }
    }
    Some(n)
}

#[cfg(test)]
mod tests {
    use super::super::wire::put;
    use super::*;

    fn tensor(kind: u64, sizes: &[u64], rest: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut shape = Vec::new();
        for size in sizes {
            let mut dimension = Vec::new();
            put::number(&mut dimension, 1, *size);
            put::bytes(&mut shape, 2, &dimension);
        }
        let mut out = Vec::new();
        put::number(&mut out, 1, kind);
        put::bytes(&mut out, 2, &shape);
        rest(&mut out);
        out
    }

    #[test]
    fn scalars_of_every_type_are_read_both_ways() {
        let cases: [(u64, u32, f64, Vec<u8>); 8] = [
            (1, 5, 1.5, 1.5f32.to_le_bytes().to_vec()),
            (2, 6, -2.5, (-2.5f64).to_le_bytes().to_vec()),
            (3, 7, -3.0, (-3i32).to_le_bytes().to_vec()),
            (9, 10, -4.0, (-4i64).to_le_bytes().to_vec()),
            (14, 13, 0.5, bf16::from_f32(0.5).to_le_bytes().to_vec()),
            (19, 13, 0.25, f16::from_f32(0.25).to_le_bytes().to_vec()),
            (4, 7, 200.0, vec![200]),
            (10, 11, 1.0, vec![1]),
        ];
        for (kind, field, expected, bytes) in cases {
            let content = tensor(kind, &[], |out| put::bytes(out, 4, &bytes));
            assert_eq!(Tensor::new(&content).unwrap().scalar(), Some(expected), "content of {kind}");
            let listed = tensor(kind, &[], |out| match field {
                5 | 6 => put::bytes(out, field, &bytes),
                _ => {
                    let mut wide = [if expected < 0.0 { 0xff } else { 0 }; 8];
                    wide[..bytes.len()].copy_from_slice(&bytes);
                    let mut packed = Vec::new();
                    put::varint(&mut packed, u64::from_le_bytes(wide));
                    put::bytes(out, field, &packed);
                }
            });
            assert_eq!(Tensor::new(&listed).unwrap().scalar(), Some(expected), "list of {kind}");
        }
    }

    #[test]
    fn vectors_have_the_length_of_their_shape() {
        let mut out = Vec::new();
        let one_for_all = tensor(1, &[3], |out| put::float(out, 5, 7.0));
        assert!(Tensor::new(&one_for_all).unwrap().vector(3, &mut out));
        assert_eq!(out, [7.0; 3]);
        assert!(!Tensor::new(&one_for_all).unwrap().vector(2, &mut out));
        let short = tensor(1, &[3], |out| put::bytes(out, 4, &[0; 8]));
        assert!(!Tensor::new(&short).unwrap().vector(3, &mut out));
        assert!(Tensor::new(&tensor(1, &[1 << 40, 1 << 40], |_| ())).is_none());
        assert!(Tensor::new(&tensor(7, &[], |_| ())).is_none(), "text is no number");
    }
}

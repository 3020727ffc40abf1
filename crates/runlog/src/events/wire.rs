//! The wire format of Protocol Buffers: as much of it as event files need.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>.

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

impl<'a> Value<'a> {
    /// A number that was written as a varint, else 0.
    pub(super) fn varint(self) -> u64 {
        if let Self::Varint(n) = self { n } else { 0 }
    }

    /// Bytes, text or a message, else empty.
    pub(super) fn bytes(self) -> &'a [u8] {
        if let Self::Bytes(bytes) = self { bytes } else { &[] }
    }
}

/// Reads the fields of a message one by one; ends at the first that is damaged.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    is_damaged: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'a [u8]) -> Self {
        Self { rest: message, is_damaged: false }
    }

    /// Whether reading ended before the end of the message.
    pub(super) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    #[inline]
    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let key = varint(&mut self.rest)?;
        let number = u32::try_from(key >> 3).ok()?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut self.rest)?),
            1 => Value::Fixed64(take(&mut self.rest)?),
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).ok()?;
                let (bytes, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            5 => Value::Fixed32(take(&mut self.rest)?),
            _ => return None, // groups: long out of use
        };
        Some((number, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() || self.is_damaged {
            return None;
        }
        let field = self.field();
        self.is_damaged = field.is_none();
        field
    }
}

/// A varint from the front.
#[inline]
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let (mut value, mut bytes) = (0, *rest);
    for shift in (0..64).step_by(7) {
        let [byte, after @ ..] = bytes else { return None };
        value |= u64::from(byte & 0x7f) << shift;
        bytes = after;
        if *byte < 0x80 {
            *rest = bytes;
            return Some(value);
        }
    }
    None
}

#[inline]
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*bytes)
}

/// Appends fields to a message.
pub(super) mod put {
    pub(in super::super) fn varint(out: &mut Vec<u8>, mut value: u64) {
        while value >= 0x80 {
            out.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        out.push(value.to_le_bytes()[0]);
    }

    pub(in super::super) fn number(out: &mut Vec<u8>, field: u32, value: u64) {
        varint(out, u64::from(field << 3));
        varint(out, value);
    }

    pub(in super::super) fn double(out: &mut Vec<u8>, field: u32, value: f64) {
        varint(out, u64::from(field << 3 | 1));
        out.extend_from_slice(&value.to_le_bytes());
    }

    pub(in super::super) fn float(out: &mut Vec<u8>, field: u32, value: f32) {
        varint(out, u64::from(field << 3 | 5));
        out.extend_from_slice(&value.to_le_bytes());
    }

    pub(in super::super) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
        header(out, field, value.len());
        out.extend_from_slice(value);
    }

    /// The start of a field of `length` bytes, which the caller appends.
    pub(in super::super) fn header(out: &mut Vec<u8>, field: u32, length: usize) {
        varint(out, u64::from(field << 3 | 2));
        varint(out, length as u64);
    }

    /// Bytes that a varint takes.
    pub(in super::super) fn varint_length(value: u64) -> usize {
        (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
    }

    /// Bytes that a field of `length` bytes takes, with its header; the field's number is below 16.
    pub(in super::super) fn field_length(length: usize) -> usize {
        1 + varint_length(length as u64) + length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put::varint(&mut out, value);
            assert_eq!(out.len(), put::varint_length(value), "{value}");
            assert_eq!(varint(&mut out.as_slice()), Some(value));
        }
        let mut out = Vec::new();
        put::number(&mut out, 2, 300);
        put::bytes(&mut out, 5, b"abc");
        put::float(&mut out, 2, 1.5);
        put::double(&mut out, 1, -2.5);
        let fields: Vec<_> = Fields::new(&out).collect();
        assert_eq!(fields[0], (2, Value::Varint(300)));
        assert_eq!(fields[1], (5, Value::Bytes(b"abc")));
        assert_eq!(fields[2], (2, Value::Fixed32(1.5f32.to_le_bytes())));
        assert_eq!(fields[3], (1, Value::Fixed64((-2.5f64).to_le_bytes())));
    }

    #[test]
    fn a_message_that_is_cut_is_damaged() {
        let mut out = Vec::new();
        put::bytes(&mut out, 5, b"abc");
        let mut fields = Fields::new(&out[..3]);
        assert!(fields.next().is_none());
        assert!(fields.is_damaged());
        assert_eq!(varint(&mut [0xff; 12].as_slice()), None);
    }
}

//! Frames of TFRecord files: length, check sum of the length, data, check sum of the data.
//!
//! See <https://www.tensorflow.org/tutorials/load_data/tfrecord>.

/// Bytes before the data.
pub(super) const HEADER: usize = 12;
/// Bytes after the data.
pub(super) const FOOTER: usize = 4;
/// Longer records are refused; no scalar or picture takes as much.
pub const LONGEST: u64 = 256 << 20;

/// CRC-32C, rotated and shifted as TensorFlow does, so that the sum of data that holds sums is no weak one.
pub(super) fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// What the first bytes of a frame say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// The data has this length.
    Length(u64),
    /// Fewer than [`HEADER`] bytes.
    Short,
    /// The check sum does not fit.
    Damaged,
}

#[inline]
pub(super) fn header(bytes: &[u8]) -> Header {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return Header::Short };
    let Some(sum) = rest.first_chunk::<4>() else { return Header::Short };
    if masked_crc(length) == u32::from_le_bytes(*sum) {
        Header::Length(u64::from_le_bytes(*length))
    } else {
        Header::Damaged
    }
}

/// Appends a frame of a TFRecord file around `data`.
pub fn put(out: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked_crc(&length).to_le_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(&masked_crc(data).to_le_bytes());
}

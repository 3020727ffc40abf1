//! The sides of a PNG, from its first bytes.

/// Width and height in pixels of a PNG in base64; `None` where it is none.
pub(crate) fn of_base64(text: &str) -> Option<(u32, u32)> {
    // 24 bytes: the signature, the first chunk's length and name, width, height.
    let head: Vec<u32> = text.bytes().take(32).map(six_bits).collect::<Option<_>>()?;
    let bytes: Vec<u8> = head
        .chunks_exact(4)
        .flat_map(|q| (q[0] << 18 | q[1] << 12 | q[2] << 6 | q[3]).to_be_bytes().into_iter().skip(1))
        .collect();
    let sides = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")?;
    let side = |at: usize| Some(u32::from_be_bytes(sides.get(at..at + 4)?.try_into().ok()?));
    Some((side(0)?, side(4)?))
}

fn six_bits(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::of_base64;

    #[test]
    fn sides_are_read_and_nonsense_has_none() {
        assert_eq!(of_base64("iVBORw0KGgoAAAANSUhEUgAAABwAAAAdCAAAAABXZoBI"), Some((28, 29)));
        assert_eq!(of_base64("iVBORw0KGgo"), None);
        assert_eq!(of_base64("not base64 at all, but long enough for it"), None);
    }
}

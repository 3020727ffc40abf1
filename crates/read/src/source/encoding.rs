//! Text in any encoding, as UTF-8.

use std::io::{self, Read};

/// Bytes looked at to guess the encoding, and read at a time.
const CHUNK: usize = 1 << 18;

/// The encoding of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8 or ASCII, possibly with a few damaged bytes; passed through unchanged.
    Utf8,
    /// Another one; converted.
    Other(&'static encoding_rs::Encoding),
}

/// Reads a stream as UTF-8.
pub(crate) struct Decoder<R> {
    bytes: R,
    encoding: Encoding,
    decoder: Option<encoding_rs::Decoder>,
    /// Raw bytes read while guessing, not yet handed out.
    head: Vec<u8>,
    is_finished: bool,
}

impl<R: Read> Decoder<R> {
    /// Guesses the encoding from the first bytes and drops a byte-order mark.
    pub(crate) fn new(mut bytes: R) -> io::Result<Self> {
        let mut head = vec![0; CHUNK];
        let mut n = 0;
        while n < head.len() {
            match bytes.read(&mut head[n..]) {
                Ok(0) => break,
                Ok(k) => n += k,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if n == 0 => return Err(e),
                Err(_) => break, // what was read so far is read; the error comes again on the next read
            }
        }
        head.truncate(n);
        let encoding = guess(&head);
        if encoding == Encoding::Utf8 && head.starts_with(b"\xEF\xBB\xBF") {
            head.drain(..3);
        }
        let decoder = match encoding {
            Encoding::Utf8 => None,
            Encoding::Other(encoding) => Some(encoding.new_decoder_with_bom_removal()),
        };
        Ok(Self { bytes, encoding, decoder, head, is_finished: false })
    }

    /// What was detected.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The undecoded stream.
    pub(crate) fn bytes(&self) -> &R {
        &self.bytes
    }

    /// Appends some decoded bytes to `buffer`; 0 at the end of the stream.
    pub(crate) fn read_into(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let before = buffer.len();
        loop {
            if self.is_finished {
                return Ok(0); // a decoder that has finished must not be used again
            }
            let (raw, last) = self.read_raw()?;
            self.is_finished = last;
            match &mut self.decoder {
                None => buffer.extend_from_slice(&raw),
                Some(decoder) => {
                    let most = decoder.max_utf8_buffer_length(raw.len()).unwrap_or(raw.len() * 3 + 16);
                    let mut text = String::with_capacity(most);
                    let _ = decoder.decode_to_string(&raw, &mut text, last);
                    buffer.extend_from_slice(text.as_bytes());
                }
            }
            if last || buffer.len() > before {
                return Ok(buffer.len() - before);
            }
        }
    }

    /// Some raw bytes, and whether the stream has ended.
    fn read_raw(&mut self) -> io::Result<(Vec<u8>, bool)> {
        if !self.head.is_empty() {
            return Ok((std::mem::take(&mut self.head), false));
        }
        let mut raw = vec![0; CHUNK];
        loop {
            match self.bytes.read(&mut raw) {
                Ok(n) => {
                    raw.truncate(n);
                    return Ok((raw, n == 0));
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// Guesses the encoding: byte-order mark, zero bytes in every second place, valid UTF-8, or else by language statistics.
fn guess(head: &[u8]) -> Encoding {
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(head) {
        return if encoding == encoding_rs::UTF_8 { Encoding::Utf8 } else { Encoding::Other(encoding) };
    }
    let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|&&b| b == 0).count();
    if head.len() >= 4 && (zeros(0) + zeros(1)) * 4 > head.len() {
        let encoding = if zeros(1) > zeros(0) { encoding_rs::UTF_16LE } else { encoding_rs::UTF_16BE };
        return Encoding::Other(encoding);
    }
    let (n_valid, n_invalid) = multibyte(head);
    if n_invalid == 0 || n_valid > n_invalid {
        return Encoding::Utf8; // a few bad bytes among good ones are damage, not another encoding
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(head, true);
    Encoding::Other(detector.guess(None, chardetng::Utf8Detection::Deny))
}

/// How many valid multi-byte characters and how many invalid sequences `head` has as UTF-8. A sequence cut off at the
/// end counts as neither.
fn multibyte(head: &[u8]) -> (usize, usize) {
    let (mut n_valid, mut n_invalid) = (0, 0);
    for chunk in head.utf8_chunks() {
        n_valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        let is_cut =
            head.as_ptr_range().end == chunk.invalid().as_ptr_range().end && chunk.invalid().len() < 4;
        n_invalid += usize::from(!(chunk.invalid().is_empty() || is_cut && head.len() == CHUNK));
    }
    (n_valid, n_invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> (String, Encoding) {
        let mut decoder = Decoder::new(bytes).unwrap();
        let mut out = Vec::new();
        while decoder.read_into(&mut out).unwrap() > 0 {}
        (String::from_utf8_lossy(&out).into_owned(), decoder.encoding())
    }

    #[test]
    fn encodings_are_detected() {
        let text = "name,ort\nJürgen,Köln\n";
        assert_eq!(decode(text.as_bytes()), (text.into(), Encoding::Utf8));
        assert_eq!(decode(format!("\u{feff}{text}").as_bytes()).0, text);
        let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
        assert_eq!(decode(&latin).0, text);
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(decode(&wide), (text.into(), Encoding::Other(encoding_rs::UTF_16LE)));
    }

    #[test]
    fn half_a_character_at_the_end_is_replaced() {
        let mut wide: Vec<u8> = "name,ort\nJ,K\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        wide.push(b'x');
        assert_eq!(decode(&wide).0, "name,ort\nJ,K\n\u{fffd}");
    }

    #[test]
    fn one_damaged_byte_does_not_change_the_encoding() {
        let mut bytes = "Jürgen,Köln,Zürich,Österreich\n".repeat(5).into_bytes();
        bytes.push(0xFF);
        assert_eq!(decode(&bytes).1, Encoding::Utf8);
    }
}

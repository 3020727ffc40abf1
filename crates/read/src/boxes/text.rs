//! Small annotation files as text.

use std::path::Path;

use crate::source::encoding::Decoder;

/// A file of one picture larger than this is none, in bytes.
const LARGEST: u64 = 64 << 20;

/// The file as text, in whatever encoding it is.
///
/// # Errors
/// Why it cannot be read, in words.
pub(super) fn read(path: &Path) -> Result<String, String> {
    let facts = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if facts.len() > LARGEST {
        return Err("larger than 64 MB, which the boxes of one picture are not".to_owned());
    }
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    decode(bytes)
}

/// The bytes as text: UTF-8, else as an XML declaration says, else as they look.
///
/// # Errors
/// That it is no text.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let bytes = error.into_bytes();
            match declared(&bytes) {
                Some(encoding) => encoding.decode(&bytes).0.into_owned(),
                None => guessed(&bytes),
            }
        }
    };
    let text = if text.contains('\0') { guessed(text.as_bytes()) } else { text };
    if text.contains('\0') {
        return Err("not text: it has zero bytes".to_owned());
    }
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn guessed(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    if let Ok(mut decoder) = Decoder::new(bytes) {
        while decoder.read_into(&mut text).is_ok_and(|n| n > 0) {}
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The encoding that `<?xml … encoding="…"?>` names; one of two-byte units would not be readable here.
fn declared(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(200))?).into_owned();
    let head = head.split("?>").next().filter(|h| h.starts_with("<?xml"))?;
    let after = head.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    let label = after.get(1..)?.split(['"', '\'']).next()?;
    encoding_rs::Encoding::for_label(label.as_bytes()).filter(|e| e.is_ascii_compatible())
}

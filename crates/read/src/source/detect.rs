//! What a file is, by its content first and its name last.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::de::IgnoredAny;

use super::compressed::{Compression, damage, open_bytes};
use crate::ReadError;

/// What a data file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, file format; also Feather version 2.
    ArrowFile,
    /// Arrow IPC, stream format.
    ArrowStream,
    /// One NumPy array.
    Npy,
    /// A zip archive of NumPy arrays.
    Npz,
    /// JSON objects, one a line or in one array; possibly compressed.
    Json,
    /// Delimited text; possibly compressed.
    Csv,
}

/// Bytes looked at.
const PEEK: usize = 64 << 10;

/// Finds out what the file is: by its first bytes, for text by its first line, and only where that leaves it open by
/// its name.
///
/// # Errors
/// When it is missing, a folder, unreadable, empty, or not a data file; the message names what it is, where known.
pub fn detect(path: &Path) -> Result<FileKind, ReadError> {
    let facts = std::fs::metadata(path).map_err(|e| ReadError::io(path, e))?;
    if facts.is_dir() {
        return Err(ReadError::malformed(path, "it is a folder, not a file"));
    }
    if facts.len() == 0 && facts.is_file() {
        return Err(ReadError::malformed(path, "the file is empty"));
    }
    let start = peek(path)?;
    let compression = Compression::sniff(&start);
    if compression == Compression::None {
        return classify(path, &start, false);
    }
    let inside = peek_inside(path)?;
    match classify(path, &inside, true)? {
        text @ (FileKind::Json | FileKind::Csv) => Ok(text),
        _ => {
            let problem = "a compressed binary file; decompress it first: its format compresses by itself";
            Err(ReadError::malformed(path, problem))
        }
    }
}

fn peek(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut start = Vec::new();
    let file = File::open(path).map_err(|e| ReadError::io(path, e))?;
    file.take(PEEK as u64).read_to_end(&mut start).map_err(|e| ReadError::io(path, e))?;
    Ok(start)
}

fn peek_inside(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut start = vec![0; PEEK];
    let (filled, result) = open_bytes(path)?.fill(&mut start);
    start.truncate(filled);
    match result {
        Err(error) if filled == 0 => Err(match damage(&error) {
            Some(damage) => ReadError::malformed(path, damage.to_string()),
            None => ReadError::io(path, error),
        }),
        _ if filled == 0 => Err(ReadError::malformed(path, "the file is empty once decompressed")),
        // Damage further on is met again by the reader, which reports it with the row.
        _ => Ok(start),
    }
}

/// The first and last `n` bytes of a file; fewer if it is shorter.
pub(super) fn ends(mut file: &File, n: u64) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let length = file.seek(SeekFrom::End(0))?;
    let (mut start, mut end) = (Vec::new(), Vec::new());
    file.seek(SeekFrom::Start(0))?;
    file.take(n).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(length.saturating_sub(n)))?;
    file.take(n).read_to_end(&mut end)?;
    file.seek(SeekFrom::Start(0))?;
    Ok((start, end))
}

fn classify(path: &Path, start: &[u8], compressed: bool) -> Result<FileKind, ReadError> {
    match start {
        [b'P', b'A', b'R', b'1' | b'E', ..] => return Ok(FileKind::Parquet),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => return Ok(FileKind::ArrowFile),
        [0xff, 0xff, 0xff, 0xff, ..] => return Ok(FileKind::ArrowStream),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => return Ok(FileKind::Npy),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] if !compressed => return zip_kind(path),
        _ => {}
    }
    if let Some(what) = known_stranger(start) {
        return Err(ReadError::malformed(path, what));
    }
    if is_binary(start) {
        return Err(ReadError::malformed(
            path,
            "not a data file that can be read: binary data of unknown format",
        ));
    }
    text_kind(path, start)
}

fn zip_kind(path: &Path) -> Result<FileKind, ReadError> {
    let file = File::open(path).map_err(|e| ReadError::io(path, e))?;
    let archive = super::guard::guarded(|| zip::ZipArchive::new(io::BufReader::new(file)))
        .map_err(|e| ReadError::malformed(path, format!("a damaged or truncated zip archive: {e}")))?;
    let names: Vec<String> = archive.file_names().filter_map(|n| Some(n.ok()?.into_owned())).collect();
    if names.iter().any(|n| n.ends_with(".npy")) || (names.is_empty() && has_extension(path, &["npz"])) {
        return Ok(FileKind::Npz);
    }
    let problem = if names.iter().any(|n| n.starts_with("xl/")) {
        "an Excel workbook; save its sheet as CSV"
    } else if names.iter().any(|n| n.ends_with("data.pkl")) {
        "a PyTorch checkpoint, not a data set"
    } else {
        "a zip archive without NumPy arrays; unpack it first"
    };
    Err(ReadError::malformed(path, problem))
}

/// Formats that people do pass, told by their magic bytes.
fn known_stranger(start: &[u8]) -> Option<&'static str> {
    Some(match start {
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file; export the table as Parquet or CSV",
        [0x80, 2..=5, ..] => {
            "a Python pickle, which could run code when loaded; save the data as Parquet or CSV"
        }
        [b'F', b'E', b'A', b'1', ..] => "a Feather version 1 file; write it again as version 2 or Parquet",
        [b'O', b'R', b'C', ..] if is_binary(start) => "an ORC file; export it as Parquet",
        [b'O', b'b', b'j', 1, ..] => "an Avro file; export it as Parquet",
        [b'S', b'Q', b'L', b'i', b't', b'e', b' ', b'f', ..] => "an SQLite database; export the table as CSV",
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "an old Excel workbook; save its sheet as CSV",
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            "compressed with xz; decompress it first (gzip and zstd can be read)"
        }
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => {
            "compressed with bzip2; decompress it first (gzip and zstd can be read)"
        }
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] | [b'G', b'I', b'F', b'8', ..] => {
            "a picture, not a table"
        }
        [b'%', b'P', b'D', b'F', ..] => "a PDF document, not a table",
        _ => return None,
    })
}

/// Whether these bytes are no text in any encoding that tables come in.
fn is_binary(start: &[u8]) -> bool {
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return false;
    }
    // UTF-16 without a mark: zeros, but (nearly) all on even or all on odd places.
    let zeros = [0usize, 1].map(|parity| start.iter().skip(parity).step_by(2).filter(|b| **b == 0).count());
    let (few, many) = (zeros[0].min(zeros[1]), zeros[0].max(zeros[1]));
    if many > 0 {
        return !(many * 5 >= start.len() && few * 20 <= many);
    }
    let control = start.iter().filter(|b| matches!(b, 1..=8 | 14..=26 | 28..=31 | 127)).count();
    control * 50 > start.len()
}

fn text_kind(path: &Path, start: &[u8]) -> Result<FileKind, ReadError> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = start.trim_ascii_start();
    if text.is_empty() && start.len() < PEEK {
        return Err(ReadError::malformed(path, "the file is empty but for white space"));
    }
    let named_lines = has_extension(path, &["jsonl", "ndjson", "jsonlines"]);
    match text {
        [b'{', rest @ ..] => json_object(path, text, rest, named_lines),
        [b'[', rest @ ..] if matches!(rest.trim_ascii_start(), [b'{', ..] | []) || is_empty_array(rest) => {
            Ok(FileKind::Json)
        }
        _ if has_extension(path, &["json"]) => Err(ReadError::malformed(
            path,
            "JSON can be read as one object a line or as one array of objects",
        )),
        _ if named_lines => Ok(FileKind::Json),
        _ => Ok(FileKind::Csv),
    }
}

fn is_empty_array(rest: &[u8]) -> bool {
    matches!(rest.trim_ascii_start(), [b']', ..])
}

/// Text that begins with a brace: JSON lines, one JSON document over many lines, or a CSV file with an odd header.
fn json_object(path: &Path, text: &[u8], rest: &[u8], named: bool) -> Result<FileKind, ReadError> {
    let line = text.split(|b| *b == b'\n').next().unwrap_or(text);
    let whole_line = line.len() < text.len() || text.len() < PEEK - 8;
    if named || !whole_line || serde_json::from_slice::<IgnoredAny>(line).is_ok() {
        return Ok(FileKind::Json);
    }
    let broken_over_lines =
        matches!(rest.trim_ascii_start(), [b'"', ..] | [b'}', ..]) && line.trim_ascii().len() <= 1;
    if broken_over_lines || has_extension(path, &["json"]) {
        let problem = "one JSON document over several lines; JSON can be read as one object a line or as one array of objects";
        return Err(ReadError::malformed(path, problem));
    }
    let first_key = matches!(rest.trim_ascii_start(), [b'"', ..]) && line.contains(&b':');
    Ok(if first_key { FileKind::Json } else { FileKind::Csv })
}

/// Whether the name ends in one of these extensions, those of compression left aside.
pub(super) fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| extensions.contains(&extension))
}

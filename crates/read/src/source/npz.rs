//! Zip archives of NumPy arrays: arrays of the same length side by side are one table.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use zip::{CompressionMethod, ZipArchive};

use super::guard::guarded;
use super::numpy::{Array, Store, table};
use super::numpy_header::{Header, read_header};
use crate::{ReadError, Source};

/// Decompressed arrays up to this size stay in memory; larger ones go to a temporary file.
const IN_MEMORY: u64 = 16 << 20;

type Archive = ZipArchive<BufReader<File>>;

/// An array of the archive that can be part of a table.
struct Member {
    index: usize,
    name: String,
    header: Header,
}

/// Opens a `.npz` file: the arrays whose first dimension is that of most of the data, or those of the training part
/// where the names tell it.
///
/// # Errors
/// When it cannot be read, is damaged, or no array in it is a table of numbers, texts or times.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Source>, ReadError> {
    let file = File::open(path).map_err(|e| ReadError::io(path, e))?;
    let mut archive = guarded(|| ZipArchive::new(BufReader::new(file)))
        .map_err(|e| ReadError::malformed(path, format!("a damaged or truncated NumPy archive: {e}")))?;
    let mut left_out = Vec::new();
    let members = list(&mut archive, &mut left_out);
    let has = |name: &str| members.iter().any(|m| m.name == name);
    if has("indptr") && has("indices") && has("data") {
        return Err(ReadError::malformed(path, "a SciPy sparse matrix; save it dense, or as Parquet"));
    }
    let chosen = choose(members, &mut left_out);
    if chosen.is_empty() {
        let problem = match left_out.first() {
            Some(reason) => format!("no array in it is a table: {reason}"),
            None => "the NumPy archive is empty".to_owned(),
        };
        return Err(ReadError::malformed(path, problem));
    }
    let mut format = format!("NumPy archive of {}", quoted(chosen.iter().map(|m| m.name.as_str())));
    if !left_out.is_empty() {
        format = format!("{format}; left out: {}", left_out.join(", "));
    }
    let arrays = chosen.into_iter().map(|member| stored(path, &mut archive, member));
    table(path, arrays.collect::<Result<Vec<_>, _>>()?, &format)
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Reads the headers of all arrays; those that are no table go to `left_out` with the reason.
fn list(archive: &mut Archive, left_out: &mut Vec<String>) -> Vec<Member> {
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let found = guarded(|| {
            let mut file = archive.by_index(index).map_err(|e| e.to_string())?;
            let name = file.name().map_err(|e| e.to_string())?.into_owned();
            let Some(name) = name.strip_suffix(".npy") else { return Ok(None) };
            Ok::<_, String>(Some((name.to_owned(), read_header(&mut file))))
        });
        match found {
            Ok(None) => {}
            Ok(Some((name, Ok(header)))) => members.push(Member { index, name, header }),
            Ok(Some((name, Err(problem)))) => left_out.push(format!("`{name}` ({problem})")),
            Err(problem) => left_out.push(format!("member {index} ({problem})")),
        }
    }
    members
}

/// The arrays that make the table, in the order of the archive.
fn choose(mut members: Vec<Member>, left_out: &mut Vec<String>) -> Vec<Member> {
    let word = |name: &str, words: &[&str]| {
        let name = name.to_lowercase();
        name.split(|c: char| !c.is_alphanumeric()).any(|part| {
            words.iter().any(|w| {
                part == *w
                    || part.strip_suffix(*w).is_some_and(|head| head.len() == 1)
                    || part.strip_prefix(*w).is_some_and(|tail| tail.chars().count() == 1)
            })
        }) || words.iter().any(|w| name.starts_with(w))
    };
    let of_train = |m: &Member| word(&m.name, &["train", "training"]);
    let of_other = |m: &Member| word(&m.name, &["test", "val", "valid", "validation", "dev"]);
    if members.iter().any(of_train) && members.iter().any(of_other) {
        let (kept, others): (Vec<_>, Vec<_>) = members.into_iter().partition(of_train);
        left_out.extend(others.iter().map(|m| format!("`{}` (not of the training part)", m.name)));
        members = kept;
    }
    let mut sizes: Vec<(u64, u64)> = Vec::new();
    for member in &members {
        let n_cells = member.header.n_rows.saturating_mul(member.header.columns.len() as u64);
        match sizes.iter_mut().find(|(n_rows, _)| *n_rows == member.header.n_rows) {
            Some((_, sum)) => *sum = sum.saturating_add(n_cells),
            None => sizes.push((member.header.n_rows, n_cells)),
        }
    }
    // The first of equals: archives list the data first.
    let most = sizes.iter().map(|(_, cells)| *cells).max().unwrap_or(0);
    let n_rows = sizes.iter().find(|(_, cells)| *cells == most).map_or(0, |(n_rows, _)| *n_rows);
    let (kept, others): (Vec<_>, Vec<_>) = members.into_iter().partition(|m| m.header.n_rows == n_rows);
    let reason = |m: &Member| format!("`{}` ({} rows, not {n_rows})", m.name, m.header.n_rows);
    left_out.extend(others.iter().map(reason));
    kept
}

/// Makes an array readable at any row: in place where it is stored plainly, decompressed otherwise.
fn stored(path: &Path, archive: &mut Archive, member: Member) -> Result<Array, ReadError> {
    let Member { index, name, header } = member;
    let whole = header.length + header.data_bytes;
    let (store, length) = guarded(|| {
        let mut file = archive.by_index(index).map_err(|e| e.to_string())?;
        if file.compression() == CompressionMethod::Stored && !file.encrypted() {
            let start = file.data_start().ok_or("its place in the archive is unknown")?;
            return Ok((Store::File(path.to_owned(), start), file.size()));
        }
        unpack(&mut file, whole).map_err(|e| e.to_string())
    })
    .map_err(|e| ReadError::malformed(path, format!("array `{name}` cannot be read: {e}")))?;
    let available = length.min(whole).saturating_sub(header.length);
    Ok(Array { name: Some(name), header, store, available })
}

/// Decompresses up to `whole` bytes; damage ends it early, and what was read before is kept.
fn unpack(file: &mut dyn Read, whole: u64) -> io::Result<(Store, u64)> {
    let mut start = Vec::new();
    let damaged = file.take(IN_MEMORY.min(whole)).read_to_end(&mut start).is_err();
    let length = start.len() as u64;
    if damaged || length < IN_MEMORY {
        return Ok((Store::Memory(Arc::from(start)), length));
    }
    let mut target = tempfile::NamedTempFile::new()?;
    target.write_all(&start)?;
    let mut length = length;
    let mut chunk = vec![0; 1 << 20];
    while length < whole {
        let wanted = (whole - length).min(chunk.len() as u64) as usize;
        let Some(space) = chunk.get_mut(..wanted) else { break };
        let Ok(read @ 1..) = file.read(space) else { break };
        target.write_all(space.get(..read).unwrap_or_default())?;
        length += read as u64;
    }
    target.flush()?;
    Ok((Store::Temporary(Arc::new(target.into_temp_path())), length))
}

//! Opening array files, and finding the labels that belong to the pictures.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};
use stetho_core::table::Part;
use stetho_core::{count_of, thousands};

use super::raster::{Block, Blocks, Bytes, Value};
use crate::ReadError;
use crate::image::Raster;
use crate::image::find::{is_label, part_in};
use crate::source::compressed::{Compression, open_bytes};
use crate::source::guard::guarded;
use crate::source::numpy_header::header_bytes;

/// Compressed arrays up to this size are held in memory; larger ones are refused.
const IN_MEMORY: u64 = 1 << 30;

/// The pictures of one array file.
pub(crate) struct ArraySet {
    pub path: PathBuf,
    /// What was detected, in words.
    pub format: String,
    pub raster: Arc<dyn Raster>,
    /// Part (where a name tells it) and label of each picture.
    pub pictures: Vec<(Option<Part>, Option<String>)>,
}

/// One array, its values little-endian or single bytes.
struct Array {
    name: String,
    shape: Vec<u64>,
    kind: TypeChar,
    size: usize,
    bytes: Bytes,
}

/// Whether the file is an array of pictures beyond doubt: bytes in the shape of pictures.
pub(crate) fn is_sure(path: &Path) -> bool {
    arrays(path, true)
        .is_ok_and(|all| all.iter().any(|a| a.kind == TypeChar::Uint && a.size == 1 && pictured(a).is_some()))
}

/// Why the file is no array that can be read, if so.
pub(crate) fn trouble(path: &Path) -> Option<String> {
    arrays(path, true).err().map(|error| error.to_string())
}

/// Opens the pictures of an array file again.
pub(super) fn reopen(path: &Path) -> Option<Arc<dyn Raster>> {
    let (blocks, _) = split(arrays(path, false).ok()?);
    (!blocks.is_empty())
        .then(|| Arc::new(Blocks(blocks.into_iter().map(|b| b.1).collect())) as Arc<dyn Raster>)
}

/// Opens the array files of a folder, or those that were named, with the label files beside them.
///
/// # Errors
/// When a named file cannot be read, or has other labels than pictures.
pub(crate) fn open_sets(paths: &[PathBuf]) -> Result<Vec<ArraySet>, ReadError> {
    let mut opened = Vec::new();
    let mut labels: Vec<(PathBuf, Array)> = Vec::new();
    for path in paths {
        let (blocks, rest) = split(arrays(path, false)?);
        labels.extend(rest.into_iter().map(|a| (path.clone(), a)));
        if !blocks.is_empty() {
            opened.push((path.clone(), blocks));
        }
    }
    let mut sets = Vec::new();
    for (path, blocks) in opened {
        let mut pictures = Vec::new();
        for (name, block) in &blocks {
            // A damaged header may promise more than any memory holds.
            if block.n > 1_000_000 && block.raw(block.n / 2).is_none() {
                let problem = format!("truncated: not half of its {} pictures are there", thousands(block.n));
                return Err(ReadError::malformed(&path, problem));
            }
            let part = part_in(name);
            let mut fitting: Vec<&(PathBuf, Array)> =
                labels.iter().filter(|(_, a)| part_in(&a.name) == part && is_list(a)).collect();
            fitting.sort_by_key(|(p, a)| (*p != path, !is_label(&a.name)));
            let label = fitting.iter().find(|(_, a)| is_label(&a.name)).or(fitting.first());
            let texts = label.map(|(_, a)| texts(a)).unwrap_or_default();
            if let Some((_, a)) = label.filter(|_| texts.len() as u64 != block.n) {
                let problem = format!(
                    "`{}` has {} for {}",
                    a.name,
                    count_of(texts.len() as u64, "label"),
                    count_of(block.n, "picture")
                );
                return Err(ReadError::malformed(&path, problem));
            }
            let mut texts = texts.into_iter();
            pictures.extend((0..block.n).map(|_| (part, texts.next())));
        }
        let names: Vec<String> = blocks.iter().map(|(name, _)| format!("`{name}`")).collect();
        let scaled = blocks.iter().any(|(_, b)| b.value != Value::U8 && b.scale > 1.0);
        let kind = if names::is_idx(&path) { "IDX" } else { "NumPy array" };
        let format =
            format!("{kind} {}{}", names.join(", "), if scaled { ", 0 to 1 read as 0 to 255" } else { "" });
        let raster = Arc::new(Blocks(blocks.into_iter().map(|b| b.1).collect()));
        sets.push(ArraySet { path, format, raster, pictures });
    }
    Ok(sets)
}

mod names {
    pub(super) fn is_idx(path: &std::path::Path) -> bool {
        path.extension().is_none_or(|e| e != "npz" && e != "npy")
    }
}

/// Pictures (those of the first shape), and the other arrays.
fn split(arrays: Vec<Array>) -> (Vec<(String, Block)>, Vec<Array>) {
    let (mut blocks, mut rest): (Vec<(String, Block)>, Vec<Array>) = (Vec::new(), Vec::new());
    let first = arrays.iter().find_map(pictured);
    for array in arrays {
        match pictured(&array) {
            Some(shape) if Some(shape) == first => blocks.push((array.name.clone(), block(array, shape))),
            _ => rest.push(array),
        }
    }
    blocks.sort_by_key(|(name, _)| part_in(name));
    (blocks, rest)
}

/// Height, width, channels, and whether channels come first, of an array of pictures.
type Shape = (u32, u32, u8, bool);

fn pictured(array: &Array) -> Option<Shape> {
    value(array)?;
    let (h, w, c, first) = match *array.shape.get(1..)? {
        [h, w] => (h, w, 1, false),
        [h, w, c @ (1 | 3 | 4)] => (h, w, c, false),
        [c @ (1 | 3 | 4), h, w] => (h, w, c, true),
        _ => return None,
    };
    let fits = |side: &u64| (8..=65_536).contains(side);
    Some((
        u32::try_from(h).ok().filter(|_| fits(&h))?,
        u32::try_from(w).ok().filter(|_| fits(&w))?,
        c as u8,
        first,
    ))
}

fn value(array: &Array) -> Option<Value> {
    match (array.kind, array.size) {
        (TypeChar::Uint, 1) => Some(Value::U8),
        (TypeChar::Float, 4) => Some(Value::F32),
        (TypeChar::Float, 8) => Some(Value::F64),
        _ => None,
    }
}

fn block(array: Array, (height, width, channels, channels_first): Shape) -> Block {
    let value = value(&array).unwrap_or(Value::U8);
    let n = array.shape.first().copied().unwrap_or(0);
    let mut block =
        Block { bytes: array.bytes, n, height, width, channels, channels_first, value, scale: 1.0 };
    if value != Value::U8 {
        let looked = (0..n).step_by((n / 64).max(1) as usize).take(64).filter_map(|i| block.raw(i));
        let most =
            looked.flat_map(|raw| raw.chunks_exact(value.size()).map(|v| value.get(v)).collect::<Vec<_>>());
        block.scale = if most.fold(0.0, f64::max) <= 1.0 { 255.0 } else { 1.0 };
    }
    block
}

/// Whether the array has one value a picture.
fn is_list(array: &Array) -> bool {
    let is_flat = matches!(array.shape.as_slice(), [_] | [_, 1]);
    is_flat && matches!(array.kind, TypeChar::Int | TypeChar::Uint) && array.size <= 8
}

/// The labels of an array as texts, as many as there are.
fn texts(array: &Array) -> Vec<String> {
    let n = array.shape.first().copied().unwrap_or(0);
    let text = |i: u64| {
        let bytes = array.bytes.read(i.checked_mul(array.size as u64)?, array.size)?;
        let is_negative = array.kind == TypeChar::Int && bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut whole = [if is_negative { 0xff } else { 0 }; 16];
        whole.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        Some(i128::from_le_bytes(whole).to_string())
    };
    (0..n).map_while(text).collect()
}

/// All arrays of a file; with `headers_only` without their values.
fn arrays(path: &Path, headers_only: bool) -> Result<Vec<Array>, ReadError> {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let malformed = |problem: String| ReadError::malformed(path, problem);
    match extension.as_str() {
        "npz" => {
            let file = File::open(path).map_err(|e| ReadError::io(path, e))?;
            guarded(|| archive(file, headers_only)).map_err(malformed)
        }
        "npy" => {
            let mut file = File::open(path).map_err(|e| ReadError::io(path, e))?;
            let (shape, kind, size, start) =
                guarded(|| numpy(&mut BufReader::new(&mut file))).map_err(malformed)?;
            Ok(vec![Array { name: stem, shape, kind, size, bytes: Bytes::File(Mutex::new(file), start) }])
        }
        _ => idx(path, headers_only).map(|array| vec![array]),
    }
}

/// Shape, kind, size of a value, and the length of the header.
fn numpy(reader: &mut dyn Read) -> Result<(Vec<u64>, TypeChar, usize, u64), String> {
    let bytes = header_bytes(reader)?;
    let header =
        NpyHeader::from_reader(Cursor::new(&bytes)).map_err(|e| format!("its header is damaged: {e}"))?;
    let DType::Plain(plain) = header.dtype() else { return Err("an array of structures".to_owned()) };
    if header.order() == Order::Fortran && header.shape().len() > 1 {
        return Err("an array in Fortran order; save `numpy.ascontiguousarray` of it".to_owned());
    }
    let size = plain.size_field() as usize;
    if plain.endianness() == Endianness::Big && size > 1 {
        return Err("an array of big-endian values; save it little-endian".to_owned());
    }
    Ok((header.shape().to_vec(), plain.type_char(), size, bytes.len() as u64))
}

fn archive(file: File, headers_only: bool) -> Result<Vec<Array>, String> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| e.to_string())?;
    let mut arrays = Vec::new();
    for index in 0..archive.len() {
        let Ok(mut member) = archive.by_index(index) else { continue };
        let Ok(name) = member.name().map(std::borrow::Cow::into_owned) else { continue };
        let Some(name) = name.strip_suffix(".npy").map(str::to_owned) else { continue };
        let Ok((shape, kind, size, _)) = numpy(&mut member) else { continue };
        let length = shape.iter().try_fold(size as u64, |n, d| n.checked_mul(*d)).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        if !headers_only {
            if length > IN_MEMORY {
                return Err(format!("array `{name}` is larger than 1 GiB; save its pictures as `.npy`"));
            }
            // Damage ends it early; pictures before it are kept.
            let _ = member.take(length).read_to_end(&mut bytes);
        }
        arrays.push(Array { name, shape, kind, size, bytes: Bytes::Memory(bytes) });
    }
    Ok(arrays)
}

/// Opens an IDX file: two zeros, the type, the number of dimensions, each size in four bytes, the values.
fn idx(path: &Path, headers_only: bool) -> Result<Array, ReadError> {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut reader = open_bytes(path)?;
    let truncated = |_| ReadError::malformed(path, "the file ends inside its IDX header");
    let mut magic = [0; 4];
    reader.read_exact(&mut magic).map_err(truncated)?;
    let [0, 0, kind, n_dimensions @ 1..=4] = magic else {
        return Err(ReadError::malformed(path, "not an IDX file: it does not begin with 0x000008"));
    };
    if kind != 8 {
        let problem = format!("IDX values of type 0x{kind:02x}; pictures and labels are bytes (0x08)");
        return Err(ReadError::malformed(path, problem));
    }
    let mut shape = Vec::new();
    for _ in 0..n_dimensions {
        let mut size = [0; 4];
        reader.read_exact(&mut size).map_err(truncated)?;
        shape.push(u64::from(u32::from_be_bytes(size)));
    }
    let length = shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).unwrap_or(u64::MAX);
    let bytes = if headers_only {
        Bytes::Memory(Vec::new())
    } else if reader.compression() == Compression::None {
        let file = File::open(path).map_err(|e| ReadError::io(path, e))?;
        Bytes::File(Mutex::new(file), 4 + 4 * u64::from(n_dimensions))
    } else if length > IN_MEMORY {
        return Err(ReadError::malformed(path, "larger than 1 GiB once decompressed; decompress it first"));
    } else {
        let mut bytes = Vec::new();
        // Damage ends it early; pictures before it are kept.
        let _ = reader.take(length).read_to_end(&mut bytes);
        Bytes::Memory(bytes)
    };
    Ok(Array { name, shape, kind: TypeChar::Uint, size: 1, bytes })
}

//! NumPy's array header: what the array holds, as columns at fixed places in the file.

use std::io::{self, Read};

use npyz::{DType, Endianness, NpyHeader, Order, TimeUnits, TypeChar, TypeStr};
use stetho_core::table::Kind;

/// More columns than this are no table.
const MOST_COLUMNS: u64 = 20_000;
/// Longest header: 20,000 named columns.
const LONGEST_HEADER: usize = 4 << 20;
/// A structured type inside a structured type nests seven brackets.
const DEEPEST_BRACKETS: usize = 9;

/// How the bytes of one value are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    Bool,
    /// Bytes, signed, big-endian.
    Int(usize, bool, bool),
    /// Bytes, big-endian.
    Float(usize, bool),
    /// Characters of four bytes, big-endian.
    Unicode(usize, bool),
    /// Bytes.
    Latin(usize),
    /// A date, or else a duration: counts of a unit that lasts so many seconds, or so many months if that is not 0.
    Time {
        seconds: f64,
        months: i64,
        big: bool,
        date: bool,
    },
}

impl Element {
    /// Bytes of one value.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Int(size, ..) | Self::Float(size, _) | Self::Latin(size) => size,
            Self::Unicode(n, _) => 4 * n,
            Self::Time { .. } => 8,
        }
    }

    /// The kind of a column of these.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Bool => Kind::Boolean,
            Self::Int(..) | Self::Float(..) | Self::Time { date: false, .. } => Kind::Number,
            Self::Unicode(..) | Self::Latin(_) => Kind::Text,
            Self::Time { date: true, .. } => Kind::Time,
        }
    }
}

/// One column of an array: value `i` lies `offset + i · stride` bytes behind the header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    /// What follows the array's name: `_3`, or the field's name of a structured array.
    pub(super) suffix: Suffix,
    pub(super) element: Element,
    pub(super) offset: u64,
    pub(super) stride: u64,
}

/// How a column is called, given the name of its array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Suffix {
    /// The array is the column.
    Whole,
    /// Its number.
    Index(u64),
    /// Its name, for structured arrays.
    Field(String),
}

/// A parsed header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    /// Bytes up to the data.
    pub(super) length: u64,
    pub(super) n_rows: u64,
    /// Bytes of the whole data.
    pub(super) data_bytes: u64,
    /// Whether rows follow each other, so that rows `a..b` are one piece of the file.
    pub(super) by_rows: bool,
    /// Bytes of a row.
    pub(super) row_bytes: u64,
    pub(super) columns: Vec<Place>,
}

/// Reads and interprets a header.
///
/// # Errors
/// Words, when it is damaged or the array is no table of plain values.
pub(super) fn read_header(reader: &mut dyn Read) -> Result<Header, String> {
    let bytes = header_bytes(reader)?;
    let header = super::guard::guarded(|| NpyHeader::from_reader(io::Cursor::new(&bytes)));
    let header = header.map_err(|e| format!("its header is damaged: {e}"))?;
    layout(&header, bytes.len() as u64)
}

/// The bytes of the header, checked before a parser sees them: a damaged length must not be allocated, and brackets
/// nested a thousand deep must not be recursed into.
pub(crate) fn header_bytes(reader: &mut dyn Read) -> Result<Vec<u8>, String> {
    let truncated = |_| "truncated: the file ends inside its header".to_owned();
    let mut bytes = vec![0; 10];
    reader.read_exact(&mut bytes).map_err(truncated)?;
    let (version, short) = (bytes.get(6).copied(), bytes.get(8..10).unwrap_or_default());
    let mut length = short.iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b));
    if version != Some(1) {
        let mut high = [0; 2];
        reader.read_exact(&mut high).map_err(truncated)?;
        bytes.extend_from_slice(&high);
        length |= usize::from(high[0]) << 16 | usize::from(high[1]) << 24;
    }
    if length > LONGEST_HEADER {
        return Err(format!("its header is damaged: {length} bytes long"));
    }
    let start = bytes.len();
    bytes.resize(start + length, 0);
    let text = bytes.get_mut(start..).unwrap_or_default();
    reader.read_exact(text).map_err(truncated)?;
    if bracket_depth(text) > DEEPEST_BRACKETS {
        return Err("its header is damaged, or nests structures too deeply".to_owned());
    }
    Ok(bytes)
}

fn bracket_depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for byte in text {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn layout(header: &NpyHeader, length: u64) -> Result<Header, String> {
    let shape = header.shape();
    let Some((&n_rows, inner)) = shape.split_first() else {
        return Err("a single value, not an array".to_owned());
    };
    let n_inner = inner.iter().try_fold(1u64, |n, d| n.checked_mul(*d)).unwrap_or(u64::MAX);
    let (mut members, mut item) = (Vec::new(), 0);
    flatten(&header.dtype(), None, &mut item, &mut members, 0)?;
    let n_columns = n_inner.saturating_mul(members.len() as u64);
    if n_columns > MOST_COLUMNS {
        let (shape, most) = (shape_words(shape), MOST_COLUMNS);
        return Err(format!(
            "an array of shape {shape} has {n_columns} columns, more than the {most} that are a table"
        ));
    }
    if n_columns == 0 || item == 0 {
        return Err(format!("an array of shape {} has no columns", shape_words(shape)));
    }
    let too_large = || format!("its header is damaged: impossible shape {}", shape_words(shape));
    let row_bytes = item.checked_mul(n_inner).ok_or_else(too_large)?;
    let data_bytes = row_bytes.checked_mul(n_rows).filter(|b| *b < 1 << 60).ok_or_else(too_large)?;
    // A single column is both, and by rows is the cheaper way.
    let by_rows = header.order() == Order::C || inner.is_empty() || n_inner == 1;
    let mut columns = Vec::with_capacity(n_columns as usize);
    for index in 0..n_inner {
        let (place, stride) = if by_rows {
            (index * item, row_bytes)
        } else {
            (fortran_place(index, inner) * n_rows * item, item)
        };
        for member in &members {
            let suffix = match (&member.name, inner.is_empty()) {
                (None, true) => Suffix::Whole,
                (None, false) => Suffix::Index(index),
                (Some(name), true) => Suffix::Field(name.clone()),
                (Some(name), false) => Suffix::Field(format!("{name}_{index}")),
            };
            columns.push(Place { suffix, element: member.element, offset: place + member.offset, stride });
        }
    }
    Ok(Header { length, n_rows, data_bytes, by_rows, row_bytes, columns })
}

/// Where column `index` (counted with the last dimension fastest) lies when the first dimension is fastest.
fn fortran_place(index: u64, inner: &[u64]) -> u64 {
    let mut rest = index;
    let digits: Vec<u64> = inner
        .iter()
        .rev()
        .map(|d| {
            let digit = rest % d;
            rest /= d;
            digit
        })
        .collect();
    // `digits` runs from the last dimension to the first; the place gives the last the greatest weight.
    digits.iter().zip(inner.iter().rev()).fold(0, |place, (digit, d)| place * d + digit)
}

fn shape_words(shape: &[u64]) -> String {
    let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
    format!("({})", sizes.join(", "))
}

/// One plain value inside an item.
struct Member {
    name: Option<String>,
    element: Element,
    offset: u64,
}

fn flatten(
    dtype: &DType,
    name: Option<&str>,
    offset: &mut u64,
    members: &mut Vec<Member>,
    depth: usize,
) -> Result<(), String> {
    if members.len() as u64 > MOST_COLUMNS || depth > 8 {
        return Err(too_many());
    }
    match dtype {
        DType::Plain(plain) if plain.type_char() == TypeChar::RawData => {
            // Padding between the fields of an aligned structure.
            *offset = offset.saturating_add(plain.num_bytes().unwrap_or(0) as u64);
            if name.is_none_or(str::is_empty) && depth > 0 {
                return Ok(());
            }
            return Err("its values are raw bytes (dtype `V`); save numbers or text".to_owned());
        }
        DType::Plain(plain) => {
            let element = element(plain)?;
            members.push(Member { name: name.map(str::to_owned), element, offset: *offset });
            *offset = offset.saturating_add(element.size() as u64);
        }
        DType::Array(n, _) if *n > MOST_COLUMNS => return Err(too_many()),
        DType::Array(n, inner) => {
            for index in 0..*n {
                let name = name.map(|name| format!("{name}_{index}"));
                flatten(inner, name.as_deref(), offset, members, depth + 1)?;
            }
        }
        DType::Record(fields) => {
            for field in fields {
                let full = name.map(|name| format!("{name}.{}", field.name));
                let full = full.as_deref().unwrap_or(&field.name);
                flatten(&field.dtype, Some(full), offset, members, depth + 1)?;
            }
        }
    }
    Ok(())
}

fn too_many() -> String {
    format!("its items have more than the {MOST_COLUMNS} fields that are a table")
}

fn element(plain: &TypeStr) -> Result<Element, String> {
    let big = plain.endianness() == Endianness::Big;
    let size = usize::try_from(plain.size_field()).map_err(|_| "its header is damaged".to_owned())?;
    let string = |size: usize| {
        (size <= 64 << 20).then_some(size).ok_or("its header is damaged: endless text".to_owned())
    };
    match (plain.type_char(), size) {
        (TypeChar::Bool, 1) => Ok(Element::Bool),
        (TypeChar::Int, 1 | 2 | 4 | 8) => Ok(Element::Int(size, true, big)),
        (TypeChar::Uint, 1 | 2 | 4 | 8) => Ok(Element::Int(size, false, big)),
        (TypeChar::Float, 2 | 4 | 8) => Ok(Element::Float(size, big)),
        (TypeChar::UnicodeStr, _) => Ok(Element::Unicode(string(size)?, big)),
        (TypeChar::ByteStr, _) => Ok(Element::Latin(string(size)?)),
        (TypeChar::DateTime, 8) => time(plain, big, true),
        (TypeChar::TimeDelta, 8) => time(plain, big, false),
        (TypeChar::Object, _) => {
            Err("its values are Python objects (dtype `object`), stored as a pickle, which is never loaded; save numbers or text".to_owned())
        }
        (TypeChar::Complex, _) => Err("its values are complex numbers; save real and imaginary parts apart".to_owned()),
        (TypeChar::Float, _) => Err(format!("its values are {}-bit floats; save them as float64", 8 * size)),
        _ => Err(format!("its values have dtype `{plain}`, which is no number or text")),
    }
}

fn time(plain: &TypeStr, big: bool, date: bool) -> Result<Element, String> {
    let (seconds, months) = match plain.time_units() {
        Some(TimeUnits::Year) => (0.0, 12),
        Some(TimeUnits::Month) => (0.0, 1),
        Some(TimeUnits::Week) => (604_800.0, 0),
        Some(TimeUnits::Day) => (86_400.0, 0),
        Some(TimeUnits::Hour) => (3_600.0, 0),
        Some(TimeUnits::Minute) => (60.0, 0),
        Some(TimeUnits::Second) => (1.0, 0),
        Some(TimeUnits::Millisecond) => (1e-3, 0),
        Some(TimeUnits::Microsecond) => (1e-6, 0),
        Some(TimeUnits::Nanosecond) => (1e-9, 0),
        _ => return Err(format!("its values have dtype `{plain}`; save times in ns, us, ms or s")),
    };
    Ok(Element::Time { seconds, months, big, date })
}

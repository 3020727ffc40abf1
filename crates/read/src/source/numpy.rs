//! NumPy arrays as tables: one `.npy` file, or several arrays of a `.npz` side by side. Rows are read where they lie;
//! no array is held whole.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::ArrayRef;
use tempfile::TempPath;

use super::canonical::{assemble, renamed_words, unique_names};
use super::numpy_cells::column;
use super::numpy_header::{Header, Suffix, read_header};
use super::{batch_rows, damaged};
use crate::batch::Decode;
use crate::{Batch, Field, Part, ReadError, Source};

/// Most rows of a part.
const PART_ROWS: u64 = 262_144;
/// Bytes of data that a part aims at.
const PART_BYTES: u64 = 32 << 20;

/// Where the bytes of an array are.
#[derive(Clone)]
pub(super) enum Store {
    /// In a file, from this byte on.
    File(PathBuf, u64),
    /// Decompressed into a temporary file, which goes when the last part is done.
    Temporary(Arc<TempPath>),
    /// In memory.
    Memory(Arc<[u8]>),
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl Store {
    /// A reader, and the place of the array's first byte in it.
    fn reader(&self) -> io::Result<(Box<dyn ReadSeek + '_>, u64)> {
        Ok(match self {
            Self::File(path, start) => (Box::new(File::open(path)?), *start),
            Self::Temporary(path) => (Box::new(File::open(path.as_ref())?), 0),
            Self::Memory(bytes) => (Box::new(Cursor::new(bytes)), 0),
        })
    }
}

/// One array of a table.
pub(super) struct Array {
    /// Name of the array; `None` for the one array of a `.npy` file.
    pub(super) name: Option<String>,
    pub(super) header: Header,
    /// Its bytes, header included.
    pub(super) store: Store,
    /// Bytes of data there are; fewer than the header says if the file is truncated.
    pub(super) available: u64,
}

impl Array {
    /// Rows that are there.
    fn rows_available(&self) -> u64 {
        if self.available >= self.header.data_bytes {
            return self.header.n_rows;
        }
        if self.header.by_rows { self.available / self.header.row_bytes.max(1) } else { 0 }
    }

    fn column_name(&self, suffix: &Suffix, stem: &str) -> String {
        match (suffix, &self.name) {
            (Suffix::Whole, name) => name.clone().unwrap_or_else(|| stem.to_owned()),
            (Suffix::Index(index), name) => format!("{}_{index}", name.as_deref().unwrap_or("column")),
            (Suffix::Field(field), _) => field.clone(),
        }
    }
}

/// Opens a `.npy` file.
///
/// # Errors
/// When it cannot be read, is damaged, or is no table of numbers, texts or times.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Source>, ReadError> {
    let mut file = File::open(path).map_err(|e| ReadError::io(path, e))?;
    let length = file.metadata().map_err(|e| ReadError::io(path, e))?.len();
    let header = read_header(&mut io::BufReader::new(&mut file))
        .map_err(|problem| ReadError::malformed(path, format!("NumPy array: {problem}")))?;
    let available = length.saturating_sub(header.length);
    let store = Store::File(path.to_owned(), 0);
    table(path, vec![Array { name: None, header, store, available }], "NumPy array")
}

/// Arrays of one length as a table.
pub(super) fn table(path: &Path, arrays: Vec<Array>, format: &str) -> Result<Box<dyn Source>, ReadError> {
    let n_rows = arrays.iter().map(|a| a.header.n_rows).min().unwrap_or(0);
    let n_readable = arrays.iter().map(Array::rows_available).min().unwrap_or(0).min(n_rows);
    if n_readable == 0 && n_rows > 0 {
        return Err(ReadError::malformed(path, format!("truncated: not one of its {n_rows} rows is whole")));
    }
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let places = arrays.iter().flat_map(|a| a.header.columns.iter().map(move |place| (a, place)));
    let (names, kinds): (Vec<_>, Vec<_>) =
        places.map(|(array, place)| (array.column_name(&place.suffix, &stem), place.element.kind())).unzip();
    let mut renamed = Vec::new();
    let names = unique_names(names.into_iter(), &mut renamed);
    let fields: Vec<Field> = names.into_iter().zip(kinds).map(|(name, kind)| Field { name, kind }).collect();
    let row_bytes = arrays.iter().map(|a| a.header.row_bytes).sum::<u64>().max(8 * fields.len() as u64);
    let format = format!("{format}{}", renamed_words(&renamed));
    let file_bytes = std::fs::metadata(path).map_or(0, |facts| facts.len());
    let shared = Arc::new(Shared { path: path.to_owned(), arrays, fields, row_bytes });
    Ok(Box::new(Table { shared, format, n_rows, n_readable, row: 0, file_bytes, told: false }))
}

/// What all parts of a table need.
struct Shared {
    path: PathBuf,
    arrays: Vec<Array>,
    fields: Vec<Field>,
    row_bytes: u64,
}

struct Table {
    shared: Arc<Shared>,
    format: String,
    /// Rows that the headers promise.
    n_rows: u64,
    /// Rows that are there.
    n_readable: u64,
    /// Next row.
    row: u64,
    file_bytes: u64,
    /// Whether missing rows were reported.
    told: bool,
}

impl Source for Table {
    fn fields(&self) -> &[Field] {
        &self.shared.fields
    }

    fn format(&self) -> String {
        self.format.clone()
    }

    fn next_part(&mut self) -> Result<Option<Part>, ReadError> {
        let shared = Arc::clone(&self.shared);
        if self.row < self.n_readable {
            let most = (PART_BYTES / shared.row_bytes).clamp(1_024, PART_ROWS);
            let rows = self.row..self.n_readable.min(self.row + most);
            self.row = rows.end;
            let share = |row: u64| {
                (u128::from(self.file_bytes) * u128::from(row) / u128::from(self.n_readable)) as u64
            };
            let bytes = share(rows.end) - share(rows.start);
            let span = rows.clone();
            let decode: Decode = Box::new(move |sink| decode(&shared, span, sink));
            return Ok(Some(Part { rows, bytes, decode }));
        }
        if self.n_readable == self.n_rows || std::mem::replace(&mut self.told, true) {
            return Ok(None);
        }
        let (there, all) = (self.n_readable, self.n_rows);
        let decode: Decode = Box::new(move |sink| {
            let entry = damaged(&shared.path, there, format!("truncated: {there} of {all} rows are there"));
            sink(Batch::only_malformed(&shared.fields, there, vec![entry]));
            Ok(())
        });
        Ok(Some(Part { rows: there..there, bytes: 0, decode }))
    }
}

fn decode(shared: &Shared, rows: Range<u64>, sink: &mut dyn FnMut(Batch) -> bool) -> Result<(), ReadError> {
    let size = batch_rows(shared.fields.len(), shared.row_bytes) as u64;
    let mut start = rows.start;
    while start < rows.end {
        let end = rows.end.min(start + size);
        let mut columns = Vec::with_capacity(shared.fields.len());
        for array in &shared.arrays {
            read_rows(array, start, (end - start) as usize, &mut columns)
                .map_err(|e| ReadError::io(&shared.path, e))?;
        }
        let batch = assemble(&shared.fields, columns, (end - start) as usize)
            .map_err(|e| ReadError::malformed(&shared.path, e.to_string()))?;
        if !sink(Batch::typed(batch, start)) {
            break;
        }
        start = end;
    }
    Ok(())
}

/// Reads rows of one array and appends its columns.
fn read_rows(array: &Array, first: u64, n_rows: usize, columns: &mut Vec<ArrayRef>) -> io::Result<()> {
    let header = &array.header;
    let (mut reader, base) = array.store.reader()?;
    let data = base + header.length;
    if header.by_rows {
        let mut bytes = vec![0; n_rows * header.row_bytes as usize];
        reader.seek(SeekFrom::Start(data + first * header.row_bytes))?;
        reader.read_exact(&mut bytes)?;
        columns.extend(header.columns.iter().map(|place| {
            let from = bytes.get(place.offset as usize..).unwrap_or_default();
            column(from, place.element, place.stride as usize, n_rows)
        }));
        return Ok(());
    }
    let mut bytes = Vec::new();
    for place in &header.columns {
        // The fields of a structured item share a stride; each is read on its own from its first byte on.
        let needed = (n_rows.saturating_sub(1)) * place.stride as usize + place.element.size();
        bytes.resize(needed, 0);
        reader.seek(SeekFrom::Start(data + place.offset + first * place.stride))?;
        reader.read_exact(&mut bytes)?;
        columns.push(column(&bytes, place.element, place.stride as usize, n_rows));
    }
    Ok(())
}

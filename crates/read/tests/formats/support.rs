//! Files for tests, and what reading them gives.

use std::io::Write;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use stetho_core::table::{Kind, MalformedRow};
use stetho_read::{Batch, Field, ReadError, source};

/// A folder that goes with the test.
pub struct Folder(pub tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
        path
    }
}

/// A file, read from end to end.
#[derive(Debug)]
pub struct Read {
    pub fields: Vec<Field>,
    pub format: String,
    pub batches: Vec<Batch>,
    pub n_parts: usize,
    pub part_bytes: u64,
}

impl Read {
    pub fn n_rows(&self) -> usize {
        self.batches.iter().map(|b| b.rows.num_rows()).sum()
    }

    pub fn malformed(&self) -> Vec<&MalformedRow> {
        self.batches.iter().flat_map(|b| &b.malformed).collect()
    }

    pub fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|f| f.name.as_str()).collect()
    }

    pub fn kinds(&self) -> Vec<Kind> {
        self.fields.iter().map(|f| f.kind).collect()
    }

    pub fn at(&self, name: &str) -> usize {
        self.fields.iter().position(|f| f.name == name).unwrap_or_else(|| panic!("no column {name}"))
    }

    /// A number or time column over all batches; NaN stays, null is `None`.
    pub fn numbers(&self, name: &str) -> Vec<Option<f64>> {
        let at = self.at(name);
        self.batches.iter().flat_map(|b| numbers(b.rows.column(at))).collect()
    }

    pub fn texts(&self, name: &str) -> Vec<Option<String>> {
        let at = self.at(name);
        let column = |b: &Batch| {
            b.rows.column(at).as_string_view().iter().map(|t| t.map(str::to_owned)).collect::<Vec<_>>()
        };
        self.batches.iter().flat_map(column).collect()
    }

    pub fn booleans(&self, name: &str) -> Vec<Option<bool>> {
        let at = self.at(name);
        self.batches.iter().flat_map(|b| b.rows.column(at).as_boolean().iter().collect::<Vec<_>>()).collect()
    }
}

pub fn numbers(column: &ArrayRef) -> Vec<Option<f64>> {
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().iter().map(|v| v.map(|v| v as f64)).collect(),
        _ => column.as_primitive::<Float64Type>().iter().collect(),
    }
}

pub fn read(path: &Path) -> Read {
    try_read(path, None).unwrap()
}

/// Reads a file and checks what every source promises.
pub fn try_read(path: &Path, expected: Option<&[Field]>) -> Result<Read, ReadError> {
    let mut source = source::open(path, expected)?;
    let fields = source.fields().to_vec();
    let (mut batches, mut next_row, mut n_parts, mut part_bytes) = (Vec::new(), 0, 0, 0);
    while let Some(part) = source.next_part()? {
        assert_eq!(part.rows.start, next_row, "parts follow each other");
        next_row = part.rows.end;
        n_parts += 1;
        part_bytes += part.bytes;
        let first = batches.len();
        (part.decode)(&mut |batch| {
            batches.push(batch);
            true
        })?;
        let rows = part.rows;
        for batch in &batches[first..] {
            check(batch, &fields);
            for row in 0..batch.rows.num_rows() {
                assert!(rows.contains(&batch.row_number(row)), "row {row} of a batch is outside its part");
            }
        }
    }
    assert!(source.next_part()?.is_none(), "the end is the end");
    Ok(Read { fields, format: source.format(), batches, n_parts, part_bytes })
}

fn check(batch: &Batch, fields: &[Field]) {
    assert_eq!(batch.rows.num_columns(), fields.len());
    assert!(batch.rows.num_rows() <= 16_384);
    assert!(batch.rows.num_rows() * fields.len() <= 2_000_000 || batch.rows.num_rows() == 1);
    assert!(batch.notes.is_empty() || batch.notes.len() == fields.len());
    for (column, field) in batch.rows.columns().iter().zip(fields) {
        let fits = match field.kind {
            Kind::Number => matches!(column.data_type(), DataType::Int64 | DataType::Float64),
            Kind::Time => column.data_type() == &DataType::Float64,
            Kind::Boolean => column.data_type() == &DataType::Boolean,
            Kind::Text | Kind::Nested => column.data_type() == &DataType::Utf8View,
        };
        assert!(fits, "{field:?} is {}", column.data_type());
        assert_eq!(column.len(), batch.rows.num_rows());
    }
}

/// The message of an error, which must be one line and name the file.
pub fn failure(path: &Path) -> String {
    let message = try_read(path, None).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    assert!(message.contains(&*path.file_name().unwrap().to_string_lossy()), "{message}");
    message
}

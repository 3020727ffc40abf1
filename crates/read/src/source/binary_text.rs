//! Parquet text columns that are not UTF-8: reads them as bytes, and repairs cell by cell.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as PhysicalType};
use parquet::schema::types::{SchemaDescriptor, Type};
use stetho_core::table::{Kind, MalformedRow};

use crate::Field;

/// The schema of the file without the promise that its top-level strings are text; `None` if it cannot be rebuilt.
pub(super) fn text_as_bytes(schema: &SchemaDescriptor) -> Option<Arc<SchemaDescriptor>> {
    let root = schema.root_schema();
    let fields =
        root.get_fields().iter().map(|field| plain_bytes(field).unwrap_or_else(|| Arc::clone(field)));
    let root = Type::group_type_builder(root.name()).with_fields(fields.collect()).build().ok()?;
    Some(Arc::new(SchemaDescriptor::new(Arc::new(root))))
}

/// The same column of bytes without an annotation, if it is a column of strings.
fn plain_bytes(field: &Type) -> Option<Arc<Type>> {
    let info = field.get_basic_info();
    let text =
        matches!(info.logical_type_ref(), Some(LogicalType::String | LogicalType::Json | LogicalType::Enum))
            || matches!(
                info.converted_type(),
                ConvertedType::UTF8 | ConvertedType::JSON | ConvertedType::ENUM
            );
    if !field.is_primitive() || !text || field.get_physical_type() != PhysicalType::BYTE_ARRAY {
        return None;
    }
    let repetition = if info.has_repetition() { info.repetition() } else { Repetition::OPTIONAL };
    let bytes = Type::primitive_type_builder(info.name(), PhysicalType::BYTE_ARRAY);
    bytes.with_repetition(repetition).build().ok().map(Arc::new)
}

/// The Arrow types to ask for, with bytes in place of text.
pub(super) fn as_bytes_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8 => {
            Arc::new(field.as_ref().clone().with_data_type(DataType::BinaryView))
        }
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Bytes in text columns as text: what is not UTF-8 gets replacement characters and an entry, one a row.
pub(super) fn repair_text(
    batch: &RecordBatch,
    fields: &[Field],
    path: &Path,
    first_row: u64,
) -> Result<(RecordBatch, Vec<MalformedRow>), ArrowError> {
    let promised = |at: usize, column: &ArrayRef| {
        column.data_type() == &DataType::BinaryView && fields.get(at).is_some_and(|f| f.kind == Kind::Text)
    };
    if !batch.columns().iter().enumerate().any(|(at, column)| promised(at, column)) {
        return Ok((batch.clone(), Vec::new()));
    }
    let mut malformed: Vec<MalformedRow> = Vec::new();
    let mut pairs = Vec::with_capacity(batch.num_columns());
    for (at, column) in batch.columns().iter().enumerate() {
        let field = batch.schema_ref().field(at).clone().with_nullable(true);
        if !promised(at, column) {
            pairs.push((field, Arc::clone(column)));
            continue;
        }
        let name = fields.get(at).map_or("", |f| f.name.as_str());
        let text = repair_column(column, |row, text| {
            malformed.push(not_utf8(path, first_row + row as u64, name, text));
        });
        pairs.push((field.with_data_type(DataType::Utf8View), Arc::new(text) as ArrayRef));
    }
    malformed.sort_by_key(|entry| entry.row);
    malformed.dedup_by_key(|entry| entry.row);
    let (new_fields, columns): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    Ok((RecordBatch::try_new(Arc::new(Schema::new(new_fields)), columns)?, malformed))
}

fn repair_column(column: &ArrayRef, mut broken: impl FnMut(usize, &str)) -> StringViewArray {
    let bytes = column.as_binary_view();
    let cells = (0..bytes.len()).map(|row| {
        if bytes.is_null(row) {
            return None;
        }
        let text = String::from_utf8_lossy(bytes.value(row));
        if matches!(text, std::borrow::Cow::Owned(_)) {
            broken(row, &text);
        }
        Some(text)
    });
    StringViewArray::from_iter(cells)
}

fn not_utf8(path: &Path, row: u64, column: &str, text: &str) -> MalformedRow {
    MalformedRow {
        path: path.display().to_string(),
        row,
        line: None,
        problem: format!("not UTF-8: column `{column}` was read with replacement characters"),
        text: text.chars().take(120).collect(),
    }
}

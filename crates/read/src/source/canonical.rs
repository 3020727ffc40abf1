//! Any Arrow array as one of the few types that the measurers know; see [`Field`](crate::Field).

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef, TimeUnit};
use std::collections::{HashMap, HashSet};
use stetho_core::table::Kind;

use crate::Field;

/// The kind of a column of this Arrow type.
///
/// Times of day and durations are numbers, in seconds. A column without a type (all null) is text.
pub(crate) fn kind_of(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Boolean => Kind::Boolean,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Kind::Text,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Kind::Time,
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => Kind::Number,
        DataType::Dictionary(_, values) => kind_of(values),
        DataType::RunEndEncoded(_, values) => kind_of(values.data_type()),
        number if number.is_numeric() => Kind::Number,
        _ => Kind::Nested,
    }
}

/// The columns of a schema, and names that occurred before as (name, name given instead).
pub(crate) fn fields_of(schema: &Schema) -> (Vec<Field>, Vec<(String, String)>) {
    let mut renamed = Vec::new();
    let names = unique_names(schema.fields().iter().map(|f| f.name().clone()), &mut renamed);
    let kinds = schema.fields().iter().map(|f| kind_of(f.data_type()));
    (names.into_iter().zip(kinds).map(|(name, kind)| Field { name, kind }).collect(), renamed)
}

/// Makes names unique: the second `name` becomes `name_2`, or the next number that is free.
pub(crate) fn unique_names(
    names: impl Iterator<Item = String>,
    renamed: &mut Vec<(String, String)>,
) -> Vec<String> {
    let names: Vec<String> = names.collect();
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    let mut seen: HashSet<String> = HashSet::new();
    let mut next: HashMap<String, u64> = HashMap::new();
    let mut unique = Vec::with_capacity(names.len());
    for name in names {
        if seen.insert(name.clone()) {
            unique.push(name);
            continue;
        }
        let number = next.entry(name.clone()).or_insert(2);
        let mut new = format!("{name}_{number}");
        while taken.contains(&new) {
            *number += 1;
            new = format!("{name}_{number}");
        }
        taken.insert(new.clone());
        renamed.push((name, new.clone()));
        unique.push(new);
    }
    unique
}

/// `; renamed: second `a` → `a_2``, for a source's `format()`; empty if nothing was renamed.
pub(crate) fn renamed_words(renamed: &[(String, String)]) -> String {
    let mut words = String::new();
    for (at, (old, new)) in renamed.iter().take(3).enumerate() {
        let lead = if at == 0 { "; repeated column names: " } else { ", " };
        let _ = write!(words, "{lead}`{old}` read as `{new}`");
    }
    if renamed.len() > 3 {
        let _ = write!(words, " and {} more", renamed.len() - 3);
    }
    words
}

/// A batch with canonical columns under the names of `fields`.
///
/// A number column is `Int64Array` where every value fits, else `Float64Array`; for 64-bit unsigned integers this
/// can differ from batch to batch.
pub(crate) fn canonical_batch(batch: &RecordBatch, fields: &[Field]) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|c| canonical(c)).collect::<Result<Vec<_>, _>>()?;
    assemble(fields, columns, batch.num_rows())
}

/// A record batch of canonical columns.
pub(crate) fn assemble(
    fields: &[Field],
    columns: Vec<ArrayRef>,
    n_rows: usize,
) -> Result<RecordBatch, ArrowError> {
    let schema = schema_of(fields, &columns);
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    RecordBatch::try_new_with_options(schema, columns, &options)
}

fn schema_of(fields: &[Field], columns: &[ArrayRef]) -> SchemaRef {
    let pairs = fields.iter().zip(columns);
    let fields = pairs.map(|(f, c)| arrow_schema::Field::new(&f.name, c.data_type().clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// One array in its canonical type.
pub(crate) fn canonical(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match array.data_type() {
        DataType::Int64 | DataType::Float64 | DataType::Boolean | DataType::Utf8View => Ok(Arc::clone(array)),
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => arrow_cast::cast(array, &DataType::Int64),
        DataType::UInt64 => unsigned(array),
        DataType::Utf8 | DataType::LargeUtf8 => arrow_cast::cast(array, &DataType::Utf8View),
        DataType::Null => Ok(Arc::new(StringViewArray::new_null(array.len()))),
        DataType::Dictionary(_, values) => canonical(&arrow_cast::cast(array, values)?),
        DataType::RunEndEncoded(_, values) => canonical(&arrow_cast::cast(array, values.data_type())?),
        DataType::Date32 => Ok(seconds(
            &arrow_cast::cast(&arrow_cast::cast(array, &DataType::Int32)?, &DataType::Int64)?,
            1,
            86_400,
        )),
        DataType::Date64 => Ok(seconds(&arrow_cast::cast(array, &DataType::Int64)?, 1_000, 1)),
        DataType::Time32(unit) => {
            let wide = arrow_cast::cast(&arrow_cast::cast(array, &DataType::Int32)?, &DataType::Int64)?;
            Ok(seconds(&wide, per_second(*unit), 1))
        }
        DataType::Timestamp(unit, _) | DataType::Time64(unit) | DataType::Duration(unit) => {
            Ok(seconds(&arrow_cast::cast(array, &DataType::Int64)?, per_second(*unit), 1))
        }
        number if number.is_numeric() => arrow_cast::cast(array, &DataType::Float64),
        _ => Ok(Arc::new(written(array)?)),
    }
}

fn unsigned(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let values = array.as_primitive::<UInt64Type>();
    let fits = values.iter().flatten().all(|v| i64::try_from(v).is_ok());
    arrow_cast::cast(array, if fits { &DataType::Int64 } else { &DataType::Float64 })
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// `Int64Array` counts as seconds: `count / per_second · times`. Whole seconds and the rest are added apart, so that
/// nanoseconds since 1970 lose no more than the last bits of the result.
fn seconds(counts: &ArrayRef, per_second: i64, times: i64) -> ArrayRef {
    let counts = counts.as_primitive::<Int64Type>();
    let convert = |count: i64| {
        let (whole, rest) = ((count / per_second) as f64, (count % per_second) as f64);
        (whole + rest / per_second as f64) * times as f64
    };
    Arc::new(Float64Array::from_unary(counts, convert))
}

/// Each value written like JSON: `[1, 2]`, `{a: 1, b: "x"}`; bytes in hexadecimal.
fn written(array: &ArrayRef) -> Result<StringViewArray, ArrowError> {
    let options =
        FormatOptions::default().with_null("null").with_quoted_strings(true).with_display_error(false);
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let mut builder = arrow_array::builder::StringViewBuilder::with_capacity(array.len());
    let mut text = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
            continue;
        }
        text.clear();
        formatter.value(row).write(&mut text)?;
        builder.try_append_value(&text)?;
    }
    Ok(builder.finish())
}

//! Parquet: parts are ranges of rows inside row groups, so that one large row group still feeds all cores.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    RowSelection, RowSelector,
};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, RowGroupMetaData};

use super::binary_text::{as_bytes_schema, repair_text, text_as_bytes};
use super::canonical::{canonical_batch, fields_of, renamed_words};
use super::guard::guarded;
use super::{batch_rows, damaged};
use crate::batch::Decode;
use crate::{Batch, Field, Part, ReadError, Source};

/// Rows of a part: enough that skipping to it inside its row group costs little, few enough that a row group of a
/// million rows is shared by several cores.
const PART_ROWS: u64 = 262_144;
/// Decoded bytes a part aims at; a part is streamed in batches, so this bounds work, not memory.
const PART_BYTES: u64 = 64 << 20;
/// More rows than any file has; beyond it the footer is damaged.
const MOST_ROWS: u64 = 1 << 40;

/// Opens a Parquet file.
///
/// # Errors
/// When it cannot be read, is truncated, encrypted or otherwise not a Parquet file.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Source>, ReadError> {
    let file = File::open(path).map_err(|e| ReadError::io(path, e))?;
    check_ends(&file, path)?;
    let metadata = guarded(|| load(&file)).map_err(|e| ReadError::malformed(path, footer_problem(&e)))?;
    let sizes = row_group_rows(metadata.metadata()).map_err(|e| ReadError::malformed(path, e))?;
    let (fields, renamed) = fields_of(metadata.schema());
    if fields.is_empty() {
        return Err(ReadError::malformed(path, "the Parquet file has no columns"));
    }
    let shared = Arc::new(Shared { path: path.to_owned(), metadata, fields });
    Ok(Box::new(Parquet { shared, sizes, renamed: renamed_words(&renamed), group: 0, in_group: 0, row: 0 }))
}

/// Magic bytes at both ends, told apart so that the message says what happened to the file.
fn check_ends(file: &File, path: &Path) -> Result<(), ReadError> {
    let (start, end) = super::detect::ends(file, 4).map_err(|e| ReadError::io(path, e))?;
    let problem = match (start.as_slice(), end.as_slice()) {
        (_, b"PARE") | (b"PARE", _) => "the Parquet file is encrypted; write it without encryption",
        (b"PAR1", b"PAR1") => return Ok(()),
        (b"PAR1", _) => "the Parquet file is truncated: its footer is missing; copy or write it again",
        _ => "not a Parquet file: it does not begin with `PAR1`",
    };
    Err(ReadError::malformed(path, problem))
}

fn footer_problem(error: &str) -> String {
    if error.to_lowercase().contains("encrypt") {
        return "the Parquet file is encrypted; write it without encryption".to_owned();
    }
    format!("the footer of the Parquet file is damaged: {error}")
}

/// Reads the footer; text columns are asked for as views, which saves a copy of every string.
fn load(file: &File) -> parquet::errors::Result<ArrowReaderMetadata> {
    // Old writers leave no page index; where there is one, skipping to a part seeks instead of walking the pages.
    let options = || ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
    let plain = ArrowReaderMetadata::load(file, options()).or_else(|_| {
        // An embedded Arrow schema that does not fit the columns: read by the Parquet types alone.
        ArrowReaderMetadata::load(file, ArrowReaderOptions::new().with_skip_arrow_metadata(true))
    })?;
    let hint = with_views(plain.schema());
    let hinted = options().with_schema(hint);
    Ok(ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), hinted).unwrap_or(plain))
}

fn with_views(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8);
        let hint = match field.data_type() {
            DataType::Dictionary(_, values) => text(values),
            plain => text(plain),
        };
        if !hint {
            return Arc::clone(field);
        }
        Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View))
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

fn row_group_rows(metadata: &ParquetMetaData) -> Result<Vec<u64>, String> {
    let rows = |group: &RowGroupMetaData| u64::try_from(group.num_rows()).ok().filter(|n| *n <= MOST_ROWS);
    let sizes: Option<Vec<u64>> = metadata.row_groups().iter().map(rows).collect();
    let sizes = sizes.filter(|s| s.iter().fold(0u64, |a, b| a.saturating_add(*b)) <= MOST_ROWS);
    sizes.ok_or_else(|| "the footer of the Parquet file is damaged: impossible number of rows".to_owned())
}

/// What all parts of a file need.
struct Shared {
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    fields: Vec<Field>,
}

struct Parquet {
    shared: Arc<Shared>,
    /// Rows of each row group.
    sizes: Vec<u64>,
    renamed: String,
    /// Next part: its row group, its first row there, and its first row in the file.
    group: usize,
    in_group: u64,
    row: u64,
}

impl Source for Parquet {
    fn fields(&self) -> &[Field] {
        &self.shared.fields
    }

    fn format(&self) -> String {
        format!("Parquet{}", self.renamed)
    }

    fn next_part(&mut self) -> Result<Option<Part>, ReadError> {
        while self.sizes.get(self.group).is_some_and(|n| self.in_group >= *n) {
            self.group += 1;
            self.in_group = 0;
        }
        let Some(&n_rows) = self.sizes.get(self.group) else { return Ok(None) };
        let group = self.shared.metadata.metadata().row_group(self.group);
        let row_bytes = decoded_row_bytes(group, n_rows, self.shared.fields.len());
        let most = (PART_BYTES / row_bytes).clamp(16_384, PART_ROWS);
        // Equal parts: a row group of 262,145 rows is not cut into a large part and one of a single row.
        let remaining = n_rows - self.in_group;
        let size = remaining.div_ceil(remaining.div_ceil(most));
        let span = Span {
            group: self.group,
            start: self.in_group,
            rows: self.row..self.row + size,
            batch_rows: batch_rows(self.shared.fields.len(), row_bytes),
        };
        let bytes = u64::try_from(group.compressed_size()).unwrap_or(0);
        let share = |row: u64| (u128::from(bytes) * u128::from(row) / u128::from(n_rows)) as u64;
        let bytes = share(self.in_group + size) - share(self.in_group);
        self.in_group += size;
        self.row += size;
        let (shared, rows) = (Arc::clone(&self.shared), span.rows.clone());
        let decode: Decode = Box::new(move |sink| decode(&shared, &span, sink));
        Ok(Some(Part { rows, bytes, decode }))
    }
}

/// Bytes of a decoded row: what the writer noted, and at least eight a column.
fn decoded_row_bytes(group: &RowGroupMetaData, n_rows: u64, n_columns: usize) -> u64 {
    let noted = u64::try_from(group.total_byte_size()).unwrap_or(0) / n_rows.max(1);
    noted.max(8 * n_columns as u64).max(1)
}

/// The rows of one part.
struct Span {
    group: usize,
    /// First row within the row group.
    start: u64,
    /// Rows within the file.
    rows: Range<u64>,
    batch_rows: usize,
}

fn decode(shared: &Shared, span: &Span, sink: &mut dyn FnMut(Batch) -> bool) -> Result<(), ReadError> {
    let mut next = span.rows.start;
    let problem = match read_span(shared, &shared.metadata, span, &mut next, sink) {
        Ok(()) => return Ok(()),
        Err(problem) => problem,
    };
    // Text that is not UTF-8 fails the whole batch; the same rows are read again as bytes and repaired.
    let as_bytes = (|| {
        let file = File::open(&shared.path).ok()?;
        let schema = text_as_bytes(shared.metadata.parquet_schema())?;
        let hint = as_bytes_schema(shared.metadata.schema());
        let options = ArrowReaderOptions::new().with_parquet_schema(schema).with_schema(hint);
        guarded(|| ArrowReaderMetadata::load(&file, options)).ok()
    })();
    let is_text = problem.to_lowercase().replace('-', "").contains("utf8");
    let problem = match as_bytes.filter(|_| is_text) {
        Some(metadata) => match read_span(shared, &metadata, span, &mut next, sink) {
            Ok(()) => return Ok(()),
            Err(problem) => problem,
        },
        None => problem,
    };
    let entry =
        damaged(&shared.path, next, format!("rows {next} to {} not read: {problem}", span.rows.end - 1));
    sink(Batch::only_malformed(&shared.fields, next, vec![entry]));
    Ok(())
}

/// Reads from row `next` of the file to the end of the span, moving `next` behind every batch that was handed on.
fn read_span(
    shared: &Shared,
    metadata: &ArrowReaderMetadata,
    span: &Span,
    next: &mut u64,
    sink: &mut dyn FnMut(Batch) -> bool,
) -> Result<(), String> {
    let mut reader = guarded(|| reader(shared, metadata, span, *next).map_err(|e| e.to_string()))?;
    while *next < span.rows.end {
        let Some(batch) = guarded(|| reader.next().transpose())? else {
            return Err("the row group ends early".to_owned());
        };
        let (batch, malformed) = guarded(|| finish(shared, &batch, *next))?;
        let n_rows = batch.num_rows() as u64;
        let wanted = sink(Batch { malformed, ..Batch::typed(batch, *next) });
        *next += n_rows;
        if !wanted || n_rows == 0 {
            break;
        }
    }
    Ok(())
}

fn finish(
    shared: &Shared,
    batch: &RecordBatch,
    first_row: u64,
) -> Result<(RecordBatch, Vec<stetho_core::table::MalformedRow>), arrow_schema::ArrowError> {
    let (batch, malformed) = repair_text(batch, &shared.fields, &shared.path, first_row)?;
    Ok((canonical_batch(&batch, &shared.fields)?, malformed))
}

fn reader(
    shared: &Shared,
    metadata: &ArrowReaderMetadata,
    span: &Span,
    next: u64,
) -> Result<ParquetRecordBatchReader, parquet::errors::ParquetError> {
    let file = File::open(&shared.path)?;
    let skipped = span.start + (next - span.rows.start);
    let selection = RowSelection::from(vec![
        RowSelector::skip(skipped as usize),
        RowSelector::select((span.rows.end - next) as usize),
    ]);
    ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
        .with_row_groups(vec![span.group])
        .with_row_selection(selection)
        .with_batch_size(span.batch_rows)
        .build()
}

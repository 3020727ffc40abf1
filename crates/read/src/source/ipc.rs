//! Arrow IPC, file and stream format: a part is a record batch.
//!
//! Lengths and places in the file are checked against its size before anything is allocated; the messages themselves
//! are verified and decoded by `arrow-ipc`.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::{Block, Message, MessageHeader};
use arrow_schema::{ArrowError, Schema};

use super::canonical::{canonical_batch, fields_of, renamed_words};
use super::guard::guarded;
use super::{batch_rows, damaged};
use crate::batch::Decode;
use crate::{Batch, Field, Part, ReadError, Source};

/// First bytes of a message, since Arrow 0.15.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// First and last bytes of the file format.
const MAGIC: &[u8] = b"ARROW1";
/// A compressed buffer may promise this many bytes, in all; beyond it the file is damaged.
const LARGEST_BUFFER: i64 = 8 << 30;

/// Opens an Arrow IPC file or stream.
///
/// # Errors
/// When it cannot be read, is damaged before the first record batch, or has no columns.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Source>, ReadError> {
    let mut file = File::open(path).map_err(|e| ReadError::io(path, e))?;
    let length = file.metadata().map_err(|e| ReadError::io(path, e))?.len();
    let (start, end) = super::detect::ends(&file, 6).map_err(|e| ReadError::io(path, e))?;
    let of_file = start == MAGIC;
    if of_file && end != MAGIC {
        let problem = "the Arrow file is truncated: its footer is missing; copy or write it again";
        return Err(ReadError::malformed(path, problem));
    }
    let broken = |e: String| ReadError::malformed(path, format!("the Arrow file is damaged: {e}"));
    let frames = if of_file { footer(&mut file, length) } else { Ok(Frames::Stream { at: 0 }) };
    let mut reader = Reader { file: BufReader::new(file), length, frames: frames.map_err(broken)? };
    let prelude = reader.prelude(of_file).map_err(broken)?;
    let schema = guarded(|| schema(&prelude)).map_err(broken)?;
    let (fields, renamed) = fields_of(&schema);
    if fields.is_empty() {
        return Err(ReadError::malformed(path, "the Arrow file has no columns"));
    }
    let shared = Arc::new(Shared { path: path.to_owned(), fields });
    let format = if of_file { "Arrow IPC file" } else { "Arrow IPC stream" };
    let format = format!("{format}{}", renamed_words(&renamed));
    Ok(Box::new(Ipc { shared, reader, prelude: Arc::new(prelude), format, row: 0, ended: false }))
}

/// Where the messages are.
enum Frames {
    /// Record batches at places that the footer lists, after the dictionaries.
    File { schema_at: u64, dictionaries: Vec<Block>, batches: std::vec::IntoIter<Block> },
    /// One after the other.
    Stream { at: u64 },
}

/// Reads the list of messages at the end of the file format.
fn footer(file: &mut File, length: u64) -> Result<Frames, String> {
    let text = |e: io::Error| e.to_string();
    let mut size = [0; 4];
    file.seek(SeekFrom::Start(length.saturating_sub(10))).map_err(text)?;
    file.read_exact(&mut size).map_err(text)?;
    let size = u64::from(u32::from_le_bytes(size));
    let start = length.checked_sub(10 + size).ok_or("its footer is longer than the file")?;
    let mut bytes = vec![0; size as usize];
    file.seek(SeekFrom::Start(start)).map_err(text)?;
    file.read_exact(&mut bytes).map_err(text)?;
    let footer = guarded(|| arrow_ipc::root_as_footer(&bytes))
        .map_err(|e| format!("its footer is unreadable: {e}"))?;
    let dictionaries = footer.dictionaries().iter().flatten().copied().collect();
    let batches: Vec<Block> = footer.recordBatches().iter().flatten().copied().collect();
    // The magic is padded to eight bytes; the schema comes next.
    Ok(Frames::File { schema_at: 8, dictionaries, batches: batches.into_iter() })
}

struct Reader {
    file: BufReader<File>,
    length: u64,
    frames: Frames,
}

/// One message with its body, as in a stream.
struct Frame {
    bytes: Buffer,
    kind: MessageHeader,
    n_rows: u64,
}

impl Reader {
    /// The schema and, in the file format, all dictionaries, as a stream has them before its record batches.
    fn prelude(&mut self, of_file: bool) -> Result<Vec<Buffer>, String> {
        let Frames::File { schema_at, dictionaries, .. } = &mut self.frames else {
            let schema = self.next()?.ok_or("it ends before its schema")?;
            return Ok(vec![schema.bytes]);
        };
        let (schema_at, dictionaries) = (*schema_at, std::mem::take(dictionaries));
        let schema = self.read(schema_at)?.ok_or("it has no schema")?;
        let mut prelude = vec![schema.bytes];
        for block in dictionaries.iter().filter(|_| of_file) {
            let at = u64::try_from(block.offset()).map_err(|e| e.to_string())?;
            prelude.push(self.read(at)?.ok_or("a dictionary is missing")?.bytes);
        }
        Ok(prelude)
    }

    /// The next message, or `None` at the end.
    fn next(&mut self) -> Result<Option<Frame>, String> {
        match &mut self.frames {
            Frames::File { batches, .. } => {
                let Some(block) = batches.next() else { return Ok(None) };
                let at = u64::try_from(block.offset()).map_err(|e| e.to_string())?;
                self.read(at)?.ok_or_else(|| "a record batch is missing".to_owned()).map(Some)
            }
            Frames::Stream { at } => {
                let place = *at;
                let frame = self.read(place)?;
                if let (Some(frame), Frames::Stream { at }) = (&frame, &mut self.frames) {
                    *at = place + frame.bytes.len() as u64;
                }
                Ok(frame)
            }
        }
    }

    /// Reads the message at a place of the file; `None` at the end of the file or at the mark that ends a stream.
    fn read(&mut self, at: u64) -> Result<Option<Frame>, String> {
        let text = |e: io::Error| e.to_string();
        let left = self.length.saturating_sub(at);
        if left == 0 {
            return Ok(None);
        }
        let mut head = [0; 8];
        let head_length = left.min(8) as usize;
        self.file.seek(SeekFrom::Start(at)).map_err(text)?;
        self.file.read_exact(head.get_mut(..head_length).unwrap_or_default()).map_err(text)?;
        let (first, second) = (four(&head, 0), four(&head, 4));
        let (prefix, size) = if first == CONTINUATION { (8, second) } else { (4, first) };
        let size = u64::from(u32::from_le_bytes(size));
        if size == 0 && left >= prefix {
            return Ok(None);
        }
        if left < prefix + size {
            return Err(format!("it ends inside a message, {left} bytes behind byte {at}"));
        }
        let mut metadata = vec![0; size as usize];
        self.file.seek(SeekFrom::Start(at + prefix)).map_err(text)?;
        self.file.read_exact(&mut metadata).map_err(text)?;
        let (body, kind, n_rows) = guarded(|| describe(&metadata))?;
        let total = (prefix + size).checked_add(body).filter(|total| *total <= left);
        let total = total.ok_or_else(|| format!("it ends inside the message at byte {at}"))?;
        let mut bytes = MutableBuffer::from_len_zeroed(total as usize);
        self.file.seek(SeekFrom::Start(at)).map_err(text)?;
        self.file.read_exact(bytes.as_slice_mut()).map_err(text)?;
        guarded(|| check_buffers(&metadata, bytes.get((prefix + size) as usize..).unwrap_or_default()))?;
        Ok(Some(Frame { bytes: bytes.into(), kind, n_rows }))
    }
}

fn four(bytes: &[u8; 8], at: usize) -> [u8; 4] {
    let mut four = [0; 4];
    four.iter_mut().zip(bytes.iter().skip(at)).for_each(|(to, from)| *to = *from);
    four
}

/// Bytes of the body, what the message is, and its rows.
fn describe(metadata: &[u8]) -> Result<(u64, MessageHeader, u64), String> {
    let message = message(metadata)?;
    let body = u64::try_from(message.bodyLength()).map_err(|e| e.to_string())?;
    let n_rows = message.header_as_record_batch().map_or(0, |batch| batch.length());
    let n_rows = u64::try_from(n_rows).map_err(|e| e.to_string())?;
    if n_rows > 1 << 40 {
        return Err(format!("a record batch of {n_rows} rows"));
    }
    Ok((body, message.header_type(), n_rows))
}

fn message(metadata: &[u8]) -> Result<Message<'_>, String> {
    arrow_ipc::root_as_message(metadata).map_err(|e| e.to_string())
}

/// Compressed buffers say how large they become; damaged ones must not be allocated.
fn check_buffers(metadata: &[u8], body: &[u8]) -> Result<(), String> {
    let message = message(metadata)?;
    let batch = message.header_as_record_batch();
    let batch =
        batch.or_else(|| message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data()));
    let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return Ok(()) };
    let mut sum = 0i64;
    for buffer in batch.buffers().iter().flatten().filter(|buffer| buffer.length() >= 8) {
        let start = usize::try_from(buffer.offset()).map_err(|e| e.to_string())?;
        let size = body.get(start..).and_then(|rest| rest.first_chunk::<8>());
        let size = size.ok_or("a buffer lies behind the end of its message")?;
        sum = sum.saturating_add(i64::from_le_bytes(*size).max(0));
    }
    if sum > LARGEST_BUFFER {
        return Err(format!("a record batch of {sum} bytes"));
    }
    Ok(())
}

fn schema(prelude: &[Buffer]) -> Result<Arc<Schema>, ArrowError> {
    let mut decoder = StreamDecoder::new();
    for frame in prelude.iter().take(1) {
        decoder.decode(&mut frame.clone())?;
    }
    decoder.schema().ok_or_else(|| ArrowError::IpcError("it does not begin with a schema".to_owned()))
}

/// What all parts of a file need.
struct Shared {
    path: PathBuf,
    fields: Vec<Field>,
}

struct Ipc {
    shared: Arc<Shared>,
    reader: Reader,
    /// Schema and dictionaries so far.
    prelude: Arc<Vec<Buffer>>,
    format: String,
    row: u64,
    ended: bool,
}

impl Source for Ipc {
    fn fields(&self) -> &[Field] {
        &self.shared.fields
    }

    fn format(&self) -> String {
        self.format.clone()
    }

    fn next_part(&mut self) -> Result<Option<Part>, ReadError> {
        while !self.ended {
            match self.reader.next() {
                Ok(Some(frame)) if frame.kind == MessageHeader::RecordBatch => {
                    return Ok(Some(self.part(frame)));
                }
                Ok(Some(frame)) if frame.kind == MessageHeader::DictionaryBatch => {
                    Arc::make_mut(&mut self.prelude).push(frame.bytes);
                }
                Ok(Some(_)) => {}
                Ok(None) => self.ended = true,
                Err(problem) => {
                    // Places of the file format are independent; a stream cannot be taken up again.
                    self.ended = matches!(self.reader.frames, Frames::Stream { .. });
                    return Ok(Some(self.damaged_part(problem)));
                }
            }
        }
        Ok(None)
    }
}

impl Ipc {
    fn part(&mut self, frame: Frame) -> Part {
        let rows = self.row..self.row + frame.n_rows;
        self.row = rows.end;
        let bytes = frame.bytes.len() as u64;
        let (shared, prelude, first) = (Arc::clone(&self.shared), Arc::clone(&self.prelude), rows.start);
        let decode: Decode = Box::new(move |sink| {
            decode(&shared, &prelude, &frame, first, sink);
            Ok(())
        });
        Part { rows, bytes, decode }
    }

    fn damaged_part(&self, problem: String) -> Part {
        let (shared, row) = (Arc::clone(&self.shared), self.row);
        let decode: Decode = Box::new(move |sink| {
            let entry = damaged(&shared.path, row, problem);
            sink(Batch::only_malformed(&shared.fields, row, vec![entry]));
            Ok(())
        });
        Part { rows: row..row, bytes: 0, decode }
    }
}

fn decode(
    shared: &Shared,
    prelude: &[Buffer],
    frame: &Frame,
    first_row: u64,
    sink: &mut dyn FnMut(Batch) -> bool,
) {
    let mut next = first_row;
    let result = guarded(|| record_batch(prelude, &frame.bytes)).and_then(|batch| {
        let row_bytes = frame.bytes.len() / batch.num_rows().max(1);
        let size = batch_rows(shared.fields.len(), (row_bytes as u64).max(8 * shared.fields.len() as u64));
        for start in (0..batch.num_rows()).step_by(size) {
            let slice = batch.slice(start, size.min(batch.num_rows() - start));
            let rows = guarded(|| canonical_batch(&slice, &shared.fields))?;
            let wanted = sink(Batch::typed(rows, next));
            next += slice.num_rows() as u64;
            if !wanted {
                break;
            }
        }
        Ok(())
    });
    if let Err(problem) = result {
        let last = (first_row + frame.n_rows).saturating_sub(1);
        let entry = damaged(&shared.path, next, format!("rows {next} to {last} not read: {problem}"));
        sink(Batch::only_malformed(&shared.fields, next, vec![entry]));
    }
}

fn record_batch(prelude: &[Buffer], frame: &Buffer) -> Result<RecordBatch, ArrowError> {
    let mut decoder = StreamDecoder::new();
    for message in prelude {
        decoder.decode(&mut message.clone())?;
    }
    let batch = decoder.decode(&mut frame.clone())?;
    batch.ok_or_else(|| ArrowError::IpcError("a record batch is incomplete".to_owned()))
}

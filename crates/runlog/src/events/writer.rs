//! Event files, written.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use std::collections::{HashMap, HashSet};

use super::frame::{self, masked_crc};
use super::wire::put;
use crate::LogError;

/// The plugin name of packed series: one number a layer.
pub const PLUGIN: &str = "stetho";

/// The buffer is handed to the system when it has this many bytes.
const BUFFER: usize = 256 << 10;
/// `DT_FLOAT` and `DT_DOUBLE` of `types.proto`.
const FLOAT: u64 = 1;
const DOUBLE: u64 = 2;

/// Files begun by this process, for their names.
static N_FILES: AtomicU64 = AtomicU64::new(0);

/// Appends to an event file of its own. Whole records are handed to the system, at the latest by [`Writer::flush`]: what
/// was handed over outlives the process.
///
/// ```
/// use std::sync::Arc;
///
/// let folder = tempfile::tempdir()?;
/// let mut log = stetho_runlog::Writer::create(folder.path())?;
/// let layers: Arc<[String]> = vec!["fc1".to_owned(), "fc2".to_owned()].into();
/// log.scalar("train/loss", 0, 1.7e9, 2.3)?;
/// log.vector("stetho/gradient_norm", &layers, 0, 1.7e9, &[0.5, f32::NAN])?;
/// log.flush()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    /// The layers last written with each packed series.
    layers: HashMap<String, Arc<[String]>>,
    /// Series whose numbers were written in double precision.
    doubles: HashSet<String>,
}

impl Writer {
    /// Begins a file `events.out.tfevents.<seconds>.<host>.<process>.<number>` in `folder`, which is made if missing.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn create(folder: &Path) -> Result<Self, LogError> {
        std::fs::create_dir_all(folder).map_err(|e| LogError::write(folder, e))?;
        let (seconds, process) = (now(), std::process::id());
        let host = host();
        loop {
            let n = N_FILES.fetch_add(1, Ordering::Relaxed);
            let name = format!("events.out.tfevents.{:010}.{host}.{process}.{n}", seconds.trunc());
            let path = folder.join(name);
            match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => return Self::begin(path, file, seconds),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(LogError::write(&path, e)),
            }
        }
    }

    fn begin(path: PathBuf, file: File, seconds: f64) -> Result<Self, LogError> {
        let buffer = Vec::with_capacity(BUFFER);
        let mut writer = Self { path, file, buffer, layers: HashMap::new(), doubles: HashSet::new() };
        let mut event = Vec::new();
        put::double(&mut event, 1, seconds);
        put::bytes(&mut event, 3, b"brain.Event:2");
        frame::put(&mut writer.buffer, &event);
        writer.flush()?;
        Ok(writer)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number of the series `tag`; `wall_time` is in seconds since 1970. Event files hold scalars in single precision;
    /// a finite number beyond its range is written in double precision, so that it does not read as infinite.
    ///
    /// # Errors
    /// When the system refuses to write.
    #[allow(clippy::cast_possible_truncation, reason = "the format has single precision")]
    pub fn scalar(&mut self, tag: &str, step: i64, wall_time: f64, value: f64) -> Result<(), LogError> {
        let single = value as f32;
        if single.is_infinite() && value.is_finite() {
            return self.wide_scalar(tag, step, wall_time, value);
        }
        let length = put::field_length(tag.len()) + 5;
        self.value(step, wall_time, length, |out| {
            put::bytes(out, 1, tag.as_bytes());
            put::float(out, 2, single);
        })
    }

    fn wide_scalar(&mut self, tag: &str, step: i64, wall_time: f64, value: f64) -> Result<(), LogError> {
        let is_first = self.doubles.insert(tag.to_owned());
        let mut message = Vec::new();
        put::bytes(&mut message, 1, tag.as_bytes());
        let mut tensor = Vec::new();
        put::number(&mut tensor, 1, DOUBLE);
        put::bytes(&mut tensor, 2, &[]);
        put::bytes(&mut tensor, 4, &value.to_le_bytes());
        put::bytes(&mut message, 8, &tensor);
        if is_first {
            put::bytes(&mut message, 9, &metadata("scalars", &[]));
        }
        self.value(step, wall_time, message.len(), |out| out.extend_from_slice(&message))
    }

    /// One number for each of `layers`, as one packed tensor; NaN and infinity are kept bit for bit. The names are stored
    /// with the first of the series, and again when they change.
    ///
    /// # Errors
    /// When there are not as many values as layers, or the system refuses to write.
    pub fn vector(
        &mut self,
        tag: &str,
        layers: &Arc<[String]>,
        step: i64,
        wall_time: f64,
        values: &[f32],
    ) -> Result<(), LogError> {
        if layers.len() != values.len() {
            let (n, k) = (values.len(), layers.len());
            return Err(LogError::Request(format!("`{tag}` at step {step}: {n} values for {k} layers")));
        }
        let metadata = self.metadata_if_new(tag, layers);
        let mut start = Vec::with_capacity(64);
        put::number(&mut start, 1, FLOAT);
        let mut dimension = Vec::new();
        put::number(&mut dimension, 1, values.len() as u64);
        let mut shape = Vec::new();
        put::bytes(&mut shape, 2, &dimension);
        put::bytes(&mut start, 2, &shape);
        let content = 4 * values.len();
        let tensor = start.len() + put::field_length(content);
        let mut length = put::field_length(tag.len()) + put::field_length(tensor);
        length += metadata.as_ref().map_or(0, |m| put::field_length(m.len()));
        self.value(step, wall_time, length, |out| {
            put::bytes(out, 1, tag.as_bytes());
            put::header(out, 8, tensor);
            out.extend_from_slice(&start);
            put::header(out, 4, content);
            values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
            if let Some(metadata) = &metadata {
                put::bytes(out, 9, metadata);
            }
        })
    }

    fn metadata_if_new(&mut self, tag: &str, layers: &Arc<[String]>) -> Option<Vec<u8>> {
        if self.layers.get(tag).is_some_and(|known| Arc::ptr_eq(known, layers) || known == layers) {
            return None;
        }
        self.layers.insert(tag.to_owned(), Arc::clone(layers));
        let mut names = Vec::new();
        layers.iter().for_each(|name| put::bytes(&mut names, 1, name.as_bytes()));
        Some(metadata(PLUGIN, &names))
    }

    /// Appends an event with one value, whose message has `length` bytes that `fill` writes.
    fn value(
        &mut self,
        step: i64,
        wall_time: f64,
        length: usize,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), LogError> {
        let out = &mut self.buffer;
        let summary = put::field_length(length);
        let step = step.cast_unsigned();
        let event = 9 + 1 + put::varint_length(step) + put::field_length(summary);
        let header = (event as u64).to_le_bytes();
        out.extend_from_slice(&header);
        out.extend_from_slice(&masked_crc(&header).to_le_bytes());
        let start = out.len();
        put::double(out, 1, wall_time);
        put::number(out, 2, step);
        put::header(out, 5, summary);
        put::header(out, 1, length);
        fill(out);
        debug_assert_eq!(out.len() - start, event, "lengths are told before they are written");
        let sum = masked_crc(&out[start..]);
        out.extend_from_slice(&sum.to_le_bytes());
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Hands all records to the system.
    ///
    /// # Errors
    /// When the system refuses, for example because the disk is full. What was not taken is kept for the next call.
    pub fn flush(&mut self) -> Result<(), LogError> {
        let mut written = 0;
        let refusal = loop {
            match self.file.write(&self.buffer[written..]) {
                _ if written == self.buffer.len() => break None,
                Ok(0) => break Some(std::io::ErrorKind::WriteZero.into()),
                Ok(n) => written += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => break Some(e),
            }
        };
        self.buffer.drain(..written);
        refusal.map_or(Ok(()), |e| Err(LogError::write(&self.path, e)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

/// A `SummaryMetadata` that names a plugin; tensors, as its data class says.
fn metadata(plugin: &str, content: &[u8]) -> Vec<u8> {
    const SCALAR_CLASS: u64 = 1;
    const TENSOR_CLASS: u64 = 2;
    let mut data = Vec::new();
    put::bytes(&mut data, 1, plugin.as_bytes());
    put::bytes(&mut data, 2, content);
    let mut out = Vec::new();
    put::bytes(&mut out, 1, &data);
    put::number(&mut out, 4, if plugin == PLUGIN { TENSOR_CLASS } else { SCALAR_CLASS });
    out
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// The name of this machine where it can be had, in the characters of a file name.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::env::var("HOSTNAME"));
    let name = name.unwrap_or_default();
    let plain: String =
        name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    if plain.is_empty() { "localhost".to_owned() } else { plain }
}

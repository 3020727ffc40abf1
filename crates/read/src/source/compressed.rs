//! Files as plain bytes, whether they are compressed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::ReadError;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Not at all.
    None,
    /// gzip, possibly of several members.
    Gzip,
    /// zstd, possibly of several frames.
    Zstd,
}

impl Compression {
    /// Told by the first bytes, never by the name.
    pub(crate) fn sniff(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame, which zstd writers may put first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    /// For `format()`: `, gzip`; empty for no compression.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ", gzip",
            Self::Zstd => ", zstd",
        }
    }
}

/// Compressed data that ends early or does not decompress. What was read before it is good.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Damage(String);

/// The damage that an error of [`Bytes`] stands for, or `None` if the operating system refused.
pub(crate) fn damage(error: &io::Error) -> Option<&Damage> {
    error.get_ref()?.downcast_ref()
}

/// The decompressed bytes of a file. An error of [`Read::read`] is a [`Damage`] (see [`damage`]), or the operating
/// system's.
pub(crate) struct Bytes {
    inner: Box<dyn Read + Send>,
    compression: Compression,
    consumed: Arc<AtomicU64>,
    refused: Arc<AtomicBool>,
}

impl Bytes {
    /// How the file is compressed.
    pub(crate) fn compression(&self) -> Compression {
        self.compression
    }

    /// Bytes of the file, as stored, that have been read so far.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumed.load(Ordering::Relaxed)
    }

    /// Fills as much of `buffer` as there is; fewer bytes only at the end. Bytes that were read before an error are
    /// returned with it.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> (usize, io::Result<()>) {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read(rest) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) => return (filled, Err(error)),
            }
        }
        (filled, Ok(()))
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Ok(n) => return Ok(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.refused.load(Ordering::Relaxed) => return Err(error),
                Err(error) => return Err(io::Error::new(error.kind(), self.describe(&error))),
            }
        }
    }
}

impl Bytes {
    fn describe(&self, error: &io::Error) -> Damage {
        let name = if self.compression == Compression::Zstd { "zstd" } else { "gzip" };
        let consumed = self.consumed();
        if error.kind() == io::ErrorKind::UnexpectedEof || error.to_string().contains("incomplete frame") {
            return Damage(format!("the {name} data ends early, after {consumed} bytes"));
        }
        Damage(format!("the {name} data is damaged near byte {consumed}: {error}"))
    }
}

/// Opens a file as plain bytes, decompressing gzip and zstd by their magic bytes.
///
/// # Errors
/// When the operating system refuses.
pub(crate) fn open_bytes(path: &Path) -> Result<Bytes, ReadError> {
    let file = File::open(path).map_err(|e| ReadError::io(path, e))?;
    let consumed = Arc::new(AtomicU64::new(0));
    let refused = Arc::new(AtomicBool::new(false));
    let counting = Counting { inner: file, consumed: Arc::clone(&consumed), refused: Arc::clone(&refused) };
    let mut reader = BufReader::with_capacity(256 << 10, counting);
    let start = reader.fill_buf().map_err(|e| ReadError::io(path, e))?;
    let compression = Compression::sniff(start);
    let inner: Box<dyn Read + Send> = match compression {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(MultiGzDecoder::new(reader)),
        Compression::Zstd => {
            Box::new(zstd::Decoder::with_buffer(reader).map_err(|e| ReadError::io(path, e))?)
        }
    };
    Ok(Bytes { inner, compression, consumed, refused })
}

/// Counts what is read from the file, and notes whether an error came from it.
struct Counting {
    inner: File,
    consumed: Arc<AtomicU64>,
    refused: Arc<AtomicBool>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buffer);
        match &result {
            Ok(n) => {
                self.consumed.fetch_add(*n as u64, Ordering::Relaxed);
            }
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.refused.store(true, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        result
    }
}

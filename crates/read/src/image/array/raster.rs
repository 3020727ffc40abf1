//! Pixels of an array, as 8 bits.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Mutex;

use crate::image::Raster;

/// Where the bytes of an array are.
pub(super) enum Bytes {
    Memory(Vec<u8>),
    /// In a file, from this byte on.
    File(Mutex<File>, u64),
}

impl Bytes {
    pub(super) fn read(&self, at: u64, length: usize) -> Option<Vec<u8>> {
        match self {
            Self::Memory(bytes) => {
                let at = usize::try_from(at).ok()?;
                Some(bytes.get(at..at.checked_add(length)?)?.to_vec())
            }
            Self::File(file, start) => {
                let mut file = file.lock().ok()?;
                file.seek(SeekFrom::Start(start.checked_add(at)?)).ok()?;
                let mut bytes = vec![0; length];
                file.read_exact(&mut bytes).ok()?;
                Some(bytes)
            }
        }
    }
}

/// How one value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    U8,
    F32,
    F64,
}

impl Value {
    pub(super) fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The little-endian value.
    pub(super) fn get(self, bytes: &[u8]) -> f64 {
        match self {
            Self::U8 => bytes.first().copied().map_or(0.0, f64::from),
            Self::F32 => bytes.try_into().map_or(0.0, |b| f64::from(f32::from_le_bytes(b))),
            Self::F64 => bytes.try_into().map_or(0.0, f64::from_le_bytes),
        }
    }
}

/// Pictures of one array: count, height, width, channels.
pub(super) struct Block {
    pub bytes: Bytes,
    pub n: u64,
    pub height: u32,
    pub width: u32,
    pub channels: u8,
    pub channels_first: bool,
    pub value: Value,
    /// What floats are multiplied with: 255 where they reach from 0 to 1.
    pub scale: f64,
}

impl Block {
    /// Values of one picture.
    pub(super) fn len(&self) -> usize {
        self.height as usize * self.width as usize * usize::from(self.channels)
    }

    /// Stored bytes of a picture.
    pub(super) fn raw(&self, index: u64) -> Option<Vec<u8>> {
        let length = self.len().checked_mul(self.value.size())?;
        if index >= self.n {
            return None;
        }
        self.bytes.read(index.checked_mul(length as u64)?, length)
    }

    fn read(&self, index: u64) -> Option<Vec<u8>> {
        let raw = self.raw(index)?;
        let pixels: Vec<u8> = match self.value {
            Value::U8 => raw,
            value => {
                raw.chunks_exact(value.size()).map(|v| (value.get(v) * self.scale).round() as u8).collect()
            }
        };
        if !self.channels_first {
            return Some(pixels);
        }
        let plane = self.height as usize * self.width as usize;
        let channels = usize::from(self.channels);
        (0..plane)
            .flat_map(|p| (0..channels).map(move |c| c * plane + p))
            .map(|at| pixels.get(at).copied())
            .collect()
    }
}

/// The arrays of one file, one after the other.
pub(super) struct Blocks(pub Vec<Block>);

impl Raster for Blocks {
    fn shape(&self) -> (u32, u32, u8) {
        self.0.first().map_or((0, 0, 1), |b| (b.width, b.height, b.channels))
    }

    fn bits(&self) -> u8 {
        self.0.first().map_or(8, |b| if b.value == Value::U8 { 8 } else { 32 })
    }

    fn read(&self, mut index: u64) -> Option<Vec<u8>> {
        for block in &self.0 {
            if index < block.n {
                return block.read(index);
            }
            index -= block.n;
        }
        None
    }
}

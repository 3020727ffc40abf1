//! IDX, the format of MNIST: a magic number, the sizes, the bytes (LeCun, Cortes & Burges, *The MNIST database*).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::GzDecoder;

use crate::ReadError;
use crate::image::Raster;

/// Bytes of one file that are kept in memory; larger ones are refused.
const MOST: u64 = 4 << 30;

/// What an IDX file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One number an item.
    Labels,
    /// Pictures, grey or with channels last.
    Pictures,
}

/// An IDX file of bytes, in memory.
pub(crate) struct Idx {
    sizes: Vec<u32>,
    bytes: Vec<u8>,
}

/// What the file holds, by its first bytes; `None` where it is no IDX file of bytes.
pub(crate) fn kind_of(path: &Path) -> Option<Kind> {
    let mut magic = [0; 4];
    open(path).ok()?.read_exact(&mut magic).ok()?;
    match magic {
        [0, 0, 8, 1] => Some(Kind::Labels),
        [0, 0, 8, 3 | 4] => Some(Kind::Pictures),
        _ => None,
    }
}

/// The bytes of the file, decompressed where it is gzip.
fn open(path: &Path) -> std::io::Result<Box<dyn Read>> {
    let mut file = File::open(path)?;
    let mut start = [0; 2];
    let n = file.read(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(if n == 2 && start == [0x1f, 0x8b] { Box::new(GzDecoder::new(file)) } else { Box::new(file) })
}

impl Idx {
    /// Reads an IDX file, gzip or not. One that ends early keeps what it has.
    ///
    /// # Errors
    /// When it cannot be read, is no IDX file of bytes, or is beyond 4 GiB.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let mut reader = open(path).map_err(|e| ReadError::io(path, e))?;
        let broken = |_| ReadError::malformed(path, "the IDX header is cut off; get the file again");
        let mut magic = [0; 4];
        reader.read_exact(&mut magic).map_err(broken)?;
        let [0, 0, 8, n_sizes @ 1..=4] = magic else {
            let problem = "not an IDX file of bytes (the magic number should be 0x0000080_)";
            return Err(ReadError::malformed(path, problem));
        };
        let mut sizes = Vec::new();
        for _ in 0..n_sizes {
            let mut size = [0; 4];
            reader.read_exact(&mut size).map_err(broken)?;
            sizes.push(u32::from_be_bytes(size));
        }
        let total = sizes.iter().fold(1_u64, |all, size| all.saturating_mul(u64::from(*size)));
        if total > MOST {
            let problem =
                format!("the header {sizes:?} claims {total} bytes, more than 4 GiB; split the file");
            return Err(ReadError::malformed(path, problem));
        }
        let mut bytes = Vec::new();
        // Damage further on ends the reading early; pictures beyond it are told one by one.
        drop(reader.take(total).read_to_end(&mut bytes));
        Ok(Self { sizes, bytes })
    }

    /// How many items the header promises.
    pub(crate) fn len(&self) -> u64 {
        self.sizes.first().copied().unwrap_or(0).into()
    }

    /// The bytes, as far as they are there: labels, of a file of labels.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Why these cannot be pictures, if they cannot.
    pub(crate) fn problem(&self) -> Option<String> {
        let is_picture = match self.sizes.as_slice() {
            [_, height, width] | [_, height, width, 1 | 3 | 4] => *height > 0 && *width > 0,
            _ => false,
        };
        (!is_picture).then(|| format!("an IDX file of shape {:?} holds no pictures", self.sizes))
    }
}

impl Raster for Idx {
    fn shape(&self) -> (u32, u32, u8) {
        match self.sizes.as_slice() {
            [_, height, width] => (*width, *height, 1),
            [_, height, width, channels] => (*width, *height, *channels as u8),
            _ => (0, 0, 1),
        }
    }

    fn bits(&self) -> u8 {
        8
    }

    fn read(&self, index: u64) -> Option<Vec<u8>> {
        let size: usize = self.sizes.get(1..)?.iter().map(|s| *s as usize).product();
        let start = usize::try_from(index).ok()?.checked_mul(size)?;
        self.bytes.get(start..start.checked_add(size)?).map(<[u8]>::to_vec)
    }
}

//! MNIST's pairs of files: pictures and their labels.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stetho_core::count_of;
use stetho_core::table::{FileFacts, Part};

use super::{Gathered, Item};
use crate::ReadError;
use crate::image::array::{Idx, Kind, kind_of};
use crate::image::{Raster, Store};

/// Whether the file holds pictures in IDX.
pub(super) fn is_pictures(path: &Path) -> bool {
    kind_of(path) == Some(Kind::Pictures)
}

/// The files of pictures in IDX in a folder; of a file and its compressed copy, the first by name.
pub(super) fn pairs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let has_name = |path: &PathBuf| path.to_string_lossy().contains("idx");
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| has_name(p) && is_pictures(p)).collect();
    found.sort();
    found.dedup_by_key(|path| path.to_string_lossy().trim_end_matches(".gz").to_owned());
    found
}

/// The file of labels that belongs to a file of pictures.
fn labels_of(pictures: &Path) -> Option<PathBuf> {
    let name = pictures.file_name()?.to_str()?;
    let name = name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1");
    let bare = name.trim_end_matches(".gz").to_owned();
    let candidates = [name, bare.clone(), format!("{bare}.gz")].map(|n| pictures.with_file_name(n));
    candidates.into_iter().find(|p| p != pictures && kind_of(p) == Some(Kind::Labels))
}

/// Takes the pictures of one file, with their labels where there is a file of them.
///
/// # Errors
/// When a file cannot be read, or labels and pictures differ in number.
pub(super) fn gather(path: &Path, part: Part, gathered: &mut Gathered) -> Result<(), ReadError> {
    let idx = Idx::open(path)?;
    if let Some(problem) = idx.problem() {
        return Err(ReadError::malformed(path, problem));
    }
    let n = idx.len();
    let labels = labels_of(path).map(|labels| Ok((Idx::open(&labels)?, labels))).transpose()?;
    if let Some((labels, at)) = &labels
        && labels.len() != n
    {
        let problem = format!("{} for {}", count_of(labels.len(), "label"), count_of(n, "picture"));
        return Err(ReadError::malformed(at, problem));
    }
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let is_test = name.starts_with("t10k") || name.starts_with("test");
    let part = if part == Part::Train && is_test { Part::Test } else { part };
    let (width, height, _) = idx.shape();
    let raster: Arc<dyn Raster> = Arc::new(idx);
    for index in 0..n {
        let label = labels.as_ref().and_then(|(l, _)| l.bytes().get(index as usize));
        gathered.items.push(Item {
            path: path.to_owned(),
            index: Some(index),
            part,
            class: label.map(u8::to_string),
            store: Store::Array(Arc::clone(&raster)),
        });
    }
    gathered.layouts.insert("IDX");
    let format = format!("IDX, {width} × {height}");
    gathered.files.push(FileFacts { path: path.display().to_string(), format, n_rows: n });
    Ok(())
}

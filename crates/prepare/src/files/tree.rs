//! Folders that are copied file by file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use stetho_core::table::Part;

use crate::receipt::Receipt;
use crate::staging::Staging;
use crate::{PrepareError, Request};

/// Folders deeper than this are a loop of links.
const DEEPEST: usize = 64;

/// A folder, or a file with what belongs to it, and where it goes.
pub(super) struct Root {
    pub path: PathBuf,
    /// Folder of the copy.
    pub to: PathBuf,
}

/// The folders of a request, one a part.
pub(super) fn roots(request: &Request) -> Result<Vec<Root>, PrepareError> {
    let parts = [(Part::Train, &request.data), (Part::Validation, &request.val), (Part::Test, &request.test)];
    let is_only = request.val.is_empty() && request.test.is_empty();
    let mut roots = Vec::new();
    for (part, paths) in parts {
        match paths.as_slice() {
            [] => {}
            [path] => {
                let to = if is_only { PathBuf::from("data") } else { Path::new("data").join(part.name()) };
                roots.push(Root { path: path.clone(), to });
            }
            _ => {
                return PrepareError::request(format!(
                    "{} paths are given for the {} data; prepare one folder at a time",
                    paths.len(),
                    part.name()
                ));
            }
        }
    }
    Ok(roots)
}

/// Every file below `folder`, hidden ones left out, in the order of names.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, PrepareError> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    enter(folder, 0, &mut found, &mut seen)?;
    Ok(found)
}

fn enter(
    folder: &Path,
    depth: usize,
    found: &mut Vec<PathBuf>,
    seen: &mut HashSet<PathBuf>,
) -> Result<(), PrepareError> {
    let real = folder.canonicalize().map_err(PrepareError::reading(folder))?;
    if depth > DEEPEST || !seen.insert(real) {
        return Ok(());
    }
    let entries = std::fs::read_dir(folder).map_err(PrepareError::reading(folder))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(PrepareError::reading(folder))?.path());
    }
    paths.sort();
    for path in paths {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            enter(&path, depth + 1, found, seen)?;
        } else if path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

/// A receipt of the request.
pub(super) fn receipt(request: &Request) -> Receipt {
    Receipt {
        schema: 1,
        stetho: env!("CARGO_PKG_VERSION").into(),
        asked: request.asked(),
        seed: request.seed,
        sources: request
            .data
            .iter()
            .chain(&request.val)
            .chain(&request.test)
            .map(|p| p.display().to_string())
            .collect(),
        ..Receipt::default()
    }
}

/// The command that checks the copy.
pub(super) fn next(staging: &Staging, roots: &[Root]) -> Vec<String> {
    let mut next = vec!["stetho".to_owned(), "check".to_owned()];
    for root in roots {
        match root.to.file_name().and_then(|name| name.to_str()) {
            Some("validation") => next.push("--val".into()),
            Some("test") => next.push("--test".into()),
            _ => {}
        }
        next.push(staging.named(&root.to.display().to_string()));
    }
    next
}

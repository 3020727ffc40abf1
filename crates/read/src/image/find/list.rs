//! Lists that name pictures and their labels.

use std::path::{Path, PathBuf};

use stetho_core::table::Part;

use super::names;
use super::resolve::Resolver;
use super::rows::{self, Rows};
use crate::ReadError;

/// Rows that the columns are told by.
const LOOKED_AT: usize = 200;
const PATH_WORDS: &[&str] =
    &["file", "filename", "path", "filepath", "image", "img", "picture", "id", "name"];

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub path: PathBuf,
    pub is_there: bool,
    pub label: Option<String>,
    pub part: Option<Part>,
}

/// Which columns of a list say what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub path: usize,
    pub label: Option<usize>,
    pub part: Option<usize>,
}

/// Finds the column of paths; `None` where no column names a picture.
pub(super) fn columns(
    list: &Rows,
    folder: &Path,
    resolver: &Resolver<'_>,
    target: Option<&str>,
) -> Option<Columns> {
    let head = || list.rows.iter().take(LOOKED_AT);
    let cell = |row: &'_ Vec<String>, at: usize| row.get(at).cloned().unwrap_or_default();
    let score = |at: usize| {
        let name = list.columns.get(at).map(|n| n.to_lowercase()).unwrap_or_default();
        let n_named = head().filter(|r| names::is_picture(Path::new(&cell(r, at)))).count();
        let n_found = head().filter(|r| resolver.find(&cell(r, at), folder).is_some()).count();
        let is_path = name.split(|c: char| !c.is_alphanumeric()).any(|w| PATH_WORDS.contains(&w));
        (n_named, n_found, is_path && n_found > 0)
    };
    let n = list.columns.len();
    let is_label = |at: usize| list.columns.get(at).is_some_and(|n| names::is_label(n));
    let (path, best) = (0..n)
        .map(|at| (at, score(at)))
        .filter(|(at, s)| s.0 > 0 || s.1 > 0 && !is_label(*at))
        .max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)))?;
    if (best.0.max(best.1)) * 2 < head().count().max(1) {
        return None;
    }
    let is_part = |at: &usize| {
        let name = list.columns.get(*at).map(|n| n.trim().to_lowercase()).unwrap_or_default();
        let told = head().filter(|r| names::part_of(&cell(r, *at)).is_some()).count();
        ["split", "part", "set", "subset", "fold", "partition"].contains(&name.as_str())
            && told * 2 >= head().count()
    };
    let part = (0..n).filter(|at| *at != path).find(is_part);
    let others: Vec<usize> = (0..n).filter(|at| *at != path && Some(*at) != part).collect();
    let label = match target {
        Some(target) => others.iter().copied().find(|at| list.columns.get(*at).is_some_and(|n| n == target)),
        None => {
            let named = others.iter().copied().find(|at| is_label(*at));
            named.or(if let [only] = others.as_slice() { Some(*only) } else { None })
        }
    };
    Some(Columns { path, label, part })
}

/// Reads a list; `None` where it names no pictures.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(
    path: &Path,
    resolver: &Resolver<'_>,
    target: Option<&str>,
) -> Result<Option<(Columns, Vec<Listed>)>, ReadError> {
    let list = rows::read(path, usize::MAX)?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let Some(columns) = columns(&list, &folder, resolver, target) else { return Ok(None) };
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let named_part = names::part_in(&stem);
    let mut base = folder.clone();
    let mut listed = Vec::with_capacity(list.rows.len());
    for row in &list.rows {
        let cell = |at: usize| row.get(at).map(String::as_str).unwrap_or_default();
        let wanted = cell(columns.path);
        if wanted.is_empty() {
            continue;
        }
        let found = resolver.find(wanted, &folder);
        // Where the others lie, the missing ones should.
        if let Some(stripped) = found.as_ref().and_then(|f| stripped(f, wanted)) {
            base = stripped;
        }
        let label = columns.label.map(cell).filter(|l| !l.is_empty()).map(str::to_owned);
        let part = columns.part.and_then(|at| names::part_of(cell(at))).or(named_part);
        let is_there = found.is_some();
        listed.push(Listed { path: found.unwrap_or_else(|| base.join(wanted)), is_there, label, part });
    }
    Ok(Some((columns, listed)))
}

/// The folder that `cell` is relative to, if it names `path` from there.
fn stripped(path: &Path, cell: &str) -> Option<PathBuf> {
    let depth = Path::new(cell).components().count();
    path.ends_with(cell).then(|| path.ancestors().nth(depth).map(Path::to_path_buf))?
}

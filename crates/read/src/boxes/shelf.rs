//! The pictures of a set, found by what annotations call them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use stetho_core::table::Part;

use super::set::{part_of_folders, part_told};
use crate::image::names;

/// Pictures by name, case aside.
pub(super) struct Shelf {
    root: PathBuf,
    pub pictures: Vec<PathBuf>,
    by_name: HashMap<String, Vec<usize>>,
    by_stem: HashMap<String, Vec<usize>>,
}

/// Who asks for a picture.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    /// The annotation file.
    pub file: &'a Path,
    pub part: Part,
}

/// How well a picture fits; more is better, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    n_folders: usize,
    is_part: bool,
    n_shared: usize,
    is_exact: bool,
}

fn lower(text: Option<&std::ffi::OsStr>) -> String {
    text.map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn split(name: &str) -> Vec<&str> {
    name.split(['/', '\\']).filter(|p| !matches!(*p, "" | "." | "..")).collect()
}

impl Shelf {
    /// `pictures` below `root`.
    pub(super) fn new(root: &Path, pictures: Vec<PathBuf>) -> Self {
        let (mut by_name, mut by_stem) =
            (HashMap::<String, Vec<usize>>::new(), HashMap::<String, Vec<usize>>::new());
        for (i, path) in pictures.iter().enumerate() {
            by_name.entry(lower(path.file_name())).or_default().push(i);
            by_stem.entry(lower(path.file_stem())).or_default().push(i);
        }
        Self { root: root.to_path_buf(), pictures, by_name, by_stem }
    }

    /// The picture called `name`, whose folders, as far as both go, are those that the name has.
    pub(super) fn find(&self, name: &str, asker: Asker<'_>) -> Option<usize> {
        let words = split(name);
        let (last, folders) = words.split_last()?;
        let candidates = self.named(last)?;
        self.best(candidates, folders, last, asker, true)
    }

    /// The picture whose file is called as `name` ends, in whatever folder.
    pub(super) fn find_anywhere(&self, name: &str, asker: Asker<'_>) -> Option<usize> {
        let words = split(name);
        let (last, folders) = words.split_last()?;
        let candidates = self.named(last)?;
        self.best(candidates, folders, last, asker, false)
    }

    /// The picture with this name without extension.
    pub(super) fn find_stem(&self, stem: &str, asker: Asker<'_>) -> Option<usize> {
        self.best(self.by_stem.get(&stem.to_lowercase())?, &[], stem, asker, false)
    }

    /// Pictures called so; a name without the extension of a picture may lack it.
    fn named(&self, last: &str) -> Option<&Vec<usize>> {
        let lower = last.to_lowercase();
        self.by_name
            .get(&lower)
            .or_else(|| if names::is_picture(Path::new(last)) { None } else { self.by_stem.get(&lower) })
    }

    fn best(
        &self,
        candidates: &[usize],
        folders: &[&str],
        last: &str,
        asker: Asker<'_>,
        must_agree: bool,
    ) -> Option<usize> {
        if let ([only], true) = (candidates, folders.is_empty()) {
            return Some(*only);
        }
        let fits = candidates.iter().filter_map(|i| {
            let path = self.pictures.get(*i)?;
            let fit = self.fit(path, folders, last, asker, must_agree)?;
            Some((fit, std::cmp::Reverse(*i)))
        });
        fits.max().map(|(_, i)| i.0)
    }

    fn fit(
        &self,
        path: &Path,
        folders: &[&str],
        last: &str,
        asker: Asker<'_>,
        must_agree: bool,
    ) -> Option<Fit> {
        let inner = path.strip_prefix(&self.root).unwrap_or(path).parent().unwrap_or(Path::new(""));
        let own: Vec<String> =
            inner.components().map(|c| c.as_os_str().to_string_lossy().to_lowercase()).collect();
        let n_folders =
            own.iter().rev().zip(folders.iter().rev()).take_while(|(a, b)| **a == b.to_lowercase()).count();
        if must_agree && n_folders < own.len().min(folders.len()) {
            return None;
        }
        let told = part_of_folders(&self.root, path).or_else(|| {
            path.parent().and_then(Path::file_name).and_then(|n| part_told(&n.to_string_lossy()))
        });
        let beside = asker.file.parent().unwrap_or(Path::new(""));
        let n_shared = path.components().zip(beside.components()).take_while(|(a, b)| a == b).count();
        let is_exact = path.file_name().is_some_and(|n| n.to_string_lossy() == last);
        Some(Fit { n_folders, is_part: told == Some(asker.part), n_shared, is_exact })
    }
}

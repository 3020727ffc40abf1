//! A sink that keeps what it is given.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stetho_runlog::{Account, Sink, Source, Tag, TagId, When, find};

/// Step, names and bits of the numbers.
type Layers = (i64, Arc<[String]>, Vec<u32>);

/// All points, as they count in the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Kept {
    names: Vec<String>,
    /// Step and bits of the number.
    scalars: BTreeMap<String, Vec<(i64, u64)>>,
    pub(crate) vectors: BTreeMap<String, Vec<Layers>>,
    pub(crate) times: BTreeMap<String, Vec<Option<f64>>>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) n_restarts: usize,
}

impl Kept {
    /// A series as `step:number` words.
    pub(crate) fn series(&self, name: &str) -> String {
        let points = self.scalars.get(name).map_or(&[][..], Vec::as_slice);
        points.iter().map(|(s, v)| format!("{s}:{}", f64::from_bits(*v))).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.scalars.keys().map(String::as_str).collect()
    }

    pub(crate) fn n_scalars(&self) -> usize {
        self.scalars.values().map(Vec::len).sum()
    }

    fn cut(&mut self, name: &str, step: i64) {
        if let Some(points) = self.scalars.get_mut(name) {
            points.retain(|(s, _)| *s < step);
        }
        if let Some(points) = self.vectors.get_mut(name) {
            points.retain(|(s, ..)| *s < step);
        }
    }
}

impl Sink for Kept {
    fn tag(&mut self, id: TagId, tag: Tag<'_>) {
        assert_eq!(id.index(), self.names.len(), "tags are numbered in order");
        let writer = if tag.writer == 0 { String::new() } else { format!("#{}", tag.writer) };
        self.names.push(format!("{}{writer}", tag.name));
    }

    fn scalar(&mut self, id: TagId, when: When, value: f64) {
        let name = self.names[id.index()].clone();
        self.scalars.entry(name.clone()).or_default().push((when.step, value.to_bits()));
        self.times.entry(name).or_default().push(when.wall_time);
    }

    fn vector(&mut self, id: TagId, layers: &Arc<[String]>, when: When, values: &[f32]) {
        assert_eq!(layers.len(), values.len());
        let bits = values.iter().map(|v| v.to_bits()).collect();
        let name = self.names[id.index()].clone();
        self.vectors.entry(name).or_default().push((when.step, Arc::clone(layers), bits));
    }

    fn restart(&mut self, id: Option<TagId>, step: i64) {
        self.n_restarts += 1;
        let names = self.names.clone();
        match id {
            Some(id) => self.cut(&names[id.index()], step),
            None => names.iter().for_each(|name| self.cut(name, step)),
        }
    }

    fn setting(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }
}

/// The whole log.
pub(crate) fn read(source: &mut dyn Source) -> (Kept, Account) {
    let mut kept = Kept::default();
    source.finish(&mut kept).unwrap();
    (kept, source.account())
}

/// The only run under a path.
pub(crate) fn open(path: &Path) -> Box<dyn Source> {
    let found = find(path).unwrap();
    assert_eq!(found.runs.len(), 1, "{found:?}");
    found.runs[0].open(None)
}

/// A file with this content in a new folder, which is kept as long as the first of both.
pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

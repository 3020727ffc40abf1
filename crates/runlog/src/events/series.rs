//! The series of a run: which file goes on with which, and what was taken up again.

use std::sync::Arc;

use std::collections::HashMap;

use super::event;
use crate::{Sink, Tag, TagId};

/// What a series holds.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Nothing says yet; old logs say nothing and hold scalars.
    Unknown,
    Scalars,
    Vectors(Arc<[String]>),
    /// Stepped over, for this reason.
    Other(&'static str),
}

impl Kind {
    /// What the metadata of a series says.
    pub(super) fn of_metadata(metadata: &[u8]) -> Self {
        let (plugin, content) = event::plugin(metadata);
        match plugin {
            b"scalars" => Self::Scalars,
            b"stetho" => Self::Vectors(event::layers(content).into()),
            b"" => Self::Unknown,
            b"histograms" => Self::Other("histograms"),
            b"images" => Self::Other("images"),
            b"text" => Self::Other("texts"),
            b"audio" => Self::Other("sounds"),
            b"hparams" => Self::Other("hyperparameters"),
            b"pr_curves" => Self::Other("precision-recall curves"),
            _ => Self::Other("tensors of other plugins"),
        }
    }
}

struct Series {
    /// The file that wrote its newest point.
    owner: usize,
    has_points: bool,
    last_step: i64,
    last_time: f64,
    kind: Kind,
}

impl Series {
    /// Notes its newest point.
    #[inline]
    fn note(&mut self, file: usize, step: i64, time: f64) {
        self.owner = file;
        self.has_points = true;
        self.last_step = step;
        self.last_time = time;
    }
}

/// All series of a run, over its files.
#[derive(Default)]
pub(super) struct Board {
    series: Vec<Series>,
    by_name: HashMap<(u32, Vec<u8>), TagId>,
    n_writers: u32,
    pub(super) n_restarts: u64,
    pub(super) n_points: u64,
}

/// Where points come from.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    /// Which file of the run it is.
    pub(super) file: usize,
    /// Its number among those that write at the same time, given when it is first needed.
    pub(super) writer: u32,
}

/// A series as one file sees it.
#[derive(Clone)]
pub(super) struct Local {
    /// Its number in the run, once it has had a point.
    pub(super) id: Option<TagId>,
    pub(super) kind: Kind,
}

impl Board {
    /// What earlier files say of a series.
    pub(super) fn known_kind(&self, name: &[u8]) -> Kind {
        let found = self.by_name.get(&(0, name.to_vec())).and_then(|id| self.series.get(id.index()));
        found.map_or(Kind::Unknown, |series| series.kind.clone())
    }

    /// Where a point of a file belongs: an earlier file's series that it goes on with or supersedes, or one of its own.
    #[inline]
    pub(super) fn place(
        &mut self,
        origin: &mut Origin,
        local: &mut Local,
        name: &[u8],
        step: i64,
        time: f64,
        sink: &mut dyn Sink,
    ) -> TagId {
        self.n_points += 1;
        if let Some(id) = local.id
            && let Some(series) = self.series.get_mut(id.index())
            && series.owner == origin.file
        {
            series.note(origin.file, step, time);
            return id;
        }
        self.place_first(origin, local, name, (step, time), sink)
    }

    /// Where the first point of a file belongs, and the first after another file has gone on with its series.
    #[cold]
    #[inline(never)]
    fn place_first(
        &mut self,
        origin: &mut Origin,
        local: &mut Local,
        name: &[u8],
        (step, time): (i64, f64),
        sink: &mut dyn Sink,
    ) -> TagId {
        let id = self.find(origin, local, name, (step, time), sink);
        local.id = Some(id);
        if let Some(series) = self.series.get_mut(id.index()) {
            series.note(origin.file, step, time);
        }
        id
    }

    fn find(
        &mut self,
        origin: &mut Origin,
        local: &Local,
        name: &[u8],
        (step, time): (i64, f64),
        sink: &mut dyn Sink,
    ) -> TagId {
        let id = self.open(*origin, local, name, sink);
        let Some(series) = self.series.get(id.index()) else { return id };
        if series.owner == origin.file || !series.has_points {
            return id;
        }
        let is_meanwhile = time < series.last_time;
        // A file that another has followed, and which grows nevertheless, is written by a process of its own.
        if is_meanwhile || local.id.is_some() {
            self.n_writers += 1;
            origin.writer = self.n_writers;
            return self.open(*origin, local, name, sink);
        }
        if step <= series.last_step {
            self.n_restarts += 1;
            sink.restart(Some(id), step);
        }
        id
    }

    fn open(&mut self, origin: Origin, local: &Local, name: &[u8], sink: &mut dyn Sink) -> TagId {
        let Origin { file, writer } = origin;
        let key = (writer, name.to_vec());
        if let Some(id) = self.by_name.get(&key) {
            return *id;
        }
        let id = TagId(u32::try_from(self.series.len()).unwrap_or(u32::MAX));
        let kind = local.kind.clone();
        self.series.push(Series { owner: file, has_points: false, last_step: 0, last_time: 0.0, kind });
        self.by_name.insert(key, id);
        let is_vector = matches!(local.kind, Kind::Vectors(_));
        sink.tag(id, Tag { name: &String::from_utf8_lossy(name), writer, is_vector });
        id
    }

    /// A session began anew: all that was logged from this step on is void.
    pub(super) fn restart(&mut self, step: i64, sink: &mut dyn Sink) {
        let is_void = |series: &Series| series.has_points && series.last_step >= step;
        if !self.series.iter().any(is_void) {
            return;
        }
        for series in self.series.iter_mut().filter(|s| is_void(s)) {
            series.has_points = false;
        }
        self.n_restarts += 1;
        sink.restart(None, step);
    }
}

//! One event file of a run.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::event::{self, Content, Event, Logged, Scalar, What};
use super::series::{Board, Kind, Local, Origin};
use super::tail::{Outcome, Tail};
use super::tensor::Tensor;
use super::wire::Fields;
use crate::tags::Tags;
use crate::{Account, Damage, LogError, Sink, TagId, When};

/// Reads one file of a run as it grows.
pub(super) struct EventFile {
    pub(super) path: PathBuf,
    tail: Tail,
    reader: Reader,
    /// Whether it was told that the file has become shorter.
    is_cut: bool,
    /// Whether the system refused to read it the last time.
    is_refused: bool,
}

/// What a file's records mean.
struct Reader {
    origin: Origin,
    tags: Tags,
    series: Vec<Local>,
    scratch: Vec<f32>,
}

impl EventFile {
    pub(super) fn new(path: PathBuf, index: usize) -> Self {
        let reader = Reader {
            origin: Origin { file: index, writer: 0 },
            tags: Tags::default(),
            series: Vec::new(),
            scratch: Vec::new(),
        };
        Self { path, tail: Tail::default(), reader, is_cut: false, is_refused: false }
    }

    /// Bytes at the end that are no record yet.
    pub(super) fn n_waiting(&self) -> usize {
        self.tail.n_waiting()
    }

    /// Whether nothing readable came after a damaged place.
    pub(super) fn is_lost(&self) -> bool {
        self.tail.is_lost()
    }

    /// Whether the system refused to read it the last time.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Reads what is new; returns the bytes.
    pub(super) fn poll(
        &mut self,
        board: &mut Board,
        account: &mut Account,
        sink: &mut dyn Sink,
    ) -> Result<u64, LogError> {
        let read = self.read(board, account, sink);
        let was_refused = std::mem::replace(&mut self.is_refused, read.is_err());
        if let Err(LogError::Read { reason, .. }) = &read
            && !was_refused
        {
            let (path, offset) = (self.path.clone(), self.tail.position());
            account.damaged(Damage { path, offset, problem: format!("it can be read no further: {reason}") });
        }
        read
    }

    fn read(
        &mut self,
        board: &mut Board,
        account: &mut Account,
        sink: &mut dyn Sink,
    ) -> Result<u64, LogError> {
        let refused = |e| LogError::read(&self.path, e);
        let mut file = File::open(&self.path).map_err(refused)?;
        let (length, position) = (file.metadata().map_err(refused)?.len(), self.tail.position());
        if length <= position {
            if length < position && !self.is_cut {
                self.is_cut = true;
                let problem = format!("the file has become shorter, from {position} bytes");
                account.damaged(Damage { path: self.path.clone(), offset: length, problem });
            }
            return Ok(0);
        }
        file.seek(SeekFrom::Start(position)).map_err(refused)?;
        let mut n_bytes = 0;
        loop {
            let n = self.tail.fill(&mut file).map_err(|e| LogError::read(&self.path, e))?;
            n_bytes += n as u64;
            self.reader.drain(&mut self.tail, &self.path, board, account, sink);
            // A file that is written faster than it is read does not hold up the others.
            if n == 0 || position + n_bytes > length {
                break;
            }
        }
        self.tail.rest();
        Ok(n_bytes)
    }
}

impl Reader {
    fn drain(
        &mut self,
        tail: &mut Tail,
        path: &Path,
        board: &mut Board,
        account: &mut Account,
        sink: &mut dyn Sink,
    ) {
        loop {
            let problem = match tail.next_record() {
                Outcome::NeedMore => return,
                Outcome::Record(data) if self.record(data, board, account, sink).is_some() => continue,
                Outcome::Record(data) => {
                    let n = data.len() as u64;
                    (tail.position() - tail.n_waiting() as u64 - n - 4, "the record is no event".to_owned())
                }
                Outcome::Damaged { offset, problem } => (offset, problem.to_string()),
            };
            account.damaged(Damage { path: path.to_owned(), offset: problem.0, problem: problem.1 });
        }
    }

    /// None if the record is damaged.
    #[inline]
    fn record(
        &mut self,
        data: &[u8],
        board: &mut Board,
        account: &mut Account,
        sink: &mut dyn Sink,
    ) -> Option<()> {
        if let Some(scalar) = event::scalar(data) {
            self.scalar(scalar, board, sink);
            return Some(());
        }
        let event = event::event(data)?;
        match event.what {
            What::Summary(summary) => {
                let mut values = Fields::new(summary);
                for (number, value) in &mut values {
                    if number == 1 {
                        self.logged(&event, event::logged(value.bytes())?, board, account, sink);
                    }
                }
                (!values.is_damaged()).then_some(())
            }
            What::SessionStart => {
                board.restart(event.step, sink);
                Some(())
            }
            What::Other => Some(()),
        }
    }

    #[inline]
    fn scalar(&mut self, scalar: Scalar<'_>, board: &mut Board, sink: &mut dyn Sink) {
        let at = self.intern(scalar.tag, board);
        let Self { origin, series, .. } = self;
        let Some(local) = series.get_mut(at.index()) else { return };
        let when = When { step: scalar.step, wall_time: Some(scalar.wall_time) };
        let id = board.place(origin, local, scalar.tag, scalar.step, scalar.wall_time, sink);
        sink.scalar(id, when, f64::from(scalar.value));
    }

    #[inline]
    fn intern(&mut self, tag: &[u8], board: &Board) -> TagId {
        let (at, is_new) = self.tags.intern(tag);
        if is_new {
            self.series.push(Local { id: None, kind: board.known_kind(tag) });
        }
        at
    }

    fn logged(
        &mut self,
        event: &Event<'_>,
        logged: Logged<'_>,
        board: &mut Board,
        account: &mut Account,
        sink: &mut dyn Sink,
    ) {
        let at = self.intern(logged.tag, board);
        let Self { origin, series, scratch, .. } = self;
        let Some(local) = series.get_mut(at.index()) else { return };
        if let Some(metadata) = logged.metadata {
            describe(local, metadata, sink);
        }
        let when = When { step: event.step, wall_time: Some(event.wall_time) };
        let mut place = |local: &mut Local, sink: &mut dyn Sink| {
            board.place(origin, local, logged.tag, event.step, event.wall_time, sink)
        };
        let skipped = match logged.content {
            Content::Simple(value) => {
                let id = place(local, sink);
                sink.scalar(id, when, f64::from(value));
                return;
            }
            Content::Tensor(tensor) => match &local.kind {
                Kind::Scalars => match Tensor::new(tensor).and_then(|t| t.scalar()) {
                    Some(value) => {
                        let id = place(local, sink);
                        sink.scalar(id, when, value);
                        return;
                    }
                    None => "scalars that are no single number",
                },
                Kind::Vectors(layers) => {
                    let layers = Arc::clone(layers);
                    if Tensor::new(tensor).is_some_and(|t| t.vector(layers.len(), scratch)) {
                        let id = place(local, sink);
                        sink.vector(id, &layers, when, scratch);
                        return;
                    }
                    "vectors that do not fit the names of their layers"
                }
                Kind::Other(what) => what,
                Kind::Unknown => "tensors that no plugin is named for",
            },
            Content::Histogram => "histograms",
            Content::Image => "images",
            Content::Audio => "sounds",
            Content::Nothing => return,
        };
        account.skip(skipped);
    }
}

/// Takes in what metadata says of a series: TensorBoard writes it with the first event of a series and need not repeat it.
fn describe(local: &mut Local, metadata: &[u8], sink: &mut dyn Sink) {
    if let (b"hparams", content) = event::plugin(metadata) {
        event::hyperparameters(content, &mut |name, value| sink.setting(name, value));
    }
    match (Kind::of_metadata(metadata), &local.kind) {
        (Kind::Unknown, _) => {}
        // The names are kept where they are the same, so that whoever compares pointers sees no change.
        (Kind::Vectors(new), Kind::Vectors(old)) if new == *old => {}
        (kind, _) => local.kind = kind,
    }
}

//! Equal rows in bounded memory: hashes go to partitions by their first bits, and partitions that grow are spilled to
//! temporary files. Each partition is then sorted on its own.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use stetho_core::table::{Duplicates, Overlap, Part, RowGroup, RowId};

use super::row_hash::NO_LABEL;

/// How many partitions.
const PARTITIONS: usize = 256;
/// Entries a partition holds in memory before it is spilled: 256 × 8,192 × 24 bytes = 48 MiB in all.
const IN_MEMORY: usize = 8_192;
const ENTRY: usize = 24;

/// Hash of the features, hash of the label (or a second one of the features), and the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    first: u64,
    second: u64,
    /// Part in the two top bits, number in the others.
    row: u64,
}

impl Entry {
    fn id(&self) -> RowId {
        let part = match self.row >> 62 {
            0 => Part::Train,
            1 => Part::Validation,
            _ => Part::Test,
        };
        RowId { part, row: self.row & (u64::MAX >> 2) }
    }

    fn part(&self) -> Part {
        self.id().part
    }
}

#[derive(Default)]
struct Partition {
    entries: Vec<Entry>,
    spilled: Option<File>,
}

/// All rows of all parts by their hashes. Shared by the worker threads.
pub(crate) struct Partitions {
    partitions: Vec<Mutex<Partition>>,
    /// Whether the second hash is the label's.
    has_label: bool,
}

impl Partitions {
    /// Empty partitions.
    pub(crate) fn new(has_label: bool) -> Self {
        Self { partitions: (0..PARTITIONS).map(|_| Mutex::default()).collect(), has_label }
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// When a temporary file cannot be written.
    pub(crate) fn add(
        &self,
        part: Part,
        hashes: &[(u64, u64)],
        row: impl Fn(usize) -> u64,
    ) -> io::Result<()> {
        let mut sorted: Vec<(usize, usize)> =
            hashes.iter().enumerate().map(|(i, (first, _))| ((first >> 56) as usize, i)).collect();
        sorted.sort_unstable();
        for group in sorted.chunk_by(|a, b| a.0 == b.0) {
            let mut partition = self.partitions[group[0].0].lock().unwrap_or_else(PoisonError::into_inner);
            partition.entries.extend(group.iter().map(|&(_, i)| {
                let (first, second) = hashes[i];
                Entry { first, second, row: row(i) | ((part as u64) << 62) }
            }));
            if partition.entries.len() > IN_MEMORY {
                partition.spill()?;
            }
        }
        Ok(())
    }

    /// Finds the equal rows. `listed` bounds the lists, not the counts.
    ///
    /// # Errors
    /// When a temporary file cannot be read back.
    pub(crate) fn find(&self, listed: usize) -> io::Result<Equals> {
        let found: Vec<Equals> = self
            .partitions
            .par_iter()
            .map(|partition| {
                let mut entries = partition.lock().unwrap_or_else(PoisonError::into_inner).take()?;
                entries.sort_unstable();
                Ok(self.scan(&entries, listed))
            })
            .collect::<io::Result<_>>()?;
        let mut whole = Equals::default();
        for part in found {
            whole.merge(part, listed);
        }
        Ok(whole)
    }

    fn scan(&self, entries: &[Entry], listed: usize) -> Equals {
        let mut found = Equals::default();
        for same in entries.chunk_by(|a, b| a.first == b.first && (self.has_label || a.second == b.second)) {
            found.n_train += same.iter().filter(|e| e.part() == Part::Train).count() as u64;
            if same.len() == 1 {
                continue;
            }
            for exact in same.chunk_by(|a, b| a.second == b.second) {
                found.duplicates.add(exact.iter().filter(|e| e.part() == Part::Train), listed);
            }
            if self.has_label {
                let labelled = || same.iter().filter(|e| e.part() == Part::Train && e.second != NO_LABEL);
                let mut labels = labelled().map(|e| e.second);
                let first = labels.next();
                if labels.any(|label| Some(label) != first) {
                    found.conflicts.add(labelled(), listed);
                }
            }
            found.add_overlaps(same, self.has_label, listed);
        }
        found.shorten(listed);
        found
    }
}

impl Partition {
    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.spilled {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let mut bytes = Vec::with_capacity(self.entries.len() * ENTRY);
        for entry in self.entries.drain(..) {
            for number in [entry.first, entry.second, entry.row] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        file.write_all(&bytes)
    }

    /// All entries, those in the file included.
    fn take(&mut self) -> io::Result<Vec<Entry>> {
        let mut entries = std::mem::take(&mut self.entries);
        if let Some(mut file) = self.spilled.take() {
            let mut bytes = Vec::new();
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
            let number = |b: &[u8]| b.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
            entries.extend(bytes.chunks_exact(ENTRY).map(|c| Entry {
                first: number(&c[..8]),
                second: number(&c[8..16]),
                row: number(&c[16..]),
            }));
        }
        Ok(entries)
    }
}

/// Equal rows, as found.
#[derive(Default)]
pub(crate) struct Equals {
    /// Rows of the training part.
    pub n_train: u64,
    /// Rows equal in features and label.
    pub duplicates: Groups,
    /// Rows equal in features, with more than one label.
    pub conflicts: Groups,
    /// Validation rows in train, test rows in train, test rows in validation.
    pub overlaps: [Shared; 3],
}

/// Groups of equal rows.
#[derive(Default)]
pub(crate) struct Groups {
    n_groups: u64,
    n_rows: u64,
    n_pairs: f64,
    groups: Vec<RowGroup>,
}

/// Rows of a held-out part that another part has too.
#[derive(Default)]
pub(crate) struct Shared {
    pub n_shared: u64,
    pub n_conflicting: u64,
    pub pairs: Vec<(RowId, RowId)>,
}

impl Groups {
    fn add<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>, listed: usize) {
        let mut rows: Vec<RowId> = entries.map(Entry::id).collect();
        if rows.len() < 2 {
            return;
        }
        let count = rows.len() as u64;
        self.n_groups += 1;
        self.n_rows += count;
        self.n_pairs += count as f64 * (count as f64 - 1.0) / 2.0;
        rows.sort_unstable();
        rows.truncate(listed);
        self.groups.push(RowGroup { count, rows });
        if self.groups.len() >= listed.saturating_mul(2).max(1024) {
            self.shorten(listed);
        }
    }

    fn shorten(&mut self, listed: usize) {
        self.groups.sort_by(|a, b| a.rows.cmp(&b.rows));
        self.groups.truncate(listed);
    }

    fn merge(&mut self, other: Self, listed: usize) {
        self.n_groups += other.n_groups;
        self.n_rows += other.n_rows;
        self.n_pairs += other.n_pairs;
        self.groups.extend(other.groups);
        self.shorten(listed);
    }

    /// The record, given how many rows were compared and Π Σ p² over the compared columns.
    pub(crate) fn finish(self, n_compared: u64, collision: f64) -> Duplicates {
        let n = n_compared as f64;
        Duplicates {
            n_compared,
            n_groups: self.n_groups,
            n_rows: self.n_rows,
            groups: self.groups,
            pairs_by_chance: n * (n - 1.0).max(0.0) / 2.0 * collision,
            n_pairs: self.n_pairs,
        }
    }
}

/// The pairs of parts whose overlap is told: held-out part, and the part it should not share rows with.
pub(crate) const OVERLAPS: [(Part, Part); 3] =
    [(Part::Validation, Part::Train), (Part::Test, Part::Train), (Part::Test, Part::Validation)];

impl Equals {
    fn add_overlaps(&mut self, same: &[Entry], has_label: bool, listed: usize) {
        for (shared, (part, with)) in self.overlaps.iter_mut().zip(OVERLAPS) {
            let Some(twin) = same.iter().filter(|e| e.part() == with).min_by_key(|e| e.row) else { continue };
            let labels: BTreeSet<u64> =
                same.iter().filter(|e| e.part() == with && e.second != NO_LABEL).map(|e| e.second).collect();
            let has_label = has_label && !labels.is_empty();
            for entry in same.iter().filter(|e| e.part() == part) {
                shared.n_shared += 1;
                if has_label && entry.second != NO_LABEL && !labels.contains(&entry.second) {
                    shared.n_conflicting += 1;
                }
                shared.pairs.push((entry.id(), twin.id()));
            }
            if shared.pairs.len() >= listed.saturating_mul(2).max(1024) {
                shared.shorten(listed);
            }
        }
    }

    fn shorten(&mut self, listed: usize) {
        self.duplicates.shorten(listed);
        self.conflicts.shorten(listed);
        self.overlaps.iter_mut().for_each(|o| o.shorten(listed));
    }

    fn merge(&mut self, other: Self, listed: usize) {
        self.n_train += other.n_train;
        self.duplicates.merge(other.duplicates, listed);
        self.conflicts.merge(other.conflicts, listed);
        for (ours, theirs) in self.overlaps.iter_mut().zip(other.overlaps) {
            ours.n_shared += theirs.n_shared;
            ours.n_conflicting += theirs.n_conflicting;
            ours.pairs.extend(theirs.pairs);
            ours.shorten(listed);
        }
    }
}

impl Shared {
    fn shorten(&mut self, listed: usize) {
        self.pairs.sort_unstable();
        self.pairs.truncate(listed);
    }

    /// The record; `n_rows` and `n_with` are the sizes of the parts, `collision` is Π Σ p² over the compared columns.
    pub(crate) fn finish(self, parts: (Part, Part), n_rows: u64, n_with: u64, collision: f64) -> Overlap {
        let met_by_chance = 1.0 - (-(n_with as f64) * collision).exp();
        Overlap {
            part: parts.0,
            with: parts.1,
            n_shared: self.n_shared,
            n_conflicting: self.n_conflicting,
            n_rows,
            by_chance: n_rows as f64 * met_by_chance,
            pairs: self.pairs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::counter::mix;
    use super::*;

    fn rows(part: Part, hashes: &[(u64, u64)], into: &Partitions) {
        let mixed: Vec<_> = hashes.iter().map(|(f, l)| (mix(*f), *l)).collect();
        into.add(part, &mixed, |i| i as u64).unwrap();
    }

    fn train(rows: &[u64]) -> Vec<RowId> {
        rows.iter().map(|&row| RowId { part: Part::Train, row }).collect()
    }

    #[test]
    fn duplicates_conflicts_and_overlaps_are_told_apart() {
        let partitions = Partitions::new(true);
        rows(Part::Train, &[(1, 1), (2, 1), (1, 1), (2, 5), (3, NO_LABEL), (3, 1)], &partitions);
        rows(Part::Validation, &[(9, 1), (2, 7), (1, 1)], &partitions);
        let found = partitions.find(100).unwrap();
        let duplicates = found.duplicates.finish(found.n_train, 0.0);
        assert_eq!((duplicates.n_compared, duplicates.n_groups, duplicates.n_rows), (6, 1, 2));
        assert_eq!(duplicates.groups, [RowGroup { count: 2, rows: train(&[0, 2]) }]);
        let conflicts = found.conflicts.finish(6, 0.0);
        assert_eq!(conflicts.groups, [RowGroup { count: 2, rows: train(&[1, 3]) }]);
        let [validation, ..] = found.overlaps;
        assert_eq!((validation.n_shared, validation.n_conflicting), (2, 1));
        assert_eq!(validation.pairs[0], (RowId { part: Part::Validation, row: 1 }, train(&[1])[0]));
    }

    #[test]
    fn spilled_partitions_find_the_same() {
        let partitions = Partitions::new(false);
        let hashes: Vec<_> = (0..3_000_000u64).map(|i| (i % 2_999_990, 0)).collect();
        for (batch, chunk) in hashes.chunks(100_000).enumerate() {
            let mixed: Vec<_> = chunk.iter().map(|(f, l)| (mix(*f), *l)).collect();
            partitions.add(Part::Train, &mixed, |i| (batch * 100_000 + i) as u64).unwrap();
        }
        assert!(partitions.partitions.iter().any(|p| p.lock().unwrap().spilled.is_some()));
        let found = partitions.find(5).unwrap();
        assert_eq!(found.duplicates.n_groups, 10);
        assert_eq!(found.duplicates.groups.len(), 5);
        assert_eq!(found.duplicates.groups[0].rows, train(&[0, 2_999_990]));
    }
}

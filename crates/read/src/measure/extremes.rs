//! The smallest and largest values of a column with their rows.

use stetho_core::table::{Extreme, Part, RowId};

/// How many are kept at either end.
const KEPT: usize = 20;

/// The `KEPT` smallest of what was offered; ties go to the earlier row. Negate values for the largest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Smallest {
    /// Ascending by value, then row.
    kept: Vec<(f64, u64)>,
    /// The largest of the kept, once there are `KEPT`.
    worst: f64,
}

impl Smallest {
    /// Offers a finite value.
    #[inline]
    pub(crate) fn offer(&mut self, value: f64, row: impl Fn() -> u64) {
        if self.kept.len() < KEPT || value <= self.worst {
            self.insert(value, row());
        }
    }

    fn insert(&mut self, value: f64, row: u64) {
        let at = self.kept.partition_point(|(v, r)| v.total_cmp(&value).then(r.cmp(&row)).is_lt());
        if at < KEPT {
            self.kept.insert(at, (value, row));
            self.kept.truncate(KEPT);
            self.worst = self.kept.last().map_or(0.0, |last| last.0);
        }
    }

    /// Joins two.
    pub(crate) fn merge(&mut self, other: &Self) {
        for &(value, row) in &other.kept {
            self.insert(value, row);
        }
    }

    /// The kept values, multiplied by `sign`.
    pub(crate) fn finish(&self, part: Part, sign: f64) -> Vec<Extreme> {
        self.kept
            .iter()
            .map(|&(value, row)| Extreme { value: value * sign, row: RowId { part, row } })
            .collect()
    }
}

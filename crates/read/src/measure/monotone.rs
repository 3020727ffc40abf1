//! Whether a column rises or falls with every row.

/// A run of consecutive rows.
#[derive(Clone, Debug)]
struct Run<T> {
    first_row: u64,
    /// One past the last row.
    end_row: u64,
    first: T,
    last: T,
    rises: bool,
    falls: bool,
}

/// Strict monotonicity over all rows, from runs that may arrive in any order.
#[derive(Clone, Debug)]
pub(crate) struct Monotone<T> {
    runs: Vec<Run<T>>,
    /// A null, or runs that neither rise nor fall: nothing more to learn.
    is_broken: bool,
}

impl<T> Default for Monotone<T> {
    fn default() -> Self {
        Self { runs: Vec::new(), is_broken: false }
    }
}

impl<T: PartialOrd + Clone> Monotone<T> {
    /// Takes the rows `first_row..` in; `None` is a null.
    pub(crate) fn observe<S: PartialOrd + Copy>(
        &mut self,
        first_row: u64,
        mut values: impl Iterator<Item = Option<S>>,
        keep: impl Fn(S) -> T,
    ) {
        if self.is_broken {
            return;
        }
        let Some(first) = values.next() else { return };
        let Some(first) = first else { return self.give_up() };
        let (mut last, mut end_row) = (first, first_row + 1);
        let (mut rises, mut falls) = (true, true);
        for value in values {
            let Some(value) = value else { return self.give_up() };
            rises &= value > last;
            falls &= value < last;
            if !rises && !falls {
                return self.give_up();
            }
            last = value;
            end_row += 1;
        }
        self.runs.push(Run { first_row, end_row, first: keep(first), last: keep(last), rises, falls });
    }

    /// Declares the column neither rising nor falling.
    pub(crate) fn give_up(&mut self) {
        self.is_broken = true;
        self.runs = Vec::new();
    }

    /// Joins two.
    pub(crate) fn merge(&mut self, other: Self) {
        self.is_broken |= other.is_broken;
        self.runs.extend(other.runs);
        if self.is_broken {
            self.give_up();
        }
    }

    /// `Some(true)` if each value is above the one before, `Some(false)` if below, over at least three rows.
    pub(crate) fn finish(mut self) -> Option<bool> {
        self.runs.sort_by_key(|run| run.first_row);
        let n_rows: u64 = self.runs.iter().map(|run| run.end_row - run.first_row).sum();
        if self.is_broken || n_rows < 3 {
            return None;
        }
        let long = || self.runs.iter().filter(|run| run.end_row - run.first_row > 1);
        let joins = |rising: bool| {
            self.runs.windows(2).all(|w| if rising { w[1].first > w[0].last } else { w[1].first < w[0].last })
        };
        if long().all(|run| run.rises) && joins(true) {
            Some(true)
        } else if long().all(|run| run.falls) && joins(false) {
            Some(false)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(runs: &[(u64, &[i32])]) -> Option<bool> {
        let mut whole = Monotone::default();
        for (first, values) in runs {
            let mut part = Monotone::default();
            part.observe(*first, values.iter().map(|v| Some(*v)), |v| v);
            whole.merge(part);
        }
        whole.finish()
    }

    #[test]
    fn runs_join_in_any_order() {
        assert_eq!(judge(&[(2, &[3, 4]), (0, &[1, 2])]), Some(true));
        assert_eq!(judge(&[(2, &[2, 1]), (0, &[9, 8])]), Some(false));
        assert_eq!(judge(&[(2, &[2, 3]), (0, &[1, 2])]), None);
        assert_eq!(judge(&[(0, &[1, 2])]), None);
        assert_eq!(judge(&[(0, &[1]), (1, &[2]), (2, &[3])]), Some(true));
        assert_eq!(judge(&[(0, &[1, 3, 2, 4])]), None);
    }
}

//! What rules on unequal classes share, whatever it is that the classes hold.

use stetho_core::{Evidence, Human, thousands};

/// Rarer classes count as having this many members, so that in small sets chance alone is not called imbalance.
const LEAST_COUNT: u64 = 3;

/// How many classes the evidence shows.
const SHOWN: usize = 20;

/// Classes with their counts, most frequent first.
#[derive(Clone, Copy)]
pub(crate) struct Balance<'a> {
    /// Name and count of each class.
    pub classes: &'a [(String, u64)],
    /// What is counted, in the plural: `rows`, `pictures`.
    pub noun: &'static str,
}

impl Balance<'_> {
    /// Members of all classes.
    pub(crate) fn total(self) -> u64 {
        self.classes.iter().map(|c| c.1).sum()
    }

    /// How many times as frequent as the rarest class the most frequent one is, where that is `limit` or more.
    pub(crate) fn beyond(self, limit: f64) -> Option<f64> {
        let [most, .., rarest] = self.classes else { return None };
        let is_beyond = most.1 as f64 >= limit * rarest.1.max(LEAST_COUNT) as f64;
        is_beyond.then(|| most.1 as f64 / rarest.1.max(1) as f64)
    }

    /// The classes to show: all, or the most frequent and the rarest.
    fn shown(self) -> impl Iterator<Item = (String, u64)> {
        let n = self.classes.len();
        let is_shown = move |i: &usize| n <= SHOWN || *i < SHOWN / 2 || *i >= n - SHOWN / 2;
        let shown: Vec<usize> = (0..n).filter(is_shown).collect();
        shown.into_iter().filter_map(|i| self.classes.get(i).cloned()).collect::<Vec<_>>().into_iter()
    }

    /// Shares of the classes as bars.
    pub(crate) fn shares(self) -> Evidence {
        let n = self.total().max(1) as f64;
        Evidence::bars(format!("share of {}", self.noun), self.shown().map(|(c, k)| (c, k as f64 / n)))
    }

    /// What each class would need: its weight in the loss, and how much up- or down-sampling leaves it.
    pub(crate) fn plan(self) -> Evidence {
        let n = self.total();
        let n_classes = self.classes.len() as f64;
        let most = self.classes.first().map_or(0, |c| c.1);
        let least = self.classes.last().map_or(0, |c| c.1);
        let each = self.noun.strip_suffix('s').unwrap_or(self.noun);
        let rows = self.shown().map(|(class, count)| {
            let weight = n as f64 / (n_classes * count.max(1) as f64);
            let times = most as f64 / count.max(1) as f64;
            [
                class,
                thousands(count),
                Human(weight).to_string(),
                format!("{} (each {each} × {})", thousands(most), Human(times)),
                thousands(least),
            ]
        });
        let (up, down) = (format!("{}, up-sampled", self.noun), format!("{}, down-sampled", self.noun));
        let columns = ["class", self.noun, "weight in the loss", &up, &down];
        Evidence::table("a plan for balance", columns, rows)
    }
}

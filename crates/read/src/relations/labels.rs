//! The target's classes in sampled rows.

use std::collections::HashMap;

use stetho_core::table::Target;

use crate::SampleColumn;

/// The class of each row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Labels {
    /// Index into the target's classes, a row; `None` where there is no label.
    pub codes: Vec<Option<u32>>,
    /// How many classes there are: those of the target, and after them any others that the rows have.
    pub n_classes: usize,
}

impl Labels {
    /// Of the target's column. Numbers are matched to the names of classes by value, booleans also by word.
    pub(super) fn of(column: &SampleColumn, target: &Target) -> Self {
        let names = target.classes.iter().map(|(name, _)| name.as_str());
        match column {
            SampleColumn::Numbers(values) => {
                let known = names.enumerate().filter_map(|(code, name)| Some((key(number(name)?), code)));
                let keys = values.iter().map(|v| (!v.is_nan()).then(|| key(*v)));
                Self::coded(known, keys, target.classes.len())
            }
            SampleColumn::Categories { codes, names: texts } => {
                let keys = codes.iter().map(|c| texts.get(c.as_ref().copied()? as usize).map(String::as_str));
                Self::coded(names.enumerate().map(|(code, name)| (name, code)), keys, target.classes.len())
            }
            SampleColumn::Absent => Self::default(),
        }
    }

    fn coded<K: Eq + std::hash::Hash>(
        known: impl Iterator<Item = (K, usize)>,
        keys: impl Iterator<Item = Option<K>>,
        n_known: usize,
    ) -> Self {
        let mut index: HashMap<K, usize> = known.collect();
        let mut n_classes = n_known;
        let mut code = |key: K| {
            *index.entry(key).or_insert_with(|| {
                n_classes += 1;
                n_classes - 1
            }) as u32
        };
        let codes = keys.map(|key| key.map(&mut code)).collect();
        Self { codes, n_classes }
    }

    /// Rows of each class.
    pub(super) fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.n_classes];
        for code in self.codes.iter().flatten() {
            counts[*code as usize] += 1;
        }
        counts
    }
}

fn number(name: &str) -> Option<f64> {
    match name {
        "true" => Some(1.0),
        "false" => Some(0.0),
        _ => name.parse().ok(),
    }
}

/// Equal for equal numbers.
fn key(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{classes, numbers, texts};
    use super::*;

    #[test]
    fn classes_come_in_the_targets_order() {
        let labels = Labels::of(&numbers([0.0, 1.0, f64::NAN, -0.0, 7.0]), &classes(0, &["1", "0"]));
        assert_eq!(labels.codes, [Some(1), Some(0), None, Some(1), Some(2)]);
        assert_eq!(labels.counts(), [1, 2, 1]);
        let labels = Labels::of(&numbers([0.0, 1.0]), &classes(0, &["true", "false"]));
        assert_eq!(labels.codes, [Some(1), Some(0)]);
        let labels = Labels::of(&texts(["cat", "dog", "", "eel"]), &classes(0, &["dog", "cat"]));
        assert_eq!(labels.codes, [Some(1), Some(0), None, Some(2)]);
        assert_eq!(labels.n_classes, 3);
        assert_eq!(Labels::of(&SampleColumn::Absent, &classes(0, &["a"])), Labels::default());
    }
}

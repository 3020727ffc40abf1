//! Splitting into parts: stratified by the target, rows that belong together on one side.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use stetho_core::table::{Part, Task};
use stetho_core::{count_of, thousands};

use super::cells::{normal, number};
use super::{Sheet, Work};
use crate::{PrepareError, Ratios};
use stetho_core::Random;

/// Bins of a target that is a quantity.
const BINS: usize = 10;

/// Rows that stay together, and how many of each stratum they are.
struct Unit {
    rows: Vec<usize>,
    strata: BTreeMap<usize, usize>,
}

impl Work<'_> {
    /// Divides the one sheet there is.
    pub(super) fn split(&mut self, ratios: &Ratios) -> Result<(), PrepareError> {
        let Some(whole) = self.book.sheets.first() else { return Ok(()) };
        let (strata, what) = self.strata(whole);
        let groups = self.together(whole)?;
        let units = units(&groups, &strata);
        let n_together = units.iter().filter(|u| u.rows.len() > 1).map(|u| u.rows.len()).sum::<usize>();
        let parts = ratios.parts();
        let mut random = Random::of_purpose(self.request.seed, "split");
        let assigned = assign(units, &parts, &strata, &mut random);
        if let Some((part, _)) = parts.iter().zip(&assigned).find(|(_, rows)| rows.is_empty()).map(|(p, _)| p)
        {
            return PrepareError::request(format!(
                "--split: no row is left for the {} data: {} in {} that stay together are too few",
                part.name(),
                count_of(whole.n_rows() as u64, "row"),
                count_of(groups.iter().collect::<std::collections::BTreeSet<_>>().len() as u64, "group"),
            ));
        }
        let sizes: Vec<String> = assigned.iter().map(|rows| thousands(rows.len() as u64)).collect();
        let sheets = parts.iter().zip(&assigned).map(|((part, _), rows)| whole.pick(*part, rows)).collect();
        self.book.sheets = sheets;
        let by = match &self.request.group {
            Some(name) => format!(", rows of one `{name}` and equal rows on one side"),
            None if n_together > 0 => ", equal rows on one side".to_owned(),
            None => String::new(),
        };
        self.receipt.tell("split", format!("{} rows, {what}{by}", sizes.join(" / ")));
        Ok(())
    }

    /// The stratum of each row: its class, or the tenth of the target's range by rank; and what that is in words.
    fn strata(&self, sheet: &Sheet) -> (Vec<usize>, String) {
        let column =
            self.target.as_ref().and_then(|name| self.book.fields.iter().position(|f| f.name == *name));
        let n = sheet.n_rows();
        match (column, self.task, &self.target) {
            (Some(column), Some(Task::Classification), Some(name)) => {
                let mut known: HashMap<String, usize> = HashMap::new();
                let mut one = |row| {
                    let next = known.len();
                    *known.entry(normal(sheet.get(column, row))).or_insert(next)
                };
                ((0..n).map(&mut one).collect(), format!("stratified by `{name}`"))
            }
            (Some(column), Some(Task::Regression), Some(name)) => {
                let value = |row: &usize| number(sheet.get(column, *row)).unwrap_or(f64::NAN);
                let mut order: Vec<usize> = (0..n).collect();
                order.sort_by(|a, b| value(a).total_cmp(&value(b)));
                let mut strata = vec![0; n];
                for (rank, row) in order.into_iter().enumerate() {
                    if let Some(stratum) = strata.get_mut(row) {
                        *stratum = rank * BINS / n.max(1);
                    }
                }
                (strata, format!("stratified by tenths of `{name}`"))
            }
            _ => (vec![0; n], "at random, as no target is known".to_owned()),
        }
    }

    /// A number for each row, the same for rows that belong together: of one group, or with equal features.
    fn together(&self, sheet: &Sheet) -> Result<Vec<usize>, PrepareError> {
        let mut parents: Vec<usize> = (0..sheet.n_rows()).collect();
        let features = self.features();
        let mut first_of: HashMap<(u64, u64), usize> = HashMap::new();
        for row in 0..sheet.n_rows() {
            let first = *first_of.entry(key(sheet, &features, row)).or_insert(row);
            join(&mut parents, first, row);
        }
        if let Some(name) = &self.request.group {
            let column = self.book.column(name, "--group")?;
            let mut first_of: HashMap<String, usize> = HashMap::new();
            for row in (0..sheet.n_rows()).filter(|row| sheet.get(column, *row).is_some()) {
                let first = *first_of.entry(normal(sheet.get(column, row))).or_insert(row);
                join(&mut parents, first, row);
            }
        }
        Ok((0..sheet.n_rows()).map(|row| root(&mut parents, row)).collect())
    }
}

/// Two hashes of a row's features, written alike. Without features each row is alone.
fn key(sheet: &Sheet, features: &[usize], row: usize) -> (u64, u64) {
    if features.is_empty() {
        return (row as u64, u64::MAX);
    }
    let (mut a, mut b) = (DefaultHasher::new(), DefaultHasher::new());
    1_u8.hash(&mut b);
    for column in features {
        let text = normal(sheet.get(*column, row));
        text.hash(&mut a);
        text.hash(&mut b);
    }
    (a.finish(), b.finish())
}

pub(crate) fn root(parents: &mut [usize], mut at: usize) -> usize {
    while let Some(parent) = parents.get(at).copied().filter(|parent| *parent != at) {
        let above = parents.get(parent).copied().unwrap_or(parent);
        if let Some(slot) = parents.get_mut(at) {
            *slot = above;
        }
        at = parent;
    }
    at
}

pub(crate) fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    if let Some(slot) = parents.get_mut(a.max(b)) {
        *slot = a.min(b);
    }
}

fn units(groups: &[usize], strata: &[usize]) -> Vec<Unit> {
    let mut units: BTreeMap<usize, Unit> = BTreeMap::new();
    for (row, (group, stratum)) in groups.iter().zip(strata).enumerate() {
        let unit = units.entry(*group).or_insert_with(|| Unit { rows: Vec::new(), strata: BTreeMap::new() });
        unit.rows.push(row);
        *unit.strata.entry(*stratum).or_default() += 1;
    }
    units.into_values().collect()
}

/// Divides things that belong together (`groups`) among parts, so that each stratum is shared as asked.
pub(crate) fn divide(
    groups: &[usize],
    strata: &[usize],
    ratios: &Ratios,
    random: &mut Random,
) -> Vec<Vec<usize>> {
    assign(units(groups, strata), &ratios.parts(), strata, random)
}

/// Gives each unit, largest first and else in random order, to the part that lacks most of its strata; the rows of each
/// part, ascending.
fn assign(
    mut units: Vec<Unit>,
    parts: &[(Part, f64)],
    strata: &[usize],
    random: &mut Random,
) -> Vec<Vec<usize>> {
    random.shuffle(&mut units);
    units.sort_by_key(|unit| std::cmp::Reverse(unit.rows.len()));
    let mut totals: BTreeMap<usize, f64> = BTreeMap::new();
    for stratum in strata {
        *totals.entry(*stratum).or_default() += 1.0;
    }
    let mut lacks: Vec<BTreeMap<usize, f64>> =
        parts.iter().map(|(_, share)| totals.iter().map(|(s, n)| (*s, n * share)).collect()).collect();
    let mut assigned: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    for unit in units {
        let need = |lack: &BTreeMap<usize, f64>| -> f64 {
            unit.strata.iter().map(|(s, n)| *n as f64 * lack.get(s).copied().unwrap_or(0.0)).sum()
        };
        let mut best = 0;
        for at in 1..lacks.len() {
            if lacks.get(at).map(need) > lacks.get(best).map(need) {
                best = at;
            }
        }
        if let (Some(lack), Some(rows)) = (lacks.get_mut(best), assigned.get_mut(best)) {
            for (stratum, n) in &unit.strata {
                *lack.entry(*stratum).or_default() -= *n as f64;
            }
            rows.extend(unit.rows);
        }
    }
    assigned.iter_mut().for_each(|rows| rows.sort_unstable());
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratios() -> Ratios {
        "0.8/0.1/0.1".parse().unwrap()
    }

    #[test]
    fn every_stratum_is_shared_as_asked() {
        let strata: Vec<usize> = (0..1000).map(|i| usize::from(i % 5 == 0)).collect();
        let groups: Vec<usize> = (0..1000).collect();
        let parts = divide(&groups, &strata, &ratios(), &mut Random::of_purpose(1, "split"));
        let count = |part: &[usize], stratum| part.iter().filter(|i| strata[**i] == stratum).count();
        assert_eq!(parts.iter().map(|p| count(p, 0)).collect::<Vec<_>>(), [640, 80, 80]);
        assert_eq!(parts.iter().map(|p| count(p, 1)).collect::<Vec<_>>(), [160, 20, 20]);
        let other = divide(&groups, &strata, &ratios(), &mut Random::of_purpose(2, "split"));
        assert_ne!(parts, other);
        assert_eq!(parts, divide(&groups, &strata, &ratios(), &mut Random::of_purpose(1, "split")));
    }

    #[test]
    fn groups_stay_whole() {
        let groups: Vec<usize> = (0..600).map(|i| i % 40).collect();
        let strata: Vec<usize> = (0..600).map(|i| usize::from(i % 3 == 0)).collect();
        let parts = divide(&groups, &strata, &ratios(), &mut Random::of_purpose(1, "split"));
        for group in 0..40 {
            let holding = parts.iter().filter(|p| p.iter().any(|i| groups[*i] == group)).count();
            assert_eq!(holding, 1, "{group}");
        }
        assert!(parts[0].len() > 440 && parts[0].len() < 520, "{}", parts[0].len());
    }

    #[test]
    fn what_is_joined_has_one_root() {
        let mut parents: Vec<usize> = (0..5).collect();
        join(&mut parents, 3, 4);
        join(&mut parents, 1, 3);
        assert_eq!((0..5).map(|i| root(&mut parents, i)).collect::<Vec<_>>(), [0, 1, 2, 1, 1]);
    }
}

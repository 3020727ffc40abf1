//! Groups of the `--group` column.

use std::collections::HashMap;

use stetho_core::table::{Group, Groups, Measured, Target, Task};

use super::labels::Labels;
use super::random::Random;
use super::statistics::{Dependence, standardised};
use crate::{Sample, SampleColumn};

const N_PERMUTATIONS: usize = 499;
/// Groups kept.
const KEPT: usize = 100;

/// Sizes of the groups of column `group`, the target's distribution in each, and whether the two depend.
///
/// Sizes are those in the sample, scaled to the whole part. The p-value is that of chi-squared, or of the share of
/// variance between groups (a one-way F), under 499 permutations of the target. The strength is free of the bias that
/// many small groups give: Cramér's V after Bergsma 2013; η with ε² of Kelley 1935 for η². Without a target, p is 1
/// and the strength 0.
pub(crate) fn groups(sample: &Sample, group: usize, target: Option<&Target>) -> Measured<Groups> {
    let Some(column) = sample.columns.get(group) else { return Measured::Not("no group column".into()) };
    let Some((codes, names)) = named(column) else {
        return Measured::Not("the group column holds nested values".into());
    };
    if names.is_empty() {
        return Measured::Not("the group column has no values".into());
    }
    let outcome = match target.filter(|t| t.column != group) {
        Some(target) => Outcome::of(sample, target),
        None => Outcome::None,
    };
    let mut groups: Vec<Group> = names
        .into_iter()
        .map(|name| Group { name, n_rows: 0, class_shares: Vec::new(), target_mean: 0.0 })
        .collect();
    codes.iter().flatten().for_each(|c| groups[*c as usize].n_rows += 1);
    outcome.describe(&codes, &mut groups);
    let (p_value, strength) = outcome.dependence(&codes, groups.len());
    let whole = sample.n_total as f64 / sample.rows.len().max(1) as f64;
    groups.iter_mut().for_each(|g| g.n_rows = (g.n_rows as f64 * whole).round() as u64);
    groups.sort_by(|a, b| b.n_rows.cmp(&a.n_rows).then_with(|| a.name.cmp(&b.name)));
    groups.truncate(KEPT);
    Measured::Is(Groups { column: group, groups, p_value, strength })
}

/// Codes and names of a column's values; those of numbers as Rust prints them.
fn named(column: &SampleColumn) -> Option<(Vec<Option<u32>>, Vec<String>)> {
    match column {
        SampleColumn::Categories { codes, names } => Some((codes.clone(), names.clone())),
        SampleColumn::Numbers(values) => {
            let mut names = Vec::new();
            let mut index = HashMap::new();
            let mut code = |value: f64| {
                *index.entry(value.to_bits()).or_insert_with(|| {
                    names.push(value.to_string());
                    names.len() as u32 - 1
                })
            };
            // Adding zero makes −0 and 0 alike.
            let codes = values.iter().map(|v| (!v.is_nan()).then(|| code(v + 0.0))).collect();
            Some((codes, names))
        }
        SampleColumn::Absent => None,
    }
}

/// The target in the sampled rows.
enum Outcome {
    None,
    /// Classes, and how many of them the target names.
    Classes(Labels, usize),
    /// As they are, and standardised.
    Numbers(Vec<f64>, Vec<f64>),
}

impl Outcome {
    fn of(sample: &Sample, target: &Target) -> Self {
        match (sample.columns.get(target.column), target.task) {
            (Some(column), Task::Classification) => {
                Self::Classes(Labels::of(column, target), target.classes.len())
            }
            (Some(SampleColumn::Numbers(values)), Task::Regression) => {
                Self::Numbers(values.clone(), standardised(values).unwrap_or_default())
            }
            _ => Self::None,
        }
    }

    fn describe(&self, codes: &[Option<u32>], groups: &mut [Group]) {
        match self {
            Self::None => {}
            Self::Classes(labels, n_named) => {
                let mut labelled = vec![0.0; groups.len()];
                groups.iter_mut().for_each(|g| g.class_shares = vec![0.0; *n_named]);
                for (code, class) in pairs(codes, &labels.codes) {
                    labelled[code] += 1.0;
                    if let Some(share) = groups[code].class_shares.get_mut(class) {
                        *share += 1.0;
                    }
                }
                for (group, n) in groups.iter_mut().zip(labelled) {
                    group.class_shares.iter_mut().for_each(|s| *s /= f64::max(n, 1.0));
                }
            }
            Self::Numbers(values, _) => {
                let mut labelled = vec![0.0_f64; groups.len()];
                let present = || codes.iter().zip(values).filter(|(_, v)| !v.is_nan());
                let each = || present().filter_map(|(c, v)| Some(((*c)? as usize, *v)));
                each().for_each(|(code, _)| labelled[code] += 1.0);
                // Divided before they are summed, so that nothing overflows.
                each().for_each(|(code, value)| groups[code].target_mean += value / labelled[code]);
            }
        }
    }

    /// p-value and strength.
    fn dependence(&self, codes: &[Option<u32>], n_groups: usize) -> (f64, f64) {
        match self {
            Self::None => (1.0, 0.0),
            Self::Classes(labels, _) => {
                let (groups, classes): (Vec<usize>, Vec<usize>) = pairs(codes, &labels.codes).unzip();
                of_classes(&groups, classes, n_groups, labels.n_classes)
            }
            Self::Numbers(_, values) => {
                let labelled = codes.iter().zip(values).filter(|(_, v)| !v.is_nan());
                let (groups, values): (Vec<usize>, Vec<f64>) =
                    labelled.filter_map(|(c, v)| Some(((*c)? as usize, *v))).unzip();
                of_numbers(&groups, values, n_groups)
            }
        }
    }
}

/// Group and class of the rows that have both.
fn pairs<'a>(
    groups: &'a [Option<u32>],
    classes: &'a [Option<u32>],
) -> impl Iterator<Item = (usize, usize)> + 'a {
    groups.iter().zip(classes).filter_map(|(g, c)| Some(((*g)? as usize, (*c)? as usize)))
}

/// Share of shuffles of `items` of which `statistic` is as large as of the given order.
fn permutation_p<T>(mut items: Vec<T>, mut statistic: impl FnMut(&[T]) -> f64) -> f64 {
    let seen = statistic(&items);
    let mut random = Random::new(0);
    let mut as_large = 0;
    for _ in 0..N_PERMUTATIONS {
        random.shuffle(&mut items);
        // Sums of one set in another order differ by roundings.
        as_large += usize::from(statistic(&items) >= seen * (1.0 - 1e-12));
    }
    (as_large + 1) as f64 / (N_PERMUTATIONS + 1) as f64
}

fn of_classes(groups: &[usize], classes: Vec<usize>, n_groups: usize, n_classes: usize) -> (f64, f64) {
    let mut table = vec![0_u32; n_groups * n_classes];
    let (mut of_group, mut of_class) = (vec![0.0; n_groups], vec![0.0; n_classes]);
    for (&group, &class) in groups.iter().zip(&classes) {
        table[group * n_classes + class] += 1;
        of_group[group] += 1.0;
        of_class[class] += 1.0;
    }
    let Some(dependence) = Dependence::of(&table, n_classes) else { return (1.0, 0.0) };
    // χ²/n + 1 = Σ count² / (row sum · column sum), built up one row at a time: a cell that goes from c to c + 1
    // adds 2c + 1.
    let mut statistic = |classes: &[usize]| {
        table.fill(0);
        let mut sum = 0.0;
        for (&group, &class) in groups.iter().zip(classes) {
            let count = &mut table[group * n_classes + class];
            sum += (2.0 * f64::from(*count) + 1.0) / (of_group[group] * of_class[class]);
            *count += 1;
        }
        sum
    };
    (permutation_p(classes, &mut statistic), dependence.cramers_v)
}

fn of_numbers(groups: &[usize], values: Vec<f64>, n_groups: usize) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n.max(1.0);
    let centred: Vec<f64> = values.into_iter().map(|v| v - mean).collect();
    let total: f64 = centred.iter().map(|v| v * v).sum();
    let mut sizes = vec![0.0_f64; n_groups];
    groups.iter().for_each(|g| sizes[*g] += 1.0);
    let n_filled = sizes.iter().filter(|s| **s > 0.0).count() as f64;
    if n_filled < 2.0 || n <= n_filled || total <= 0.0 {
        return (1.0, 0.0);
    }
    let mut sums = vec![0.0_f64; n_groups];
    let mut between = |values: &[f64]| {
        sums.fill(0.0);
        groups.iter().zip(values).for_each(|(group, value)| sums[*group] += value);
        sums.iter().zip(&sizes).map(|(sum, size)| sum * sum / f64::max(*size, 1.0)).sum::<f64>()
    };
    let within = (1.0 - between(&centred) / total).max(0.0);
    let epsilon_squared = 1.0 - within * (n - 1.0) / (n - n_filled);
    (permutation_p(centred, &mut between), epsilon_squared.clamp(0.0, 1.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{classes, normals, numbers, regression, sample, texts};
    use super::*;

    fn measured(columns: Vec<SampleColumn>, group: usize, target: Option<&Target>) -> Groups {
        match groups(&sample(columns), group, target) {
            Measured::Is(found) => found,
            Measured::Not(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn sizes_and_shares() {
        let found = measured(
            vec![texts(["x", "x", "y", "x", "", "y"]), numbers([1.0, 0.0, 1.0, f64::NAN, 1.0, 1.0])],
            0,
            Some(&classes(1, &["1", "0"])),
        );
        let rows: Vec<(&str, u64)> = found.groups.iter().map(|g| (g.name.as_str(), g.n_rows)).collect();
        assert_eq!(rows, [("x", 3), ("y", 2)]);
        assert_eq!(found.groups[0].class_shares, [0.5, 0.5]);
        assert_eq!(found.groups[1].class_shares, [1.0, 0.0]);
    }

    #[test]
    fn sizes_are_scaled_to_the_whole() {
        let mut part = sample(vec![numbers([1.0, 2.0, 1.0, 1.0])]);
        part.n_total = 400;
        let found = groups(&part, 0, None);
        let sizes: Vec<(&str, u64)> =
            found.get().unwrap().groups.iter().map(|g| (g.name.as_str(), g.n_rows)).collect();
        assert_eq!(sizes, [("1", 300), ("2", 100)]);
    }

    #[test]
    fn dependence_is_told_from_chance() {
        let x = normals(600, 1);
        let site = || texts((0..600).map(|i| ["a", "b", "c"][i % 3]));
        let biased = (0..600).map(|i| f64::from(u8::from(x[i] > [0.0, 0.7, -0.7][i % 3])));
        let fair = x.iter().map(|v| f64::from(u8::from(*v > 0.0)));
        let target = classes(1, &["1", "0"]);
        let found = measured(vec![site(), numbers(biased)], 0, Some(&target));
        assert!(found.p_value < 0.003 && (0.2..0.8).contains(&found.strength), "{found:?}");
        let found = measured(vec![site(), numbers(fair)], 0, Some(&target));
        assert!(found.p_value > 0.05 && found.strength < 0.1, "{found:?}");
        let shifted = (0..600).map(|i| 1e9 + x[i] + [0.0, 1.0, 2.0][i % 3]);
        let found = measured(vec![site(), numbers(shifted)], 0, Some(&regression(1)));
        // Variance between over total: (2/3) / (2/3 + 1) = 0.4.
        assert!(found.p_value < 0.003 && (found.strength - 0.4_f64.sqrt()).abs() < 0.06, "{found:?}");
        assert!((found.groups[0].target_mean - 1e9).abs() < 0.3);
    }

    #[test]
    fn many_small_groups_are_no_dependence() {
        let ids = || texts((0..600).map(|i| (i / 3).to_string()));
        let found = measured(vec![ids(), numbers(normals(600, 5))], 0, Some(&regression(1)));
        assert!(
            found.p_value > 0.01 && found.strength < 0.3 && found.groups.len() == 100,
            "{}",
            found.p_value
        );
    }

    #[test]
    fn edges() {
        let reason = |column, group| groups(&sample(vec![column]), group, None).reason().map(str::to_owned);
        assert_eq!(reason(numbers([f64::NAN; 5]), 0).as_deref(), Some("the group column has no values"));
        assert_eq!(reason(numbers([]), 0).as_deref(), Some("the group column has no values"));
        assert_eq!(reason(SampleColumn::Absent, 0).as_deref(), Some("the group column holds nested values"));
        assert_eq!(reason(numbers([1.0]), 3).as_deref(), Some("no group column"));
        let one = measured(vec![texts(["a"; 9]), numbers([f64::NAN; 9])], 0, Some(&regression(1)));
        assert!((one.p_value - 1.0).abs() < 1e-12 && one.strength <= 0.0 && one.groups.len() == 1);
        let one = measured(vec![texts(["a"]), texts(["b"])], 0, Some(&classes(1, &["b"])));
        assert!(one.strength <= 0.0 && one.groups[0].n_rows == 1);
        let same = measured(vec![texts(["a", "b", "a", "b"])], 0, Some(&classes(0, &["a", "b"])));
        assert!(same.strength <= 0.0);
    }
}

//! `correlated-columns`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Association, Column, Measure, Table};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::columns::is_identifier;
use crate::show;

/// Columns that say the same: numbers with a correlation, or categories with an association, of 0.95 or more.
///
/// ## Why it matters
/// Two columns that say the same make the coefficients of a linear model arbitrary, split the importance of one cause
/// between them, and count it twice in every distance. Trees and deep nets predict as well, but what they report of
/// each column is not to be trusted.
///
/// ## What to do
/// Keep one column of each group; the finding names the one with the fewest gaps. Or regularise, or combine the
/// group by its principal components.
///
/// ## Fires on
/// ```recipe rows=300
/// metres = normal(100, 20)
/// feet = 3.281 * metres + normal(0, 0.5)
/// heat = normal(0, 1)
/// ```
/// ```recipe rows=300
/// city = choice("Rome", "Oslo", "Lima")
/// code = pick(city == "Rome", "RM", pick(city == "Oslo", "OS", "LI"))
/// heat = normal(0, 1)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300
/// height = normal(170, 10)
/// weight = height - 100 + normal(0, 9)
/// city = choice("Rome", "Oslo", "Lima")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CorrelatedColumns {
    /// |r| of numbers at or above which they say the same.
    pub correlation: f64,
    /// Cramér's V of categories at or above which they say the same.
    pub association: f64,
    /// Pairs that rest on fewer rows than this are not judged.
    pub min_rows: u64,
}

impl Default for CorrelatedColumns {
    fn default() -> Self {
        Self { correlation: 0.95, association: 0.95, min_rows: 20 }
    }
}

impl Rule for CorrelatedColumns {
    type Input = Table;
    const ID: &'static str = "correlated-columns";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Associations];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let Some(found) = table.associations.get() else { return };
        let identifier = |i: usize| table.columns.get(i).is_none_or(is_identifier);
        let close: Vec<&Association> = found
            .pairs
            .iter()
            .filter(|p| p.n >= self.min_rows && p.value.abs() >= self.limit(p.measure))
            .filter(|p| !identifier(p.a) && !identifier(p.b))
            .collect();
        let Some(closest) = close.first() else { return };
        let groups: Vec<Vec<&Column>> = groups(&close)
            .iter()
            .map(|group| keep_first(group.iter().filter_map(|i| table.columns.get(*i)).collect()))
            .collect();
        let name = |i: usize| table.columns.get(i).map_or("", |c| c.name.as_str());
        let limit = Human(self.limit(closest.measure));
        let message = match groups.as_slice() {
            [group] if group.len() == 2 => format!(
                "`{}` and `{}` say the same: {} is {} (limit {limit})",
                name(closest.a),
                name(closest.b),
                symbol(closest.measure),
                Human(closest.value)
            ),
            [group] => {
                let names: Vec<_> = group.iter().map(|c| c.name.as_str()).collect();
                format!("{} say the same (limit {limit})", show::listing(&names, 5))
            }
            _ => format!(
                "{} fall into {} that say the same (limit {limit})",
                count_of(groups.iter().map(|g| g.len() as u64).sum(), "column"),
                count_of(groups.len() as u64, "group"),
            ),
        };
        let pairs = close.iter().map(|p| {
            let measure = symbol(p.measure).to_owned();
            [name(p.a).to_owned(), name(p.b).to_owned(), measure, Human(p.value).to_string()]
        });
        let proof =
            Evidence::at_most(symbol(closest.measure), closest.value.abs(), self.limit(closest.measure));
        report.raise(draft(message, proof, &groups).evidence(Evidence::table(
            "pairs, closest first",
            ["column", "column", "measure", "value"],
            pairs,
        )));
    }
}

impl CorrelatedColumns {
    fn limit(&self, measure: Measure) -> f64 {
        match measure {
            Measure::Pearson => self.correlation,
            Measure::CramersV => self.association,
        }
    }
}

fn symbol(measure: Measure) -> &'static str {
    match measure {
        Measure::Pearson => "correlation r",
        Measure::CramersV => "Cramér's V",
    }
}

/// Joins pairs that share a column; groups in the order of their closest pair.
fn groups(pairs: &[&Association]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for pair in pairs {
        let mut joined: Vec<usize> = vec![pair.a, pair.b];
        let touched = groups.iter().position(|g| g.contains(&pair.a) || g.contains(&pair.b));
        groups.retain(|g| {
            let touches = g.contains(&pair.a) || g.contains(&pair.b);
            if touches {
                joined.extend(g);
            }
            !touches
        });
        joined.sort_unstable();
        joined.dedup();
        groups.insert(touched.unwrap_or(groups.len()).min(groups.len()), joined);
    }
    groups
}

/// Puts the column to keep first: the one with the fewest gaps, and of these the first in the file.
fn keep_first(mut group: Vec<&Column>) -> Vec<&Column> {
    group.sort_by_key(|c| c.n_null);
    group
}

fn draft(message: String, proof: Evidence, groups: &[Vec<&Column>]) -> Draft {
    let names = || groups.iter().flatten().map(|c| c.name.as_str());
    let (first, rest) = show::first_place(names().map(Place::column).collect());
    let dropped = groups.iter().flat_map(|g| g.iter().skip(1)).map(|c| c.name.as_str());
    let kept = groups.iter().filter_map(|g| {
        let (keep, others) = g.split_first()?;
        let others: Vec<_> = others.iter().map(|c| c.name.as_str()).collect();
        Some([keep.name.clone(), others.join(", ")])
    });
    Draft::new(
        first,
        message,
        proof,
        Remedy::risky("keep one column of each group")
            .code(format!("df = df.drop(columns={})", show::python_list(dropped))),
    )
    .places(rest)
    .evidence(Evidence::table("groups", ["keep", "says the same"], kept))
    .remedy(
        Remedy::advice("or keep them all and regularise, where only the prediction matters")
            .code("model = make_pipeline(StandardScaler(), Ridge(alpha=1.0))"),
    )
}

#[cfg(test)]
mod tests {
    use stetho_core::table::{Associations, Measured};

    use super::*;
    use crate::testing::{bell, judge, table};

    fn pair(a: usize, b: usize, value: f64) -> Association {
        Association { a, b, measure: Measure::Pearson, value, n: 100 }
    }

    fn found(pairs: Vec<Association>) -> Vec<String> {
        let mut table = table(["a", "b", "c", "d", "e"].map(|n| bell(n, 100, 0.0, 1.0)));
        table.associations = Measured::Is(Associations { pairs, n_rows: 100 });
        judge("correlated-columns", &table).into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn pairs_join_into_groups() {
        let three = found(vec![pair(0, 1, 0.99), pair(1, 2, -0.97), pair(0, 3, 0.9)]);
        assert_eq!(three, ["`a`, `b` and `c` say the same (limit 0.95)"]);
        let two = found(vec![pair(0, 1, 0.99), pair(2, 3, 0.98)]);
        assert_eq!(two, ["4 columns fall into 2 groups that say the same (limit 0.95)"]);
        let joined = groups(&[&pair(0, 1, 1.0), &pair(2, 3, 1.0), &pair(1, 2, 1.0)]);
        assert_eq!(joined, [[0, 1, 2, 3]]);
    }

    #[test]
    fn the_sign_does_not_matter_and_the_limit_does() {
        assert_eq!(
            found(vec![pair(0, 1, -0.96)]),
            ["`a` and `b` say the same: correlation r is -0.96 (limit 0.95)"]
        );
        assert!(found(vec![pair(0, 1, 0.94)]).is_empty());
    }
}

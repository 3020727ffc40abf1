//! `outlier-values`

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Isolated, Isolation, RowId, Table, Task};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show::{self, location, python};
use crate::tail::{self, Apart, Limits};
use crate::{absent, columns};

/// Values that stand apart from all others of their column, and rows that stand apart from all others.
///
/// ## Why it matters
/// A single wrong value, such as an age of 999 or a price in cents, decides the mean and the standard deviation by which
/// a column is scaled, and its squared error outweighs thousands of rows.
///
/// ## What to do
/// Look at the rows. Correct what is wrong or make it missing; keep what is real, and choose a scaling and a loss that
/// it cannot dominate.
///
/// Large values are ordinary where a distribution has a long tail, so being large is not enough: a value must be more
/// than 8 robust standard deviations (1.4826 · MAD) from the median *and* behind a gap that the tail before it cannot
/// explain (chance below 1 in 1,000, Hill's estimate of the tail). More than 1 % of extreme values are a tail. Frequent
/// placeholders such as -999 are told by `missing-values`.
///
/// ## Fires on
/// ```recipe rows=400 target=label
/// age   = round(normal(40, 12), 0)
/// age   = at(age, 17, 999)
/// speed = normal(10, 2)
/// label = choice("yes", "no")
/// ```
///
/// ## Stays quiet on
/// Long tails, counts, and columns that are mostly zero:
/// ```recipe rows=400 target=label
/// income  = lognormal(10, 1)
/// wait    = exponential(5)
/// visits  = floor(exponential(1.5))
/// bonus   = pick(uniform(0, 1) < 0.1, round(lognormal(7, 1), 0), 0)
/// ratio   = normal(0, 1) / sqrt(abs(normal(0, 1)) + 0.3)
/// label   = choice("yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct OutlierValues {
    /// Least robust z-score of a value, or of a row's distance to its nearest neighbours.
    pub z: f64,
    /// Chance of a gap as large as the one before the value, if it came from the same tail.
    pub chance: f64,
    /// Share of a number such as -999 from which it is a placeholder rather than an outlier.
    pub placeholder: f64,
}

impl Default for OutlierValues {
    fn default() -> Self {
        let Limits { z, chance } = Limits::default();
        Self { z, chance, placeholder: 0.002 }
    }
}

impl Rule for OutlierValues {
    type Input = Table;
    const ID: &'static str = "outlier-values";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];
    const ALSO: &'static [Signal] = &[Signal::Isolation, Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let classes = table.target.get().filter(|t| t.task == Task::Classification).map(|t| t.column);
        let mut found: Vec<(&Column, Apart)> = Vec::new();
        for (_, column) in table.columns.iter().enumerate().filter(|(i, _)| Some(*i) != classes) {
            if columns::id(column, tail::MIN_VALUES, 0.98).is_none() {
                found.extend(self.of_column(column).into_iter().map(|apart| (column, apart)));
            }
        }
        found.sort_by(|a, b| b.1.z.total_cmp(&a.1.z));
        if let Some(worst) = found.first() {
            report.raise(self.values(table, worst, &found));
        }
        let told: BTreeSet<RowId> = found.iter().flat_map(|(_, a)| a.values.iter().map(|e| e.row)).collect();
        if let Some(isolation) = table.isolation.get() {
            self.rows(table, isolation, &told, report);
        }
    }
}

impl OutlierValues {
    fn limits(&self) -> Limits {
        Limits { z: self.z, chance: self.chance }
    }

    fn of_column(&self, column: &Column) -> Vec<Apart> {
        let sentinel = absent::sentinel(column, self.placeholder);
        let mut found = tail::outliers(column, self.limits());
        found.retain(|a| {
            let told = |d: &absent::Disguise| a.values.iter().any(|e| e.value.to_string() == d.value);
            !sentinel.as_ref().is_some_and(told)
        });
        found
    }

    fn values(&self, table: &Table, worst: &(&Column, Apart), found: &[(&Column, Apart)]) -> Draft {
        let (column, apart) = worst;
        let value = apart.values.first().map_or(0.0, |e| e.value);
        let count: usize = found.iter().map(|(_, a)| a.values.len()).sum();
        let far = if apart.z.is_finite() {
            format!(
                "{} robust standard deviations from the median (limit {})",
                Human(apart.z.round()),
                Human(self.z)
            )
        } else {
            "where over three quarters of the values are equal".to_owned()
        };
        let stands = format!("{} is {far}, the next value is {}", Human(value), Human(apart.next));
        let message = match count {
            1 => format!("a value of `{}` stands apart: {stands}", column.name),
            n => {
                format!("{} stand apart, worst in `{}`: {stands}", count_of(n as u64, "value"), column.name)
            }
        };
        let rows = found.iter().flat_map(|(column, apart)| {
            apart.values.iter().map(|e| {
                let z = if apart.z.is_finite() { Human(apart.z).to_string() } else { String::new() };
                let next = Human(apart.next).to_string();
                [column.name.clone(), location(table, e.row), Human(e.value).to_string(), next, z]
            })
        });
        let headings = ["column", "where", "value", "next value", "robust z of the first"];
        let all: Vec<RowId> = found.iter().flat_map(|(_, a)| a.values.iter().map(|e| e.row)).collect();
        let measure = Evidence::at_most("robust z-score", apart.z, self.z);
        let mut draft = Draft::new(Place::column(&column.name), message, measure, look())
            .places(table.places(&all))
            .count(count as u64)
            .evidence(Evidence::table("values that stand apart", headings, rows))
            .topic("values");
        if let Some(histogram) = show::histogram(column) {
            draft = draft.evidence(histogram);
        }
        let name = python(&column.name);
        let side = if value > apart.next { ">" } else { "<" };
        draft
            .remedy(
                Remedy::risky("make them missing, if they are wrong")
                    .code(format!("df.loc[df[{name}] {side} {}, {name}] = np.nan", apart.next)),
            )
            .remedy(
                Remedy::risky("scale by the quartiles, which they cannot move, if they are real").code(format!(
                    "from sklearn.preprocessing import RobustScaler\nscaler = RobustScaler().fit(train[[{name}]])"
                )),
            )
    }

    fn rows(&self, table: &Table, isolation: &Isolation, told: &BTreeSet<RowId>, report: &mut Report) {
        let scale = (isolation.quartile_3 - isolation.quartile_1) / 1.349;
        if scale <= 0.0 {
            return;
        }
        let far = |r: &Isolated| (r.distance - isolation.median) / scale;
        let deviations: Vec<f64> = isolation.rows.iter().map(far).collect();
        let count = tail::apart(&deviations, isolation.n_rows, self.limits());
        let apart: Vec<&Isolated> = isolation.rows[..count]
            .iter()
            .filter(|r| !told.contains(&r.row))
            .filter(|r| {
                let column = table.columns.get(r.column);
                column.is_none_or(|c| absent::sentinel(c, self.placeholder).is_none())
            })
            .collect();
        let (Some(worst), Some(next)) = (apart.first(), isolation.rows.get(count)) else { return };
        let name = |r: &Isolated| table.columns.get(r.column).map_or(String::new(), |c| c.name.clone());
        let message = format!(
            "{} from all others: {} from the nearest neighbours at {}, the next row {}, half of the rows within {}",
            if apart.len() == 1 { "1 row is far".into() } else { format!("{} rows are far", apart.len()) },
            Human(worst.distance),
            location(table, worst.row),
            Human(next.distance),
            Human(isolation.median)
        );
        let cells = apart.iter().map(|r| {
            let value = table.value(r.row, r.column).unwrap_or_default().to_owned();
            [location(table, r.row), Human(r.distance).to_string(), name(r), value]
        });
        let headings = ["where", "distance", "mostly by column", "its value"];
        let places = table.places(&apart.iter().map(|r| r.row).collect::<Vec<_>>());
        let mut places = places.into_iter();
        let first = places.next().unwrap_or(Place::Whole);
        let measure = Evidence::at_most("distance in robust standard deviations", far(worst), self.z);
        report.raise(
            Draft::new(first, message, measure, look())
                .places(places)
                .count(apart.len() as u64)
                .evidence(Evidence::table("rows far from all others", headings, cells))
                .certainty(0.7)
                .topic("rows"),
        );
    }
}

fn look() -> Remedy {
    Remedy::advice("look at the rows: correct what is wrong, keep what is real")
}

#[cfg(test)]
mod tests {
    use stetho_core::Finding;
    use stetho_core::table::Measured;

    use super::*;
    use crate::testing::{Random, judge, numbers, table};

    fn findings(n: usize, value: impl Fn(usize, &mut Random) -> f64) -> Vec<Finding> {
        let mut random = Random(11);
        judge("outlier-values", &table([numbers("x", (0..n).map(|i| value(i, &mut random)))]))
    }

    fn age(random: &mut Random) -> f64 {
        (40.0 + 12.0 * random.normal()).round()
    }

    #[test]
    fn a_lone_value_behind_a_gap_is_found() {
        let [finding] = findings(400, |i, r| if i == 17 { 999.0 } else { age(r) }).try_into().unwrap();
        assert!(finding.message.starts_with("a value of `x` stands apart: 999 is 7"), "{}", finding.message);
        let rows = Place::Rows { path: "data.csv".into(), rows: vec![17], lines: vec![19] };
        assert_eq!(finding.places, [Place::column("x"), rows]);
        assert_eq!(findings(400, |i, r| if i == 17 { -4000.0 } else { age(r) }).len(), 1);
        assert_eq!(findings(400, |i, r| if i == 17 { 999.0 } else { (r.uniform() * 3.0).floor() }).len(), 1);
    }

    #[test]
    fn tails_are_ordinary() {
        assert!(findings(1000, |_, r| r.normal()).is_empty());
        assert!(findings(1000, |_, r| r.normal().exp()).is_empty());
        assert!(findings(1000, |_, r| (2.0 * r.normal()).exp()).is_empty());
        assert!(findings(1000, |_, r| r.normal() / r.normal()).is_empty());
        assert!(findings(1000, |_, r| -r.uniform().ln()).is_empty());
        assert!(findings(1000, |_, r| (-2.0 * r.uniform().ln()).floor()).is_empty());
        let mostly_zero = |_: usize, r: &mut Random| {
            let bonus = (8.0 + r.normal()).exp();
            if r.uniform() < 0.1 { bonus } else { 0.0 }
        };
        assert!(findings(1000, mostly_zero).is_empty());
        assert!(findings(1000, |i, r| if i < 20 { 999.5 + i as f64 } else { age(r) }).is_empty(), "2 %");
        assert!(findings(40, |i, r| if i == 17 { 999.0 } else { age(r) }).is_empty(), "too few to tell");
    }

    #[test]
    fn few_false_alarms_over_many_heavy_tails() {
        let mut random = Random(5);
        let mut columns = Vec::new();
        for i in 0..500 {
            // Student's t with 2 degrees of freedom.
            let t = |r: &mut Random| r.normal() / (-r.uniform().ln()).sqrt();
            columns.push(numbers(&format!("x{i}"), (0..300).map(|_| t(&mut random))));
        }
        let n = columns.iter().filter(|c| !tail::outliers(c, Limits::default()).is_empty()).count();
        assert!(n <= 10, "{n} of 500 columns");
    }

    #[test]
    fn isolated_rows_are_told_unless_a_value_tells_them() {
        let mut random = Random(11);
        let cells = |i: u64, r: &mut Random| if i == 17 { 999.0 } else { age(r) };
        let columns = [numbers("x", (0..400).map(|i| cells(i, &mut random)))];
        let row = |row: u64, distance: f64| Isolated {
            row: RowId { row, ..RowId::default() },
            distance,
            column: 0,
        };
        let mut isolation =
            Isolation { quartile_1: 0.8, median: 1.0, quartile_3: 1.3, n_rows: 400, ..Isolation::default() };
        isolation.rows = (0..40).map(|i| row(i + 100, 2.5 - 0.02 * i as f64)).collect();
        let mut table = table(columns);
        table.isolation = Measured::Is(isolation.clone());
        assert_eq!(judge("outlier-values", &table).len(), 1, "no row stands apart");
        isolation.rows.insert(0, row(17, 60.0));
        table.isolation = Measured::Is(isolation.clone());
        assert_eq!(judge("outlier-values", &table).len(), 1, "row 17 is told by its value");
        isolation.rows[0].row.row = 18;
        table.isolation = Measured::Is(isolation);
        let findings = judge("outlier-values", &table);
        assert_eq!(
            findings[1].message,
            "1 row is far from all others: 60 from the nearest neighbours at line 20, the next row 2.5, half of the \
             rows within 1"
        );
    }
}

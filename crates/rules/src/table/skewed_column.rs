//! `skewed-column`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, NumberProfile, Table, Task};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal};

use crate::show::{self, list, python_list};
use crate::tail::{self, Limits};
use crate::{absent, columns};

/// A positive column with a long upper tail: a few values are far larger than most, as with incomes and counts.
///
/// ## Why it matters
/// Scaling by mean and standard deviation presses most of the rows into a narrow band, in which a network, a linear
/// model or a distance can hardly tell them apart, while the tail decides the gradients. Trees do not mind.
///
/// ## What to do
/// Train on the logarithm. For a target, predict the logarithm and take the exponential of the prediction.
///
/// A column that is mostly zero, has few different values, falls into two groups, or is skewed by single values alone
/// (`outlier-values`) is left alone: a logarithm does not help there.
///
/// ## Fires on
/// ```recipe rows=2000 target=label
/// amount = lognormal(4, 2)
/// label  = choice("yes", "no")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=2000 target=label
/// age    = lognormal(3.5, 0.3)
/// wait   = exponential(5)
/// visits = floor(exponential(2))
/// change = normal(0, 1) / (abs(normal(0, 1)) + 0.05)
/// weight = pick(uniform(0, 1) < 0.02, normal(90, 3), normal(4, 0.5))
/// label  = choice("yes", "no")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SkewedColumn {
    /// Skewness (third standardised moment) above which a column is skewed.
    pub skewness: f64,
    /// Skewness above which the logarithm of the column is skewed as well, so that taking it would not help.
    pub log_skewness: f64,
    /// A column with fewer values than this is not judged.
    pub min_values: u64,
    /// A column with fewer different values than this is not judged.
    pub min_distinct: u64,
}

impl Default for SkewedColumn {
    fn default() -> Self {
        Self { skewness: 5.0, log_skewness: 3.0, min_values: 100, min_distinct: 20 }
    }
}

impl Rule for SkewedColumn {
    type Input = Table;
    const ID: &'static str = "skewed-column";
    const SEVERITY: Severity = Severity::Info;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let target = table.target.get();
        let classes = target.filter(|t| t.task == Task::Classification).map(|t| t.column);
        let mut found: Vec<(&Column, &NumberProfile)> = table
            .columns
            .iter()
            .enumerate()
            .filter(|(i, _)| Some(*i) != classes)
            .filter_map(|(_, column)| Some((column, self.skewed(column)?)))
            .collect();
        found.sort_by(|a, b| b.1.skewness.total_cmp(&a.1.skewness));
        let Some((column, numbers)) = found.first() else { return };
        let names: Vec<&str> = found.iter().map(|(c, _)| c.name.as_str()).collect();
        let limit = Human(self.skewness);
        let skewness = Human(numbers.skewness);
        let message = match names.as_slice() {
            [name] => format!(
                "column `{name}` has a long upper tail: skewness {skewness} (limit {limit}), median {}, largest {}",
                Human(numbers.quantiles.median()),
                Human(numbers.max)
            ),
            several => format!(
                "{} columns have a long upper tail: {}; the largest skewness is {skewness} (limit {limit})",
                several.len(),
                list(several)
            ),
        };
        let rows = found.iter().map(|(c, n)| {
            let [skewness, median, max] = [n.skewness, n.quantiles.median(), n.max].map(Human);
            [c.name.clone(), skewness.to_string(), median.to_string(), max.to_string()]
        });
        let rows = Evidence::table("skewed columns", ["column", "skewness", "median", "largest"], rows);
        let measure = Evidence::at_most("skewness", numbers.skewness, self.skewness);
        let mut draft = Draft::new(Place::column(&column.name), message, measure, logarithm(&found))
            .places(names.iter().skip(1).map(|name| Place::column(*name)))
            .evidence(rows);
        if let Some(histogram) = show::histogram(column) {
            draft = draft.evidence(histogram);
        }
        let target = target.and_then(|t| table.columns.get(t.column)).map(|c| c.name.as_str());
        if target.is_some_and(|name| names.contains(&name)) {
            draft = draft.remedy(
                Remedy::risky("for the target, predict the logarithm and turn the prediction back").code(
                    "from sklearn.compose import TransformedTargetRegressor\n\
                     model = TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1)",
                ),
            );
        }
        report.raise(draft);
    }
}

impl SkewedColumn {
    /// The numbers of `column`, if they are skewed and a logarithm would help.
    fn skewed<'a>(&self, column: &'a Column) -> Option<&'a NumberProfile> {
        let numbers = column.number.as_ref().filter(|_| columns::is_numeric(column))?;
        let is_skewed = numbers.skewness > self.skewness && numbers.min >= 0.0;
        let enough = numbers.n_finite >= self.min_values && column.distinct.count >= self.min_distinct;
        let varies = numbers.quantiles.median() > numbers.min;
        let judged = is_skewed && enough && varies && columns::id(column, self.min_values, 0.98).is_none();
        let by_single_values = || !tail::outliers(column, Limits::default()).is_empty();
        let by_placeholder = || absent::sentinel(column, 0.002).is_some();
        let helped = || log_skewness(numbers) <= self.log_skewness;
        (judged && !by_single_values() && !by_placeholder() && helped()).then_some(numbers)
    }
}

/// Skewness of the logarithm, of `1 + x` where there are zeros, from the kept quantiles.
fn log_skewness(numbers: &NumberProfile) -> f64 {
    let log = |x: &f64| if numbers.min > 0.0 { x.max(f64::MIN_POSITIVE).ln() } else { x.max(0.0).ln_1p() };
    let logs: Vec<f64> = numbers.quantiles.0.iter().map(log).collect();
    let n = logs.len().max(1) as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let moment = |p: i32| logs.iter().map(|x| (x - mean).powi(p)).sum::<f64>() / n;
    if moment(2) > 0.0 { moment(3) / moment(2).powf(1.5) } else { 0.0 }
}

fn logarithm(found: &[(&Column, &NumberProfile)]) -> Remedy {
    let of = |positive: bool| {
        let chosen = found.iter().filter(|(_, n)| (n.min > 0.0) == positive);
        python_list(chosen.map(|(c, _)| c.name.as_str()))
    };
    let line = |names: String, function: &str| {
        (names != "[]").then(|| format!("df[{names}] = np.{function}(df[{names}])"))
    };
    let lines = [line(of(true), "log"), line(of(false), "log1p")];
    let code: Vec<String> = lines.into_iter().flatten().collect();
    let quoted = |name: &str| format!("--log '{}'", name.replace('\'', "'\\''"));
    let options: Vec<String> = found.iter().map(|(c, _)| quoted(&c.name)).collect();
    Remedy::risky("train on the logarithm")
        .command(format!("stetho prepare DATA {} --out prepared", options.join(" ")))
        .code(code.join("\n"))
}

#[cfg(test)]
mod tests {
    use stetho_core::Finding;

    use crate::testing::{Random, judge, numbers, table};

    fn findings(value: impl Fn(usize, &mut Random) -> f64) -> Vec<Finding> {
        let mut random = Random(11);
        judge("skewed-column", &table([numbers("x", (0..2000).map(|i| value(i, &mut random)))]))
    }

    #[test]
    fn positive_columns_take_a_logarithm() {
        let [finding] = findings(|_, r| (2.0 * r.normal()).exp()).try_into().unwrap();
        assert_eq!(finding.remedies[0].code.as_deref(), Some("df[[\"x\"]] = np.log(df[[\"x\"]])"));
        let [finding] = findings(|_, r| (1.0 + 2.5 * r.normal()).exp().floor()).try_into().unwrap();
        assert_eq!(finding.remedies[0].code.as_deref(), Some("df[[\"x\"]] = np.log1p(df[[\"x\"]])"));
    }

    #[test]
    fn what_a_logarithm_does_not_help_is_quiet() {
        assert!(findings(|_, r| (2.0 * r.normal()).exp() - 5.0).is_empty(), "negative values");
        assert!(findings(|i, r| if i == 3 { 9e9 } else { 10.0 + r.normal() }).is_empty(), "one value");
        assert!(findings(|i, _| if i % 500 == 0 { 40.0 } else { (i % 3) as f64 }).is_empty(), "few values");
        assert!(findings(|i, r| if i % 40 == 0 { 100.0 * r.uniform() } else { 0.0 }).is_empty(), "zeros");
        assert!(findings(|_, r| -r.uniform().ln()).is_empty(), "exponential");
        let two_groups = |i: usize, r: &mut Random| {
            if i.is_multiple_of(50) { 90.0 + r.normal() } else { 4.0 + 0.5 * r.normal() }
        };
        assert!(findings(two_groups).is_empty(), "two groups");
    }
}

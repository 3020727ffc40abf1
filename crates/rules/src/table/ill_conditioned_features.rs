//! `ill-conditioned-features`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Spectrum, Table};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::show;

/// A combination of several number columns that hardly varies, so that one of them follows from the others.
///
/// The condition number is that of the correlation matrix: its largest eigenvalue over its smallest. Pairs that say
/// the same are told by `correlated-columns` and left out here.
///
/// ## Why it matters
/// The coefficients of a linear model are then not determined: tiny changes of the data turn them over. Gradient
/// descent crawls along the narrow direction, and inverting the covariance amplifies rounding. The usual causes are
/// one-hot columns that always sum to one, a total kept next to its parts, and shares that sum to a hundred.
///
/// ## What to do
/// Drop one column of the combination that the finding names, or rotate and scale (whiten) by principal components,
/// or regularise.
///
/// ## Fires on
/// ```recipe rows=300
/// rent = normal(900, 200)
/// food = normal(400, 120)
/// travel = normal(300, 150)
/// total = rent + food + travel
/// ```
/// ```recipe rows=300
/// _colour = choice("red", "green", "blue")
/// red = pick(_colour == "red", 1, 0)
/// green = pick(_colour == "green", 1, 0)
/// blue = pick(_colour == "blue", 1, 0)
/// heat = normal(0, 1)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300
/// rent = normal(900, 200)
/// food = normal(400, 120)
/// travel = normal(300, 150)
/// income = rent + food + travel + normal(200, 90)
/// ```
/// One-hot columns of which one was left out.
/// ```recipe rows=300
/// _colour = choice("red", "green", "blue")
/// red = pick(_colour == "red", 1, 0)
/// green = pick(_colour == "green", 1, 0)
/// heat = normal(0, 1)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct IllConditionedFeatures {
    /// Condition number above which features are ill-conditioned.
    pub condition: f64,
    /// With fewer rows a column than this, nothing is said of columns.
    pub rows_per_column: u64,
}

impl Default for IllConditionedFeatures {
    fn default() -> Self {
        Self { condition: 1e4, rows_per_column: 2 }
    }
}

impl Rule for IllConditionedFeatures {
    type Input = Table;
    const ID: &'static str = "ill-conditioned-features";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Spectrum];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let Some(spectrum) = table.spectrum.get() else { return };
        let [smallest, .., largest] = spectrum.eigenvalues.as_slice() else { return };
        let n_columns = spectrum.columns.len() as u64;
        if n_columns < 3 || spectrum.n_rows < n_columns * self.rows_per_column {
            return;
        }
        // rounding alone leaves an eigenvalue of zero at about this share of the largest
        let floor = largest * f64::EPSILON * n_columns as f64;
        let condition = if *smallest <= floor { f64::INFINITY } else { largest / smallest };
        if condition <= self.condition {
            return;
        }
        let combination = Combination::of(table, spectrum);
        if combination.terms.is_empty() {
            return;
        }
        let names: Vec<_> = combination.terms.iter().map(|t| t.column.name.as_str()).collect();
        let message = format!(
            "{} {} hardly varies: the condition number is {} (limit {})",
            if combination.is_one_hot() { "the sum of" } else { "a combination of" },
            show::listing(&names, 5),
            Human(condition),
            Human(self.condition),
        );
        let n_weak = spectrum.eigenvalues.iter().filter(|v| **v * self.condition < *largest).count() as u64;
        let measure =
            Evidence::at_most("condition number of the correlation matrix", condition, self.condition);
        let mut draft = draft(&combination, message, measure);
        if n_weak > 1 {
            let others = count_of(n_weak - 1, "further combination");
            draft = draft
                .remedy(Remedy::advice(format!("run the check again then: {others} hardly varies either")));
        }
        report.raise(draft);
    }
}

/// The combination of columns that hardly varies.
struct Combination<'a> {
    terms: Vec<Term<'a>>,
}

struct Term<'a> {
    column: &'a Column,
    /// Weight of the standardised column.
    weight: f64,
    /// Weight of the column in its own units; the largest is 1.
    coefficient: f64,
}

impl<'a> Combination<'a> {
    fn of(table: &'a Table, spectrum: &Spectrum) -> Self {
        let largest = spectrum.weakest.iter().map(|w| w.1.abs()).fold(0.0, f64::max);
        let of = |(index, weight): &(usize, f64)| {
            let column = table.columns.get(*index)?;
            let std = column.number.as_ref().map(|n| n.std).filter(|s| *s > 0.0)?;
            Some(Term { column, weight: *weight, coefficient: weight / std })
        };
        let mut terms: Vec<Term<'a>> =
            spectrum.weakest.iter().filter(|w| w.1.abs() >= 0.05 * largest).filter_map(of).collect();
        let scale =
            terms.iter().map(|t| t.coefficient).fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
        for term in &mut terms {
            term.coefficient /= scale;
        }
        Self { terms }
    }

    /// Whether these are columns of 0 and 1 that sum to a constant.
    fn is_one_hot(&self) -> bool {
        self.terms.len() > 2
            && self.terms.iter().all(|t| t.column.distinct.count == 2 && (t.coefficient - 1.0).abs() < 0.05)
    }

    /// `1 × rent + 1 × food − 1 × total`.
    fn formula(&self) -> String {
        let mut text = String::new();
        for term in &self.terms {
            let sign = match (text.is_empty(), term.coefficient < 0.0) {
                (true, false) => "",
                (true, true) => "−",
                (false, false) => " + ",
                (false, true) => " − ",
            };
            text += &format!("{sign}{} × {}", Human(term.coefficient.abs()), term.column.name);
        }
        text
    }
}

fn draft(combination: &Combination<'_>, message: String, measure: Evidence) -> Draft {
    let names = combination.terms.iter().map(|t| t.column.name.as_str());
    let (first, rest) = show::first_place(names.map(Place::column).collect());
    let shown = combination
        .terms
        .iter()
        .map(|t| [t.column.name.clone(), Human(t.coefficient).to_string(), Human(t.weight).to_string()]);
    let last = show::python(combination.terms.last().map_or("", |t| &t.column.name));
    let drop = match combination.is_one_hot() {
        true => Remedy::safe("leave one of these one-hot columns out: it follows from the others")
            .code(format!("df = df.drop(columns=[{last}])  # or encode with OneHotEncoder(drop=\"first\")")),
        false => Remedy::risky("leave one of these columns out: it follows from the others")
            .code(format!("df = df.drop(columns=[{last}])")),
    };
    Draft::new(first, message, measure, drop)
        .places(rest)
        .evidence(Evidence::table(
            format!("hardly varies: {}", combination.formula()),
            ["column", "weight in its own units", "weight when standardised"],
            shown,
        ))
        .remedy(
            Remedy::risky("or rotate and whiten")
                .command("stetho prepare DATA --whiten pca --out prepared")
                .code("model = make_pipeline(StandardScaler(), PCA(n_components=0.999, whiten=True), model)"),
        )
        .remedy(
            Remedy::safe("or regularise").code("model = make_pipeline(StandardScaler(), Ridge(alpha=1.0))"),
        )
}

#[cfg(test)]
mod tests {
    use stetho_core::table::Measured;

    use super::*;
    use crate::testing::{bell, judge, numbers, table};

    fn found(columns: Vec<Column>, eigenvalues: Vec<f64>, weakest: Vec<f64>, n_rows: u64) -> Vec<String> {
        let mut table = table(columns);
        table.spectrum = Measured::Is(Spectrum {
            columns: (0..eigenvalues.len()).collect(),
            eigenvalues,
            weakest: weakest.into_iter().enumerate().collect(),
            n_rows,
        });
        judge("ill-conditioned-features", &table).into_iter().map(|f| f.message).collect()
    }

    fn three() -> Vec<Column> {
        vec![bell("a", 90, 0.0, 1.0), bell("b", 90, 0.0, 1.0), bell("c", 90, 0.0, 2.0)]
    }

    #[test]
    fn a_zero_eigenvalue_is_an_infinite_condition() {
        let said = found(three(), vec![0.0, 1.0, 2.0], vec![0.5, 0.5, -0.7], 90);
        let expected =
            "a combination of `a`, `b` and `c` hardly varies: the condition number is ∞ (limit 10,000)";
        assert_eq!(said, [expected]);
    }

    #[test]
    fn a_moderate_condition_and_too_few_rows_are_quiet() {
        assert!(found(three(), vec![0.01, 1.0, 2.0], vec![0.5, 0.5, -0.7], 90).is_empty());
        assert!(found(three(), vec![0.0, 1.0, 2.0], vec![0.5, 0.5, -0.7], 5).is_empty());
    }

    #[test]
    fn one_hot_columns_are_recognised() {
        let hot = |name: &str, k: u32| numbers(name, (0..90).map(|i| f64::from(u8::from(i % 3 == k))));
        let columns = vec![hot("red", 0), hot("green", 1), hot("blue", 2)];
        let said = found(columns, vec![0.0, 1.5, 1.5], vec![0.58, 0.58, 0.58], 90);
        assert!(said[0].starts_with("the sum of `red`, `green` and `blue` hardly varies"), "{said:?}");
    }
}

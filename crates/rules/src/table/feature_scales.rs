//! `feature-scales`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Kind, Table};
use stetho_core::{Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of};

use crate::columns::{is_clock, is_identifier};
use crate::show;

/// Number columns whose scales differ by more than a hundred, or that lie far from zero for their spread.
///
/// ## Why it matters
/// Gradient descent, support vector machines, nearest neighbours and regularisation all measure columns by the same
/// rule: the one with the large numbers decides, the others are not heard, and training is slow or diverges. A column
/// far from zero does the same, as its offset outweighs what varies in it. Trees do not mind.
///
/// ## What to do
/// Centre and scale every number column with the mean and standard deviation of the training rows.
///
/// Not judged are columns of two values, identifiers, times and dates, and columns that hardly ever vary.
///
/// ## Fires on
/// ```recipe rows=300
/// age = round(normal(40, 12), 0)
/// income = lognormal(10, 0.5)
/// ```
/// ```recipe rows=300
/// pressure = normal(101325, 400)
/// heat = normal(20, 90)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=300
/// height = normal(170, 10)
/// weight = normal(70, 12)
/// rating = integer(1, 5)
/// ```
/// Identifiers, years and yes-or-no columns beside small numbers.
/// ```recipe rows=300
/// order_id = 100000 + 7 * row()
/// year = integer(1990, 2020)
/// member = integer(0, 1)
/// share = uniform(0, 1)
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FeatureScales {
    /// How many times the smallest standard deviation the largest may be.
    pub ratio: f64,
    /// How many standard deviations from zero a mean may lie.
    pub offset: f64,
}

impl Default for FeatureScales {
    fn default() -> Self {
        Self { ratio: 100.0, offset: 30.0 }
    }
}

impl Rule for FeatureScales {
    type Input = Table;
    const ID: &'static str = "feature-scales";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let mut scales: Vec<Scale<'_>> = table.features().filter_map(|(_, c)| Scale::of(c)).collect();
        scales.sort_by(|a, b| b.std.total_cmp(&a.std));
        let largest = scales.iter().max_by(|a, b| a.typical.total_cmp(&b.typical));
        let (Some(largest), Some(smallest)) = (largest, scales.last()) else { return };
        let ratio = largest.typical / smallest.std;
        let off_centre: Vec<&Scale<'_>> = scales.iter().filter(|s| s.offset() > self.offset).collect();
        let farthest = off_centre.iter().max_by(|a, b| a.offset().total_cmp(&b.offset()));
        let mut said = Vec::new();
        let mut evidence = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        if ratio > self.ratio {
            said.push(format!(
                "standard deviations run from {} (`{}`) to {} (`{}`), a factor of {} (limit {})",
                Human(smallest.std),
                smallest.name,
                Human(largest.typical),
                largest.name,
                Human(ratio),
                Human(self.ratio),
            ));
            evidence.push(Evidence::at_most("largest over smallest standard deviation", ratio, self.ratio));
            let large = scales.iter().filter(|s| s.typical > smallest.std * self.ratio);
            names.extend(large.map(|s| s.name).chain([smallest.name]));
        }
        if let Some(farthest) = farthest {
            let others = match off_centre.len() as u64 - 1 {
                0 => String::new(),
                n => format!(", {} more than {} as well", count_of(n, "column"), Human(self.offset)),
            };
            said.push(format!(
                "`{}` lies {} of its standard deviations from zero (limit {}){others}",
                farthest.name,
                Human(farthest.offset()),
                Human(self.offset)
            ));
            let name = "distance of the mean from zero, in standard deviations";
            evidence.push(Evidence::at_most(name, farthest.offset(), self.offset));
            names.extend(off_centre.iter().map(|s| s.name));
        }
        if !said.is_empty() {
            report.raise(draft(said.join("; "), evidence, &names, &scales));
        }
    }
}

/// Mean and spread of a column.
struct Scale<'a> {
    name: &'a str,
    mean: f64,
    std: f64,
    /// The standard deviation, or what the quartiles say where a few outliers blow it up.
    typical: f64,
}

impl<'a> Scale<'a> {
    fn of(column: &'a Column) -> Option<Self> {
        let number = column.number.as_ref().filter(|n| n.n_finite > 2 && n.std > 0.0 && n.std.is_finite())?;
        let top = column.values.counts.first().map_or(0, |c| c.1);
        let hardly_varies = top as f64 >= 0.99 * column.n_values() as f64;
        let left_out = column.kind != Kind::Number
            || column.distinct.count <= 2
            || hardly_varies
            || is_identifier(column)
            || is_clock(column);
        if left_out {
            return None;
        }
        let from_quartiles = number.quantiles.iqr() / 1.349; // of a normal distribution
        let typical = if from_quartiles > 0.0 { number.std.min(3.0 * from_quartiles) } else { number.std };
        Some(Self { name: &column.name, mean: number.mean, std: number.std, typical })
    }

    fn offset(&self) -> f64 {
        self.mean.abs() / self.std
    }
}

fn draft(message: String, evidence: Vec<Evidence>, names: &[&str], scales: &[Scale<'_>]) -> Draft {
    let mut places: Vec<Place> = Vec::new();
    for place in names.iter().map(|name| Place::column(*name)) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let (first, rest) = show::first_place(places);
    let shown = scales.iter().map(|s| {
        [
            s.name.to_owned(),
            Human(s.mean).to_string(),
            Human(s.std).to_string(),
            Human(s.offset()).to_string(),
        ]
    });
    let table = Evidence::table(
        "number columns by spread",
        ["column", "mean", "standard deviation", "mean / deviation"],
        shown,
    );
    let columns = show::python_list(scales.iter().map(|s| s.name));
    let scikit = format!(
        "from sklearn.preprocessing import StandardScaler\n\
         columns = {columns}\n\
         scaler = StandardScaler().fit(train[columns])  # the training rows only\n\
         train[columns] = scaler.transform(train[columns])\n\
         val[columns] = scaler.transform(val[columns])"
    );
    let torch = "mean, std = x_train.mean(0), x_train.std(0)\n\
                 x_train, x_val = (x_train - mean) / std, (x_val - mean) / std";
    let remedy = Remedy::safe("centre and scale the number columns")
        .command("stetho prepare DATA --center --scale --out prepared")
        .code(scikit);
    let draft = Draft::new(first, message, table, remedy)
        .places(rest)
        .remedy(Remedy::safe("or in PyTorch, on the number columns as a tensor").code(torch))
        .remedy(Remedy::advice("or use a model of trees, which does not mind scales"));
    evidence.into_iter().fold(draft, Draft::evidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bell, judge, numbers, table};

    fn found(columns: Vec<Column>) -> usize {
        judge("feature-scales", &table(columns)).len()
    }

    #[test]
    fn a_factor_of_a_hundred_is_the_limit() {
        assert_eq!(found(vec![bell("a", 200, 0.0, 1.0), bell("b", 200, 0.0, 95.0)]), 0);
        assert_eq!(found(vec![bell("a", 200, 0.0, 1.0), bell("b", 200, 0.0, 110.0)]), 1);
        assert_eq!(found(vec![bell("a", 200, 0.0, 0.05), bell("b", 200, 0.0, 0.05)]), 0);
    }

    #[test]
    fn both_complaints_are_one_finding() {
        let columns = vec![bell("a", 200, 0.0, 1.0), bell("b", 200, 1e5, 400.0)];
        let found = judge("feature-scales", &table(columns));
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("; `b` lies"), "{}", found[0].message);
        assert_eq!(found[0].places, [Place::column("b"), Place::column("a")]);
    }

    #[test]
    fn one_outlier_is_not_a_scale() {
        let mut values: Vec<f64> = (0..200).map(|i| f64::from(i % 17) + 0.5).collect();
        values[7] = 1e6;
        assert_eq!(found(vec![bell("a", 200, 0.0, 1.0), numbers("b", &values)]), 0);
    }

    #[test]
    fn years_are_not_judged() {
        let years: Vec<f64> = (0..200).map(|i| f64::from(1990 + i % 23)).collect();
        assert_eq!(found(vec![bell("a", 200, 0.0, 0.01), numbers("built", &years)]), 0);
    }
}

//! `group-bias`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Column, Group, Groups, Table, Target, Task};
use stetho_core::{
    Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands,
};

use crate::show::python;

/// A target that depends on the group of `--group`, or a group that is far smaller than the others.
///
/// ## Why it matters
/// Where the label goes with the group, a model can learn the group instead of the task: the hospital instead of the
/// disease. It then fails in a new group, or treats groups unequally. Of a group with few rows it learns little, and
/// the overall score does not show it.
///
/// ## What to do
/// Judge the model group by group. Keep the group, and what gives it away, out of the features; validate on groups
/// that were not in training; collect more rows of small groups, or weight them.
///
/// ## Fires on
/// ```recipe rows=400 target=label group=site
/// site = choice("north", "south")
/// x = normal(0, 1)
/// label = pick(x + pick(site == "north", 1, -1) + normal(0, 1) > 0, "ill", "well")
/// ```
/// ```recipe rows=600 target=label group=site
/// site = choice("north": 0.97, "south": 0.03)
/// x = normal(0, 1)
/// label = pick(x + normal(0, 1) > 0, "ill", "well")
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400 target=label group=site
/// site = choice("north", "south")
/// x = normal(0, 1)
/// label = pick(x + normal(0, 1) > 0, "ill", "well")
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct GroupBias {
    /// Strength, from 0 to 1 (Cramér's V for classes, η for numbers), at or above which the target depends on the group.
    pub strength: f64,
    /// Permutation p-value below which that is not chance.
    pub p_value: f64,
    /// How many times as large as the smallest group the largest may be.
    pub ratio: f64,
    /// The sizes of more groups than this are not compared.
    pub max_groups: usize,
    /// With fewer rows a group than this, on average, groups are not judged.
    pub min_rows_per_group: u64,
}

impl Default for GroupBias {
    fn default() -> Self {
        Self { strength: 0.2, p_value: 0.01, ratio: 10.0, max_groups: 20, min_rows_per_group: 5 }
    }
}

impl Rule for GroupBias {
    type Input = Table;
    const ID: &'static str = "group-bias";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Groups];
    const ALSO: &'static [Signal] = &[Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let Some(found) = table.groups.get() else { return };
        let Some(column) = table.columns.get(found.column) else { return };
        let n: u64 = found.groups.iter().map(|g| g.n_rows).sum();
        if n < found.groups.len() as u64 * self.min_rows_per_group {
            return;
        }
        if let Some((target, predicted)) = table.target_column()
            && target.column != found.column
            && found.strength >= self.strength
            && found.p_value < self.p_value
        {
            report.raise(self.dependence(found, column, target, predicted));
        }
        if let [largest, .., smallest] = found.groups.as_slice()
            && found.groups.len() <= self.max_groups
            && largest.n_rows as f64 >= self.ratio * smallest.n_rows.max(1) as f64
        {
            report.raise(self.sizes(found, column, n, [largest, smallest]));
        }
    }
}

impl GroupBias {
    fn dependence(&self, found: &Groups, column: &Column, target: &Target, predicted: &Column) -> Draft {
        let measure = match target.task {
            Task::Classification => "Cramér's V",
            Task::Regression => "η",
        };
        let message = format!(
            "`{}` depends on the group `{}`: {measure} {} (limit {})",
            predicted.name,
            column.name,
            Human(found.strength),
            Human(self.strength)
        );
        Draft::new(
            Place::column(&column.name),
            message,
            Evidence::at_most(format!("dependence of the target on the group, {measure}"), found.strength, self.strength),
            Remedy::advice("judge the model group by group").code(format!(
                "for name, rows in val.groupby({}):\n    print(name, len(rows), model.score(rows[features], rows[{}]))",
                python(&column.name),
                python(&predicted.name)
            )),
        )
        .topic("target")
        .severity(target.severity(Severity::Warning))
        .certainty(target.certainty())
        .evidence(rates(found, target))
        .remedy(
            Remedy::risky("validate on groups that were not in training").code(format!(
                "folds = StratifiedGroupKFold(5).split(df, df[{}], groups=df[{}])",
                python(&predicted.name),
                python(&column.name)
            )),
        )
        .remedy(
            Remedy::risky("leave the group out of the features, if it shall not decide")
                .code(format!("df = df.drop(columns=[{}])", python(&column.name))),
        )
    }

    fn sizes(&self, found: &Groups, column: &Column, n: u64, [largest, smallest]: [&Group; 2]) -> Draft {
        let times = largest.n_rows as f64 / smallest.n_rows.max(1) as f64;
        let message = format!(
            "group `{}` of `{}` has {} ({}), 1 for every {} of `{}` (limit {})",
            smallest.name,
            column.name,
            count_of(smallest.n_rows, "row"),
            percent(smallest.n_rows as f64 / n as f64),
            Human(times),
            largest.name,
            Human(self.ratio)
        );
        let bars = found.groups.iter().map(|g| (g.name.clone(), g.n_rows as f64 / n as f64));
        Draft::new(
            Place::column(&column.name),
            message,
            Evidence::at_most("largest over smallest group", times, self.ratio),
            Remedy::advice("judge the model group by group, and collect more rows of the small ones"),
        )
        .topic("sizes")
        .evidence(Evidence::bars("share of rows", bars))
        .remedy(Remedy::risky("or weight the rows of small groups").code(format!(
            "counts = train[{0}].value_counts()\n\
             weights = len(train) / (len(counts) * train[{0}].map(counts))\n\
             model.fit(x_train, y_train, sample_weight=weights)",
            python(&column.name)
        )))
    }
}

/// What the target is like in each group: the shares of its most frequent classes, or its mean.
fn rates(found: &Groups, target: &Target) -> Evidence {
    const SHOWN: usize = 4;
    let mut columns = vec!["group".to_owned(), "rows".to_owned()];
    let classes = target.classes.iter().take(SHOWN);
    match target.task {
        Task::Classification => columns.extend(classes.map(|c| format!("share of {}", c.0))),
        Task::Regression => columns.push("mean".to_owned()),
    }
    let n_columns = columns.len();
    let row = |group: &Group| {
        let mut row = vec![group.name.clone(), thousands(group.n_rows)];
        match target.task {
            Task::Classification => row.extend(group.class_shares.iter().map(|s| percent(*s))),
            Task::Regression => row.push(Human(group.target_mean).to_string()),
        }
        row.resize(n_columns, String::new());
        row
    };
    Evidence::Table {
        name: "the target in each group".into(),
        columns,
        rows: found.groups.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use stetho_core::table::Measured;

    use super::*;
    use crate::testing::{categories, judge, table, with_target};

    fn found(sizes: &[u64], strength: f64, p_value: f64) -> Vec<String> {
        let columns =
            vec![categories("site", &[("n", 50), ("s", 50)]), categories("label", &[("a", 50), ("b", 50)])];
        let mut table = with_target(table(columns), Task::Classification);
        let group = |n_rows: &u64| Group {
            name: format!("g{n_rows}"),
            n_rows: *n_rows,
            class_shares: vec![0.5, 0.5],
            target_mean: 0.0,
        };
        let groups = sizes.iter().map(group).collect();
        table.groups = Measured::Is(Groups { column: 0, groups, p_value, strength });
        judge("group-bias", &table).into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn dependence_needs_strength_and_evidence() {
        assert_eq!(
            found(&[60, 40], 0.4, 0.001),
            ["`label` depends on the group `site`: Cramér's V 0.4 (limit 0.2)"]
        );
        assert!(found(&[60, 40], 0.15, 0.001).is_empty());
        assert!(found(&[60, 40], 0.4, 0.05).is_empty());
        assert!(found(&[3, 2, 2, 2], 0.9, 0.001).is_empty());
    }

    #[test]
    fn a_small_group_is_a_finding_of_its_own() {
        let said = found(&[950, 50], 0.1, 0.5);
        assert_eq!(said, ["group `g50` of `site` has 50 rows (5 %), 1 for every 19 of `g950` (limit 10)"]);
        assert_eq!(found(&[950, 50], 0.4, 0.001).len(), 2);
    }
}

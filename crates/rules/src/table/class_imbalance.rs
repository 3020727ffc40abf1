//! `class-imbalance`

use serde::{Deserialize, Serialize};
use stetho_core::table::{Origin, Table, Target, Task};
use stetho_core::{
    Draft, Evidence, Human, Place, Remedy, Report, Rule, Severity, Signal, count_of, percent, thousands,
};

use crate::balance::Balance;
use crate::show::python;

/// A class that is ten times as rare as the most frequent one, or rarer.
///
/// ## Why it matters
/// A model that always says the frequent class is right nearly always, so training goes there first and often stays
/// there; accuracy hides it. Of a class with a handful of rows nothing can be learned, and a fold may hold none of it.
///
/// ## What to do
/// Split stratified, and judge by a score that sees every class (balanced accuracy, F1, area under the
/// precision–recall curve). Weight the loss, or draw the rare classes more often; the finding lists the numbers.
/// Change the training rows only, never the validation rows.
///
/// ## Fires on
/// ```recipe rows=400 target=label
/// x = normal(0, 1)
/// label = choice("no": 0.97, "yes": 0.03)
/// ```
/// ```recipe rows=600 target=grade
/// x = normal(0, 1)
/// grade = choice("a": 0.45, "b": 0.52, "c": 0.02, "d": 0.01)
/// ```
///
/// ## Stays quiet on
/// ```recipe rows=400 target=label
/// x = normal(0, 1)
/// label = choice("no": 0.75, "yes": 0.25)
/// ```
/// Classes of a few rows each, whose counts differ by chance.
/// ```recipe rows=120 target=shelf
/// x = normal(0, 1)
/// shelf = text("s", integer(1, 20))
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ClassImbalance {
    /// How many times as frequent as the rarest class the most frequent one may be.
    pub ratio: f64,
    /// A target with fewer rows a class than this, on average, is not judged: it rather names rows than classes.
    pub min_rows_per_class: u64,
    /// A class with fewer rows than this is too small to learn from or to split into folds.
    pub few_rows: u64,
}

impl Default for ClassImbalance {
    fn default() -> Self {
        Self { ratio: 10.0, min_rows_per_class: 5, few_rows: 10 }
    }
}

impl Rule for ClassImbalance {
    type Input = Table;
    const ID: &'static str = "class-imbalance";
    const SEVERITY: Severity = Severity::Warning;
    const SIGNALS: &'static [Signal] = &[Signal::Columns, Signal::Target];

    fn check(&mut self, table: &Table, report: &mut Report) {
        let Some((target, column)) = table.target_column() else { return };
        let [most, .., rarest] = target.classes.as_slice() else { return };
        let balance = Balance { classes: &target.classes, noun: "rows" };
        let n = balance.total();
        let n_classes = target.classes.len() as u64;
        let judged = target.task == Task::Classification
            && n >= n_classes * self.min_rows_per_class
            && !(target.origin == Origin::Guessed && are_counts(target));
        let Some(times) = balance.beyond(self.ratio).filter(|_| judged) else { return };
        let message = format!(
            "class `{}` of `{}` has {} of {} ({}), 1 for every {} of `{}` (limit {})",
            rarest.0,
            column.name,
            thousands(rarest.1),
            count_of(n, "row"),
            percent(rarest.1 as f64 / n as f64),
            Human(times),
            most.0,
            Human(self.ratio),
        );
        let mut draft = Draft::new(
            Place::column(&column.name),
            message,
            Evidence::at_most("most frequent over rarest class", times, self.ratio),
            Remedy::safe("split stratified, and judge by a score that sees every class").code(format!(
                "train, val = train_test_split(df, test_size=0.2, stratify=df[{}], random_state=0)\n\
                 print(classification_report(y_val, model.predict(x_val)))",
                python(&column.name)
            )),
        )
        .certainty(target.certainty())
        .severity(target.severity(Severity::Warning))
        .evidence(balance.shares())
        .evidence(balance.plan());
        let few = target.classes.iter().filter(|c| c.1 < self.few_rows).count() as u64;
        if few > 0 {
            let have = if few == 1 { "has" } else { "have" };
            draft = draft.remedy(Remedy::advice(format!(
                "{} {have} fewer than {} rows, too few to learn from or to split into folds: collect more, or merge",
                count_of(few, "class"),
                self.few_rows
            )));
        }
        for remedy in remedies(&column.name) {
            draft = draft.remedy(remedy);
        }
        report.raise(draft);
    }
}

/// Whether the classes are rather counts or grades: five or more whole numbers whose frequencies rise to one peak and
/// fall from it.
fn are_counts(target: &Target) -> bool {
    let value = |(class, count): &(String, u64)| Some((class.parse::<i64>().ok()?, *count));
    let Some(mut values) = target.classes.iter().map(value).collect::<Option<Vec<_>>>() else { return false };
    values.sort_unstable();
    let falls = values.windows(2).skip_while(|w| w[0].1 <= w[1].1);
    values.len() >= 5 && falls.into_iter().all(|w| w[0].1 >= w[1].1)
}

fn remedies(column: &str) -> [Remedy; 3] {
    let column = python(column);
    [
        Remedy::risky("weight the loss by class")
            .command("stetho prepare DATA --balance weights --out prepared")
            .code(format!(
                "# scikit-learn\nmodel = RandomForestClassifier(class_weight=\"balanced\")\n\
             # PyTorch, classes in the order of their sorted names\n\
             counts = df[{column}].value_counts().sort_index()\n\
             weight = torch.tensor((len(df) / (len(counts) * counts)).to_numpy(), dtype=torch.float32)\n\
             loss = torch.nn.CrossEntropyLoss(weight=weight)"
            )),
        Remedy::risky("or draw rare classes more often (up-sampling), in training only")
            .command("stetho prepare DATA --split 0.8/0.1/0.1 --balance up --out prepared")
            .code(format!(
                "y = train[{column}]\n\
             weights = (1.0 / y.map(y.value_counts())).to_numpy()\n\
             sampler = torch.utils.data.WeightedRandomSampler(weights, num_samples=len(weights))\n\
             loader = torch.utils.data.DataLoader(train_set, batch_size=64, sampler=sampler)"
            )),
        Remedy::risky("or keep fewer rows of frequent classes (down-sampling), where there are plenty")
            .command("stetho prepare DATA --split 0.8/0.1/0.1 --balance down --out prepared")
            .code(format!(
                "least = train[{column}].value_counts().min()\n\
             train = train.groupby({column}).sample(n=least, random_state=0)"
            )),
    ]
}

#[cfg(test)]
mod tests {
    use stetho_core::table::Measured;

    use super::*;
    use crate::testing::{categories, judge, table, with_target};

    fn found(counts: &[(&str, u64)]) -> usize {
        let table = with_target(table(vec![categories("label", counts)]), Task::Classification);
        judge("class-imbalance", &table).len()
    }

    #[test]
    fn ten_to_one_is_the_limit() {
        assert_eq!(found(&[("a", 1000), ("b", 100)]), 1);
        assert_eq!(found(&[("a", 999), ("b", 100)]), 0);
    }

    #[test]
    fn one_row_of_a_small_table_is_chance() {
        assert_eq!(found(&[("a", 12), ("b", 1)]), 0);
        assert_eq!(found(&[("a", 40), ("b", 1)]), 1);
        assert_eq!(found(&[("a", 40)]), 0);
    }

    #[test]
    fn a_guessed_target_of_counts_is_left_alone() {
        let counts = [("0", 400), ("1", 240), ("2", 90), ("3", 30), ("4", 6)];
        let mut table = with_target(table(vec![categories("label", &counts)]), Task::Classification);
        assert_eq!(judge("class-imbalance", &table).len(), 1);
        if let Measured::Is(target) = &mut table.target {
            target.origin = Origin::Guessed;
        }
        assert!(judge("class-imbalance", &table).is_empty());
    }

    #[test]
    fn the_plan_tells_the_balanced_weights() {
        let table =
            with_target(table(vec![categories("label", &[("a", 90), ("b", 6)])]), Task::Classification);
        let found = judge("class-imbalance", &table);
        let Some(Evidence::Table { rows, .. }) = found[0].evidence.get(2) else { panic!("no plan") };
        assert_eq!(rows[1], ["b", "6", "8", "90 (each row × 15)", "6"]);
    }
}

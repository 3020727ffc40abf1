//! What columns are for: the target, the group, and those that identify a row.

use stetho_core::table::{Column, Kind, Origin, Task};

use crate::measure::Identity;
use crate::{Plan, ReadError};

/// Names that targets usually have, in lower case.
const TARGET_NAMES: [&str; 20] = [
    "target",
    "label",
    "labels",
    "class",
    "y",
    "outcome",
    "response",
    "output",
    "ground_truth",
    "y_true",
    "target_class",
    "class_label",
    "is_fraud",
    "churn",
    "survived",
    "species",
    "diagnosis",
    "saleprice",
    "medv",
    "quality",
];
/// Most classes a column of integers may have to be taken for classes.
const MAX_INTEGER_CLASSES: u64 = 20;

/// What the columns of a table are for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roles {
    pub target: Option<Choice>,
    /// Why there is no target.
    pub no_target: String,
    pub group: Option<usize>,
    pub identity: Identity,
}

/// A target column, and why.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub column: usize,
    pub origin: Origin,
    pub reason: String,
    pub alternatives: Vec<String>,
}

impl Roles {
    /// Decides from the profiles of the first rows. `everywhere` tells for each column whether every file has it;
    /// equal rows of two parts can only be found by columns that both have.
    pub(crate) fn decide(plan: &Plan, head: &[Column], everywhere: &[bool]) -> Result<Self, ReadError> {
        let find = |name: &String, what: &str| find_column(head, name, what);
        let group = plan.group.as_ref().map(|name| find(name, "--group")).transpose()?;
        let (target, no_target) = match &plan.target {
            Some(name) => {
                let column = find(name, "--target")?;
                let given =
                    Choice { column, origin: Origin::Given, reason: String::new(), alternatives: Vec::new() };
                (Some(given), String::new())
            }
            None => guess(head),
        };
        let label = target.as_ref().map(|t| t.column);
        let identifies =
            |&i: &usize| Some(i) != label && !is_identifier(&head[i]) && everywhere.get(i) == Some(&true);
        let features = (0..head.len()).filter(identifies).collect();
        Ok(Self { target, no_target, group, identity: Identity { features, label } })
    }
}

/// Index of the column called `name`; `what` asked for it.
pub(crate) fn find_column(head: &[Column], name: &str, what: &str) -> Result<usize, ReadError> {
    position(head, name).ok_or_else(|| absent(head, name, what))
}

fn position(head: &[Column], name: &str) -> Option<usize> {
    head.iter().position(|c| c.name == name)
}

fn absent(head: &[Column], name: &str, what: &str) -> ReadError {
    let mut near: Vec<_> = head
        .iter()
        .map(|c| (strsim::jaro_winkler(&c.name.to_lowercase(), &name.to_lowercase()), &c.name))
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near: Vec<_> = near.iter().take(3).map(|(_, n)| format!("`{n}`")).collect();
    ReadError::Request(format!(
        "{what}: there is no column `{name}`; the nearest names are {}",
        near.join(", ")
    ))
}

/// The likeliest target, or why there is none.
fn guess(head: &[Column]) -> (Option<Choice>, String) {
    let named = |c: &Column| TARGET_NAMES.iter().position(|n| *n == c.name.trim().to_lowercase());
    let by_name = (0..head.len()).filter_map(|i| Some((named(&head[i])?, i))).min();
    let likely: Vec<usize> = (0..head.len()).rev().filter(|&i| could_be_classes(&head[i])).collect();
    let alternatives = |chosen: usize| {
        likely.iter().filter(|&&i| i != chosen).take(3).map(|&i| head[i].name.clone()).collect()
    };
    if let Some((_, column)) = by_name {
        let reason = format!("its name is `{}`", head[column].name);
        let choice = Choice { column, origin: Origin::Named, reason, alternatives: alternatives(column) };
        return (Some(choice), String::new());
    }
    let last = head.len().wrapping_sub(1);
    let chosen = if likely.first() == Some(&last) && head.len() > 1 { Some(last) } else { None };
    if let Some(column) = chosen {
        let n = head[column].distinct.count;
        let reason = format!("it is the last column and has {n} different values");
        let choice = Choice { column, origin: Origin::Guessed, reason, alternatives: alternatives(column) };
        return (Some(choice), String::new());
    }
    let names: Vec<_> = likely.iter().take(3).map(|&i| format!("`{}`", head[i].name)).collect();
    let hint = match names.as_slice() {
        [] => String::new(),
        _ => format!(" (it could be {})", names.join(", ")),
    };
    (None, format!("no target column: name it with `--target`{hint}"))
}

/// Whether the values of a column could be classes.
fn could_be_classes(column: &Column) -> bool {
    let distinct = column.distinct.count;
    let n = column.n_values();
    let few = |most: u64| (2..=most).contains(&distinct) && n >= 20 && distinct * 5 <= n;
    match column.kind {
        Kind::Boolean => few(2),
        Kind::Text => few(50),
        Kind::Number => column.is_integer() && few(MAX_INTEGER_CLASSES),
        Kind::Time | Kind::Nested => false,
    }
}

/// Whether the target's values are classes or a quantity.
pub(crate) fn task(target: &Column) -> Task {
    let distinct = target.distinct.count;
    let Some(number) = target.number.as_ref().filter(|_| target.kind != Kind::Boolean) else {
        return Task::Classification;
    };
    let is_dense =
        number.min >= 0.0 && number.max - number.min < distinct as f64 && number.n_finite >= 10 * distinct;
    let most = if is_dense { 1000 } else { MAX_INTEGER_CLASSES };
    let classes =
        distinct <= 2 || (target.is_integer() && distinct <= most && distinct * 3 <= number.n_finite);
    if classes && target.kind == Kind::Number { Task::Classification } else { Task::Regression }
}

/// Whether a column numbers or names the rows, so that equal rows differ in it: an identifier by name, unique by value.
pub fn is_identifier(column: &Column) -> bool {
    let name = column.name.trim().to_lowercase();
    let by_name = matches!(
        name.as_str(),
        "id" | "index" | "idx" | "uuid" | "guid" | "row_name" | "rownames" | "row" | "key"
    ) || ["_id", " id", "-id", "_uuid", "_index", "rowid", "row_id"]
        .iter()
        .any(|end| name.ends_with(end))
        || column.name.ends_with("Id")
        || column.name.ends_with("ID")
        || name.starts_with("unnamed: 0")
        || name.starts_with("__index_level_");
    let is_first_unnamed =
        name == "column_0" && column.strictly_monotone == Some(true) && column.is_integer();
    let is_unique = column.n_values() > 2 && column.distinct.count as f64 >= 0.97 * column.n_values() as f64;
    is_unique && column.kind != Kind::Time && (by_name || is_first_unnamed)
}

#[cfg(test)]
mod tests {
    use stetho_core::table::{Distinct, NumberProfile};

    use super::*;

    fn column(name: &str, kind: Kind, distinct: u64) -> Column {
        let number = NumberProfile { n_finite: 100, min: 3.0, max: 80.0, ..NumberProfile::default() };
        Column {
            name: name.into(),
            kind,
            n_rows: 100,
            distinct: Distinct { count: distinct, exact: true },
            number: (kind != Kind::Text).then_some(number),
            ..Column::default()
        }
    }

    fn decide(target: Option<&str>, head: &[Column]) -> Result<Roles, ReadError> {
        let plan = Plan { target: target.map(str::to_owned), ..Plan::default() };
        Roles::decide(&plan, head, &vec![true; head.len()])
    }

    #[test]
    fn a_name_beats_the_last_column() {
        let head =
            [column("Class", Kind::Text, 2), column("x", Kind::Number, 50), column("colour", Kind::Text, 3)];
        let choice = decide(None, &head).unwrap().target.unwrap();
        assert_eq!(
            (choice.column, choice.origin, choice.alternatives),
            (0, Origin::Named, vec!["colour".to_owned()])
        );
        let choice = decide(None, &head[1..]).unwrap().target.unwrap();
        assert_eq!((choice.column, choice.origin), (1, Origin::Guessed));
    }

    #[test]
    fn a_mistyped_target_is_answered_with_near_names() {
        let head = [column("quality", Kind::Number, 6), column("alcohol", Kind::Number, 50)];
        let error = decide(Some("qualty"), &head).unwrap_err().to_string();
        assert!(
            error.starts_with("--target: there is no column `qualty`; the nearest names are `quality`"),
            "{error}"
        );
    }

    #[test]
    fn identifiers_do_not_identify_equal_rows() {
        let head = [column("customer_id", Kind::Number, 100), column("width", Kind::Number, 100)];
        let roles = decide(None, &head).unwrap();
        assert_eq!(roles.identity.features, [1]);
        assert!(roles.no_target.contains("--target"));
    }

    #[test]
    fn few_integers_are_classes() {
        assert_eq!(task(&column("y", Kind::Number, 6)), Task::Classification);
        assert_eq!(task(&column("y", Kind::Number, 60)), Task::Regression);
        assert_eq!(task(&column("y", Kind::Text, 60)), Task::Classification);
    }
}

//! Drawing things of rare classes again, leaving things of frequent ones out, and weights instead.

use std::collections::BTreeMap;
use std::path::Path;

use crate::table::push_field;
use crate::{PrepareError, Request};
use stetho_core::Random;

/// Members of each class, by name.
pub(crate) type Classes = BTreeMap<String, Vec<usize>>;

/// Why nothing is resampled before it is split.
pub(crate) const RESAMPLES_UNSPLIT: &str = "--balance: resampling before splitting puts copies of one row or picture on both sides; give `--split 0.8/0.1/0.1`, \
     which is done first, or the held-out parts with --val and --test";

/// What to know of up-sampling.
pub(crate) const UP_IS_TOLD: &str = "up-sampling repeats rare classes in the training part: `check` will name the copies as duplicates, and the other \
     parts, which stay as they are, as different from it";

/// What to know of any other resampling.
pub(crate) const OTHERS_STAY: &str = "the other parts keep the shares of classes they had, as they should: `check` will \
                                      name their labels as distributed otherwise";

/// Members of rare classes drawn again until each class is as large as the largest. Whole rounds come first, so that none is
/// drawn far more often than another.
pub(crate) fn drawn_again(classes: &Classes, random: &mut Random) -> Vec<usize> {
    let most = classes.values().map(Vec::len).max().unwrap_or(0);
    let mut drawn = Vec::new();
    for members in classes.values() {
        let mut round = Vec::new();
        for _ in members.len()..most {
            if round.is_empty() {
                round.clone_from(members);
                random.shuffle(&mut round);
            }
            drawn.extend(round.pop());
        }
    }
    drawn
}

/// Members of frequent classes to leave out until each class is as small as the smallest; ascending.
pub(crate) fn left_out(classes: &Classes, random: &mut Random) -> Vec<usize> {
    let least = classes.values().map(Vec::len).min().unwrap_or(0);
    let mut gone = Vec::new();
    for members in classes.values() {
        let mut members = members.clone();
        random.shuffle(&mut members);
        gone.extend(members.into_iter().skip(least));
    }
    gone.sort_unstable();
    gone
}

/// The weight of a class: n / (k · n_c), as scikit-learn's `balanced`.
pub(crate) fn weight_of(n: usize, n_classes: usize, n_members: usize) -> f64 {
    n as f64 / (n_classes as f64 * n_members as f64)
}

/// The weights of classes as CSV.
pub(crate) fn weights_csv(classes: &Classes) -> String {
    let n: usize = classes.values().map(Vec::len).sum();
    let mut table = "class,weight,count\n".to_owned();
    for (class, members) in classes {
        push_field(&mut table, Some(class));
        table.push_str(&format!(",{},{}\n", weight_of(n, classes.len(), members.len()), members.len()));
    }
    table
}

/// Folders in which a receipt is looked for: that of the data, and those above it in a copy.
const ABOVE: usize = 3;

/// Refuses to split what was resampled: copies of one row or picture would lie on both sides.
pub(crate) fn refuse_resampled(request: &Request) -> Result<(), PrepareError> {
    if request.split.is_none() {
        return Ok(());
    }
    for path in &request.data {
        let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(Path::new("")) };
        for folder in folder.ancestors().take(ABOVE) {
            let Ok(text) = std::fs::read_to_string(folder.join("receipt.json")) else { continue };
            let Ok(receipt) = serde_json::from_str::<serde_json::Value>(&text) else { continue };
            if let Some(how) = receipt.get("resampled").and_then(serde_json::Value::as_str) {
                return PrepareError::request(format!(
                    "--split: `{}` was resampled (`--balance {how}`, says the receipt beside it), and splitting it \
                     now puts copies of one row or picture on both sides; give the source to one command with --split \
                     and --balance, which splits first",
                    path.display()
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Classes {
        [("a".to_owned(), (0..90).collect()), ("b".to_owned(), (90..100).collect())].into()
    }

    #[test]
    fn rare_members_are_drawn_equally_often() {
        let drawn = drawn_again(&classes(), &mut Random::of_purpose(1, "balance"));
        let times = |member| drawn.iter().filter(|m| **m == member).count();
        assert_eq!(drawn.len(), 80);
        assert!((90..100).all(|member| times(member) == 8));
    }

    #[test]
    fn frequent_members_are_left_out() {
        let gone = left_out(&classes(), &mut Random::of_purpose(1, "balance"));
        assert_eq!((gone.len(), gone.iter().filter(|m| **m >= 90).count()), (80, 0));
        assert!(gone.is_sorted());
    }
}

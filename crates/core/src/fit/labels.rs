//! Labels that are likely wrong.

use super::Fit;
use crate::{Evidence, Pictured};

/// A row whose label models do not believe.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelIssue {
    /// The row, counted over all that were used.
    pub row: u64,
    /// Its given class, as an index into the classes.
    pub given: usize,
    /// The class it rather has.
    pub suggested: usize,
    /// Out-of-fold probability of the given class.
    pub p_given: f64,
    /// Out-of-fold probability of the suggested class.
    pub p_suggested: f64,
    /// The file, as the user named it, the 0-based row or picture within, and the line.
    pub path: String,
    /// See `path`.
    pub index: u64,
    /// See `path`.
    pub line: Option<u64>,
    /// Whether `path` alone names it: a picture in a file of its own.
    pub is_file: bool,
    /// Whether it is a picture.
    pub is_picture: bool,
}

/// Result of confident learning (Northcutt, Jiang & Chuang 2021).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelIssues {
    /// Where the probabilities come from: the name of a model, or of a file.
    pub source: String,
    /// Rows likely mislabelled, least believable first.
    pub issues: Vec<LabelIssue>,
    /// Rows with a label.
    pub n_rows: u64,
    /// Rows whose given class is not the one told, of all rows …
    pub n_contradicted: u64,
    /// … and of the quarter of rows that the model is surest of. Where classes overlap, errors are rare there; wrong labels
    /// are as frequent there as anywhere.
    pub n_sure_contradicted: u64,
    /// Rows of that quarter.
    pub n_sure: u64,
}

impl Fit {
    /// The labels to look at, surest first: a table, and the pictures where they are some. Empty where no label is doubted.
    pub fn doubted_labels(&self) -> Vec<Evidence> {
        let issues = self.labels.get().map(|l| l.issues.as_slice()).unwrap_or_default();
        if issues.is_empty() {
            return Vec::new();
        }
        let name = |class: usize| self.classes.get(class).map_or_else(|| class.to_string(), |c| c.0.clone());
        let row = |i: &LabelIssue| {
            let at = match i.line {
                Some(line) => format!("{}:{line}", i.path),
                None if i.is_file => i.path.clone(),
                None => format!("{}[{}]", i.path, i.index),
            };
            [
                at,
                name(i.given),
                name(i.suggested),
                format!("{:.2}", i.p_given),
                format!("{:.2}", i.p_suggested),
            ]
        };
        let table = Evidence::table(
            "labels to look at, surest first",
            ["row", "given", "suggested", "p of given", "p of suggested"],
            issues.iter().map(row),
        );
        let picture = |i: &LabelIssue| Pictured {
            path: i.path.clone(),
            index: (!i.is_file).then_some(i.index),
            label: Some(name(i.given)),
            caption: format!("rather {}", name(i.suggested)),
            ..Pictured::default()
        };
        let pictures: Vec<Pictured> = issues.iter().filter(|i| i.is_picture).map(picture).collect();
        let drawn = Evidence::pictures("pictures whose label is doubted, surest first", pictures);
        if issues.iter().any(|i| i.is_picture) { vec![table, drawn] } else { vec![table] }
    }
}

//! Cases of which `stetho fit` must say one thing, seed after seed.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::{DataSet, GalleryError, Recipe, audit, root};

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictCase {
    /// What is special, in a few words.
    pub name: String,
    /// The rule that the verdict must rest on; none for healthy data.
    pub expect: Option<String>,
    /// Rows.
    pub rows: usize,
    /// `--target`.
    pub target: String,
    /// How the table is made.
    pub recipe: String,
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<VerdictCase>,
}

/// All cases.
///
/// # Errors
/// When the file cannot be read.
pub fn verdict_cases() -> Result<Vec<VerdictCase>, GalleryError> {
    let path = root().join("fit/verdicts.toml");
    let text = fs::read_to_string(&path).map_err(GalleryError::io(&path))?;
    let cases: Cases = toml::from_str(&text).map_err(|e| GalleryError::malformed(&path, e.to_string()))?;
    Ok(cases.case)
}

impl VerdictCase {
    /// The rule that the verdict rests on for the table of this seed, and whether there is any error or warning.
    ///
    /// # Errors
    /// When the recipe is wrong or nothing can be fitted.
    pub fn verdict(&self, seed: usize, folder: &Path) -> Result<(Option<String>, bool), GalleryError> {
        // Random numbers follow from the words of the recipe: a name with the seed in it makes another table.
        let text = format!("_seed{seed} = 0\n{}", self.recipe);
        let recipe = Recipe::parse(&text).map_err(GalleryError::recipe("train"))?;
        let csv = recipe.make(self.rows).map_err(GalleryError::recipe("train"))?.to_csv();
        let train = folder.join("train.csv");
        fs::write(&train, csv).map_err(GalleryError::io(&train))?;
        let set = DataSet { train, target: Some(self.target.clone()), fits: true, ..DataSet::default() };
        let verdict = audit(&set)?;
        let is_alarm = verdict.findings.iter().any(|f| f.severity > stetho_core::Severity::Info);
        Ok((stetho_rules::fit::gravest(&verdict.findings).map(|f| f.rule.clone()), is_alarm))
    }
}

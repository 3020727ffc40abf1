//! Gallery files: the twins of one rule.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use stetho_core::{Outcome, Severity, Verdict};

use crate::boxes::format_called;
use crate::{BoxRecipe, DEFAULT_ROWS, DataSet, GalleryError, PictureRecipe, Recipe};

/// The twins of one rule, from `gallery/<family>/<rule>.toml`.
#[derive(Clone, Debug)]
pub struct GalleryFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// Family of the rule: the folder's name.
    pub family: String,
    /// Id of the rule: the file's name.
    pub rule: String,
    /// What goes wrong in the faulty twins and why it matters, in one line.
    pub about: String,
    /// The data sets.
    pub twins: Vec<Twin>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    about: String,
    #[serde(default)]
    twin: Vec<Twin>,
}

/// A data set made to order, with the findings expected of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Twin {
    /// Whether simple models are fitted rather than the data audited: the twins of family `fit`.
    #[serde(skip)]
    pub fits: bool,
    /// `faulty`, `healthy` or a word that says what is special.
    pub name: String,
    /// Rules that must speak. No other rule may raise an error or a warning; of the file's own rule not even an
    /// info is allowed unless it stands here.
    pub expect: Vec<String>,
    /// Rules that may speak as well, where an expert would agree.
    #[serde(default)]
    pub may: Vec<String>,
    /// Rows of the training part; 200 unless told.
    pub rows: Option<usize>,
    /// `--target`.
    pub target: Option<String>,
    /// `--group`.
    pub group: Option<String>,
    /// Recipe of the training part …
    pub train: Option<String>,
    /// … or its literal content.
    pub csv: Option<String>,
    /// … or pictures …
    pub pictures: Option<String>,
    /// … or boxes, in each of the formats.
    pub boxes: Option<String>,
    /// Formats of the boxes: `coco`, `voc`, `yolo`; all three unless told.
    #[serde(default)]
    pub formats: Vec<String>,
    /// Recipe of the validation part.
    pub val: Option<String>,
    /// Rows of the validation part; as many as the training part has unless told.
    pub val_rows: Option<usize>,
    /// Recipe of the test part.
    pub test: Option<String>,
    /// Rows of the test part; as many as the training part has unless told.
    pub test_rows: Option<usize>,
}

impl GalleryFile {
    /// Reads a gallery file.
    ///
    /// # Errors
    /// When it cannot be read, is not TOML of the right shape, or a twin does not have one kind of content.
    pub fn read(path: &Path) -> Result<Self, GalleryError> {
        let text = fs::read_to_string(path).map_err(GalleryError::io(path))?;
        let content: Content =
            toml::from_str(&text).map_err(|e| GalleryError::malformed(path, e.to_string()))?;
        for twin in &content.twin {
            let contents = [&twin.train, &twin.csv, &twin.pictures, &twin.boxes];
            if contents.into_iter().flatten().count() != 1 {
                let problem =
                    format!("twin `{}` needs one of `train`, `csv`, `pictures` and `boxes`", twin.name);
                return Err(GalleryError::malformed(path, problem));
            }
        }
        let name = |path: Option<&Path>| {
            path.and_then(Path::file_stem).map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let family = name(path.parent());
        let fits = family == "fit";
        Ok(Self {
            path: path.to_owned(),
            family,
            rule: name(Some(path)),
            about: content.about,
            twins: content.twin.into_iter().map(|twin| Twin { fits, ..twin }).collect(),
        })
    }
}

/// Every gallery file below `root`, by family and rule.
///
/// # Errors
/// As [`GalleryFile::read`].
pub fn gallery_files(root: &Path) -> Result<Vec<GalleryFile>, GalleryError> {
    let mut paths = Vec::new();
    for family in entries(root)?.into_iter().filter(|p| p.is_dir()) {
        let is_twins = |p: &PathBuf| {
            p.extension().is_some_and(|e| e == "toml")
                && p.file_stem().is_some_and(|s| s != "real" && s != "verdicts")
        };
        if family.file_name().is_some_and(|name| name != "src" && name != "tests" && name != "run") {
            paths.extend(entries(&family)?.into_iter().filter(is_twins));
        }
    }
    paths.sort();
    paths.iter().map(|path| GalleryFile::read(path)).collect()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, GalleryError> {
    let listing = fs::read_dir(folder).map_err(GalleryError::io(folder))?;
    listing.map(|entry| Ok(entry.map_err(GalleryError::io(folder))?.path())).collect()
}

impl Twin {
    /// Whether this is a data set in which `rule` must speak.
    pub fn is_faulty(&self, rule: &str) -> bool {
        self.expect.iter().any(|r| r == rule)
    }

    /// Writes the data set below `folder`, once in each of its formats.
    ///
    /// # Errors
    /// When a recipe is wrong or the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<DataSet>, GalleryError> {
        if let Some(text) = &self.pictures {
            let recipe = PictureRecipe::parse(text).map_err(GalleryError::recipe("pictures"))?;
            return Ok(vec![write_pictures(&recipe, folder)?]);
        }
        if let Some(text) = &self.boxes {
            let recipe = BoxRecipe::parse(text).map_err(GalleryError::recipe("boxes"))?;
            let names: Vec<&str> = match self.formats.as_slice() {
                [] => FORMATS.to_vec(),
                formats => formats.iter().map(String::as_str).collect(),
            };
            return names.into_iter().map(|name| write_boxes(&recipe, name, folder)).collect();
        }
        Ok(vec![self.write_table(folder)?])
    }

    /// Writes `train.csv`, and `val.csv` and `test.csv` where there are such parts, into `folder`, which is made.
    fn write_table(&self, folder: &Path) -> Result<DataSet, GalleryError> {
        fs::create_dir_all(folder).map_err(GalleryError::io(folder))?;
        let rows = self.rows.unwrap_or(DEFAULT_ROWS);
        let (content, train) = match &self.train {
            Some(recipe) => {
                let frame = parse("train", recipe)?.make(rows).map_err(GalleryError::recipe("train"))?;
                (frame.to_csv(), frame)
            }
            None => (self.csv.clone().unwrap_or_default(), crate::Frame::default()),
        };
        let held_out = |part, recipe: Option<&String>, own_rows: Option<usize>| {
            let Some(recipe) = recipe else { return Ok(None) };
            let frame = parse(part, recipe)?.make_held_out(part, own_rows.unwrap_or(rows), &train);
            let csv = frame.map_err(GalleryError::recipe(part))?.to_csv();
            put(folder, &format!("{part}.csv"), &csv).map(Some)
        };
        Ok(DataSet {
            train: put(folder, "train.csv", &content)?,
            val: held_out("val", self.val.as_ref(), self.val_rows)?,
            test: held_out("test", self.test.as_ref(), self.test_rows)?,
            target: self.target.clone(),
            group: self.group.clone(),
            fits: self.fits,
            is_run: false,
        })
    }

    /// What is not as expected in the verdict on this twin of `rule`; empty when all is well.
    pub fn problems(&self, rule: &str, verdict: &Verdict) -> Vec<String> {
        let mut problems = Vec::new();
        for expected in &self.expect {
            if !verdict.findings.iter().any(|f| f.rule == *expected) {
                problems.push(format!("`{expected}` is expected and silent{}", reason(expected, verdict)));
            }
        }
        for finding in &verdict.findings {
            let is_allowed = self.expect.contains(&finding.rule) || self.may.contains(&finding.rule);
            if !is_allowed && (finding.severity > Severity::Info || finding.rule == rule) {
                let severity = finding.severity.name();
                problems
                    .push(format!("`{}` raises an unexpected {severity}: {}", finding.rule, finding.message));
            }
        }
        for outcome in &verdict.outcomes {
            if let Outcome::Failed { reason } = &outcome.outcome {
                problems.push(format!("`{}` panicked: {reason}", outcome.rule));
            }
        }
        let why = reason(rule, verdict);
        if !self.is_faulty(rule) && !why.is_empty() {
            problems.push(format!("silence of `{rule}` proves nothing{why}"));
        }
        problems
    }
}

/// Formats of boxes by the names of gallery files.
const FORMATS: [&str; 3] = ["coco", "voc", "yolo"];

/// Writes pictures into `folder`; detection must find out what they are.
pub(crate) fn write_pictures(recipe: &PictureRecipe, folder: &Path) -> Result<DataSet, GalleryError> {
    recipe.write(folder)?;
    Ok(DataSet { train: folder.to_owned(), ..DataSet::default() })
}

/// Writes boxes into a folder of `folder` that is called as the format.
pub(crate) fn write_boxes(recipe: &BoxRecipe, format: &str, folder: &Path) -> Result<DataSet, GalleryError> {
    let known = format_called(format);
    let known =
        known.ok_or_else(|| GalleryError::Example(format!("`{format}` is none of coco, voc, yolo")))?;
    let folder = folder.join(format);
    recipe.write(&folder, known)?;
    Ok(DataSet { train: folder, ..DataSet::default() })
}

/// `: skipped, …` where `rule` was skipped or is not enabled; empty where it ran.
fn reason(rule: &str, verdict: &Verdict) -> String {
    match verdict.outcomes.iter().find(|o| o.rule == rule).map(|o| &o.outcome) {
        Some(Outcome::Skipped { reason }) => format!(": skipped, {reason}"),
        Some(Outcome::Ran | Outcome::Failed { .. }) => String::new(),
        None => ": there is no such rule".into(),
    }
}

pub(crate) fn parse(part: &'static str, recipe: &str) -> Result<Recipe, GalleryError> {
    Recipe::parse(recipe).map_err(GalleryError::recipe(part))
}

/// Writes a file below `folder`, with the folders that its name asks for.
pub(crate) fn put_bytes(folder: &Path, name: &str, content: &[u8]) -> Result<(), GalleryError> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(GalleryError::io(parent))?;
    }
    fs::write(&path, content).map_err(GalleryError::io(&path))
}

/// Writes a file and returns its path.
pub(crate) fn put(folder: &Path, name: &str, content: &str) -> Result<PathBuf, GalleryError> {
    let path = folder.join(name);
    fs::write(&path, content).map_err(GalleryError::io(&path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use stetho_core::{Finding, RuleOutcome};

    use super::*;

    fn finding(rule: &str, severity: Severity) -> Finding {
        Finding {
            rule: rule.into(),
            severity,
            certainty: 1.0,
            message: "seen".into(),
            why: String::new(),
            count: 1,
            places: Vec::new(),
            evidence: Vec::new(),
            remedies: Vec::new(),
        }
    }

    fn verdict(findings: &[(&str, Severity)], outcomes: &[(&str, Outcome)]) -> Verdict {
        Verdict {
            findings: findings.iter().map(|(rule, severity)| finding(rule, *severity)).collect(),
            outcomes: outcomes
                .iter()
                .map(|(rule, outcome)| RuleOutcome { rule: (*rule).into(), outcome: outcome.clone() })
                .collect(),
        }
    }

    fn twin(expect: &[&str], may: &[&str]) -> Twin {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Twin { expect: owned(expect), may: owned(may), ..Twin::default() }
    }

    #[test]
    fn what_is_not_as_expected_is_said() {
        use Severity::{Info, Warning};
        let ran = ("a", Outcome::Ran);
        let skipped = ("a", Outcome::Skipped { reason: "no target".into() });
        let failed = ("b", Outcome::Failed { reason: "out of luck".into() });

        let all_well = verdict(&[("a", Info), ("b", Warning), ("c", Info)], std::slice::from_ref(&ran));
        assert!(twin(&["a"], &["b"]).problems("a", &all_well).is_empty());
        assert_eq!(twin(&["a"], &[]).problems("a", &all_well), ["`b` raises an unexpected warning: seen"]);
        assert_eq!(twin(&[], &["b"]).problems("a", &all_well), ["`a` raises an unexpected info: seen"]);
        assert_eq!(
            twin(&["a"], &[]).problems("a", &verdict(&[], std::slice::from_ref(&skipped))),
            ["`a` is expected and silent: skipped, no target"]
        );
        assert_eq!(
            twin(&[], &[]).problems("a", &verdict(&[], &[skipped, failed])),
            ["`b` panicked: out of luck", "silence of `a` proves nothing: skipped, no target"]
        );
        assert_eq!(
            twin(&["z"], &[]).problems("a", &verdict(&[], &[ran])),
            ["`z` is expected and silent: there is no such rule"]
        );
    }

    #[test]
    fn parts_are_written_with_their_rows() {
        let folder = tempfile::tempdir().unwrap();
        let twin = Twin {
            rows: Some(7),
            train: Some("a = row()".into()),
            val: Some("a = row()".into()),
            val_rows: Some(3),
            test: Some("take rows 5..7 from train".into()),
            ..Twin::default()
        };
        let data = twin.write(&folder.path().join("new")).unwrap().remove(0);
        let lines = |path: PathBuf| fs::read_to_string(path).unwrap().lines().count() - 1;
        assert_eq!((lines(data.train), lines(data.val.unwrap()), lines(data.test.unwrap())), (7, 3, 2));
    }

    #[test]
    fn malformed_files_are_refused_with_their_path() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let path = put(folder.path(), "x.toml", text).unwrap();
            GalleryFile::read(&path).map(|_| ()).unwrap_err().to_string()
        };
        assert!(read("about = 3").contains("x.toml`: "));
        let twin = "about = \"a\"\n[[twin]]\nname = \"n\"\nexpect = []\n";
        assert!(read(twin).ends_with("twin `n` needs one of `train`, `csv`, `pictures` and `boxes`"));
        assert!(read(&format!("{twin}csv = \"a\"\nrow = 5\n")).contains("unknown field `row`"));
        let wrong = Twin { train: Some("a = row()\nb = c".into()), ..Twin::default() };
        let error = wrong.write(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("recipe of `train`, line 2: there is no column `c`"), "{error}");
    }
}

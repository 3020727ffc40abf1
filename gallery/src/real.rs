//! Real data sets shipped in packages, and what an expert agrees should be reported of them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;
use stetho_core::{Outcome, Severity, Verdict};

use crate::twin::put;
use crate::{DataSet, GalleryError};

/// The Rust package with `data/*.csv.gz`.
const LINFA: &str = "linfa-datasets";

/// Columns of the diabetes set, which linfa ships without a header.
const DIABETES_HEADER: &str = "age,sex,bmi,bp,s1,s2,s3,s4,s5,s6,target";

/// A real data set, from `gallery/table/real.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealSet {
    /// Name of the set: the file's, without its ending.
    pub name: String,
    /// The package that ships it: `linfa-datasets` or `scikit-learn`.
    pub package: String,
    /// The column that is predicted.
    pub target: String,
    /// Whether it is held to be in good order, so that no error may be raised.
    pub healthy: bool,
    /// Rules that raise an error or warning, with the reason why an expert agrees.
    #[serde(default)]
    pub reported: BTreeMap<String, String>,
}

/// All real data sets, and the folder into which they are written.
#[derive(Clone, Debug)]
pub struct RealSets {
    /// The sets, in the order of the file.
    pub sets: Vec<RealSet>,
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    set: Vec<RealSet>,
}

impl RealSets {
    /// Reads `gallery/table/real.toml` and writes every set that needs no Python below `target/gallery` in the
    /// source tree.
    ///
    /// # Errors
    /// When the file is malformed, or the package with the data is not there.
    pub fn load() -> Result<Self, GalleryError> {
        let path = crate::root().join("table/real.toml");
        let text = fs::read_to_string(&path).map_err(GalleryError::io(&path))?;
        let content: Content =
            toml::from_str(&text).map_err(|e| GalleryError::malformed(&path, e.to_string()))?;
        let sets = Self { sets: content.set, folder: crate::root().join("../target/gallery") };
        let folder = sets.folder.join(LINFA);
        write_linfa(&folder)?;
        Ok(sets)
    }

    /// The folder into which the sets of `package` are written, one `<name>.csv` each.
    pub fn folder(&self, package: &str) -> PathBuf {
        self.folder.join(package)
    }

    /// The data of `set`; `None` where its package has not been set up, as scikit-learn before `cargo xtask test`.
    pub fn data(&self, set: &RealSet) -> Option<DataSet> {
        let train = self.folder(&set.package).join(format!("{}.csv", set.name));
        train.exists().then(|| DataSet { train, target: Some(set.target.clone()), ..DataSet::default() })
    }
}

/// Writes the sets of linfa as CSV files with headers: `iris`, `winequality-red` and `diabetes`.
///
/// # Errors
/// When `cargo metadata` does not know the package, or its files have changed.
fn write_linfa(folder: &Path) -> Result<(), GalleryError> {
    let data = package_folder(LINFA)?.join("data");
    fs::create_dir_all(folder).map_err(GalleryError::io(folder))?;
    for name in ["iris", "winequality-red"] {
        put(folder, &format!("{name}.csv"), &gunzip(&data.join(format!("{name}.csv.gz")))?)?;
    }
    let features = gunzip(&data.join("diabetes_data.csv.gz"))?;
    let target = gunzip(&data.join("diabetes_target.csv.gz"))?;
    let joined = paste(DIABETES_HEADER, &features, &target)
        .ok_or_else(|| GalleryError::malformed(&data, "the two diabetes files differ in their rows"))?;
    put(folder, "diabetes.csv", &joined)?;
    Ok(())
}

/// Joins two headerless files line by line; `None` if one is longer.
fn paste(header: &str, left: &str, right: &str) -> Option<String> {
    let mut out = format!("{header}\n");
    let (mut left, mut right) = (left.lines(), right.lines());
    loop {
        match (left.next(), right.next()) {
            (Some(a), Some(b)) => out.push_str(&format!("{a},{b}\n")),
            (None, None) => return Some(out),
            _ => return None,
        }
    }
}

fn gunzip(path: &Path) -> Result<String, GalleryError> {
    let file = fs::File::open(path).map_err(GalleryError::io(path))?;
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).map_err(GalleryError::io(path))?;
    Ok(text)
}

/// The folder of a package of this workspace's dependencies, compiled or not.
fn package_folder(package: &str) -> Result<PathBuf, GalleryError> {
    let fail = |problem: String| GalleryError::Package { package: package.to_owned(), problem };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(crate::root().join("Cargo.toml"))
        .output()
        .map_err(|e| fail(format!("cannot run cargo: {e}")))?;
    if !output.status.success() {
        return Err(fail(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|e| fail(e.to_string()))?;
    manifest_of(&metadata, package)
        .and_then(|manifest| Some(manifest.parent()?.to_owned()))
        .ok_or_else(|| fail("it is not among the dependencies".into()))
}

fn manifest_of(metadata: &Value, package: &str) -> Option<PathBuf> {
    let packages = metadata.get("packages")?.as_array()?;
    let found = packages.iter().find(|p| p.get("name").and_then(Value::as_str) == Some(package))?;
    found.get("manifest_path")?.as_str().map(PathBuf::from)
}

impl RealSet {
    /// What is not as expected in the verdict on this set; empty when all is well.
    pub fn problems(&self, verdict: &Verdict) -> Vec<String> {
        let mut problems = Vec::new();
        for finding in verdict.findings.iter().filter(|f| f.severity > Severity::Info) {
            let (rule, severity) = (&finding.rule, finding.severity.name());
            if self.healthy && finding.severity == Severity::Error {
                problems.push(format!("`{rule}` raises an error on healthy data: {}", finding.message));
            } else if !self.reported.contains_key(rule) {
                problems.push(format!(
                    "`{rule}` raises a finding of level {severity} without a reason: {}",
                    finding.message
                ));
            }
        }
        for rule in self.reported.keys() {
            if !verdict.findings.iter().any(|f| f.rule == *rule && f.severity > Severity::Info) {
                problems.push(format!("`{rule}` is expected to be reported and is not"));
            }
        }
        for outcome in &verdict.outcomes {
            if let Outcome::Failed { reason } = &outcome.outcome {
                problems.push(format!("`{}` panicked: {reason}", outcome.rule));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_without_a_reason_is_said() {
        let finding = |rule: &str, severity: &str| {
            let json = serde_json::json!({
                "rule": rule, "severity": severity, "certainty": 1.0, "message": "seen", "why": "", "count": 1,
                "places": [], "evidence": [], "remedies": [],
            });
            serde_json::from_value(json).unwrap()
        };
        let findings = vec![finding("a", "error"), finding("b", "warning"), finding("c", "info")];
        let verdict = Verdict { findings, outcomes: Vec::new() };
        let set = |healthy, reported: &[&str]| RealSet {
            name: "x".into(),
            package: "y".into(),
            target: "z".into(),
            healthy,
            reported: reported.iter().map(|r| ((*r).to_owned(), "because".to_owned())).collect(),
        };
        assert!(set(false, &["a", "b"]).problems(&verdict).is_empty());
        assert_eq!(set(true, &["a", "b"]).problems(&verdict), ["`a` raises an error on healthy data: seen"]);
        assert_eq!(
            set(false, &["a"]).problems(&verdict),
            ["`b` raises a finding of level warning without a reason: seen"]
        );
        assert_eq!(
            set(false, &["a", "b", "c"]).problems(&verdict),
            ["`c` is expected to be reported and is not"]
        );
    }

    #[test]
    fn headerless_halves_are_joined() {
        assert_eq!(paste("a,b,y", "1,2\n3,4\n", "5\n6\n").unwrap(), "a,b,y\n1,2,5\n3,4,6\n");
        assert_eq!(paste("a,y", "1\n", "5\n6\n"), None);
    }

    #[test]
    fn the_sets_of_linfa_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        write_linfa(folder.path()).unwrap();
        for (name, rows, columns) in [("iris", 150, 5), ("winequality-red", 1599, 12), ("diabetes", 442, 11)]
        {
            let text = fs::read_to_string(folder.path().join(format!("{name}.csv"))).unwrap();
            assert_eq!(text.lines().count(), rows + 1, "{name}");
            assert!(text.lines().all(|l| l.split(',').count() == columns), "{name}");
        }
    }
}

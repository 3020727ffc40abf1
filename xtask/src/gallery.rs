//! `cargo xtask gallery`: what each rule finds in the twins and in real data sets.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use stetho_core::Verdict;
use stetho_gallery::{GalleryFile, RealSets, audit, gallery_files, raised, root};

use crate::{python, runs};

/// How the rules do on the twins of one gallery file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Score {
    rule: String,
    faulty: usize,
    detected: usize,
    healthy: usize,
    alarms: usize,
    problems: Vec<String>,
}

impl Score {
    /// Counts in one twin's verdict.
    fn add(&mut self, file: &GalleryFile, index: usize, verdict: &Verdict) {
        let Some(twin) = file.twins.get(index) else { return };
        let speaks = verdict.findings.iter().any(|f| f.rule == file.rule);
        if twin.is_faulty(&file.rule) {
            self.faulty += 1;
            self.detected += usize::from(speaks);
        } else {
            self.healthy += 1;
            self.alarms += usize::from(speaks);
        }
        self.problems
            .extend(twin.problems(&file.rule, verdict).into_iter().map(|p| format!("{}: {p}", twin.name)));
    }
}

/// Prints the tables; fails if a twin or a real data set is not as expected.
pub(crate) fn show() -> Result<()> {
    python::export_data_sets()?;
    let mut scores = Vec::new();
    for file in gallery_files(root())? {
        scores.push(score(&file).with_context(|| format!("twins of `{}`", file.rule))?);
    }
    println!("{}", table(&scores));
    let n_odd = scores.iter().filter(|s| !s.problems.is_empty()).count() + show_real()?;
    runs::show(false, &[])?;
    if n_odd > 0 {
        bail!("{n_odd} rules or data sets are not as expected");
    }
    Ok(())
}

fn score(file: &GalleryFile) -> Result<Score> {
    let folder = std::env::temp_dir().join(format!("stetho-gallery-{}", std::process::id()));
    let mut score = Score { rule: file.rule.clone(), ..Score::default() };
    for (index, twin) in file.twins.iter().enumerate() {
        for data in twin.write(&folder).with_context(|| format!("twin `{}`", twin.name))? {
            let verdict = audit(&data).with_context(|| format!("twin `{}`", twin.name))?;
            score.add(file, index, &verdict);
        }
        fs::remove_dir_all(&folder).context("cannot remove a temporary folder")?;
    }
    Ok(score)
}

fn table(scores: &[Score]) -> String {
    let mut text = format!("{:28} {:>10} {:>10}  as expected\n", "rule", "detected", "alarms");
    for score in scores {
        let detected = format!("{} of {}", score.detected, score.faulty);
        let alarms = format!("{} of {}", score.alarms, score.healthy);
        let verdict = if score.problems.is_empty() { "yes" } else { "no" };
        let _ = writeln!(text, "{:28} {detected:>10} {alarms:>10}  {verdict}", score.rule);
        for problem in &score.problems {
            let _ = writeln!(text, "    {problem}");
        }
    }
    text
}

/// Prints what is raised on each real data set; returns how many are not as expected.
fn show_real() -> Result<usize> {
    let real = RealSets::load()?;
    let mut n_odd = 0;
    for set in &real.sets {
        println!("{} of {}", set.name, set.package);
        let Some(data) = real.data(set) else { bail!("{} of {} was not exported", set.name, set.package) };
        let verdict = audit(&data)?;
        for line in raised(&verdict) {
            println!("    {line}");
        }
        let problems = set.problems(&verdict);
        n_odd += usize::from(!problems.is_empty());
        for problem in problems {
            println!("  ! {problem}");
        }
    }
    Ok(n_odd)
}

/// Writes every twin below `folder` as `<family>/<rule>/<twin>/train.csv`, with an `index.csv` of what is expected.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let mut index = "folder,target,group,rule,expect\n".to_owned();
    let mut n_twins = 0;
    for file in gallery_files(root())? {
        for twin in &file.twins {
            let name = format!("{}/{}/{}", file.family, file.rule, twin.name.replace(' ', "-"));
            twin.write(&folder.join(&name)).with_context(|| name.clone())?;
            let target = twin.target.as_deref().unwrap_or_default();
            let group = twin.group.as_deref().unwrap_or_default();
            let _ = writeln!(index, "{name},{target},{group},{},{}", file.rule, twin.expect.join(" "));
            n_twins += 1;
        }
    }
    fs::write(folder.join("index.csv"), index).context("cannot write index.csv")?;
    println!("wrote {n_twins} data sets to {}", folder.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use stetho_core::{Outcome, RuleOutcome};
    use stetho_gallery::Twin;

    use super::*;

    #[test]
    fn misses_and_alarms_are_counted() {
        let twin = |name: &str, expect: &[&str]| Twin {
            name: name.into(),
            expect: expect.iter().map(|r| (*r).into()).collect(),
            ..Twin::default()
        };
        let file = GalleryFile {
            path: "x.toml".into(),
            family: "table".into(),
            rule: "x".into(),
            about: String::new(),
            twins: vec![twin("faulty", &["x"]), twin("healthy", &[])],
        };
        let outcomes = vec![RuleOutcome { rule: "x".into(), outcome: Outcome::Ran }];
        let silent = Verdict { findings: Vec::new(), outcomes };
        let mut score = Score { rule: "x".into(), ..Score::default() };
        score.add(&file, 0, &silent);
        score.add(&file, 1, &silent);
        assert_eq!((score.detected, score.faulty, score.alarms, score.healthy), (0, 1, 0, 1));
        assert_eq!(score.problems, ["faulty: `x` is expected and silent"]);
        assert!(table(&[score]).contains("    0 of 1     0 of 1  no\n    faulty: `x`"));
    }
}

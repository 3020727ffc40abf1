//! `cargo xtask types`: the report's types in TypeScript, from the Rust definitions.

use std::fs;

use anyhow::{Context, Result, ensure};
use stetho_core::{
    Document, Drawn, Evidence, Finding, Limit, Line, Number, Outcome, Pictured, Place, Remedy, RuleOutcome,
    Safety, Severity, Subject,
};
use stetho_report::{
    Bins, BoxFacts, BrokenFacts, CheckFacts, CheckState, ColumnFacts, FileLine, FitFacts, Grid, HeatFacts,
    HeatScale, ModelFacts, PageData, PictureFacts, PictureMap, PreflightFacts, RunFacts, SampleFacts,
    SampleRow, SeriesFacts, SeriesGroup, SplitFacts, TableFacts, TargetFacts,
};
use ts_rs::{Config, TS};

use crate::shell;

/// The generated file, from the root.
const FILE: &str = "web/src/types/report.ts";

/// Writes the types.
pub(crate) fn write() -> Result<()> {
    let path = shell::root().join(FILE);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).context("cannot make web/src/types")?;
    }
    fs::write(path, types()).with_context(|| format!("cannot write {FILE}"))?;
    println!("wrote {FILE}");
    Ok(())
}

/// Fails if the file is not what [`write`] would write.
pub(crate) fn check() -> Result<()> {
    let present = fs::read_to_string(shell::root().join(FILE)).unwrap_or_default();
    ensure!(present == types(), "{FILE} is not fresh; run `cargo xtask types`");
    println!("{FILE} is fresh");
    Ok(())
}

/// Every type that a report is made of. One that is left out here is missed by the TypeScript compiler.
fn types() -> String {
    // Counts above 2^53 would be rounded by a browser; no data set has as many.
    let config = Config::new().with_large_int("number");
    let mut text = "// written by `cargo xtask types` from the Rust definitions\n".to_owned();
    macro_rules! declare {
        ($($name:ty),* $(,)?) => {
            $(text.push_str(&format!("\nexport {}\n", <$name>::decl(&config)));)*
        };
    }
    declare!(
        Number,
        Document,
        Subject,
        Finding,
        Severity,
        Place,
        Evidence,
        Limit,
        Line,
        Pictured,
        Drawn,
        Remedy,
        Safety,
        RuleOutcome,
        Outcome,
        PageData,
        TableFacts,
        FileLine,
        TargetFacts,
        SplitFacts,
        ColumnFacts,
        SampleFacts,
        SampleRow,
        PictureFacts,
        PictureMap,
        Bins,
        BoxFacts,
        ModelFacts,
        FitFacts,
        Grid,
        RunFacts,
        SeriesFacts,
        SeriesGroup,
        BrokenFacts,
        HeatFacts,
        HeatScale,
        CheckState,
        CheckFacts,
        PreflightFacts,
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_words_and_counts_are_numbers() {
        let types = types();
        assert!(
            types.contains(r#"export type Number = number | "NaN" | "Infinity" | "-Infinity";"#),
            "{types}"
        );
        assert!(types.contains("export type Evidence = ") && !types.contains("bigint"));
    }
}

//! Arguments of `stetho prepare`.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::{Args as ClapArgs, ValueEnum, ValueHint};
use stetho_prepare::{Balance, Ratios, Request, Whiten};

use crate::args::AsKind;

const EXIT_STATUS: &str = "\
Remedies are applied in this order: labels, drop, split, impute, log, center, scale, whiten, balance.
What is fitted is fitted on the training part only, and resampling touches no other part.

Exit status:
  0    the copy was written
  2    the command could not do its work; nothing is left behind
  130  interrupted; nothing is left behind";

#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_STATUS)]
pub(crate) struct PrepareArgs {
    /// Files or folders, as for `stetho check`; they are only read
    #[arg(required = true, value_name = "DATA", value_hint = ValueHint::AnyPath)]
    pub(crate) data: Vec<PathBuf>,

    /// Folder to be made: the copy, receipt.md and receipt.json
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,

    /// What the data is; detected if not given
    #[arg(long = "as", value_enum, value_name = "KIND")]
    pub(crate) kind: Option<AsKind>,

    /// Column to be predicted; guessed if not given
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Option<String>,

    /// Validation data; may be given several times
    #[arg(long, value_name = "DATA", value_hint = ValueHint::AnyPath)]
    pub(crate) val: Vec<PathBuf>,

    /// Test data; may be given several times
    #[arg(long, value_name = "DATA", value_hint = ValueHint::AnyPath)]
    pub(crate) test: Vec<PathBuf>,

    /// Column whose rows stay on one side of a split: person, hospital, camera
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group: Option<String>,

    /// Leave out what these rules find: duplicates, conflicting, unreadable, or ids of rules
    #[arg(long, value_name = "RULE,…", value_delimiter = ',')]
    pub(crate) drop: Vec<String>,

    /// Table of corrected labels: columns row,label or file,row,label; for pictures path,label; or the export of
    /// `stetho fit`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) fix_labels: Option<PathBuf>,

    /// Leave out boxes with a side below this many pixels
    #[arg(long, value_name = "PIXELS")]
    pub(crate) min_box: Option<f64>,

    /// Split a single part: shares of training, validation and test rows, stratified, equal rows on one side
    #[arg(long, value_name = "0.8/0.1/0.1")]
    pub(crate) split: Option<String>,

    /// Fill in missing values: numbers with the median, texts with the most frequent one
    #[arg(long)]
    pub(crate) impute: bool,

    /// Replace this column x by log(1 + x); may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub(crate) log: Vec<String>,

    /// Subtract the mean of each number column
    #[arg(long)]
    pub(crate) center: bool,

    /// Divide each number column by its standard deviation
    #[arg(long)]
    pub(crate) scale: bool,

    /// Whiten the number columns, which centres and scales them too
    #[arg(long, value_enum)]
    pub(crate) whiten: Option<WhitenArg>,

    /// Balance the classes of the training part
    #[arg(long, value_enum)]
    pub(crate) balance: Option<BalanceArg>,

    /// Fixes what is random: the split and the balancing
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Threads to use; 0 for one a core
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) threads: usize,
}

/// How to whiten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhitenArg {
    /// Into principal components
    Pca,
    /// Staying as near to the columns as can be
    Zca,
}

/// How to balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BalanceArg {
    /// Draw rows of rare classes again
    Up,
    /// Leave out rows of frequent classes
    Down,
    /// Make rows between neighbours of rare classes
    Smote,
    /// Leave the rows; write weights of classes and rows
    Weights,
}

impl PrepareArgs {
    /// What the library is asked for.
    ///
    /// # Errors
    /// When `--split` names no shares.
    pub(crate) fn request(&self) -> Result<Request> {
        let ratios = |text: &String| text.parse::<Ratios>().map_err(|words| anyhow!("--split: {words}"));
        Ok(Request {
            data: self.data.clone(),
            val: self.val.clone(),
            test: self.test.clone(),
            kind: self.kind.map(AsKind::kind),
            target: self.target.clone(),
            group: self.group.clone(),
            out: self.out.clone(),
            drop: self.drop.clone(),
            fix_labels: self.fix_labels.clone(),
            min_box: self.min_box,
            impute: self.impute,
            center: self.center,
            scale: self.scale,
            whiten: self.whiten.map(|how| match how {
                WhitenArg::Pca => Whiten::Pca,
                WhitenArg::Zca => Whiten::Zca,
            }),
            log: self.log.clone(),
            balance: self.balance.map(|how| match how {
                BalanceArg::Up => Balance::Up,
                BalanceArg::Down => Balance::Down,
                BalanceArg::Smote => Balance::Smote,
                BalanceArg::Weights => Balance::Weights,
            }),
            split: self.split.as_ref().map(ratios).transpose()?,
            seed: self.seed,
            threads: self.threads,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use crate::args::{Args, Command};

    /// Every `stetho prepare …` that a rule tells the user to run.
    fn told(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(told(&path));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let commands = text.match_indices("\"stetho prepare DATA").filter_map(|(at, _)| {
                let rest = &text[at + 1..];
                rest.split_once('"').map(|(command, _)| command.to_owned())
            });
            found.extend(commands);
        }
        found
    }

    #[test]
    fn what_rules_tell_to_run_is_understood() {
        let commands = told(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/src"));
        assert!(commands.len() >= 15, "{commands:?}");
        for command in commands.iter().filter(|c| !c.contains('{')) {
            let Command::Prepare(args) = Args::parse_from(command.split_whitespace()).command else {
                panic!("{command}")
            };
            let request = args.request().unwrap();
            let kinds = [
                stetho_read::DataKind::Table,
                stetho_read::DataKind::Images,
                stetho_read::DataKind::Boxes(None),
            ];
            assert!(kinds.iter().any(|kind| stetho_prepare::fits(&request, *kind).is_ok()), "{command}");
        }
    }
}

//! What is to be done.

use std::path::PathBuf;
use std::str::FromStr;

use stetho_core::table::Part;
use stetho_read::{DataKind, Plan};

use crate::PrepareError;
use crate::resample::RESAMPLES_UNSPLIT;

/// What to do, and to which data.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Files or folders of the training part.
    pub data: Vec<PathBuf>,
    /// Validation part.
    pub val: Vec<PathBuf>,
    /// Test part.
    pub test: Vec<PathBuf>,
    /// What the data is; found out where `None`.
    pub kind: Option<DataKind>,
    /// Name of the target column; guessed where `None`.
    pub target: Option<String>,
    /// Name of the column whose rows stay together when splitting.
    pub group: Option<String>,
    /// The folder to be made.
    pub out: PathBuf,
    /// Rules whose culprits are left out; see [`crate::droppable`].
    pub drop: Vec<String>,
    /// A table of corrected labels.
    pub fix_labels: Option<PathBuf>,
    /// Shortest side of a box that is kept, in pixels.
    pub min_box: Option<f64>,
    /// Whether missing values are filled in.
    pub impute: bool,
    /// Whether number columns are centred.
    pub center: bool,
    /// Whether number columns are divided by their standard deviation.
    pub scale: bool,
    /// How number columns are whitened.
    pub whiten: Option<Whiten>,
    /// Columns that are replaced by log(1 + x).
    pub log: Vec<String>,
    /// How classes are balanced.
    pub balance: Option<Balance>,
    /// Shares of the parts.
    pub split: Option<Ratios>,
    /// Fixes everything that is random.
    pub seed: u64,
    /// Worker threads; 0 for one a core.
    pub threads: usize,
}

/// How to whiten: PCA gives the principal components, ZCA stays as near to the columns as whitening can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whiten {
    /// Principal components, each with variance 1.
    Pca,
    /// Rotated back to the columns.
    Zca,
}

/// How to balance classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Rows of rare classes are drawn again until all classes are as large as the largest.
    Up,
    /// Rows of frequent classes are left out until all are as small as the smallest.
    Down,
    /// New rows between neighbours of one class (Chawla et al. 2002).
    Smote,
    /// Weights are written; rows stay as they are.
    Weights,
}

impl Balance {
    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Smote => "smote",
            Self::Weights => "weights",
        }
    }
}

/// Shares of training, validation and, where there are three, test rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratios(pub(crate) Vec<f64>);

impl Ratios {
    /// Each part with its share.
    pub(crate) fn parts(&self) -> Vec<(Part, f64)> {
        [Part::Train, Part::Validation, Part::Test].into_iter().zip(self.0.iter().copied()).collect()
    }
}

impl FromStr for Ratios {
    type Err = String;

    /// Two or three shares above 0 that add up to 1: `0.8/0.1/0.1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let shares: Option<Vec<f64>> = text.split('/').map(|s| s.trim().parse().ok()).collect();
        let shares = shares.filter(|s| (2..=3).contains(&s.len()) && s.iter().all(|s| *s > 0.0));
        let Some(shares) = shares else {
            return Err("give two or three shares above 0, like 0.8/0.1/0.1".into());
        };
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > 1e-6 {
            let sum = (sum * 1e6).round() / 1e6;
            return Err(format!("the shares add up to {sum}, expected 1"));
        }
        Ok(Self(shares))
    }
}

impl Request {
    /// Every path that is read.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &PathBuf> {
        self.data.iter().chain(&self.val).chain(&self.test).chain(&self.fix_labels)
    }

    /// What to read.
    pub(crate) fn plan(&self) -> Plan {
        Plan {
            train: self.data.clone(),
            validation: self.val.clone(),
            test: self.test.clone(),
            target: self.target.clone(),
            group: self.group.clone(),
            threads: self.threads,
            listed: usize::MAX,
            ..Plan::default()
        }
    }

    fn has_held_out(&self) -> bool {
        !self.val.is_empty() || !self.test.is_empty()
    }

    /// Refuses what cannot be done to data of this kind.
    pub(crate) fn check(&self, kind: DataKind) -> Result<(), PrepareError> {
        if self.out.as_os_str().is_empty() {
            return PrepareError::request("--out names no folder");
        }
        if !self.asks_for_something() {
            return PrepareError::request(
                "nothing to do: name a remedy, like `--drop duplicates` or `--split 0.8/0.1/0.1`",
            );
        }
        if self.split.is_some() && self.has_held_out() {
            return PrepareError::request(
                "--split: the data has held-out parts already; leave out --val and --test, or --split",
            );
        }
        if kind != DataKind::Table {
            self.check_files(kind)?;
        } else if self.min_box.is_some() {
            return PrepareError::request("--min-box is for pictures with boxes, and this is a table");
        }
        let resamples = matches!(self.balance, Some(Balance::Up | Balance::Down | Balance::Smote));
        if kind == DataKind::Table && resamples && self.split.is_none() && !self.has_held_out() {
            return PrepareError::request(RESAMPLES_UNSPLIT);
        }
        Ok(())
    }

    fn asks_for_something(&self) -> bool {
        let flags = [self.impute, self.center, self.scale, !self.drop.is_empty(), !self.log.is_empty()];
        flags.contains(&true)
            || self.fix_labels.is_some()
            || self.min_box.is_some()
            || self.whiten.is_some()
            || self.balance.is_some()
            || self.split.is_some()
    }

    fn check_files(&self, kind: DataKind) -> Result<(), PrepareError> {
        let is_boxes = kind != DataKind::Images;
        let what = if is_boxes { "pictures with boxes" } else { "pictures" };
        let for_tables = [
            ("--impute", self.impute),
            ("--center", self.center),
            ("--scale", self.scale),
            ("--whiten", self.whiten.is_some()),
            ("--log", !self.log.is_empty()),
            ("--balance smote", self.balance == Some(Balance::Smote)),
            ("--group", self.group.is_some()),
            ("--target", self.target.is_some()),
        ];
        let for_pictures = [
            ("--split", self.split.is_some()),
            ("--fix-labels", self.fix_labels.is_some()),
            ("--balance", self.balance.is_some()),
        ];
        if let Some((name, _)) = for_tables.iter().find(|(_, is_asked)| *is_asked) {
            return PrepareError::request(format!("{name} is for tables, and these are {what}"));
        }
        if let Some((name, _)) = for_pictures.iter().find(|(_, is_asked)| is_boxes && *is_asked) {
            return PrepareError::request(format!(
                "{name} is for tables and pictures in folders, and these are {what}"
            ));
        }
        if !is_boxes && self.min_box.is_some() {
            return PrepareError::request("--min-box is for pictures with boxes, and these have none");
        }
        Ok(())
    }
}

impl Request {
    /// The remedies that were asked for, as on the command line.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut asked = Vec::new();
        if !self.drop.is_empty() {
            asked.push(format!("--drop {}", self.drop.join(",")));
        }
        if let Some(file) = &self.fix_labels {
            asked.push(format!("--fix-labels {}", file.display()));
        }
        asked.extend(self.min_box.map(|n| format!("--min-box {n}")));
        let flags = [("--impute", self.impute), ("--center", self.center), ("--scale", self.scale)];
        asked.extend(flags.iter().filter(|(_, is_asked)| *is_asked).map(|(name, _)| (*name).to_owned()));
        asked.extend(
            self.whiten.map(|w| format!("--whiten {}", if w == Whiten::Pca { "pca" } else { "zca" })),
        );
        asked.extend(self.log.iter().map(|column| format!("--log {column}")));
        asked.extend(self.balance.map(|b| format!("--balance {}", b.name())));
        if let Some(Ratios(shares)) = &self.split {
            asked
                .push(format!("--split {}", shares.iter().map(f64::to_string).collect::<Vec<_>>().join("/")));
        }
        asked
    }
}

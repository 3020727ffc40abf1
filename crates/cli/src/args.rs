//! The command line. Help, completions and the man page all derive from these definitions.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use serde::{Deserialize, Serialize};
use stetho_core::Severity;
use stetho_core::boxes::BoxFormat;
use stetho_core::fit::RungKind;
use stetho_read::DataKind;

const EXIT_STATUS: &str = "\
Exit status:
  0    nothing at or above --fail-on was found
  1    something was
  2    the command could not do its work
  130  interrupted; the report speaks of the part that was read";

const WATCH_STATUS: &str = "\
Exit status:
  0    nothing at or above --fail-on was found
  1    something was; with --follow and --fail-on, at once
  2    the command could not do its work";

/// Finds out why a machine-learning model does not learn.
#[derive(Debug, Parser)]
#[command(name = "stetho", version, after_help = EXIT_STATUS, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Audit a data set: what is wrong with the data before any model sees it
    Check(CheckArgs),
    /// Fit simple models: whether there is a signal, under- or overfitting, wrong labels, what to do first
    Fit(FitArgs),
    /// Apply remedies to a copy of a data set, with a receipt
    Prepare(crate::prepare_args::PrepareArgs),
    /// Train under the debugger: a script runs as it is, and what goes wrong is told with its cause. Needs Python and PyTorch
    Run(crate::python_args::RunArgs),
    /// The experiments before training: overfit one batch, look at the first loss, feed zeros, see that nothing leaks; then stop. Needs
    /// Python and PyTorch
    Preflight(crate::python_args::PreflightArgs),
    /// Run a step that went wrong again, from what `stetho run` kept of it. Needs Python and PyTorch
    Replay(crate::python_args::ReplayArgs),
    /// Judge training runs from their logs: TensorBoard, CSV, JSON lines, Hugging Face, lines of text; finished or growing
    Watch(WatchArgs),
    /// Show runs in the browser, live while they are logged, or a saved report
    Serve(ServeArgs),
    /// List every rule
    Rules {
        /// Form of the list
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
    },
    /// Show a rule's documentation: what it finds, why it matters, what to do, its options
    Explain {
        /// Id of the rule, as in reports
        rule: String,
    },
    /// Print a script that completes stetho's commands and options in a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page, in troff: stetho man | man -l -
    Man {
        /// The page of this command rather than the overview
        command: Option<String>,
    },
}

#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_STATUS)]
pub(crate) struct CheckArgs {
    /// Files or folders: tables (CSV, TSV, Parquet, JSONL, Arrow, NumPy), pictures (folders, lists, IDX, NPZ),
    /// boxes (COCO, Pascal VOC, YOLO). Several of one schema are one data set
    #[arg(required = true, value_name = "DATA", value_hint = ValueHint::AnyPath)]
    pub(crate) data: Vec<PathBuf>,

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

    /// Column that names groups to compare: hospital, camera, year
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group: Option<String>,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

/// How to judge and to report, the same for all commands that do.
#[derive(Debug, Default, ClapArgs, Serialize, Deserialize)]
pub(crate) struct ReportArgs {
    /// Form of the report; by the name of --out if not given, else text
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,

    /// Write the report to this file instead of standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,

    /// Run only these rules
    #[arg(long, value_name = "RULE,…", value_delimiter = ',')]
    pub(crate) select: Vec<String>,

    /// Do not run these rules
    #[arg(long, value_name = "RULE,…", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,

    /// Exit with 1 when something this bad is found [default: error]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<FailOn>,

    /// Configuration file; by default stetho.toml, or [tool.stetho] in pyproject.toml, here or in a folder above
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,

    /// List everything rather than the first and worst
    #[arg(long)]
    pub(crate) all: bool,

    /// Threads to use; 0 for one a core
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) threads: usize,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = EXIT_STATUS)]
pub(crate) struct FitArgs {
    /// Files or folders: tables (CSV, TSV, Parquet, JSONL, Arrow, NumPy) or pictures (folders, lists, IDX, NPZ)
    #[arg(required = true, value_name = "DATA", value_hint = ValueHint::AnyPath)]
    pub(crate) data: Vec<PathBuf>,

    /// What the data is; detected if not given
    #[arg(long = "as", value_enum, value_name = "KIND")]
    pub(crate) kind: Option<AsKind>,

    /// Column to be predicted; guessed if not given
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Option<String>,

    /// Validation data, in place of folds; may be given several times
    #[arg(long, value_name = "DATA", value_hint = ValueHint::AnyPath)]
    pub(crate) val: Vec<PathBuf>,

    /// Column that names rows which belong together: never divided between training and validation
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group: Option<String>,

    /// Column of times: the past predicts the future
    #[arg(long, value_name = "COLUMN", conflicts_with = "group")]
    pub(crate) time: Option<String>,

    /// Whether classes or numbers are predicted; by the values if not given
    #[arg(long, value_enum)]
    pub(crate) task: Option<TaskKind>,

    /// Fit only these models; the dummy is always there
    #[arg(long, value_enum, value_name = "MODEL,…", value_delimiter = ',')]
    pub(crate) models: Vec<ModelName>,

    /// Folds of the cross-validation
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=50))]
    pub(crate) folds: u16,

    /// Time to spend, about: 30s, 2m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) budget: Duration,

    /// Seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Features of the pictures, a row each in the order of their paths (.npy), from your own network
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) embeddings: Option<PathBuf>,

    /// Out-of-fold probabilities of the classes in the order of their names, a row each (.npy), from your own network: labels are
    /// doubted by these
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pred_probs: Option<PathBuf>,

    /// Write the labels that are doubted to this CSV file, for relabelling
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) labels_out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = WATCH_STATUS)]
pub(crate) struct WatchArgs {
    /// Logs, or folders of logs: TensorBoard event files, CSV, JSON lines, trainer_state.json, lines of text. Several runs are compared
    #[arg(required = true, value_name = "LOG", value_hint = ValueHint::AnyPath)]
    pub(crate) logs: Vec<PathBuf>,

    /// Go on reading as the logs grow, and tell findings as they come; Ctrl-C ends it with the report
    #[arg(long)]
    pub(crate) follow: bool,

    /// Show the runs in the browser, live, while they are followed
    #[arg(long)]
    pub(crate) serve: bool,

    /// What a series is, where its name does not tell: `loss=train/total`, `val_loss=held_out`, `lr=eta`; may be given several times
    #[arg(long, value_name = "WORD=NAME")]
    pub(crate) map: Vec<String>,

    /// How to read lines of text: a regular expression with groups named `step`, `epoch`, and as the values are to be called
    #[arg(long, value_name = "REGEX")]
    pub(crate) pattern: Option<String>,

    /// Steps of the whole run, to tell how long it still takes
    #[arg(long, value_name = "STEPS")]
    pub(crate) total: Option<u64>,

    /// End when nothing has been written for this long: 10m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) idle: Option<Duration>,

    /// Shell command to run for each new finding: the finding as JSON on its standard input, its parts in STETHO_RULE, STETHO_SEVERITY,
    /// STETHO_MESSAGE, STETHO_RUN, STETHO_FIRST_STEP, STETHO_LAST_STEP
    #[arg(long, value_name = "COMMAND")]
    pub(crate) exec: Option<String>,

    /// Address to which each new finding is posted as JSON (with curl)
    #[arg(long, value_name = "URL")]
    pub(crate) post: Option<String>,

    #[command(flatten)]
    pub(crate) at: AddressArgs,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// Run logs or folders of them, as `stetho watch` takes; or a report that stetho wrote, as JSON or as a page
    #[arg(required = true, value_name = "LOG|REPORT", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<PathBuf>,

    /// What a series is, where its name does not tell: `loss=train/total`; may be given several times
    #[arg(long, value_name = "WORD=NAME")]
    pub(crate) map: Vec<String>,

    #[command(flatten)]
    pub(crate) at: AddressArgs,
}

/// Where a page is served.
#[derive(Debug, ClapArgs)]
pub(crate) struct AddressArgs {
    /// Address to serve the page at, 127.0.0.1 if not given; any but this machine's own needs a token
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,

    /// Port to serve the page at, 6077 if not given; 0 for any that is free
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// What every request for the page must carry: 8 letters, digits, `-`, `.`, `_`, `~` or more
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
}

/// A model of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelName {
    /// Logistic or linear regression
    Linear,
    /// One tree of three levels
    Tree,
    /// Nearest neighbours
    Neighbours,
    /// Support vector machine with a Gaussian kernel
    Svm,
    /// Random forest
    Forest,
    /// Gradient-boosted trees
    Boosting,
    /// Networks of 8, 32 and 128 units
    Network,
}

impl ModelName {
    /// Whether it is of this kind.
    pub(crate) fn admits(self, kind: RungKind) -> bool {
        match kind {
            RungKind::Dummy => false,
            RungKind::Linear => self == Self::Linear,
            RungKind::ShallowTree => self == Self::Tree,
            RungKind::Neighbours => self == Self::Neighbours,
            RungKind::KernelSvm => self == Self::Svm,
            RungKind::Forest => self == Self::Forest,
            RungKind::Boosting => self == Self::Boosting,
            RungKind::Network(_) => self == Self::Network,
        }
    }
}

/// What is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskKind {
    /// One of a few classes
    Classification,
    /// A number
    Regression,
}

/// A time such as `90`, `90s`, `1.5m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| c.is_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("`{unit}` is no unit of time: use s, m or h")),
    };
    let number: f64 = number.trim().parse().map_err(|_| format!("`{text}` is no time: write 30s or 2m"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| format!("`{text}` is no time to spend"))
}

/// What the data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AsKind {
    /// Rows and columns
    Table,
    /// Pictures, with or without labels
    Images,
    /// Pictures with boxes around objects, in any of the formats below
    Boxes,
    /// Boxes as COCO writes them: one JSON file
    Coco,
    /// Boxes as Pascal VOC writes them: one XML file a picture
    Voc,
    /// Boxes as YOLO reads them: one text file a picture
    Yolo,
}

impl AsKind {
    /// The kind as the reader knows it.
    pub(crate) fn kind(self) -> DataKind {
        match self {
            Self::Table => DataKind::Table,
            Self::Images => DataKind::Images,
            Self::Boxes => DataKind::Boxes(None),
            Self::Coco => DataKind::Boxes(Some(BoxFormat::Coco)),
            Self::Voc => DataKind::Boxes(Some(BoxFormat::Voc)),
            Self::Yolo => DataKind::Boxes(Some(BoxFormat::Yolo)),
        }
    }
}

/// Form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For a person at a terminal
    Text,
    /// For programs
    Json,
    /// For code-scanning services
    Sarif,
    /// One page for a browser
    Html,
}

/// Form of the list of rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For a person at a terminal
    #[default]
    Text,
    /// For programs
    Json,
}

/// How bad a finding must be to fail the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FailOn {
    /// An error
    #[default]
    Error,
    /// A warning or an error
    Warning,
    /// Nothing fails
    Never,
}

impl FailOn {
    /// Whether a report whose worst finding is `worst` fails the command.
    pub(crate) fn fails(self, worst: Option<Severity>) -> bool {
        match self {
            Self::Error => worst >= Some(Severity::Error),
            Self::Warning => worst >= Some(Severity::Warning),
            Self::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definitions_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("90").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("1.5m").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("250ms").unwrap(), Duration::from_millis(250));
        assert!(duration("5 parsecs").unwrap_err().contains("no unit"));
        assert!(duration("-3s").is_err() && duration("s").is_err());
    }

    #[test]
    fn only_what_is_bad_enough_fails() {
        assert!(FailOn::Error.fails(Some(Severity::Error)));
        assert!(!FailOn::Error.fails(Some(Severity::Warning)));
        assert!(FailOn::Warning.fails(Some(Severity::Warning)));
        assert!(!FailOn::Warning.fails(Some(Severity::Info)));
        assert!(!FailOn::Warning.fails(None));
        assert!(!FailOn::Never.fails(Some(Severity::Error)));
    }
}

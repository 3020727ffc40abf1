//! The command lines of what is done in Python: `stetho run` and `stetho replay`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args as ClapArgs, ValueEnum, ValueHint};
use serde::Serialize;
use stetho_core::RuleInfo;

use crate::args::{ReportArgs, duration};
use crate::config::Config;
use crate::names::rule_hint;
use crate::request::{Options, PreflightOptions, Request};
use crate::{delivery, output};

const RUN_STATUS: &str = "\
Exit status:
  that of the script, where it fails or ends itself with one; else
  0    nothing at or above --fail-on was found
  1    something was
  2    the command could not do its work

Findings and the report as text go to standard error, since standard output is the script's.";

const PREFLIGHT_STATUS: &str = "\
Exit status:
  0    nothing at or above --fail-on was found
  1    something was
  2    the command could not do its work: the script never came to a training step

A script that fails before its first step ends with its own status. Findings and the report as text go to standard error, since standard
output is the script's.";

/// Seconds for the experiments before training.
const PREFLIGHT_SECONDS: f64 = 60.0;

#[derive(Debug, ClapArgs)]
#[command(after_help = RUN_STATUS, mut_arg("threads", |arg| arg.hide(true)))]
pub(crate) struct RunArgs {
    /// Share of the time of a training step that measuring may take
    #[arg(long, value_name = "SHARE", default_value = "2%", value_parser = share)]
    budget: f64,

    /// Stop in the debugger when this holds: `nonfinite`, `step==120`, `loss > 5`, `grad_norm > 100`, any recorded number, or
    /// `rule:ID`; may be given several times
    #[arg(long = "break", value_name = "WHEN")]
    breaks: Vec<When>,

    /// What to do at a step whose loss, gradients or parameters are no numbers
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    on_trap: OnTrap,

    /// The debugger
    #[arg(long, value_enum, default_value_t)]
    debugger: Debugger,

    /// Look at every sample that a `DataLoader` makes: by the contract of this TOML file, or by one that is inferred from some samples
    /// and written into the run's folder
    #[arg(long, value_name = "infer|FILE.toml", value_hint = ValueHint::FilePath)]
    contract: Option<PathBuf>,

    /// At the end, print the script with how often each of its conditions held
    #[arg(long)]
    branches: bool,

    /// Make the experiments of `stetho preflight` at the first step, then train
    #[arg(long)]
    preflight: bool,

    #[command(flatten)]
    trials: TrialArgs,

    #[command(flatten)]
    script: ScriptArgs,
}

/// Which experiments are made before training.
#[derive(Debug, ClapArgs)]
struct TrialArgs {
    /// Time for the experiments before training [default: 60s]
    #[arg(long = "time", value_name = "TIME", value_parser = some_time)]
    time: Option<Duration>,

    /// Also train a linear model and a small network on the same batches, to see whether the network is better
    #[arg(long)]
    ladder: bool,

    /// Also try larger and larger batches, to see what they take of memory and time
    #[arg(long)]
    memory: bool,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = PREFLIGHT_STATUS, mut_arg("threads", |arg| arg.hide(true)))]
pub(crate) struct PreflightArgs {
    #[command(flatten)]
    trials: TrialArgs,

    #[command(flatten)]
    script: ScriptArgs,
}

/// The script, where what is measured of it goes, and how it is reported.
#[derive(Debug, ClapArgs)]
struct ScriptArgs {
    /// Folder for all that is measured and found [default: runs/<script>-<date>-<time>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,

    #[command(flatten)]
    report: ReportArgs,

    /// SCRIPT is a module, as for `python -m`
    #[arg(short = 'm')]
    module: bool,

    /// The training script, and its own arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_names = ["SCRIPT", "ARGS"],
        value_hint = ValueHint::FilePath)]
    words: Vec<OsString>,
}

#[derive(Debug, ClapArgs)]
#[command(mut_arg("threads", |arg| arg.hide(true)))]
pub(crate) struct ReplayArgs {
    /// What `stetho run` kept of a step that went wrong: a folder in `bundles` of the run's
    #[arg(value_hint = ValueHint::AnyPath)]
    bundle: PathBuf,

    /// Stop in the debugger before the operation that goes wrong
    #[arg(long)]
    pdb: bool,

    /// The debugger
    #[arg(long, value_enum, default_value_t)]
    debugger: Debugger,

    #[command(flatten)]
    report: ReportArgs,
}

/// What to do at a step that goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnTrap {
    /// Find the cause, and end the run
    #[default]
    Stop,
    /// Find the cause, leave the batch out, and go on
    Skip,
    /// Open the debugger at the line, before the operation runs
    Debug,
}

/// A debugger for Python.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Debugger {
    /// In the terminal: IPython's where it is installed, else Python's own
    #[default]
    Pdb,
    /// For an editor to attach to
    Debugpy,
}

/// A condition to stop at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum When {
    /// A loss, gradient or parameter is no number.
    Nonfinite,
    /// A rule speaks.
    Rule {
        /// Its id.
        rule: String,
    },
    /// A recorded number compares so with a limit.
    Compare {
        /// Its name in the run log, or `step`.
        signal: String,
        /// `==`, `!=`, `>=`, `<=`, `>` or `<`.
        operator: &'static str,
        /// The limit.
        value: f64,
    },
}

/// Longer ones first: `>=` begins with `>`.
const OPERATORS: [&str; 6] = ["==", "!=", ">=", "<=", ">", "<"];

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "nonfinite" {
            return Ok(Self::Nonfinite);
        }
        if let Some(rule) = text.strip_prefix("rule:").map(str::trim) {
            let known = stetho_rules::find(rule).map(|_| Self::Rule { rule: rule.to_owned() });
            return known.ok_or_else(|| format!("there is no rule `{rule}`{}", rule_hint(rule)));
        }
        let split = |operator| text.split_once(operator).map(|(signal, value)| (signal, operator, value));
        let Some((signal, operator, value)) = OPERATORS.into_iter().find_map(split) else {
            return Err(
                "write `nonfinite`, `rule:ID`, or a comparison such as `loss > 5` or `step==120`".into()
            );
        };
        let (signal, value) = (signal.trim(), value.trim());
        let is_name = |c: char| c.is_alphanumeric() || "_./-".contains(c);
        if !signal.starts_with(|c: char| c.is_alphabetic() || c == '_') || !signal.chars().all(is_name) {
            return Err(format!("`{signal}` is no name of a recorded number: write it as in `loss > 5`"));
        }
        match value.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self::Compare { signal: signal.into(), operator, value }),
            _ => Err(format!("`{value}` is no number to compare with")),
        }
    }
}

/// A share: `2%` or `0.02`.
fn share(text: &str) -> Result<f64, String> {
    let (number, scale) = text.trim().strip_suffix('%').map_or((text.trim(), 1.0), |percent| (percent, 0.01));
    let share: f64 = number.trim().parse().map_err(|_| format!("`{text}` is no share: write 2% or 0.02"))?;
    let share = share * scale;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("a share lies between 0% and 100%".into()) }
}

impl RunArgs {
    /// What Python is asked to do. What can be said to be wrong without Python is said here.
    ///
    /// # Errors
    /// When there is no such script, or the rules or the report cannot be as they are asked for.
    pub(crate) fn request(self) -> Result<Request> {
        let is_asked = self.trials.time.is_some() || self.trials.ladder || self.trials.memory;
        if is_asked && !self.preflight {
            bail!("--time, --ladder and --memory go with --preflight: without it no experiments are made");
        }
        let options = Options {
            budget: Some(self.budget),
            breaks: self.breaks,
            on_trap: Some(self.on_trap),
            debugger: self.debugger,
            branches: self.branches,
            preflight: self.preflight.then(|| self.trials.options(false)),
            contract: self.contract.map(contract).transpose()?,
            ..Options::default()
        };
        self.script.request("run", options, is_of_runs)
    }
}

impl TrialArgs {
    fn options(&self, only: bool) -> PreflightOptions {
        let budget = self.time.map_or(PREFLIGHT_SECONDS, |time| time.as_secs_f64());
        PreflightOptions { only, budget, ladder: self.ladder, memory: self.memory, range: true }
    }
}

impl PreflightArgs {
    /// What Python is asked to do. What can be said to be wrong without Python is said here.
    ///
    /// # Errors
    /// When there is no such script, or the rules or the report cannot be as they are asked for.
    pub(crate) fn request(self) -> Result<Request> {
        let options = Options { preflight: Some(self.trials.options(true)), ..Options::default() };
        self.script.request("preflight", options, is_of_scripts)
    }
}

impl ScriptArgs {
    fn request(self, command: &str, asked: Options, concerns: fn(&RuleInfo) -> bool) -> Result<Request> {
        let (script, arguments) = script_of(&self.words, self.module)?;
        let of_all = options(self.report, concerns)?;
        let options = Options {
            script: script.to_string_lossy().into_owned(),
            dir: self.dir.map(std::path::absolute).transpose().context("--dir")?,
            folder: of_all.folder,
            report: of_all.report,
            ..asked
        };
        let what = if self.module { "module" } else { "script" };
        Request::new(command, (what, script), Some(arguments), &options)
    }
}

/// A time that is not 0.
fn some_time(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| {
        if time.is_zero() { Err("no experiment can be made in no time".into()) } else { Ok(time) }
    })
}

/// The script or module, and its arguments.
fn script_of(words: &[OsString], is_module: bool) -> Result<(&OsString, &[OsString])> {
    let Some((script, arguments)) = words.split_first() else { bail!("no script was given") };
    if !is_module && !std::path::Path::new(script).exists() {
        bail!("there is no script `{}`", script.to_string_lossy());
    }
    Ok((script, arguments))
}

impl ReplayArgs {
    /// What Python is asked to do.
    ///
    /// # Errors
    /// When there is no such bundle, or the rules or the report cannot be as they are asked for.
    pub(crate) fn request(self) -> Result<Request> {
        if !self.bundle.exists() {
            bail!("there is no bundle `{}`", self.bundle.display());
        }
        let options = Options { pdb: self.pdb, debugger: self.debugger, ..options(self.report, is_of_runs)? };
        Request::new("replay", ("bundle", self.bundle.as_os_str()), None, &options)
    }
}

/// `infer`, or the absolute path of a file that is there.
fn contract(given: PathBuf) -> Result<PathBuf> {
    if given.as_os_str() == "infer" {
        return Ok(given);
    }
    if !given.is_file() {
        bail!("there is no contract `{}`: give a TOML file, or `infer`", given.display());
    }
    std::path::absolute(given).context("--contract")
}

fn is_of_runs(rule: &RuleInfo) -> bool {
    crate::watch::of_runs(rule)
}

fn is_of_scripts(rule: &RuleInfo) -> bool {
    crate::watch::of_runs(rule) && rule.family != "run"
}

/// The options that all have, with paths that hold wherever the script goes.
fn options(mut report: ReportArgs, concerns: fn(&RuleInfo) -> bool) -> Result<Options> {
    if let Some(out) = &mut report.out {
        output::check_target(out)?;
        *out = std::path::absolute(&out).context("--out")?;
    }
    let folder = std::env::current_dir().context("the present folder cannot be told")?;
    let config = Config::load(report.config.as_deref(), &folder)?;
    // Seated once for nothing, so that wrong options are told before anything runs.
    drop(delivery::seat_judges(&report, &config)?);
    if !stetho_rules::all().any(|rule| concerns(rule) && delivery::admits(rule.id, &report, &config)) {
        bail!("no rule is left to run on training runs: look at --select, --ignore and the configuration");
    }
    report.config = report.config.map(std::path::absolute).transpose().context("--config")?;
    Ok(Options { report, folder, ..Options::default() })
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::args::{Args, Command};

    fn compare(signal: &str, operator: &'static str, value: f64) -> Result<When, String> {
        Ok(When::Compare { signal: signal.into(), operator, value })
    }

    #[test]
    fn conditions_are_read() {
        assert_eq!("nonfinite".parse(), Ok(When::Nonfinite));
        assert_eq!("step==120".parse(), compare("step", "==", 120.0));
        assert_eq!(" train/loss >= 1e3".parse(), compare("train/loss", ">=", 1000.0));
        assert_eq!("grad_norm<0.5".parse(), compare("grad_norm", "<", 0.5));
        assert_eq!("rule:loss-spike".parse(), Ok(When::Rule { rule: "loss-spike".into() }));
    }

    #[test]
    fn conditions_that_make_no_sense_are_refused_with_the_way_out() {
        let problem = |text: &str| text.parse::<When>().unwrap_err();
        assert!(problem("always").starts_with("write `nonfinite`"));
        assert!(problem("loss > much").contains("`much` is no number"));
        assert!(problem("> 5").contains("no name"));
        assert!(problem("rule:loss-spikes").contains("did you mean `loss-spike`"));
    }

    /// What `stetho WORDS… SCRIPT --epochs 3` asks of Python.
    fn asked(words: &[&str]) -> Result<serde_json::Value> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let tail = [script, "--epochs", "3"];
        let all = ["stetho"].iter().chain(words).chain(&tail);
        let request = match Args::parse_from(all).command {
            Command::Run(args) => args.request()?,
            Command::Preflight(args) => args.request()?,
            other => panic!("{other:?}"),
        };
        Ok(serde_json::from_str(request.json())?)
    }

    #[test]
    fn a_preflight_ends_the_script_and_one_before_a_run_does_not() {
        let alone = asked(&["preflight", "--time", "20s", "--ladder"]).unwrap();
        let options = json!({"only": true, "budget": 20.0, "ladder": true, "memory": false, "range": true});
        assert_eq!((&alone["command"], &alone["options"]["preflight"]), (&json!("preflight"), &options));
        assert_eq!(alone["args"], json!(["--epochs", "3"]));
        let before = asked(&["run", "--preflight"]).unwrap();
        let options = json!({"only": false, "budget": 60.0, "ladder": false, "memory": false, "range": true});
        assert_eq!((&before["command"], &before["options"]["preflight"]), (&json!("run"), &options));
        assert!(asked(&["run"]).unwrap()["options"]["preflight"].is_null());
    }

    #[test]
    fn options_of_experiments_without_experiments_are_refused() {
        assert!(asked(&["run", "--ladder"]).unwrap_err().to_string().contains("go with --preflight"));
        let refused = asked(&["preflight", "--select", "loss-plateau"]).unwrap_err().to_string();
        assert!(refused.starts_with("no rule is left to run"), "{refused}");
    }

    #[test]
    fn shares_are_read_with_and_without_a_sign() {
        assert_eq!((share("2%"), share("0.05"), share(" 100 % ")), (Ok(0.02), Ok(0.05), Ok(1.0)));
        assert!(
            share("200%").is_err() && share("-1%").is_err() && share("NaN").is_err() && share("x").is_err()
        );
    }
}

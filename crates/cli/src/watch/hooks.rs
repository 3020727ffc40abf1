//! What is done for each new finding: a command of the user's, or a message to an address.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use stetho_core::{Finding, Place};

use crate::output::note;

/// A hook that takes longer is ended when the command ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hooks, and those that are running.
pub(crate) struct Hooks {
    command: Option<String>,
    address: Option<String>,
    running: Vec<Child>,
}

impl Hooks {
    /// A shell command, and an address that takes JSON, either of them.
    ///
    /// # Errors
    /// When there is an address, and no `curl` to post to it.
    pub(crate) fn new(command: Option<&str>, address: Option<&str>) -> Result<Self> {
        if address.is_some() {
            let found =
                Command::new("curl").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if !found.is_ok_and(|status| status.success()) {
                bail!("--post needs `curl`, which was not found: install it, or use --exec");
            }
        }
        Ok(Self {
            command: command.map(str::to_owned),
            address: address.map(str::to_owned),
            running: Vec::new(),
        })
    }

    /// Starts the hooks for a finding of `run`. They get it as JSON on standard input, and its parts as STETHO_… variables.
    pub(crate) fn call(&mut self, run: &str, finding: &Finding) {
        self.running.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        let mut value = serde_json::to_value(finding).unwrap_or_default();
        if let Some(object) = value.as_object_mut() {
            object.insert("run".into(), run.into());
        }
        let json = value.to_string();
        let shell = self.command.as_ref().map(|text| shell(text));
        let post = self.address.as_ref().map(|address| {
            let mut curl = Command::new("curl");
            curl.args([
                "--silent",
                "--show-error",
                "--fail",
                "--max-time",
                "10",
                "--header",
                "Content-Type: application/json",
            ]);
            curl.args([
                "--data-binary",
                "@-",
                "--output",
                if cfg!(windows) { "NUL" } else { "/dev/null" },
                "--",
                address,
            ]);
            curl
        });
        for mut hook in shell.into_iter().chain(post) {
            let (first, last) = steps(finding);
            hook.env("STETHO_RULE", &finding.rule)
                .env("STETHO_SEVERITY", finding.severity.name())
                .env("STETHO_MESSAGE", &finding.message)
                .env("STETHO_RUN", run)
                .env("STETHO_FIRST_STEP", &first)
                .env("STETHO_LAST_STEP", &last);
            match start(hook, &json) {
                Ok(child) => self.running.push(child),
                Err(error) => note(&format!("warning: {error:#}")),
            }
        }
    }

    /// Waits for hooks that are still running, for a while.
    pub(crate) fn finish(&mut self) {
        let start = Instant::now();
        for child in &mut self.running {
            while start.elapsed() < PATIENCE && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
        }
    }
}

fn shell(text: &str) -> Command {
    let (program, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(program);
    command.args([option, text]);
    command
}

/// Starts a hook. What it prints goes to standard error: standard output carries the report alone.
fn start(mut command: Command, json: &str) -> Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::from(std::io::stderr()));
    let mut child = command.spawn().context("cannot start the hook")?;
    if let Some(mut input) = child.stdin.take() {
        let json = json.to_owned();
        // A hook that does not read its input is free not to, and must not hold up the reading.
        std::thread::spawn(move || input.write_all(json.as_bytes()));
    }
    Ok(child)
}

fn steps(finding: &Finding) -> (String, String) {
    let found = finding.places.iter().find_map(|place| match place {
        Place::Steps { first, last } => Some((first.to_string(), last.to_string())),
        _ => None,
    });
    found.unwrap_or_default()
}

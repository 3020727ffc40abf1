//! `stetho prepare`

use std::path::Path;

use anyhow::{Result, bail};
use stetho_prepare::{Done, droppable, prepare};
use stetho_read::Watch;
use stetho_report::{clean, quoted};

use crate::names::hint;
use crate::onlooker::{INTERRUPTED, Onlooker, catch_interrupt};
use crate::output;
use crate::prepare_args::PrepareArgs;

/// Writes a copy with the remedies applied, and its receipt.
///
/// # Errors
/// When the request makes no sense, the data cannot be read or the copy not written.
pub(crate) fn run(args: &PrepareArgs) -> Result<u8> {
    for path in args.data.iter().chain(&args.val).chain(&args.test) {
        if path == Path::new("-") {
            bail!("cannot read standard input: save it to a file and name that");
        }
    }
    for word in &args.drop {
        if stetho_rules::find(word).is_none() && !droppable().any(|known| known == word) {
            bail!(
                "--drop: there is no rule `{word}`{}",
                hint(word, droppable(), "`stetho prepare --help` tells more")
            );
        }
    }
    let request = args.request()?;
    catch_interrupt();
    let onlooker = Onlooker::new();
    let done = prepare(&request, &onlooker);
    onlooker.finish();
    if done.is_err() && onlooker.stopped() {
        output::note("interrupted: nothing was written");
        return Ok(INTERRUPTED);
    }
    output::print(&told(&done?, args))?;
    Ok(0)
}

/// What was done, for a person.
fn told(done: &Done, args: &PrepareArgs) -> String {
    let sources: Vec<String> = args.data.iter().map(|path| format!("`{}`", path.display())).collect();
    let mut text = format!("prepared a copy of {} in `{}`\n\n", sources.join(", "), args.out.display());
    let width = done.summary.iter().map(|(remedy, _)| remedy.chars().count()).max().unwrap_or(0);
    for (remedy, words) in &done.summary {
        text.push_str(&format!("  {remedy:width$}  {words}\n"));
    }
    for note in &done.notes {
        text.push_str(&format!("\nnote: {note}\n"));
    }
    let next: Vec<String> = done.next.iter().map(|word| quoted(word)).collect();
    let receipt = args.out.join("receipt.md");
    text.push_str(&format!("\nreceipt: {}\nnext:    {}\n", receipt.display(), next.join(" ")));
    text.lines().map(|line| clean(line).to_string() + "\n").collect()
}

//! Watching the reading: a progress bar, Ctrl-C, and what to say when we are at fault.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use stetho_read::Watch;

use crate::output::{is_watched, note};

/// The status of a command that was interrupted, as shells give it: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

/// A reading shorter than this shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);

static STOP: AtomicBool = AtomicBool::new(false);

/// Makes the first Ctrl-C end the reading, so that what was found is reported, and the second end the program.
pub(crate) fn catch_interrupt() {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        if is_watched() {
            note("stopping: the report of what was read so far follows; Ctrl-C again ends at once");
        }
    };
    // Without a handler Ctrl-C ends the program, which is a fair second best.
    let _ = ctrlc::set_handler(handler);
}

/// Makes the first Ctrl-C end what goes on until then, and the second end the program.
pub(crate) fn catch_end() {
    let handler = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    };
    // As above.
    let _ = ctrlc::set_handler(handler);
}

/// Whether the user has asked to stop.
pub(crate) fn is_stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Shows a progress bar on standard error when the reading takes long and a person is there to see it.
pub(crate) struct Onlooker {
    start: Instant,
    is_watched: bool,
    bar: OnceLock<ProgressBar>,
}

impl Onlooker {
    /// Starts to watch.
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), is_watched: is_watched(), bar: OnceLock::new() }
    }

    /// Clears the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Onlooker {
    fn progress(&self, done: u64, total: u64) {
        if self.is_watched && self.start.elapsed() >= PATIENCE {
            let bar = self.bar.get_or_init(|| new_bar(done, total));
            bar.set_length(total);
            bar.set_position(done);
            if done >= total {
                bar.set_message("measuring");
            }
        }
    }

    fn stopped(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}

fn new_bar(done: u64, total: u64) -> ProgressBar {
    const LINE: &str = "{msg} {bar:32} {bytes} of {total_bytes}, {eta} left";
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let bar = bar.with_message("reading").with_position(done).with_elapsed(PATIENCE);
    match ProgressStyle::with_template(LINE) {
        Ok(style) => bar.with_style(style.progress_chars("█▉▊▋▌▍▎▏ ")),
        Err(_) => bar,
    }
}

/// Makes a panic say that it is our fault and what to send us. Inside a rule it says nothing: the session reports it.
pub(crate) fn own_up() {
    std::panic::set_hook(Box::new(|panic| {
        if stetho_core::judging() {
            return;
        }
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
        note(&format!(
            "error: this is a bug in stetho {}: {message}{place}; please report this line, the command, and if you \
             can the data, at {}",
            env!("CARGO_PKG_VERSION"),
            env!("CARGO_PKG_REPOSITORY"),
        ));
    }));
}

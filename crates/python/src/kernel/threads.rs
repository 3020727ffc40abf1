//! Large memory measured by several threads.
//!
//! They are made for each call and end with it: a pool would not survive the `fork` by which data loaders make their workers.

use std::num::NonZero;
use std::sync::{Mutex, OnceLock};
use std::thread;

/// What a thread should have to do at least, in bytes: a tenth of a millisecond, several times what making it takes.
const SHARE: usize = 2 << 20;
/// More read no faster.
const MOST: usize = 8;

/// Cores that may be used, [`MOST`] at most; asked once, since asking takes longer than measuring a small tensor.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get).min(MOST))
}

/// Applies `measure` to every one of `pieces`, which have `n_bytes` in all, on as many threads as are worth it. Results come in the order
/// of the pieces, so nothing depends on how many threads there are.
pub(crate) fn in_threads<P: Sync, R: Send>(
    pieces: &[P],
    n_bytes: usize,
    measure: impl Fn(&P) -> R + Sync,
) -> Vec<R> {
    let n_threads = if pieces.len() < 2 { 1 } else { cores().min(n_bytes / SHARE) };
    if n_threads < 2 {
        return pieces.iter().map(measure).collect();
    }
    let next = Mutex::new(pieces.iter().enumerate());
    let work = || {
        let mut done = Vec::new();
        loop {
            let piece = next.lock().ok().and_then(|mut next| next.next());
            let Some((i, piece)) = piece else { return done };
            done.push((i, measure(piece)));
        }
    };
    let mut results: Vec<(usize, R)> = thread::scope(|scope| {
        let others: Vec<_> =
            (1..n_threads).filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(theirs) => done.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    results.sort_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}

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
    with_states(pieces, n_bytes, || (), |(), piece| measure(piece)).0
}

/// The same, where every thread has something that it works on: what they are in the end, in any order.
pub(super) fn with_states<P: Sync, S: Send, R: Send>(
    pieces: &[P],
    n_bytes: usize,
    state: impl Fn() -> S + Sync,
    measure: impl Fn(&mut S, &P) -> R + Sync,
) -> (Vec<R>, Vec<S>) {
    let n_threads = if pieces.len() < 2 { 1 } else { cores().min(n_bytes / SHARE) };
    if n_threads < 2 {
        let mut state = state();
        return (pieces.iter().map(|piece| measure(&mut state, piece)).collect(), vec![state]);
    }
    let next = Mutex::new(pieces.iter().enumerate());
    let work = || {
        let (mut done, mut state) = (Vec::new(), state());
        loop {
            let piece = next.lock().ok().and_then(|mut next| next.next());
            let Some((i, piece)) = piece else { return (done, state) };
            done.push((i, measure(&mut state, piece)));
        }
    };
    let (mut results, states) = thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..n_threads).filter_map(spawn).collect();
        let (mut done, state) = work();
        let mut states = vec![state];
        for other in others {
            match other.join() {
                Ok((theirs, state)) => {
                    done.extend(theirs);
                    states.push(state);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        (done, states)
    });
    results.sort_by_key(|(i, _)| *i);
    (results.into_iter().map(|(_, result)| result).collect(), states)
}

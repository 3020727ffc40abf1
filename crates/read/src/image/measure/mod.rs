//! Looking at every picture once.

mod align;
mod copies;
mod decode;
mod index;
mod jpeg;
mod print;
mod projection;
mod statistics;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use stetho_core::Measured;
use stetho_core::image::{Copies, Damage, Look};

use self::print::Print;
use super::Found;
use crate::Watch;

pub(super) use decode::{Decoded, decode};
pub(crate) use projection::Projection;

/// What was seen, in the order of the pictures.
pub(crate) struct Measurement {
    pub looks: Vec<Result<Look, Damage>>,
    /// Size of each file (of an array: of this picture) in bytes.
    pub n_bytes: Vec<u64>,
    pub copies: Measured<Copies>,
    /// Where the pictures lie on a map of the set, and what share of the variance its axes explain.
    pub projection: Projection,
    /// Whether the watcher stopped it early; pictures not looked at are left out at the end of `looks`.
    pub is_partial: bool,
}

/// What is kept of one picture.
struct Seen {
    look: Result<Look, Damage>,
    n_bytes: u64,
    print: Option<Print>,
}

/// Pictures looked at between two questions whether to stop.
const CHUNK: usize = 512;

/// Pictures whose colours are measured, about: of a larger set each n-th.
const COLOURED: usize = 2_000;

/// What is wanted beside what each picture looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Which pictures are copies of each other.
    pub copies: bool,
    /// A map of the set.
    pub map: bool,
}

/// Looks at every picture on `threads` threads (0: one a core).
pub(crate) fn measure(pictures: &[Found], wanted: Wanted, threads: usize, watch: &dyn Watch) -> Measurement {
    let work = || look_at_all(pictures, wanted, watch);
    // Without threads of its own the work is done by those there are.
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

fn look_at_all(pictures: &[Found], wanted: Wanted, watch: &dyn Watch) -> Measurement {
    let done = AtomicU64::new(0);
    let is_stopped = AtomicBool::new(false);
    let total = pictures.len() as u64;
    let step = if wanted.map { 1 } else { pictures.len().div_ceil(COLOURED).max(1) };
    let mut seen: Vec<Seen> = Vec::with_capacity(pictures.len());
    for chunk in pictures.chunks(CHUNK) {
        if watch.stopped() {
            is_stopped.store(true, Ordering::Relaxed);
            break;
        }
        let start = seen.len();
        seen.par_extend(chunk.par_iter().enumerate().map(|(i, picture)| {
            let seen = look_at(picture, wanted, (start + i).is_multiple_of(step));
            watch.progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            seen
        }));
    }
    keep_even(&mut seen, step);
    let pixels = |i: usize| pictures.get(i).filter(|_| !watch.stopped()).and_then(pixels_of);
    let copies = if wanted.copies { Measured::Is(copies::find(&seen, pixels)) } else { Measured::default() };
    let projection = if wanted.map { projection::project(&seen) } else { Projection::default() };
    Measurement {
        n_bytes: seen.iter().map(|s| s.n_bytes).collect(),
        looks: seen.into_iter().map(|s| s.look).collect(),
        copies,
        projection,
        is_partial: is_stopped.into_inner(),
    }
}

fn look_at(picture: &Found, wanted: Wanted, in_colour: bool) -> Seen {
    match decode(picture, in_colour) {
        Err((damage, n_bytes)) => Seen { look: Err(damage), n_bytes, print: None },
        Ok(decoded) => {
            let small = statistics::shrink(&decoded);
            let mut print = (wanted.copies || wanted.map).then(|| Print::of(&decoded, &small));
            if let Some(print) = print.as_mut().filter(|p| wanted.copies && p.is_of_file && p.is_vague()) {
                print.is_of_file = false;
                print.exact = pixels_of(picture).unwrap_or(print.exact);
            }
            let look = Ok(statistics::look(&decoded, &small));
            Seen { n_bytes: decoded.n_bytes, print, look }
        }
    }
}

/// The hash of all that a picture shows.
fn pixels_of(picture: &Found) -> Option<u128> {
    Some(print::pixels(&decode(picture, true).ok()?))
}

/// Where not all pictures have colours, only those of the sample keep them: files of one format would outweigh the others.
fn keep_even(seen: &mut [Seen], step: usize) {
    if seen.iter().filter_map(|s| s.look.as_ref().ok()).any(|look| look.colours.is_none()) {
        let others = seen.iter_mut().enumerate().filter(|(i, _)| !i.is_multiple_of(step));
        others.filter_map(|(_, s)| s.look.as_mut().ok()).for_each(|look| look.colours = None);
    }
}

//! Pictures by their perceptual hashes, so that those with near ones are found without looking at all.

use std::collections::HashMap;

use rayon::prelude::*;

use super::print::Print;

/// Perceptual hashes that differ in at most this many of their 64 bits are looked at closely.
const RADIUS: u32 = 10;
/// The same, of tiny pictures.
const TINY_RADIUS: u32 = 4;
/// Shapes may differ by this factor: more than any crop that is looked for.
const ASPECT: f32 = 1.12;
/// Bits of the hash in one band, and their number: hashes within 7 bits of each other agree in one band but for one bit.
const BAND: u32 = 16;
const BANDS: u32 = 64 / BAND;
/// Pictures in one bucket whose hashes are looked at; of a fuller one, those around the hash in the order of hashes.
const WINDOW: usize = 400;
/// Leaders of a fuller bucket that one of its pictures is compared with: those of the nearest hashes.
const LEADERS: usize = 8;

/// Buckets of pictures, by each band of the hash of the whole picture.
pub(super) struct Index<'a> {
    prints: Vec<&'a Print>,
    tables: Vec<HashMap<u16, Vec<Entry>>>,
}

/// A picture in a bucket, with the hash of the whole: most are turned away by it, and must not be fetched for that.
#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    at: u32,
}

impl<'a> Index<'a> {
    pub(super) fn of(prints: Vec<&'a Print>) -> Self {
        let mut tables: Vec<HashMap<u16, Vec<Entry>>> = vec![HashMap::new(); BANDS as usize];
        for (at, print) in prints.iter().enumerate() {
            let entry = Entry { hash: print.whole(), at: at as u32 };
            for (band, table) in (0..BANDS).zip(&mut tables) {
                table.entry(bits(entry.hash, band)).or_default().push(entry);
            }
        }
        for (band, table) in (0..BANDS).zip(&mut tables) {
            let order = |entry: &Entry| (rotated(entry.hash, band), entry.at);
            table.values_mut().for_each(|bucket| bucket.sort_by_key(order));
        }
        Self { prints, tables }
    }

    /// Thins out the buckets that are too full: a picture that `alike` finds to show the same as an earlier one of its
    /// bucket (a leader, Hartigan 1975) is left to that one. Answers what `alike` did, and how often it was asked.
    pub(super) fn lead<T: Send>(
        &mut self,
        alike: impl Fn(usize, usize) -> Option<T> + Sync,
    ) -> (Vec<T>, usize) {
        let full = self.tables.iter_mut().flat_map(|t| t.values_mut()).filter(|bucket| bucket.len() > WINDOW);
        let full: Vec<&mut Vec<Entry>> = full.collect();
        let thin = |bucket: &mut Vec<Entry>| {
            let (mut links, mut asked) = (Vec::new(), 0);
            let mut leaders: Vec<Entry> = Vec::new();
            for &entry in bucket.iter() {
                let recent = leaders.iter().rev().take(WINDOW);
                let mut near: Vec<(u32, u32)> = recent
                    .map(|leader| ((leader.hash ^ entry.hash).count_ones(), leader.at))
                    .filter(|n| n.0 <= RADIUS)
                    .collect();
                near.sort_unstable();
                near.truncate(LEADERS);
                let found = near.iter().find_map(|(_, leader)| {
                    asked += 1;
                    alike(entry.at as usize, *leader as usize)
                });
                match found {
                    Some(link) => links.push(link),
                    None => leaders.push(entry),
                }
            }
            *bucket = leaders; // still in the order of hashes
            (links, asked)
        };
        let all: Vec<(Vec<T>, usize)> = full.into_par_iter().map(thin).collect();
        let asked = all.iter().map(|one| one.1).sum();
        (all.into_iter().flat_map(|one| one.0).collect(), asked)
    }

    /// Pictures whose whole has a hash near one of the hashes of picture `at` (of its whole, its crops, its mirror
    /// images): the `most` nearest.
    pub(super) fn near(&self, at: usize, most: usize) -> Vec<usize> {
        let Some(&print) = self.prints.get(at) else { return Vec::new() };
        let mut found = HashMap::new();
        for &hash in &print.hashes {
            for (band, table) in (0..BANDS).zip(&self.tables) {
                let own = bits(hash, band);
                let neighbours = (0..BAND).map(|bit| own ^ (1 << bit)).filter(|_| !print.is_tiny);
                for key in std::iter::once(own).chain(neighbours) {
                    let Some(bucket) = table.get(&key) else { continue };
                    let window = window(bucket, hash, band).iter();
                    for entry in window.filter(|e| (e.hash ^ hash).count_ones() <= RADIUS) {
                        let other = self.prints.get(entry.at as usize).filter(|_| entry.at as usize != at);
                        if let Some(distance) = other.and_then(|other| distance(hash, print, other)) {
                            let least = found.entry(entry.at).or_insert(distance);
                            *least = distance.min(*least);
                        }
                    }
                }
            }
        }
        let mut nearest: Vec<(u32, u32)> =
            found.into_iter().map(|(other, distance)| (distance, other)).collect();
        nearest.sort_unstable();
        nearest.truncate(most);
        nearest.into_iter().map(|(_, other)| other as usize).collect()
    }
}

/// The part of a bucket around a hash.
fn window(bucket: &[Entry], hash: u64, band: u32) -> &[Entry] {
    if bucket.len() <= WINDOW {
        return bucket;
    }
    let place = |entry: &Entry| rotated(entry.hash, band) < rotated(hash, band);
    let start = bucket.partition_point(place).saturating_sub(WINDOW / 2).min(bucket.len() - WINDOW);
    bucket.get(start..start + WINDOW).unwrap_or(bucket)
}

fn bits(hash: u64, band: u32) -> u16 {
    (hash >> (band * BAND)) as u16
}

/// The hash without its band first, the band last: the order within a bucket of that band.
fn rotated(hash: u64, band: u32) -> u64 {
    hash.rotate_right((band + 1) * BAND)
}

/// Whether a hash of one picture is near that of the whole other one, with one of the two mirrored or as they are.
pub(super) fn is_near(a: &Print, b: &Print, is_mirrored: bool) -> bool {
    let near = |a: &Print, b: &Print| {
        let (plain, mirrored) = a.hashes.split_at(a.hashes.len() / 2);
        let own = if is_mirrored { mirrored } else { plain };
        own.iter().any(|hash| distance(*hash, a, b).is_some())
    };
    near(a, b) || near(b, a)
}

/// Bits in which the hash, one of `print`, differs from that of another picture, if that is near.
fn distance(hash: u64, print: &Print, other: &Print) -> Option<u32> {
    let radius = if print.is_tiny || other.is_tiny { TINY_RADIUS } else { RADIUS };
    let shape = print.aspect / other.aspect;
    let distance = (hash ^ other.whole()).count_ones();
    (distance <= radius && shape < ASPECT && shape > 1.0 / ASPECT).then_some(distance)
}

//! Copies among many pictures, without comparing each with each.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;
use stetho_core::image::{Copies, NearCluster, NearMember};

use super::print::Print;
use super::{Seen, align};

/// Perceptual hashes that differ in at most this many of their 64 bits are looked at closely.
const RADIUS: u32 = 10;
/// The same, of tiny pictures.
const TINY_RADIUS: u32 = 4;
/// Shapes may differ by this factor: more than any crop that is looked for.
const ASPECT: f32 = 1.12;
/// Bits of the hash in one band, and their number: hashes within 7 bits of each other agree in one band but for one bit.
const BAND: u32 = 16;
const BANDS: u32 = 64 / BAND;
/// Pictures that share a band with one picture and are looked at; in sets where more do, the band says nothing.
const MOST: usize = 400;

/// Two pictures that show the same.
struct Link {
    a: usize,
    b: usize,
    correlation: f32,
    is_mirrored: bool,
}

/// Groups of the same pixels, and clusters of pictures that look alike.
pub(super) fn find(seen: &[Seen]) -> Copies {
    let prints: Vec<(usize, &Print)> =
        seen.iter().enumerate().filter_map(|(i, s)| Some((i, s.print.as_ref()?))).collect();
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut first_of: HashMap<u128, usize> = HashMap::new();
    let mut firsts = Vec::new();
    for &(i, print) in &prints {
        let first = *first_of.entry(print.exact).or_insert(i);
        if first == i {
            firsts.push((i, print));
        }
        groups.entry(first).or_default().push(i);
    }
    let same = groups.into_values().filter(|group| group.len() > 1).collect();
    firsts.retain(|(_, print)| print.is_comparable);
    Copies { same, near: clusters(links(&firsts)) }
}

/// Every pair that shows the same, by its first and second picture.
fn links(prints: &[(usize, &Print)]) -> Vec<Link> {
    let mut index: Vec<HashMap<u16, Vec<u32>>> = vec![HashMap::new(); BANDS as usize];
    for (at, (_, print)) in prints.iter().enumerate() {
        for (band, table) in (0..BANDS).zip(&mut index) {
            table.entry(bits(print.hashes[0], band)).or_default().push(at as u32);
        }
    }
    let of = |at: usize| {
        let mut found = Vec::new();
        for other in candidates(prints, &index, at) {
            let (Some(&(i, a)), Some(&(j, b))) = (prints.get(at), prints.get(other)) else { continue };
            let plain = align::likeness(a, b, false).map(|r| (r, false));
            if let Some((correlation, is_mirrored)) =
                plain.or_else(|| align::likeness(a, b, true).map(|r| (r, true)))
            {
                found.push(Link { a: i.min(j), b: i.max(j), correlation, is_mirrored });
            }
        }
        found
    };
    let mut links: Vec<Link> = (0..prints.len()).into_par_iter().flat_map_iter(of).collect();
    links.sort_by_key(|link| (link.a, link.b));
    links.dedup_by_key(|link| (link.a, link.b));
    links
}

fn bits(hash: u64, band: u32) -> u16 {
    (hash >> (band * BAND)) as u16
}

/// Pictures whose whole has a hash near one of the hashes of picture `at`: of its whole, its crops, its mirror images.
fn candidates(prints: &[(usize, &Print)], index: &[HashMap<u16, Vec<u32>>], at: usize) -> Vec<usize> {
    let Some(&(_, print)) = prints.get(at) else { return Vec::new() };
    let mut found = Vec::new();
    for hash in print.hashes {
        for (band, table) in (0..BANDS).zip(index) {
            let own = bits(hash, band);
            let neighbours = (0..BAND).map(|bit| own ^ (1 << bit)).filter(|_| !print.is_tiny);
            for key in std::iter::once(own).chain(neighbours) {
                let Some(others) = table.get(&key).filter(|others| others.len() <= MOST) else { continue };
                let near = others.iter().map(|o| *o as usize).filter(|other| {
                    *other != at && prints.get(*other).is_some_and(|(_, p)| is_near(hash, print, p))
                });
                found.extend(near);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn is_near(hash: u64, print: &Print, other: &Print) -> bool {
    let radius = if print.is_tiny || other.is_tiny { TINY_RADIUS } else { RADIUS };
    let shape = print.aspect / other.aspect;
    (hash ^ other.hashes[0]).count_ones() <= radius && shape < ASPECT && shape > 1.0 / ASPECT
}

/// Joins links to clusters (union–find). A member is a mirror image if an odd number of mirrors lies between it and the first.
fn clusters(links: Vec<Link>) -> Vec<NearCluster> {
    let mut neighbours: BTreeMap<usize, Vec<(usize, f32, bool)>> = BTreeMap::new();
    for link in links {
        neighbours.entry(link.a).or_default().push((link.b, link.correlation, link.is_mirrored));
        neighbours.entry(link.b).or_default().push((link.a, link.correlation, link.is_mirrored));
    }
    let mut clusters = Vec::new();
    let mut is_mirrored: HashMap<usize, bool> = HashMap::new();
    for &first in neighbours.keys() {
        if is_mirrored.contains_key(&first) {
            continue;
        }
        is_mirrored.insert(first, false);
        let mut others = Vec::new();
        let mut open = vec![first];
        while let Some(picture) = open.pop() {
            let turned = is_mirrored.get(&picture).copied().unwrap_or(false);
            for &(other, _, mirror) in neighbours.get(&picture).into_iter().flatten() {
                if let Entry::Vacant(entry) = is_mirrored.entry(other) {
                    entry.insert(turned != mirror);
                    open.push(other);
                    let all = neighbours.get(&other).into_iter().flatten();
                    let correlation = all.map(|n| n.1).fold(-1.0, f32::max);
                    others.push(NearMember { picture: other, correlation, mirrored: turned != mirror });
                }
            }
        }
        others.sort_by_key(|o| o.picture);
        clusters.push(NearCluster { first, others });
    }
    clusters
}

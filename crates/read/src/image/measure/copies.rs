//! Copies among many pictures, without comparing each with each.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use stetho_core::image::{Copies, NearCluster, NearMember};

use super::index::{self, Index};
use super::print::Print;
use super::{Seen, align};

/// Pictures with the nearest hashes that one picture is compared with, pixel by pixel.
const MOST: usize = 48;

/// Correlation from which two pictures of one size may have the same pixels.
const SAME: f32 = 0.995;

/// Two pictures that show the same.
struct Link {
    a: usize,
    b: usize,
    correlation: f32,
    is_mirrored: bool,
}

/// The pairs that show the same, and how many pairs were compared for it.
struct Links {
    links: Vec<Link>,
    compared: usize,
}

/// Groups of the same pixels, and clusters of pictures that look alike. `pixels` hashes the pixels of a picture, as
/// fingerprints do that are not of the file.
pub(super) fn find(seen: &[Seen], pixels: impl Fn(usize) -> Option<u128> + Sync) -> Copies {
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
    firsts.retain(|(_, print)| print.is_comparable);
    let links = links(&firsts).links;
    let earlier = same_pixels(&links, &firsts.into_iter().collect(), &first_of, pixels);
    for (later, first) in &earlier {
        let members = groups.remove(later).unwrap_or_default();
        groups.entry(*first).or_default().extend(members);
    }
    groups.values_mut().for_each(|group| group.sort_unstable());
    let same = groups.into_values().filter(|group| group.len() > 1).collect();
    Copies { same, near: clusters(of_firsts(links, &earlier)) }
}

/// Pictures with the pixels of an earlier one in a file of other bytes, and that one. Only those are looked at again that
/// have a near copy of the same size and hardly any difference.
fn same_pixels(
    links: &[Link],
    prints: &HashMap<usize, &Print>,
    first_of: &HashMap<u128, usize>,
    pixels: impl Fn(usize) -> Option<u128> + Sync,
) -> BTreeMap<usize, usize> {
    let may_be_same = |link: &&Link| {
        let (Some(a), Some(b)) = (prints.get(&link.a), prints.get(&link.b)) else { return false };
        let is_open = a.is_of_file || b.is_of_file; // else their pixels differ, as their hashes do
        is_open && a.size == b.size && !link.is_mirrored && link.correlation >= SAME
    };
    let of_file = |i: &usize| prints.get(i).is_some_and(|print| print.is_of_file);
    let asked: BTreeSet<usize> =
        links.iter().filter(may_be_same).flat_map(|link| [link.a, link.b]).filter(of_file).collect();
    let hashes: Vec<(usize, u128)> = asked.into_par_iter().filter_map(|i| Some((i, pixels(i)?))).collect();
    let mut groups: BTreeMap<u128, BTreeSet<usize>> = BTreeMap::new();
    for (i, hash) in hashes {
        groups.entry(hash).or_insert_with(|| first_of.get(&hash).copied().into_iter().collect()).insert(i);
    }
    let all = groups.into_values().filter_map(|mut group| Some((group.pop_first()?, group)));
    all.flat_map(|(first, others)| others.into_iter().map(move |other| (other, first))).collect()
}

/// The links with one picture standing for all that have its pixels.
fn of_firsts(mut links: Vec<Link>, earlier: &BTreeMap<usize, usize>) -> Vec<Link> {
    for link in &mut links {
        let [a, b] = [link.a, link.b].map(|i| earlier.get(&i).copied().unwrap_or(i));
        (link.a, link.b) = (a.min(b), a.max(b));
    }
    links.retain(|link| link.a != link.b);
    links.sort_by(|x, y| (x.a, x.b).cmp(&(y.a, y.b)).then(y.correlation.total_cmp(&x.correlation)));
    links.dedup_by_key(|link| (link.a, link.b));
    links
}

/// Pairs that show the same, by their first and second picture. Each picture is compared with those of the nearest
/// hashes only, so a pair may be left out where a picture has very many copies: these are joined by the others.
fn links(prints: &[(usize, &Print)]) -> Links {
    let mut index = Index::of(prints.iter().map(|(_, print)| *print).collect());
    let (led, asked) = index.lead(|at, leader| {
        let alike = link(*prints.get(at)?, *prints.get(leader)?)?;
        Some((at, leader, alike))
    });
    let root = roots(prints.len(), led.iter().map(|(at, leader, _)| (*at, *leader)));
    let of = |at: usize| {
        let mut near = index.near(at, MOST);
        near.retain(|other| root.get(*other) != root.get(at));
        let compared = near.len();
        let alike = near.into_iter().filter_map(|o| link(*prints.get(at)?, *prints.get(o)?)).collect();
        Links { links: alike, compared }
    };
    let found: Vec<Links> = (0..prints.len()).into_par_iter().map(of).collect();
    let compared = asked + found.iter().map(|f| f.compared).sum::<usize>();
    let mut links: Vec<Link> =
        found.into_iter().flat_map(|f| f.links).chain(led.into_iter().map(|l| l.2)).collect();
    links.sort_by_key(|link| (link.a, link.b));
    links.dedup_by_key(|link| (link.a, link.b));
    Links { links, compared }
}

/// For each of `n` pictures one that stands for all that the pairs join it with.
fn roots(n: usize, pairs: impl Iterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut above: Vec<usize> = (0..n).collect();
    let top = |above: &[usize], mut at: usize| {
        while let Some(&next) = above.get(at).filter(|next| **next != at) {
            at = next;
        }
        at
    };
    for (a, b) in pairs {
        let (a, b) = (top(&above, a), top(&above, b));
        if let Some(place) = above.get_mut(a.max(b)) {
            *place = a.min(b);
        }
    }
    (0..n).map(|at| top(&above, at)).collect()
}

/// The link between two pictures, if they show the same as they are or mirrored.
fn link((i, a): (usize, &Print), (j, b): (usize, &Print)) -> Option<Link> {
    let turns = [false, true].into_iter().filter(|turn| index::is_near(a, b, *turn));
    let mut found = turns.filter_map(|turn| Some((align::likeness(a, b, turn)?, turn)));
    let (correlation, is_mirrored) = found.next()?;
    Some(Link { a: i.min(j), b: i.max(j), correlation, is_mirrored })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers that look random (splitmix64).
    fn random(mut seed: u64) -> impl FnMut() -> u64 {
        move || {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }
    }

    /// Grey pixels, 32 × 32: a sum of a few waves, `depth` grey levels each, told by the seed.
    fn scene(seed: u64, depth: f32) -> Vec<u8> {
        let mut next = random(seed << 20);
        let mut unit = || (next() % 1000) as f32 / 1000.0;
        let waves: Vec<[f32; 3]> =
            (0..12).map(|_| [unit() * 1.2 - 0.6, unit() * 1.2 - 0.6, unit() * 6.3]).collect();
        let pixel = |i: usize| {
            let (x, y) = ((i % 32) as f32, (i / 32) as f32);
            let sum: f32 = waves.iter().map(|[kx, ky, shift]| (kx * x + ky * y + shift).sin()).sum();
            (128.0 + depth * sum).clamp(0.0, 255.0) as u8
        };
        (0..1024).map(pixel).collect()
    }

    fn noisy(small: &[u8], seed: u64, most: u64) -> Vec<u8> {
        let mut next = random(seed << 20);
        small.iter().map(|v| v.saturating_add((next() % (most + 1)) as u8)).collect()
    }

    fn searched(smalls: Vec<Vec<u8>>) -> (Vec<NearCluster>, usize) {
        let prints: Vec<Print> = smalls
            .into_iter()
            .enumerate()
            .map(|(i, small)| Print::of_small(i as u128, 640, 480, small))
            .collect();
        let found = links(&prints.iter().enumerate().collect::<Vec<_>>());
        (clusters(found.links), found.compared)
    }

    #[test]
    fn very_many_copies_of_one_picture_are_one_cluster() {
        let first = scene(0, 12.0);
        let copies = (0..2000).map(|i| noisy(&first, i, 6));
        let others = (1..=2000).map(|i| scene(i, 12.0));
        let (clusters, compared) = searched(copies.chain(others).collect());
        assert_eq!(clusters.len(), 1);
        let members: Vec<usize> = clusters[0].members().collect();
        assert_eq!(members, (0..2000).collect::<Vec<_>>());
        assert!(compared < 4000 * 64, "{compared} pairs compared");
    }

    #[test]
    fn many_nearly_empty_pictures_take_few_comparisons() {
        let empty = vec![128; 1024];
        let (clusters, compared) = searched((0..600).map(|i| noisy(&empty, i, 24)).collect());
        assert!(clusters.is_empty());
        assert!(compared < 600 * 64, "{compared} pairs compared");
    }
}

//! Names of series, each stored once.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::TagId;

/// Interned names. Loops log the same names in the same order, so the name that came after the last one the time before
/// is tried first, and the hot path is one comparison of bytes.
#[derive(Default)]
pub(crate) struct Tags {
    names: Vec<Box<[u8]>>,
    table: HashTable<u32>,
    /// What came after each.
    next: Vec<u32>,
    last: u32,
}

impl Tags {
    /// The number of a name, and whether it is new.
    #[inline]
    pub(crate) fn intern(&mut self, name: &[u8]) -> (TagId, bool) {
        let guess = self.next.get(self.last as usize).copied().unwrap_or(0);
        if self.names.get(guess as usize).is_some_and(|n| **n == *name) {
            self.last = guess;
            return (TagId(guess), false);
        }
        self.intern_other(name)
    }

    #[cold]
    #[inline(never)]
    fn intern_other(&mut self, name: &[u8]) -> (TagId, bool) {
        let (id, is_new) = self.look_up(name);
        if let Some(next) = self.next.get_mut(self.last as usize) {
            *next = id;
        }
        self.last = id;
        (TagId(id), is_new)
    }

    fn look_up(&mut self, name: &[u8]) -> (u32, bool) {
        let hash = xxh3_64(name);
        let names = &self.names;
        if let Some(id) = self.table.find(hash, |id| *names[*id as usize] == *name) {
            return (*id, false);
        }
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.into());
        self.next.push(id);
        let names = &self.names;
        self.table.insert_unique(hash, id, |id| xxh3_64(&names[*id as usize]));
        (id, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_one_number_each_in_any_order() {
        let mut tags = Tags::default();
        let words = ["loss", "lr", "loss", "loss", "accuracy", "lr", "accuracy", "loss"];
        let ids: Vec<u32> = words.iter().map(|w| tags.intern(w.as_bytes()).0.0).collect();
        assert_eq!(ids, [0, 1, 0, 0, 2, 1, 2, 0]);
        assert!(!tags.intern(b"lr").1);
        assert!(tags.intern(b"").1);
    }
}

//! A map from the beginnings of digests, of few bytes an entry: there may be a million, and they are held as long as a
//! run lasts. A hash map takes twice as much, and three times while it grows.

use std::collections::HashMap;

/// The first eight bytes of a digest, which are spread evenly.
pub(super) type Beginning = u64;

/// So many entries may be new before they are put in order.
const FEW: usize = 256;

/// What is known by the beginning of a digest. Of two digests with one beginning the later one counts: whoever asks holds
/// what is found to the whole digest.
#[derive(Debug)]
pub(super) struct Index<V> {
    /// Ascending.
    ordered: Vec<(Beginning, V)>,
    /// What came since, and is not among those; an eighth of all at most.
    recent: HashMap<Beginning, V>,
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        Index { ordered: Vec::new(), recent: HashMap::new() }
    }
}

impl<V: Copy> Index<V> {
    pub(super) fn len(&self) -> usize {
        self.ordered.len() + self.recent.len()
    }

    pub(super) fn get(&self, key: Beginning) -> Option<V> {
        match self.place(key) {
            Ok(at) => Some(self.ordered[at].1),
            Err(_) => self.recent.get(&key).copied(),
        }
    }

    pub(super) fn insert(&mut self, key: Beginning, value: V) {
        match self.place(key) {
            Ok(at) => self.ordered[at].1 = value,
            Err(_) => _ = self.recent.insert(key, value),
        }
        if self.recent.len() > FEW.max(self.ordered.len() / 8) {
            self.settle();
        }
    }

    pub(super) fn remove(&mut self, key: Beginning) {
        match self.place(key) {
            Ok(at) => _ = self.ordered.remove(at),
            Err(_) => _ = self.recent.remove(&key),
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(V) -> bool) {
        self.ordered.retain(|(_, value)| keep(*value));
        self.recent.retain(|_, value| keep(*value));
    }

    pub(super) fn clear(&mut self) {
        *self = Index::default();
    }

    pub(super) fn values(&self) -> impl Iterator<Item = V> + '_ {
        self.ordered.iter().map(|(_, value)| *value).chain(self.recent.values().copied())
    }

    fn place(&self, key: Beginning) -> Result<usize, usize> {
        self.ordered.binary_search_by_key(&key, |(own, _)| *own)
    }

    /// Puts what is new in order, from the end, so that nothing is held twice.
    fn settle(&mut self) {
        let mut recent: Vec<(Beginning, V)> = self.recent.drain().collect();
        recent.sort_unstable_by_key(|(key, _)| *key);
        let mut old = self.ordered.len();
        self.ordered.reserve_exact(recent.len());
        self.ordered.extend_from_slice(&recent);
        let mut free = self.ordered.len();
        for entry in recent.into_iter().rev() {
            while old > 0 && self.ordered[old - 1].0 > entry.0 {
                (old, free) = (old - 1, free - 1);
                self.ordered[free] = self.ordered[old];
            }
            free -= 1;
            self.ordered[free] = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the order in which they come, also twice, also removed: as a map does.
    #[test]
    fn it_holds_what_a_map_holds() {
        let (mut index, mut map) = (Index::default(), HashMap::new());
        let mut state = 7u64;
        for turn in 0..20_000u64 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let key = (state >> 33) % 9000;
            if turn % 7 == 3 {
                index.remove(key);
                map.remove(&key);
            } else {
                index.insert(key, turn);
                map.insert(key, turn);
            }
            if turn % 5000 == 0 {
                index.retain(|value| value % 3 != 0);
                map.retain(|_, value| *value % 3 != 0);
            }
            assert_eq!(index.len(), map.len());
        }
        (0..9000).for_each(|key| assert_eq!(index.get(key), map.get(&key).copied(), "{key}"));
        assert!(index.ordered.is_sorted_by(|a, b| a.0 < b.0));
        let mut values: Vec<u64> = index.values().collect();
        let mut own: Vec<u64> = map.into_values().collect();
        values.sort_unstable();
        own.sort_unstable();
        assert_eq!(values, own);
    }
}

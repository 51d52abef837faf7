//! Steps in the air: one run makes a result, others that want the same one wait for it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::store::Digest;
use crate::work::guard;

/// The results that are being made, by key, each with the flag that stops it.
#[derive(Default)]
pub(crate) struct Flights {
    air: Mutex<BTreeMap<Digest, Arc<AtomicBool>>>,
    landed: Condvar,
}

/// The right to make some results; given back when dropped.
pub(crate) struct Flight<'a> {
    flights: &'a Flights,
    keys: Vec<Digest>,
    pub flags: Vec<Arc<AtomicBool>>,
}

impl Flights {
    /// Returns the right to make these, or `None` after waiting for another who was making some of them: then look again.
    pub(crate) fn claim(&self, keys: &[Digest], stop: &dyn Fn() -> bool) -> Option<Flight<'_>> {
        let mut air = guard(&self.air);
        if keys.iter().any(|k| air.contains_key(k)) {
            while keys.iter().any(|k| air.contains_key(k)) && !stop() {
                air = self
                    .landed
                    .wait_timeout(air, Duration::from_millis(100))
                    .map_or_else(|poisoned| poisoned.into_inner().0, |(air, _)| air);
            }
            return None;
        }
        let flags: Vec<Arc<AtomicBool>> = keys.iter().map(|_| Arc::default()).collect();
        air.extend(keys.iter().copied().zip(flags.iter().cloned()));
        Some(Flight { flights: self, keys: keys.to_vec(), flags })
    }

    /// Stops whatever `wanted` refuses, and returns how many that were.
    pub(crate) fn cancel_unless(&self, wanted: &dyn Fn(&Digest) -> bool) -> usize {
        let air = guard(&self.air);
        let stale = air.iter().filter(|(key, _)| !wanted(key));
        stale.map(|(_, flag)| flag.store(true, Ordering::Relaxed)).count()
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut air = guard(&self.flights.air);
        self.keys.iter().for_each(|key| {
            air.remove(key);
        });
        self.flights.landed.notify_all();
    }
}

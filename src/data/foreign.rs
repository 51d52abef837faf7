//! Code of others that panics on what is not sound.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Returns what others' code makes, or nothing where it panics.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let outer = GUARDED.replace(true);
    let made = catch_unwind(AssertUnwindSafe(work)).ok();
    GUARDED.set(outer);
    made
}

/// Whether this thread runs code of others, whose panic is told as an error: a panic's message need not be shown.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

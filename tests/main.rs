//! What mmf does, shown on whole files: specifications of the checker, and the real binary on real data.

mod document;
mod explain;
mod laws;
mod memory;
mod specifications;

//! What mmf does, shown on whole files: specifications of the checker, and the real binary on real data.

#![allow(clippy::unwrap_used)]

mod cli;
mod document;
mod examples;
mod explain;
mod laws;
mod leaks;
mod memory;
mod messages;
mod mutations;
mod small;
mod specifications;
mod whole;

//! The real binary on whole pipelines and real files: what is made again and what is not, bad input, interruptions, the
//! same bytes on any number of threads, and the pipelines of the repository.

mod bad_input;
mod damage;
mod determinism;
mod experiments;
mod fusion;
mod graphs;
mod layers;
mod models;
mod pipelines;
mod recompute;
mod report;
mod shell;
#[cfg(unix)]
mod stopping;
mod told;
mod watching;

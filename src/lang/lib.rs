//! The language: text, types, signatures, and the checker. Knows no disk, no clock, no threads, no stage.

pub mod analysis;
pub mod args;
pub mod codes;
pub mod diagnostic;
pub mod graph;
pub mod infer;
pub mod notation;
pub mod signature;
pub mod span;
pub mod syntax;
pub mod types;
pub mod world;

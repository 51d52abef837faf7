//! Loops over plain slices of numbers. They know no tensor, no tape and no shape but their arguments.
//!
//! Each is single-threaded and adds in an order that its arguments alone decide.

#[macro_use]
mod wide;

pub(crate) mod elementwise;
pub(crate) mod functions;
pub(crate) mod product;
pub(crate) mod reduce;
pub(crate) mod rows;

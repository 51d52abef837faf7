//! Loops over plain slices of numbers. They know no tensor, no tape and no shape but their arguments.
//!
//! Each adds in an order that its arguments alone decide. Large products and long buffers are cut by their size and shared by threads.

#[macro_use]
mod wide;

pub(crate) mod elementwise;
pub(crate) mod functions;
pub(crate) mod lanes;
pub(crate) mod outer;
pub(crate) mod panels;
pub(crate) mod parts;
pub(crate) mod product;
pub(crate) mod reduce;
pub(crate) mod rows;
pub(crate) mod sparse;

//! From text to tree and back: the parser, which reports all mistakes at once, and the formatter.

pub mod dump;
pub mod format;
pub mod message;
pub mod parser;
pub mod tree;

mod align;
mod brackets;
mod build;
mod cut;
mod express;
mod foreign;
mod layout;
mod literal;
mod look;
mod mend;
mod notes;
mod recover;
mod scan;
mod shape;
mod work;

#[cfg(test)]
mod tests;

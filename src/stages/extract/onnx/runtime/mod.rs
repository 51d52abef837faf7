//! What computes a network: rten, in pure Rust; with the feature `ort` ONNX Runtime, whose library is then needed.

#[cfg(feature = "ort")]
mod ort;
#[cfg(not(feature = "ort"))]
mod rten;

#[cfg(feature = "ort")]
pub(super) use self::ort::{Lane, Network};
#[cfg(not(feature = "ort"))]
pub(super) use self::rten::{Lane, Network};

/// Their numbers differ in the last digits, so that rows of the one are not taken for the other's.
pub(super) const VERSION: u32 = if cfg!(feature = "ort") { 1001 } else { 1 };

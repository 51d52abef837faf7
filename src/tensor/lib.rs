//! Networks: values, operations, losses, optimizers and checkpoints, on dfdx's tensors, tape, gradients and update rules.
//!
//! This room alone names dfdx. It knows no stage, no file and no row domain: callers say what a network computes through
//! [`mmf_data::network::Network`] and bring numbers and indices.
//!
//! Law: the same parameters, seed and batch give the same bytes on any number of threads. A batch is cut into slices by its size
//! alone ([`slices`]), each with a tape of its own; within a slice, long operations are cut into parts by their sizes alone; slices and
//! parts are added in their order. A network that normalises by statistics of the batch is one slice, however large.

#[macro_use]
mod kernels;
mod losses;
mod ops;

mod checkpoint;
mod flow;
mod gradients;
mod initial;
mod optimizers;
mod parameters;
mod session;
mod slices;
mod value;

pub use kernels::product::inner_products;
pub use kernels::rows::differences;

pub use gradients::{Gradients, SparseRows};
pub use initial::{normals, normals_from};
pub use losses::Loss;
pub use optimizers::{Optimizer, Rule};
pub use parameters::Parameters;
pub use session::{Moment, Session, inner as place_within};
pub use slices::{SLICE_ROWS, SLICES_AT_MOST, Slices, Step, cut, read};

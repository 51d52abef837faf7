//! The room from outside: its operations against PyTorch's numbers and finite differences, its bytes against its own on more threads.

#![allow(clippy::unwrap_used)]

mod cases;
mod checkpoints;
mod determinism;
mod differences;
mod errors;
mod layers;
mod optimizers;
mod reference;

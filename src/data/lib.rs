//! Run-time values, tables, files and the contract of a stage. Knows the language; names no stage and no dfdx.

pub mod ablation;
pub mod arrays;
pub mod codes;
pub mod error;
pub mod foreign;
pub mod graph;
pub mod imputation;
pub mod network;
pub mod past;
pub mod paths;
pub mod picture;
pub mod plan;
pub mod resize;
pub mod stage;
pub mod statistics;
pub mod table;
pub mod values;

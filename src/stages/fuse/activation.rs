//! Functions of one value without weights.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Op, Var};

/// The types of what treats each number by itself.
pub(crate) const NUMBERS: &[&str] = &[
    "col<d, vector[n]> -> col<d, vector[n]>",
    "col<d, map[h, w, c]> -> col<d, map[h, w, c]>",
    "col<d, sequence[t, n]> -> col<d, sequence[t, n]>",
];

/// Applies an operation to the one input.
pub(crate) fn apply(network: &mut dyn Network, op: Op, inputs: &[Var]) -> Result<Var> {
    network.apply(op, &[one(inputs)?], &[])
}

/// Returns the one input.
pub(crate) fn one(inputs: &[Var]) -> Result<&Var> {
    inputs.first().ok_or_else(|| Error::bug("a joint stage was given no input"))
}

/// Returns the two inputs.
pub(crate) fn two(inputs: &[Var]) -> Result<[&Var; 2]> {
    match inputs {
        [a, b] => Ok([a, b]),
        _ => Err(Error::bug(format!("a joint stage of two inputs was given {}", inputs.len()))),
    }
}

//! Layers over sequences: what works on a vector works on each step.

use mmf_data::error::Result;
use mmf_data::network::{Network, Var};

/// Applies a layer to the vector of each row, or, of a sequence, to the vector of each step.
pub(crate) fn each_step(
    network: &mut dyn Network,
    input: &Var,
    layer: impl FnOnce(&mut dyn Network, &Var) -> Result<Var>,
) -> Result<Var> {
    let [steps, width] = input.dims[..] else { return layer(network, input) };
    let lengths = network.lengths(input).map(<[u32]>::to_vec);
    let flat = network.view(input, input.rows * steps, &[width])?;
    let out = layer(network, &flat)?;
    let out = network.view(&out, input.rows, &[steps, out.width()])?;
    match lengths {
        Some(lengths) => network.sequence(&out, &lengths),
        None => Ok(out),
    }
}

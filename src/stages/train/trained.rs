//! What trains have in common: their arguments, and what they leave behind.

use mmf_data::arrays::{Array, Arrays};
use mmf_data::error::{Error, Result};
use mmf_data::plan::Plan;
use mmf_data::stage::TrainCall;
use mmf_data::table::{Rows, Split};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, ArgKind};
use mmf_lang::types::Part;
use mmf_tensor::Parameters;

use super::network::Circuit;

/// Declares a value of the network that the train reads; the plan holds it.
pub(crate) const fn joint(name: &'static str) -> Arg<()> {
    Arg::new(name, ArgKind::Joint, |_| ())
}

/// Returns the rows of a part.
pub(crate) fn part(split: &Split, part: Part) -> Result<&Rows> {
    split.part(part).ok_or_else(|| Error::bug(format!("a split has no {} part", part.word())))
}

/// Returns the weights of a stored training.
pub(crate) fn weights(trained: &Arrays) -> Result<Parameters> {
    Parameters::from_bytes(trained.bytes("weights")?)
}

/// Puts what the joint stages became: `field.NAME.width`, `.values` for all rows of their domain, and `.missing` where one of them
/// could not be computed.
pub(crate) fn store_fields(
    plan: &Plan,
    circuit: &Circuit<'_>,
    parameters: &Parameters,
    into: &mut Arrays,
) -> Result<()> {
    for (name, node) in &plan.fields {
        let rows = circuit.computable(*node);
        let total = plan.domains[plan.nodes[*node].domain].total;
        if rows.is_empty() {
            continue;
        }
        // What is no vector is nothing that other stages could read.
        let Values::Vector { width, numbers } = circuit.read(parameters, *node, &rows)? else { continue };
        let mut missing = vec![1u8; total];
        let mut values = vec![0.0; total * width];
        for (&row, own) in rows.iter().zip(numbers.chunks_exact(width.max(1))) {
            missing[row as usize] = 0;
            values[row as usize * width..][..width].copy_from_slice(own);
        }
        into.put(format!("field.{name}.width"), Array::I64(vec![width as i64]));
        into.put(format!("field.{name}.values"), Array::F32(values));
        if rows.len() < total {
            into.put(format!("field.{name}.missing"), Array::Bytes(missing));
        }
    }
    Ok(())
}

/// Returns the numbers of a column, row by row of the split's table; not finite where one is missing.
pub(crate) fn numbers(call: &TrainCall, column: &str) -> Result<Vec<f64>> {
    let column = call.split.table.column(column)?;
    let mut numbers: Vec<f64> = match &column.values {
        Values::Int(v) => v.iter().map(|&x| x as f64).collect(),
        Values::Float(v) => v.to_vec(),
        Values::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
        Values::Vector { width: 1, numbers } => numbers.iter().map(|&x| f64::from(x)).collect(),
        other => return Err(Error::bug(format!("a number column was expected, found one of {}", other.kind()))),
    };
    for (at, number) in numbers.iter_mut().enumerate() {
        if column.is_missing(at) {
            *number = f64::NAN;
        }
    }
    Ok(numbers)
}

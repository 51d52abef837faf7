//! What `lstm`, `gru` and `bidirectional` share: how a recurrent layer is declared and built.

use mmf_data::error::Result;
use mmf_data::network::{Init, Network, Op, Recurrent, Var};
use mmf_lang::args::{Arg, ArgValue, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::types::{Elem, Size, Type};

pub(crate) const UNITS: Arg<usize> = Arg::int("units").range(1.0, 1e5).doc("Numbers of the state.");
pub(crate) const STATES: Arg<String> = Arg::words("states", &["last", "all"])
    .default(Literal::Word("last"))
    .doc("`last`: the state after a row's last step, a vector. `all`: the state after each step, a sequence.");

/// A layer's kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    Lstm,
    Gru,
}

/// Finds the type of a recurrent layer whose result is `factor` times `units` wide.
pub(crate) fn states(call: &mut Inference<'_, '_>, factor: u64) -> Option<Type> {
    let Elem::Sequence(steps, _) = call.column(0)?.elem else { return call.out(Elem::Unknown) };
    let units = match call.args.find("units") {
        Some(ArgValue::Int(n)) => u64::try_from(*n).map_or(Size::Unknown, |n| Size::Known(n.saturating_mul(factor))),
        _ => Size::Unknown,
    };
    let all = call.args.find("states").and_then(|v| v.as_text()) == Some("all");
    call.out(if all { Elem::Sequence(steps, units) } else { Elem::Vector(units) })
}

/// Puts a recurrent layer into a network. `names` are those of its weights.
pub(crate) fn layer(
    network: &mut dyn Network,
    input: &Var,
    cell: Cell,
    units: usize,
    how: Recurrent,
    names: [&'static str; 4],
) -> Result<Var> {
    let before = input.dims.last().copied().unwrap_or(1);
    let init = Init::Uniform { fan_in: units };
    let [w, u, b, c] = names;
    let gates = if cell == Cell::Lstm { 4 } else { 3 };
    let mut weights = vec![
        network.parameter(w, &[before, gates * units], init),
        network.parameter(u, &[units, gates * units], init),
        network.parameter(b, &[gates * units], init),
    ];
    match cell {
        Cell::Lstm => network.apply(Op::Lstm(how), &[input], &weights),
        Cell::Gru => {
            weights.push(network.parameter(c, &[gates * units], init));
            network.apply(Op::Gru(how), &[input], &weights)
        }
    }
}

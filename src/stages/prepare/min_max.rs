//! `min_max`: numbers from 0 to 1.

use mmf_data::arrays::State;
use mmf_data::error::Result;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::{Column, Table};
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};

use super::scaling::{self, COLUMNS};

pub(crate) struct MinMax;

static SIGNATURE: Signature = Signature::new(Group::Prepare, "min_max", scaling::TYPES)
    .version(1)
    .args(&[COLUMNS.spec()])
    .infer(scaling::scaled)
    .doc(
        "Scales numbers so that the training rows lie between 0 and 1: `(x - lowest) / (highest - lowest)`. Other rows may \
         lie outside. Numbers that are all the same become 0. Missing values stay missing; columns of a table become floats.",
    )
    .reference("scikit-learn's MinMaxScaler")
    .examples(&[
        Example::new("Three numbers.", "[1, 2, 5] |> min_max", "[[0], [0.25], [1]]"),
        Example::new("Each place of a vector by itself.", "[[0, 7], [4, 7]] |> min_max", "[[0, 0], [1, 0]]"),
        Example::new(
            "The numbers of a table.",
            "table(name = [\"a\", \"b\", \"c\"], age = [30, 40, 70]) |> min_max",
            "table(name = [\"a\", \"b\", \"c\"], age = [0, 0.25, 1])",
        ),
        Example::new(
            "Of a split, the training rows are learned from: others may lie outside of 0 and 1.",
            "table(at = [1, 2, 3], age = [30, 50, 70]) |> split(by = at, test = 1) \
             |> min_max(columns = [age])",
            "split(train = table(at = [1, 2], age = [0, 1]), test = table(at = [3], age = [2]))",
        ),
    ]);

impl Stage for MinMax {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 { Body::Fit { fit, apply } } else { Body::FitTable { fit: fit_table, apply: apply_table } }
    }
}

fn fit(context: &Context, _: &Args, columns: &[Column]) -> Result<State> {
    scaling::fit_column(context, columns, learn)
}

fn apply(context: &Context, _: &Args, state: &State, batch: &Batch) -> Result<Values> {
    scaling::apply_column(context, state, batch)
}

fn fit_table(context: &Context, args: &Args, table: &Table) -> Result<State> {
    scaling::fit_table(context, args.get(COLUMNS), table, learn)
}

fn apply_table(context: &Context, _: &Args, state: &State, table: &Table) -> Result<Table> {
    scaling::apply_table(context, state, table)
}

/// Returns the lowest number and the distance to the highest, which is 1 where it would be all but nothing.
fn learn(numbers: &[f64]) -> (f64, f64) {
    let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    (low, if range < 10.0 * f64::EPSILON { 1.0 } else { range })
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_scikit_learn() {
        super::scaling::tests::agrees_with_scikit_learn("min_max", super::learn);
    }
}

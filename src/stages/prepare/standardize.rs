//! `standardize`: numbers of mean 0 and deviation 1.

use mmf_data::arrays::State;
use mmf_data::error::Result;
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::{Column, Table};
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};

use super::scaling::{self, COLUMNS};

pub(crate) struct Standardize;

static SIGNATURE: Signature = Signature::new(Group::Prepare, "standardize", scaling::TYPES)
    .version(1)
    .args(&[COLUMNS.spec()])
    .infer(scaling::scaled)
    .doc(
        "Scales numbers so that the training rows have mean 0 and deviation 1 (over n, not n - 1). Numbers that are all the \
         same become 0. Missing values stay missing; columns of a table become floats.",
    )
    .reference("scikit-learn's StandardScaler")
    .examples(&[
        Example::new("Mean 2, deviation 1.", "[1, 3] |> standardize", "[[-1], [1]]"),
        Example::new("Each place of a vector by itself.", "[[0, 7], [4, 7]] |> standardize", "[[-1, 0], [1, 0]]"),
        Example::new(
            "The numbers of a table; a missing one stays missing.",
            "table(name = [\"a\", \"b\", \"c\"], age = [30, _, 50]) |> standardize",
            "table(name = [\"a\", \"b\", \"c\"], age = [-1, _, 1])",
        ),
        Example::new(
            "Of a split, the training rows are learned from.",
            "table(at = [1, 2, 3], age = [30, 50, 70]) |> split(by = at, test = 1) \
             |> standardize(columns = [age])",
            "split(train = table(at = [1, 2], age = [-1, 1]), test = table(at = [3], age = [3]))",
        ),
    ]);

impl Stage for Standardize {
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

/// Returns the mean and the deviation, which is 1 where the numbers differ by no more than rounding.
///
/// What counts as rounding is scikit-learn's bound: `n ε v + (n m ε)²` for a variance `v` around a mean `m`.
fn learn(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
    let rounding = count * f64::EPSILON * variance + (count * mean * f64::EPSILON).powi(2);
    (mean, if variance <= rounding { 1.0 } else { variance.sqrt() })
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_scikit_learn() {
        super::scaling::tests::agrees_with_scikit_learn("standardize", super::learn);
    }

    #[test]
    fn numbers_that_differ_by_rounding_alone_are_constant() {
        let numbers = [0.1 + 0.2, 0.3, 0.3];
        assert_eq!(super::learn(&numbers).1, 1.0);
    }
}

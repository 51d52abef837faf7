//! `hide`: some rows of a column are taken away, so that what fills them can be held to the truth.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, Elem, Origin, Type};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

pub(crate) struct Hide;

const SHARE: Arg<f64> =
    Arg::share("share").default(Literal::Float(0.5)).doc("The share of the rows with a value that is hidden, rounded.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "hide", &["col<d, vector[n]?> -> col<d, vector[n]>"])
    .args(&[SHARE.spec()])
    .infer(hidden)
    .doc(
        "Takes a share of a column's values away, as if they were missing: drawn by the seed from the values themselves, so that the order \
         of rows moves none; of rows with the same values, the places decide. What fills the column is then held to the truth by `imputation`.",
    )
    .examples(&[Example::new("All of them.", "[[1, 2], _, [3, 4]] |> hide(100%)", "[_, _, _]")]);

fn hidden(call: &mut Inference<'_, '_>) -> Option<Type> {
    let column = call.column(0)?;
    let elem = column.elem.as_vector().map_or(column.elem.clone(), Elem::Vector);
    let mut missing = column.missing.clone();
    missing.insert(Origin::Stage(call.next_node()));
    Some(Type::Column(ColumnType { elem, missing, ..column }))
}

impl Stage for Hide {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Whole(hide)
    }
}

fn hide(context: &Context<'_>, args: &Args, column: &Column) -> Result<Column> {
    context.check()?;
    let (width, numbers) = column.values.as_vectors()?;
    let row = |at: usize| &numbers[at * width..(at + 1) * width];
    // In the order of the values: rows alike are interchangeable.
    let mut there: Vec<usize> = (0..column.len()).filter(|&at| !column.is_missing(at)).collect();
    there.sort_by(|&a, &b| row(a).iter().map(|x| x.to_bits()).cmp(row(b).iter().map(|x| x.to_bits())));
    let mut random = ChaCha8Rng::seed_from_u64(context.seed);
    let mut drawn: Vec<(u64, usize)> = there.into_iter().map(|at| (random.random(), at)).collect();
    drawn.sort_unstable();
    let count = (args.get(SHARE) * drawn.len() as f64).round() as usize;
    let mut missing: Vec<bool> = (0..column.len()).map(|at| column.is_missing(at)).collect();
    drawn[..count.min(drawn.len())].iter().for_each(|&(_, at)| missing[at] = true);
    Ok(Column::new(column.rows.clone(), Values::vector(width, numbers.to_vec())).with_missing(missing))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;
    use mmf_lang::args::ArgValue;

    use super::*;

    #[test]
    fn the_share_is_hidden_whatever_the_order_of_the_rows() {
        let hidden = |values: Vec<f32>, seed: u64| -> Vec<f32> {
            let context = Context { seed, base: Path::new("."), host: &Quiet };
            let rows = values.len();
            let column = Column::new(Rows::all(rows), Values::vector(1, values.clone()));
            let column = column.with_missing(values.iter().map(|x| *x < 0.0).collect());
            let args = Args(vec![("share".into(), ArgValue::Float(0.25))]);
            let out = hide(&context, &args, &column).unwrap();
            let mut found: Vec<f32> = (0..rows).filter(|&at| out.is_missing(at)).map(|at| values[at]).collect();
            found.sort_by(f32::total_cmp);
            found
        };
        let values: Vec<f32> = (0..40).map(|at| at as f32 - 8.0).collect();
        let found = hidden(values.clone(), 1);
        // A quarter of the 32 that are there, beside the 8 that are not.
        assert_eq!(found.len(), 16);
        assert_eq!(found, hidden(values.iter().rev().copied().collect(), 1));
        assert_ne!(found, hidden(values, 2));
    }
}

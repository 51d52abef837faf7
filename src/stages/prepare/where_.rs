//! `where`: the rows for which a condition is true.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Report, Stage};
use mmf_data::table::{Table, Value};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, RowExpr};
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};

use super::expression::{evaluate, table};

/// The rows for which a condition is true.
pub(crate) struct Where;

const CONDITION: Arg<Option<RowExpr>> = Arg::new("condition", ArgKind::Condition, |v| match v {
    Some(ArgValue::Row(expression)) => Some(expression.clone()),
    _ => None,
})
.doc("What must be true of a row, over the table's columns: `rating >= 4 and not missing(plot)`.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "where", &["table -> part"])
    .version(1)
    .args(&[CONDITION.spec()])
    .doc(
        "Keeps the rows for which the condition is true. A comparison with a missing value is neither \
         true nor false: the row is left out, and counted; `missing(x)` asks.",
    )
    .examples(&[
        Example::new(
            "A comparison with a missing value leaves the row out.",
            "table(user = [\"a\", \"b\", \"c\"], rating = [5, 2, _]) |> where(rating >= 4)",
            "table(user = [\"a\"], rating = [5])",
        ),
        Example::new(
            "Missing values are asked for.",
            "table(user = [\"a\", \"b\", \"c\"], rating = [5, 2, _]) \
             |> where(rating < 3 or missing(rating))",
            "table(user = [\"b\", \"c\"], rating = [2, _])",
        ),
    ]);

impl Stage for Where {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Table(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let table = table(inputs)?;
    let condition = args.get(CONDITION).ok_or_else(|| Error::bug("`where` has no condition"))?;
    let result = evaluate(&condition, table, inputs)?;
    let Values::Bool(truths) = &result.values else { return Err(Error::bug("a condition is no bool")) };
    let unknown = result.count_missing();
    if unknown > 0 {
        let rows = result.len();
        context.host.report(Report::Note(say!(
            "left out {unknown} of {rows} rows, since a value that the condition asks for is missing",
            "{rows} 行中有 {unknown} 行因条件所需的值缺失而略去"
        )));
    }
    let keep: Vec<u32> =
        truths.iter().enumerate().filter(|&(at, &b)| b && !result.is_missing(at)).map(|(at, _)| at as u32).collect();
    Ok(table.keep(&keep))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_lang::syntax::tree::BinaryOp;

    use super::super::expression::tests::{binary, column, numbers};
    use super::*;

    #[test]
    fn rows_keep_their_numbers_and_missing_ones_are_left_out() {
        let table = numbers(&[("x", &[Some(3.0), None, Some(5.0), Some(9.0)])]);
        let condition = binary(BinaryOp::GreaterEqual, column("x"), RowExpr::Int(4));
        let args = Args(vec![("condition".into(), ArgValue::Row(condition))]);
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let kept = run(&context, &args, &[Value::Table(table)]).unwrap();
        assert_eq!(kept.rows.ids(), [2, 3]);
        assert_eq!(kept.rows.total, 4);
        assert_eq!(kept.column("x").unwrap().values, Values::Float(vec![5.0, 9.0].into()));
    }
}

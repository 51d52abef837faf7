//! `with`: new columns, computed row by row.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Table, Value};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, RowExpr};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{TableType, Type};

use super::expression::{evaluate, table};

/// New columns, computed row by row.
pub(crate) struct With;

const COLUMNS: Arg<Vec<(String, RowExpr)>> = Arg::new("columns", ArgKind::NewColumns, |v| match v {
    Some(ArgValue::Named(columns)) => columns
        .iter()
        .filter_map(|(name, value)| match value {
            ArgValue::Row(expression) => Some((name.clone(), expression.clone())),
            _ => None,
        })
        .collect(),
    _ => Vec::new(),
})
.doc("New names, each with an expression over the table's columns: `ratio = likes / followers`.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "with", &["table -> table"])
    .version(1)
    .args(&[COLUMNS.spec()])
    .infer(added)
    .doc(
        "Adds columns that are computed from others of the same row. A missing operand gives a missing value. A \
         division by zero, and a result that is not finite, stop the stage and name the row.",
    )
    .examples(&[Example::new(
        "A ratio, missing where one of its numbers is.",
        "table(likes = [6, 3, _], followers = [2, 4, 8]) |> with(ratio = likes / followers)",
        "table(likes = [6, 3, _], followers = [2, 4, 8], ratio = [3, 0.75, _])",
    )]);

/// The table with the new columns behind the old ones: missing where an operand may be, unless `missing(…)` asks.
fn added(call: &mut Inference<'_, '_>) -> Option<Type> {
    let old = call.table()?;
    let mut columns = old.columns.clone();
    for (name, expression) in call.args.get(COLUMNS) {
        let column = call.new_column(&name, &expression, &old)?;
        columns.push((name, column));
    }
    Some(Type::Table(TableType { columns, ..old }))
}

impl Stage for With {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Table(run)
    }
}

fn run(_: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let old = table(inputs)?;
    let mut new = old.clone();
    for (name, expression) in args.get(COLUMNS) {
        let column = evaluate(&expression, old, inputs)
            .map_err(|error| Error { message: named(&name, error.message), ..error })?;
        new.columns.retain(|(other, _)| *other != name);
        new.columns.push((name, column));
    }
    Ok(new)
}

fn named(name: &str, text: mmf_lang::diagnostic::Text) -> mmf_lang::diagnostic::Text {
    mmf_lang::diagnostic::Text { en: format!("`{name}`: {}", text.en), zh: format!("`{name}`：{}", text.zh) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::values::Values;
    use mmf_lang::syntax::tree::BinaryOp;

    use super::super::expression::tests::{binary, column, numbers};
    use super::*;

    #[test]
    fn columns_are_added_and_a_division_by_zero_stops() {
        let add = |divisor: f64| {
            let table = numbers(&[("x", &[Some(3.0), None]), ("y", &[Some(divisor), Some(2.0)])]);
            let ratio = ArgValue::Row(binary(BinaryOp::Divide, column("x"), column("y")));
            let args = Args(vec![("columns".into(), ArgValue::Named(vec![("ratio".into(), ratio)]))]);
            run(&Context { seed: 0, base: Path::new("."), host: &Quiet }, &args, &[Value::Table(table)])
        };
        let table = add(2.0).unwrap();
        let ratio = table.column("ratio").unwrap();
        assert_eq!((table.columns.len(), ratio.values.clone()), (3, Values::Float(vec![1.5, 0.0].into())));
        assert!(ratio.is_missing(1));
        let error = add(0.0).unwrap_err();
        assert_eq!((error.code, error.message.en.as_str()), ("E1021", "`ratio`: row 1 divides by zero"));
    }
}

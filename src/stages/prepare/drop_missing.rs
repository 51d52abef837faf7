//! `drop_missing`: the rows that have all values.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Context, Report, Stage};
use mmf_data::table::{Table, Value};
use mmf_lang::args::{Arg, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Type;

use super::expression::table;

/// The rows that have all values.
pub(crate) struct DropMissing;

const COLUMNS: Arg<Option<Vec<String>>> =
    Arg::some_columns("columns").doc("The columns that must have a value; all where it is left out.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "drop_missing", &["table -> part"])
    .version(1)
    .args(&[COLUMNS.spec()])
    .doc(
        "Leaves out the rows where one of the columns is missing. Nothing is learned, so it may stand \
         before a split.",
    )
    .infer(whole)
    .examples(&[
        Example::new(
            "Rows without a hole.",
            "table(age = [30, _, 50], height = [1.7, 1.8, _]) |> drop_missing",
            "table(age = [30], height = [1.7])",
        ),
        Example::new(
            "Only some columns must have a value.",
            "table(age = [30, _, 50], height = [1.7, 1.8, _]) |> drop_missing(columns = [age])",
            "table(age = [30, 50], height = [1.7, _])",
        ),
    ]);

/// A part of the rows; its named columns may not be missing.
fn whole(call: &mut Inference<'_, '_>) -> Option<Type> {
    let table = call.table()?;
    let names = call.args.get(COLUMNS);
    let mut part = call.part_of(&table);
    for (name, column) in &mut part.columns {
        if names.as_ref().is_none_or(|names| names.contains(name)) {
            column.missing.clear();
        }
    }
    Some(Type::Table(part))
}

impl Stage for DropMissing {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Table(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let table = table(inputs)?;
    let names = args.get(COLUMNS);
    let columns: Vec<_> = table
        .columns
        .iter()
        .filter(|(name, _)| names.as_ref().is_none_or(|names| names.contains(name)))
        .map(|(_, column)| column)
        .collect();
    let rows = table.rows.len();
    let keep: Vec<u32> = (0..rows as u32).filter(|&at| !columns.iter().any(|c| c.is_missing(at as usize))).collect();
    let left = rows - keep.len();
    if left > 0 {
        context.host.report(Report::Note(say!(
            "left out {left} of {rows} rows with a missing value",
            "{rows} 行中有 {left} 行因缺失值而略去"
        )));
    }
    Ok(table.keep(&keep))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_lang::args::ArgValue;

    use super::super::expression::tests::numbers;
    use super::*;

    #[test]
    fn rows_with_holes_are_left_out() {
        let table = numbers(&[("a", &[Some(1.0), None, Some(3.0)]), ("b", &[None, Some(2.0), Some(3.0)])]);
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let run = |args| run(&context, &Args(args), &[Value::Table(table.clone())]).unwrap();
        assert_eq!(run(vec![]).rows.ids(), [2]);
        let part = run(vec![("columns".into(), ArgValue::List(vec![ArgValue::Column("a".into())]))]);
        assert_eq!((part.rows.ids(), part.column("b").unwrap().count_missing()), (vec![0, 2], 1));
    }
}

//! `select`: some columns of a table.

use mmf_data::error::Result;
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Table, Value};
use mmf_lang::args::{Arg, Args};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{TableType, Type};

use super::expression::table;

/// Some columns of a table.
pub(crate) struct Select;

const COLUMNS: Arg<Option<Vec<String>>> = Arg::some_columns("columns").doc("The columns to keep, in this order.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "select", &["table -> table"])
    .version(1)
    .args(&[COLUMNS.spec()])
    .doc("Keeps the named columns, and all rows.")
    .infer(kept)
    .examples(&[Example::new(
        "Two of three columns, in another order.",
        "table(a = [1, 2], b = [3, 4], c = [5, 6]) |> select([c, a])",
        "table(c = [5, 6], a = [1, 2])",
    )]);

/// The table with the named columns only.
fn kept(call: &mut Inference<'_, '_>) -> Option<Type> {
    let table = call.table()?;
    let names = call.args.get(COLUMNS).unwrap_or_default();
    let columns = names.iter().filter_map(|name| Some((name.clone(), table.column(name)?.clone()))).collect();
    Some(Type::Table(TableType { columns, ..table }))
}

impl Stage for Select {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Table(run)
    }
}

fn run(_: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let table = table(inputs)?;
    let names = args.get(COLUMNS).unwrap_or_default();
    let columns =
        names.into_iter().map(|name| Ok((name.clone(), table.column(&name)?.clone()))).collect::<Result<_>>()?;
    Ok(Table { rows: table.rows.clone(), columns })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_lang::args::ArgValue;

    use super::super::expression::tests::numbers;
    use super::*;

    #[test]
    fn columns_stand_in_the_order_asked() {
        let table = numbers(&[("a", &[Some(1.0)]), ("b", &[Some(2.0)]), ("c", &[Some(3.0)])]);
        let list = ArgValue::List(["c", "a"].map(|n| ArgValue::Column(n.into())).to_vec());
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let kept = run(&context, &Args(vec![("columns".into(), list)]), &[Value::Table(table)]).unwrap();
        assert_eq!(kept.columns.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), ["c", "a"]);
    }
}

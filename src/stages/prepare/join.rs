//! `join`: columns of another table, in this one.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Report, Stage};
use mmf_data::table::{Table, Value};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, Elem, TableType, Type};

use super::expression::table;

/// Columns of another table, in this one.
pub(crate) struct Join;

const WITH: Arg<()> =
    Arg::new("with", ArgKind::Table, |_| ()).doc("The other table: one ref, or one chain of refs, leads to its rows.");
const COLUMNS: Arg<Option<Vec<String>>> = Arg::new("columns", ArgKind::OtherColumns, |v| match v {
    Some(ArgValue::List(list)) => Some(list.iter().filter_map(ArgValue::as_text).map(str::to_string).collect()),
    Some(one) => one.as_text().map(|text| vec![text.to_string()]),
    None => None,
})
.optional()
.doc("Which of its columns, by name; left out, all but its key.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "join", &["table -> table"])
    .version(1)
    .args(&[WITH.spec(), COLUMNS.spec()])
    .infer(joined)
    .doc(
        "Adds columns of the table that a ref leads to: each row gets the values of the row that it names. All rows of this \
         table stay, each once; where the ref or the value is missing, the new value is missing. A name that both tables \
         have is an error.",
    )
    .reference("SQL's left join on a key; pandas' merge(how = \"left\", validate = \"many_to_one\")")
    .examples(&[Example::new(
        "The year of the film that is rated.",
        "source films   = table(\"films.csv\") { film: key, year: int, length: int? }\n\
         source ratings = table(\"ratings.csv\") { film: ref(films), rating: float }\n\
         prepare full = ratings |> join(films, columns = [year])\n\
         extract year = full.year",
        "col<ratings, int>",
    )]);

/// The columns behind the old ones, read along the ref.
fn joined(call: &mut Inference<'_, '_>) -> Option<Type> {
    let left = call.table()?;
    let place = call.arg_span(WITH.name());
    let here = call.input_spans[0];
    let &other = call.inputs.get(1)?;
    let right = match call.type_of(other) {
        Type::Table(table) => table,
        Type::Unknown => return None,
        other => {
            let found = other.word();
            return call.refuse(
                "E0301",
                place,
                say!("`join` takes columns of a table, this is a {found}", "`join` 接受表的列，这里是 {found}"),
                None,
            );
        }
    };
    let ways = call.ways(left.domain, right.domain);
    let [way] = &ways[..] else { return call.refuse_rows(left.domain, right.domain, place, here) };
    let names = match call.args.get(COLUMNS) {
        Some(names) => names,
        None => {
            let is_key = |c: &ColumnType| matches!(c.elem, Elem::Key);
            right.columns.iter().filter(|(_, c)| !is_key(c)).map(|(name, _)| name.clone()).collect()
        }
    };
    let mut table = left.clone();
    let mut reads = Vec::new();
    for name in &names {
        let span = if call.args.has(COLUMNS.name()) { call.arg_span(COLUMNS.name()) } else { place };
        if right.column(name).is_none() {
            let (whole, has) = (call.domain_name(right.domain), list(&right));
            return call.refuse(
                "E0206",
                span,
                say!("`{whole}` has no column `{name}`", "`{whole}` 没有名为 `{name}` 的列"),
                Some(say!("it has {has}", "它有 {has}")),
            );
        }
        if table.column(name).is_some() {
            return call.refuse(
                "E0102",
                span,
                say!("both tables have a column `{name}`", "两个表都有名为 `{name}` 的列"),
                Some(say!(
                    "name the columns to add: `columns = [ … ]`, or leave the other out with `select`",
                    "请列出要加入的列：`columns = [ … ]`，或用 `select` 去掉另一列"
                )),
            );
        }
        let mut node = call.column_of(other, name);
        for arrow in way.iter().rev() {
            node = call.read_along(node, left.domain, arrow);
        }
        let Type::Column(read) = call.type_of(node) else { return None };
        // Another table's key, in this one, names its row.
        let elem = if read.elem == Elem::Key { Elem::Ref(right.domain) } else { read.elem };
        table.columns.push((name.clone(), ColumnType { domain: left.domain, elem, ..read }));
        reads.push(node);
    }
    // The other table itself is not read any more, so a change of its other columns changes nothing here.
    call.inputs.truncate(1);
    call.inputs.extend(reads);
    call.args.0.retain(|(name, _)| name != WITH.name() && name != COLUMNS.name());
    call.args.0.push((COLUMNS.name().into(), ArgValue::List(names.into_iter().map(ArgValue::Column).collect())));
    let marks = left.marks.clone();
    Some(Type::Table(TableType { marks, ..table }))
}

fn list(table: &TableType) -> String {
    table.columns.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Stage for Join {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Table(run)
    }
}

/// The columns stand behind the table, read at its rows or at more.
fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let mut joined = table(inputs)?.clone();
    let names = args.get(COLUMNS).unwrap_or_default();
    if names.len() + 1 != inputs.len() {
        return Err(Error::bug("`join` was given another count of columns than of names"));
    }
    let rows = joined.rows.len();
    for (name, input) in names.into_iter().zip(&inputs[1..]) {
        context.check()?;
        let column = input.column()?.restrict(&joined.rows)?;
        let holes = column.count_missing();
        if holes > 0 {
            context.host.report(Report::Note(say!(
                "`{name}` is missing in {holes} of {rows} rows",
                "`{name}` 在 {rows} 行中有 {holes} 行缺失"
            )));
        }
        joined.columns.push((name, column));
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::table::{Column, Rows};
    use mmf_data::values::Values;

    use super::super::expression::tests::numbers;
    use super::*;

    #[test]
    fn columns_are_read_at_the_tables_rows() {
        let whole = numbers(&[("rating", &[1.0, 2.0, 3.0].map(Some))]);
        let part = whole.keep(&[0, 2]);
        let years = Column::new(Rows::all(3), Values::Int(vec![1990, 1991, 1992].into()))
            .with_missing(vec![false, false, true]);
        let args = Args(vec![("columns".into(), ArgValue::List(vec![ArgValue::Text("year".into())]))]);
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let joined = run(&context, &args, &[Value::Table(part), Value::Column(years)]).unwrap();
        let year = joined.column("year").unwrap();
        assert_eq!(
            (year.values.clone(), year.is_missing(0), year.is_missing(1)),
            (Values::Int(vec![1990, 1992].into()), false, true)
        );
        assert_eq!(joined.rows.ids(), [0, 2]);
    }
}

//! `deduplicate`: one row of those that are alike.

use std::cmp::Ordering;
use std::collections::HashMap;

use mmf_data::arrays::Arrays;
use mmf_data::error::Result;
use mmf_data::stage::{Body, Context, Report, Stage};
use mmf_data::table::{Column, Table, Value};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Type;

use super::expression::table;

/// One row of those that are alike.
pub(crate) struct Deduplicate;

const COLUMNS: Arg<Option<Vec<String>>> =
    Arg::some_columns("columns").doc("Rows that have the same values in these are alike; left out, in all columns.");
const BY: Arg<Option<String>> = Arg::some_column("by")
    .doc("The order in which the rows of a group stand; left out, that of their values, column after column.");
const KEEP: Arg<String> = Arg::words("keep", &["first", "last"])
    .default(Literal::Word("last"))
    .doc("Which row of a group is kept, in the order of `by`: of ratings of one film by one user, the `last`.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "deduplicate", &["table -> part"])
    .version(1)
    .args(&[COLUMNS.spec(), BY.spec(), KEEP.spec()])
    .infer(one)
    .doc(
        "Keeps one row of each group of rows that are alike, and counts the others. Missing values are alike. A row's place \
         in the file never matters: where `by` does not tell, the first in the order of the values is kept. Nothing is \
         learned; before a split it keeps a row from being in two parts.",
    )
    .reference("pandas' drop_duplicates")
    .examples(&[
        Example::new(
            "Rows alike in all columns.",
            "table(user = [\"a\", \"b\", \"a\"], rating = [5, _, 5]) |> deduplicate",
            "table(user = [\"a\", \"b\"], rating = [5, _])",
        ),
        Example::new(
            "A user's last word on a film.",
            "table(user = [\"a\", \"a\", \"b\"], rating = [2, 5, 3], at = [7, 9, 8]) |> deduplicate([user], by = at)",
            "table(user = [\"a\", \"b\"], rating = [5, 3], at = [9, 8])",
        ),
    ]);

/// A part of the rows.
fn one(call: &mut Inference<'_, '_>) -> Option<Type> {
    let table = call.table()?;
    if let Some((name, column)) = call.named_column(BY.name())
        && !column.missing.is_empty()
    {
        let span = call.arg_span(BY.name());
        return call.refuse(
            "E0504",
            span,
            say!(
                "`{name}` may be missing, and a row without it has no place in the order",
                "`{name}` 可能缺失，缺失的行没有先后"
            ),
            Some(say!("leave such rows out before: `… |> drop_missing`", "请先去掉这些行：`… |> drop_missing`")),
        );
    }
    Some(Type::Table(call.part_of(&table)))
}

impl Stage for Deduplicate {
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
    let all: Vec<&Column> = table.columns.iter().map(|(_, column)| column).collect();
    let alike: Vec<&Column> = match &names {
        Some(names) => names.iter().map(|name| table.column(name)).collect::<Result<_>>()?,
        None => all.clone(),
    };
    let by = args.get(BY).map(|name| table.column(&name)).transpose()?;
    let first = args.get(KEEP) == "first";
    // Is `a` to be kept rather than `b`?
    let before = |a: u32, b: u32| {
        let told = by.map_or(Ordering::Equal, |column| compare(column, a, b));
        let told = if first { told } else { told.reverse() };
        told.then_with(|| all.iter().map(|column| compare(column, a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal))
    };
    let rows = table.rows.len();
    let mut kept: HashMap<[u8; 32], u32> = HashMap::with_capacity(rows);
    for at in 0..rows as u32 {
        if at % 65_536 == 65_535 {
            context.check()?;
        }
        let row = kept.entry(digest(&alike, at)).or_insert(at);
        if before(at, *row).is_lt() {
            *row = at;
        }
    }
    let mut keep: Vec<u32> = kept.into_values().collect();
    keep.sort_unstable();
    let left = rows - keep.len();
    if left > 0 {
        context.host.report(Report::Note(say!(
            "left out {left} of {rows} rows that are like another",
            "{rows} 行中有 {left} 行因与其他行重复而略去"
        )));
    }
    Ok(table.keep(&keep))
}

/// Returns what a row's cells are, in short: 256 bits, so that no two are taken for each other.
fn digest(columns: &[&Column], at: u32) -> [u8; 32] {
    let mut bytes = blake3::Hasher::new();
    for column in columns {
        let place = at as usize;
        if column.is_missing(place) {
            bytes.update(&[0]);
            continue;
        }
        bytes.update(&[1]);
        let mut text = |text: &str| _ = bytes.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        match &column.values {
            Values::Int(v) | Values::Time(v) | Values::Duration(v) => _ = bytes.update(&v[place].to_le_bytes()),
            // Both zeros are one number.
            Values::Float(v) => _ = bytes.update(&(v[place] + 0.0).to_bits().to_le_bytes()),
            Values::Bool(v) => _ = bytes.update(&[u8::from(v[place])]),
            Values::Code { codes, names } if (codes[place] as usize) < names.len() => text(names.name(codes[place])),
            Values::Text(v) => text(v.get(place)),
            Values::Files(v) => text(&v.get(place).to_string_lossy()),
            other => {
                let mut stored = Arrays::new();
                other.take(&[at]).store("", &mut stored);
                _ = bytes.update(&stored.to_bytes());
            }
        }
    }
    *bytes.finalize().as_bytes()
}

/// Compares two cells: numbers and times by size, words as written, missing ones last.
fn compare(column: &Column, a: u32, b: u32) -> Ordering {
    let (x, y) = (a as usize, b as usize);
    match (column.is_missing(x), column.is_missing(y)) {
        (false, false) => {}
        (here, there) => return here.cmp(&there),
    }
    match &column.values {
        Values::Int(v) | Values::Time(v) | Values::Duration(v) => v[x].cmp(&v[y]),
        Values::Float(v) => (v[x] + 0.0).total_cmp(&(v[y] + 0.0)),
        Values::Bool(v) => v[x].cmp(&v[y]),
        Values::Code { codes, names } => {
            let name = |code: u32| ((code as usize) < names.len()).then(|| names.name(code));
            name(codes[x]).cmp(&name(codes[y]))
        }
        Values::Text(v) => v.get(x).cmp(v.get(y)),
        Values::Files(v) => v.get(x).cmp(&v.get(y)),
        _ => digest(&[column], a).cmp(&digest(&[column], b)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;
    use mmf_data::values::Texts;
    use mmf_lang::args::ArgValue;

    use super::*;

    /// Rows 4 and 5 are alike in all columns, so either may stand for both.
    fn same(ids: Vec<u32>) -> Vec<u32> {
        ids.into_iter().map(|id| if id == 5 { 4 } else { id }).collect()
    }

    fn kept(table: &Table, args: Vec<(&str, ArgValue)>) -> Vec<u32> {
        let args = Args(args.into_iter().map(|(n, v)| (n.to_string(), v)).collect());
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        run(&context, &args, &[Value::Table(table.clone())]).unwrap().rows.ids()
    }

    fn stored() -> (serde_json::Value, Table) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/tables/duplicates.json");
        let stored: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let words = |name: &str| {
            let words: Vec<Option<String>> = serde_json::from_value(stored[name].clone()).unwrap();
            let texts: Texts = words.iter().map(|w| w.as_deref().unwrap_or_default()).collect();
            Column::new(Rows::all(8), Values::Text(Arc::new(texts)))
                .with_missing(words.iter().map(Option::is_none).collect())
        };
        let at: Vec<i64> = serde_json::from_value(stored["at"].clone()).unwrap();
        let at = Column::new(Rows::all(8), Values::Int(Arc::new(at)));
        let columns = vec![("user".into(), words("user")), ("film".into(), words("film")), ("at".into(), at)];
        (stored.clone(), Table { rows: Rows::all(8), columns })
    }

    #[test]
    fn rows_are_pandas() {
        let (stored, table) = stored();
        let ids = |name: &str| same(serde_json::from_value::<Vec<u32>>(stored[name].clone()).unwrap());
        assert_eq!(kept(&table, vec![]), ids("all"));
        let both = || ArgValue::List(["user", "film"].map(|n| ArgValue::Column(n.into())).to_vec());
        for keep in ["first", "last"] {
            let args =
                vec![("columns", both()), ("by", ArgValue::Column("at".into())), ("keep", ArgValue::Word(keep.into()))];
            assert_eq!(same(kept(&table, args)), ids(keep), "{keep}");
        }
    }

    #[test]
    fn a_rows_place_does_not_matter() {
        let (_, table) = stored();
        let film = ArgValue::List(vec![ArgValue::Column("film".into())]);
        // Of x the first in the order of the values is (a, x, 1); of y there is one.
        assert_eq!(kept(&table, vec![("columns", film.clone())]), [1, 3]);
        let turned: Vec<u32> = (0..8).rev().collect();
        let columns = table.columns.iter().map(|(n, c)| {
            let missing = turned.iter().map(|&at| c.is_missing(at as usize)).collect();
            (n.clone(), Column::new(Rows::all(8), c.values.take(&turned)).with_missing(missing))
        });
        let turned = Table { rows: Rows::all(8), columns: columns.collect() };
        assert_eq!(kept(&turned, vec![("columns", film)]), [4, 6]);
    }
}

//! `k_core`: rows whose users and items have enough rows.

use std::collections::HashMap;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Column, Table, Value};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Type;

use super::expression::table;

/// Rows whose users and items have enough rows.
pub(crate) struct KCore;

const COUNTS: Arg<Vec<(String, usize)>> = Arg::new("counts", ArgKind::ColumnCounts, |v| match v {
    Some(ArgValue::Named(counts)) => counts
        .iter()
        .filter_map(|(name, count)| match count {
            ArgValue::Int(n) => Some((name.clone(), usize::try_from(*n).unwrap_or(0))),
            _ => None,
        })
        .collect(),
    _ => Vec::new(),
})
.doc("Columns, each with the fewest rows that one of its values must have: `user = 5, film = 5`.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "k_core", &["table -> part"])
    .version(1)
    .args(&[COUNTS.spec()])
    .infer(core)
    .doc(
        "Keeps the rows whose values in the named columns have enough rows each. Leaving out the rows of one value can \
         leave too few to another, so it is repeated until nothing changes.",
    )
    .reference("the k-core of Seidman (1983), for two or more kinds of nodes")
    .examples(&[
        Example::new(
            "Only `a` has two rows.",
            "table(user = [\"a\", \"a\", \"b\"], film = [\"x\", \"y\", \"x\"]) |> k_core(user = 2)",
            "table(user = [\"a\", \"a\"], film = [\"x\", \"y\"])",
        ),
        Example::new(
            "Without `b`, who has one row, `y` has too few; without its row, `a` has.",
            "table(user = [\"a\", \"a\", \"b\", \"c\", \"c\"], \
             film = [\"x\", \"y\", \"y\", \"x\", \"x\"]) |> k_core(user = 2, film = 2)",
            "table(user = [\"c\", \"c\"], film = [\"x\", \"x\"])",
        ),
    ]);

/// A part of the rows; the counted columns must have a value in each.
fn core(call: &mut Inference<'_, '_>) -> Option<Type> {
    let table = call.table()?;
    for (name, _) in call.args.get(COUNTS) {
        if table.column(&name).is_some_and(|column| !column.missing.is_empty()) {
            let span = call.arg_span(&name);
            return call.refuse(
                "E0504",
                span,
                say!(
                    "`{name}` may be missing, and such a row counts for nobody",
                    "`{name}` 可能缺失，缺失的行无法计数"
                ),
                Some(say!("leave such rows out before: `… |> drop_missing`", "请先去掉这些行：`… |> drop_missing`")),
            );
        }
    }
    Some(Type::Table(call.part_of(&table)))
}

impl Stage for KCore {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Table(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let table = table(inputs)?;
    let counts = args.get(COUNTS);
    // Each column as numbers below `size`, and the count that is asked for.
    let columns = counts
        .iter()
        .map(|(name, least)| {
            let (codes, size) = codes(table.column(name)?)?;
            Ok((codes, size, *least))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut keep: Vec<u32> = (0..table.rows.len() as u32).collect();
    loop {
        context.check()?;
        let before = keep.len();
        for (codes, size, least) in &columns {
            let mut rows = vec![0usize; *size];
            keep.iter().for_each(|&row| rows[codes[row as usize] as usize] += 1);
            keep.retain(|&row| rows[codes[row as usize] as usize] >= *least);
        }
        if keep.len() == before {
            return Ok(table.keep(&keep));
        }
    }
}

/// Returns a number for each row, the same where the values are, and how many there are.
fn codes(column: &Column) -> Result<(Vec<u32>, usize)> {
    fn number<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> (Vec<u32>, usize) {
        let mut seen = HashMap::new();
        let codes = keys
            .map(|key| {
                let next = seen.len() as u32;
                *seen.entry(key).or_insert(next)
            })
            .collect();
        (codes, seen.len())
    }
    if column.missing.is_some() {
        return Err(Error::bug("a core is asked of a column with missing values"));
    }
    Ok(match &column.values {
        Values::Code { codes, names } => (codes.to_vec(), names.len()),
        Values::Int(v) | Values::Time(v) | Values::Duration(v) => number(v.iter()),
        Values::Float(v) => number(v.iter().map(|x| x.to_bits())),
        Values::Bool(v) => number(v.iter()),
        Values::Text(v) => number(v.iter()),
        other => return Err(Error::bug(format!("a core is asked of a column of {}", other.kind()))),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;

    use super::*;

    #[test]
    fn it_is_repeated_until_nothing_changes() {
        // User 2 has one row, which leaves item 1 with one, which leaves user 1 with one, and so on to nothing; the
        // square of users 3, 4 and items 3, 4 stays.
        let pairs = [(0, 0), (1, 0), (1, 1), (2, 1), (3, 3), (3, 4), (4, 3), (4, 4)];
        let rows = Rows::all(pairs.len());
        let column =
            |f: fn(&(i64, i64)) -> i64| Column::new(rows.clone(), Values::Int(Arc::new(pairs.iter().map(f).collect())));
        let columns = vec![("user".to_string(), column(|p| p.0)), ("item".to_string(), column(|p| p.1))];
        let table = Table { rows: rows.clone(), columns };
        let counts = ArgValue::Named(vec![("user".into(), ArgValue::Int(2)), ("item".into(), ArgValue::Int(2))]);
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let core = run(&context, &Args(vec![("counts".into(), counts)]), &[Value::Table(table)]).unwrap();
        assert_eq!(core.rows.ids(), [4, 5, 6, 7]);
    }
}

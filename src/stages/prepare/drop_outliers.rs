//! `drop_outliers`: the rows whose numbers lie where the others' do.

use std::collections::BTreeMap;

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Report, Stage};
use mmf_data::table::{Column, Table};
use mmf_data::values::Values;
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{ColumnType, Elem, Part, SplitType, Type};

/// The rows whose numbers lie where the others' do.
pub(crate) struct DropOutliers;

const HOW: Arg<String> = Arg::words("how", &["z_score", "iqr"]).default(Literal::Word("z_score")).doc(
    "`z_score`: further from the mean than `limit` deviations. `iqr`: further below the first quartile, or above the third, \
     than `limit` times the distance between the two.",
);
const LIMIT: Arg<Option<f64>> = Arg::new("limit", ArgKind::Float, |v| v.and_then(ArgValue::as_f64))
    .optional()
    .range(0.0, 1e9)
    .doc("How far is too far; left out, 3 deviations or 1.5 distances of the quartiles.");
const COLUMNS: Arg<Option<Vec<String>>> =
    Arg::some_columns("columns").doc("The columns that are looked at; left out, all int and float columns.");

static SIGNATURE: Signature = Signature::new(Group::Prepare, "drop_outliers", &["table -> part", "split -> split"])
    .version(1)
    .args(&[HOW.spec(), LIMIT.spec(), COLUMNS.spec()])
    .infer(without)
    .doc(
        "Leaves out training rows where a number of one of the columns is an outlier, and counts them by column. Mean, \
         deviation (over all rows) and quartiles (between two rows, in proportion) are those of the training rows, so it \
         comes after the split; rows that are kept for measuring all stay. A missing value is no outlier, and numbers that \
         are all the same have none.",
    )
    .reference("scipy.stats.zscore and numpy.quantile, as `abs(z) > 3` and Tukey's fences")
    .examples(&[
        Example::new(
            "One price is far from the others.",
            "table(price = [1, 2, 3, 2, 90]) |> drop_outliers(iqr)",
            "table(price = [1, 2, 3, 2])",
        ),
        Example::new(
            "With fewer deviations; a missing value stays.",
            "table(price = [1, 2, 3, _, 90]) |> drop_outliers(limit = 1.5)",
            "table(price = [1, 2, 3, _])",
        ),
        Example::new(
            "Of a split, the training rows alone are learned from, and left out.",
            "table(at = [1, 2, 3, 4, 5, 6], price = [1, 2, 3, 2, 90, 80]) |> split(by = at, test = 1) \
             |> drop_outliers(iqr, columns = [price])",
            "split(train = table(at = [1, 2, 3, 4], price = [1, 2, 3, 2]), test = table(at = [6], price = [80]))",
        ),
    ]);

/// A part of the rows; of a split, a part of its training rows.
fn without(call: &mut Inference<'_, '_>) -> Option<Type> {
    let table = call.table()?;
    for name in call.args.get(COLUMNS).unwrap_or_default() {
        let Some(column) = table.column(&name) else { continue };
        if !matches!(column.elem, Elem::Int | Elem::Float | Elem::Unknown) {
            let (span, found) = (call.arg_span(COLUMNS.name()), column.elem.to_string());
            return call.refuse(
                "E0301",
                span,
                say!("only numbers have outliers, `{name}` is {found}", "只有数值才有离群值，`{name}` 是 {found}"),
                None,
            );
        }
    }
    Some(match call.input(0) {
        Type::Split(split) => {
            let domain = call.new_part(table.domain);
            let columns = table.columns.iter().map(|(n, c)| (n.clone(), ColumnType { domain, ..c.clone() })).collect();
            let part =
                |(part, rows): &(Part, _)| (*part, if *part == Part::Train { call.new_part(*rows) } else { *rows });
            let parts = split.parts.iter().map(part).collect();
            Type::Split(SplitType { table: mmf_lang::types::TableType { domain, columns, ..table }, parts, ..split })
        }
        _ => Type::Table(call.part_of(&table)),
    })
}

impl Stage for DropOutliers {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::FitTable { fit, apply }
    }
}

/// Learns the bounds of each column, and which of the rows that it learns from lie outside.
fn fit(context: &Context<'_>, args: &Args, table: &Table) -> Result<State> {
    let (how, chosen) = (args.get(HOW), args.get(COLUMNS));
    let limit = args.get(LIMIT).unwrap_or(if how == "iqr" { 1.5 } else { 3.0 });
    let mut outside: BTreeMap<u32, ()> = BTreeMap::new();
    let (mut names, mut counts) = (Vec::new(), Vec::new());
    for (name, column) in &table.columns {
        context.check()?;
        if chosen.as_ref().is_some_and(|names| !names.contains(name)) {
            continue;
        }
        let Some(numbers) = numbers(column) else {
            match chosen {
                Some(_) => return Err(Error::bug(format!("`{name}` holds no numbers"))),
                None => continue,
            }
        };
        let Some((low, high)) = bounds(&how, limit, numbers.iter().map(|(_, x)| *x).collect()) else { continue };
        let before = outside.len();
        let out: Vec<u32> = numbers.iter().filter(|(_, x)| *x < low || *x > high).map(|(at, _)| *at).collect();
        outside.extend(out.iter().map(|&at| (table.rows.id(at as usize), ())));
        names.push(name.clone());
        counts.extend([out.len() as i64, (outside.len() - before) as i64]);
    }
    Ok(State::new()
        .with("rows", Array::U32(outside.into_keys().collect()))
        .with("learned", Array::I64(vec![table.rows.len() as i64]))
        .with("columns", Array::Texts(names.into()))
        .with("counts", Array::I64(counts)))
}

/// Returns the numbers that are there, with their places; `None` where the column holds none.
fn numbers(column: &Column) -> Option<Vec<(u32, f64)>> {
    let here = (0..column.len()).filter(|&at| !column.is_missing(at));
    match &column.values {
        Values::Int(v) => Some(here.map(|at| (at as u32, v[at] as f64)).collect()),
        Values::Float(v) => Some(here.map(|at| (at as u32, v[at])).collect()),
        _ => None,
    }
}

/// Returns the lowest and the highest number that is no outlier; `None` where there are none.
fn bounds(how: &str, limit: f64, mut numbers: Vec<f64>) -> Option<(f64, f64)> {
    let count = numbers.len() as f64;
    let (low, high) = if how == "iqr" {
        numbers.sort_by(f64::total_cmp);
        let (first, third) = (quantile(&numbers, 0.25)?, quantile(&numbers, 0.75)?);
        let reach = limit * (third - first);
        (first - reach, third + reach)
    } else {
        let mean = numbers.iter().sum::<f64>() / count;
        let deviation = (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
        (mean - limit * deviation, mean + limit * deviation)
    };
    let (first, last) = numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
    // The mean of equal numbers may differ from them in its last bit.
    (first < last).then_some((low, high))
}

/// Returns the number at a share of the way through sorted ones, in proportion between two.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = share * (sorted.len().checked_sub(1)?) as f64;
    let (below, rest) = (at.floor() as usize, at - at.floor());
    let above = (below + 1).min(sorted.len() - 1);
    let difference = sorted[above] - sorted[below];
    // From the nearer end, as numpy does.
    Some(if rest < 0.5 { sorted[below] + difference * rest } else { sorted[above] - difference * (1.0 - rest) })
}

/// Leaves out what was found among the rows that were learned from; no others.
fn apply(context: &Context<'_>, _: &Args, state: &State, table: &Table) -> Result<Table> {
    let outside = state.u32s("rows")?;
    let keep: Vec<u32> = (0..table.rows.len() as u32)
        .filter(|&at| outside.binary_search(&table.rows.id(at as usize)).is_err())
        .collect();
    let left = table.rows.len() - keep.len();
    if left > 0 {
        let of = state.i64s("learned")?.first().copied().unwrap_or(0);
        let list = state.texts("columns")?.iter().zip(state.i64s("counts")?.as_chunks::<2>().0);
        let list: Vec<String> =
            list.filter(|(_, [count, _])| *count > 0).map(|(name, [count, _])| format!("{name} {count}")).collect();
        let list = list.join(", ");
        context.host.report(Report::Note(say!(
            "left out {left} of {of} training rows with an outlier ({list})",
            "{of} 个训练行中有 {left} 行因离群值而略去（{list}）"
        )));
    }
    Ok(table.keep(&keep))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_data::table::Rows;

    use super::super::expression::tests::numbers as table_of;
    use super::*;

    fn context() -> Context<'static> {
        Context { seed: 0, base: Path::new("."), host: &Quiet }
    }

    fn args(how: &str, limit: Option<f64>) -> Args {
        let mut args = vec![("how".to_string(), ArgValue::Word(how.into()))];
        args.extend(limit.map(|x| ("limit".to_string(), ArgValue::Float(x))));
        Args(args)
    }

    #[test]
    fn outliers_are_scipys_and_numpys() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/tables/outliers.json");
        let stored: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let columns: Vec<Vec<Option<f64>>> = serde_json::from_value(stored["columns"].clone()).unwrap();
        let table = table_of(&[("a", &columns[0]), ("b", &columns[1])]);
        let calls = stored["calls"].as_array().unwrap();
        assert_eq!(calls.len(), 5);
        for call in calls {
            let args = args(call["how"].as_str().unwrap(), call["limit"].as_f64());
            let state = fit(&context(), &args, &table).unwrap();
            let kept = apply(&context(), &args, &state, &table).unwrap();
            let expected: Vec<u32> = serde_json::from_value(call["kept"].clone()).unwrap();
            assert_eq!(kept.rows.ids(), expected, "{call}");
        }
    }

    #[test]
    fn rows_that_were_not_learned_from_stay() {
        let table = table_of(&[("a", &[1.0, 2.0, 3.0, 2.0, 90.0, 2.0, 95.0].map(Some))]);
        let training = table.restrict(&Rows::some(7, vec![0, 1, 2, 3, 4])).unwrap();
        let args = args("iqr", None);
        let state = fit(&context(), &args, &training).unwrap();
        assert_eq!(apply(&context(), &args, &state, &table).unwrap().rows.ids(), [0, 1, 2, 3, 5, 6]);
    }

    #[test]
    fn numbers_all_the_same_and_none_have_no_outliers() {
        let same = [0.1; 10].map(Some);
        let table = table_of(&[("a", &same), ("b", &[None; 10])]);
        for how in ["z_score", "iqr"] {
            let args = args(how, Some(0.0));
            let state = fit(&context(), &args, &table).unwrap();
            assert_eq!(apply(&context(), &args, &state, &table).unwrap().rows.len(), 10, "{how}");
        }
    }
}

//! `fill_missing`: a value for what is missing in a table's columns.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Column, Table, Value};
use mmf_data::values::{Texts, Values, Vocabulary};
use mmf_lang::args::{Arg, Args};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, SplitType, Type};

use super::expression::table;

/// A value for what is missing in a table's columns.
pub(crate) struct FillMissing;

const HOW: Arg<String> = Arg::words("how", &["zero", "mean", "median", "common"]).doc(
    "`zero`: 0, false or the empty text. Of the training rows: `mean`, `median` (the lower of two), `common`, the most \
     frequent value, of equals the first in order.",
);
const COLUMNS: Arg<Option<Vec<String>>> = Arg::some_columns("columns").doc(
    "The columns to fill; where it is left out, all that may be missing and can be filled so: numbers, bools, times and \
     vectors, with `zero` and `common` also texts and with `common` categories.",
);

static SIGNATURE: Signature = Signature::new(
    Group::Prepare,
    "fill_missing",
    &[
        "table -> table",
        "table -> table",
        "split -> split",
        "table -> table",
        "split -> split",
        "table -> table",
        "split -> split",
    ],
)
.by("how", &["zero", "mean", "mean", "median", "median", "common", "common"])
.version(1)
.args(&[HOW.spec(), COLUMNS.spec()])
.infer(filled)
.doc(
    "Puts a value where one is missing. All but `zero` learn it from the training rows, so they come \
         after the split. A mean of an int or bool column is a float.",
)
.reference("scikit-learn's SimpleImputer")
.examples(&[
    Example::new(
        "Zeros and nothing learned.",
        "table(age = [30, _], height = [_, 1.8]) |> fill_missing(zero)",
        "table(age = [30, 0], height = [0, 1.8])",
    ),
    Example::new(
        "The mean of an int is a float.",
        "table(age = [30, _, 51]) |> fill_missing(mean)",
        "table(age = [30, 40.5, 51])",
    ),
    Example::new(
        "Of two in the middle, the lower.",
        "table(age = [30, _, 51, 90, 31]) |> fill_missing(median)",
        "table(age = [30, 31, 51, 90, 31])",
    ),
    Example::new(
        "The most frequent word.",
        "table(tone = [\"dark\", _, \"dark\", \"light\"]) |> fill_missing(common)",
        "table(tone = [\"dark\", \"dark\", \"dark\", \"light\"])",
    ),
    Example::new(
        "Of a split, the training rows are learned from.",
        "table(at = [1, 2, 3, 4], age = [30, 50, _, 90]) |> split(by = at, test = 2) \
             |> fill_missing(mean)",
        "split(train = table(at = [1, 2], age = [30, 50]), test = table(at = [3, 4], age = [40, 90]))",
    ),
]);

/// The input, where the filled columns are not missing; `mean` and `median` make an int or bool a float.
fn filled(call: &mut Inference<'_, '_>) -> Option<Type> {
    let (how, chosen) = (call.args.get(HOW), call.args.get(COLUMNS));
    let mut table = call.table()?;
    for (name, column) in &mut table.columns {
        let can = match &column.elem {
            Elem::Int | Elem::Float | Elem::Bool | Elem::Duration | Elem::Vector(_) => true,
            Elem::Time => how != "zero",
            Elem::Text(_) => matches!(how.as_str(), "zero" | "common"),
            Elem::Category(_) => how == "common",
            _ => false,
        };
        let asked = chosen.as_ref().map(|names| names.contains(name));
        if asked == Some(true) && !can {
            let (span, name, found) = (call.arg_span(COLUMNS.name()), name.clone(), column.elem.to_string());
            return call.refuse(
                "E0301",
                span,
                say!("`{name}` is {found}, which `{how}` cannot fill", "`{name}` 是 {found}，不能用 `{how}` 填补"),
                None,
            );
        }
        if can && asked.unwrap_or(true) {
            if !column.missing.is_empty()
                && matches!(how.as_str(), "mean" | "median")
                && matches!(column.elem, Elem::Int | Elem::Bool)
            {
                column.elem = Elem::Float;
            }
            column.missing.clear();
        }
    }
    Some(match call.input(0) {
        Type::Split(split) => Type::Split(SplitType { table, ..split }),
        _ => Type::Table(table),
    })
}

impl Stage for FillMissing {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, alternative: usize) -> Body {
        if alternative == 0 { Body::Table(zero) } else { Body::FitTable { fit, apply } }
    }
}

fn zero(_: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let mut table = table(inputs)?.clone();
    let chosen = args.get(COLUMNS);
    for (name, column) in &mut table.columns {
        let can = matches!(
            column.values,
            Values::Int(_)
                | Values::Float(_)
                | Values::Bool(_)
                | Values::Duration(_)
                | Values::Vector { .. }
                | Values::Text(_)
        );
        if takes(chosen.as_ref(), name, can) {
            let filled = match &column.values {
                Values::Int(v) => Values::Int(put(column, v, 0)),
                Values::Duration(v) => Values::Duration(put(column, v, 0)),
                Values::Float(v) => Values::Float(put(column, v, 0.0)),
                Values::Bool(v) => Values::Bool(put(column, v, false)),
                Values::Vector { width, .. } => vector(column, &vec![0.0; *width])?,
                Values::Text(_) => text(column, "")?,
                other => return Err(cannot(name, other.kind())),
            };
            *column = Column::new(column.rows.clone(), filled);
        }
    }
    Ok(table)
}

/// Returns whether a column is to be filled: by name, or since it can be.
fn takes(chosen: Option<&Vec<String>>, name: &String, can: bool) -> bool {
    chosen.map_or(can, |names| names.contains(name))
}

fn cannot(name: &str, kind: &str) -> Error {
    Error::bug(format!("`{name}` ({kind}) cannot be filled so"))
}

fn put<T: Copy>(column: &Column, values: &[T], with: T) -> Arc<Vec<T>> {
    Arc::new(values.iter().enumerate().map(|(at, &v)| if column.is_missing(at) { with } else { v }).collect())
}

fn vector(column: &Column, with: &[f32]) -> Result<Values> {
    let (width, numbers) = column.values.as_vectors()?;
    let mut numbers = numbers.to_vec();
    for at in (0..column.len()).filter(|&at| column.is_missing(at)) {
        numbers[at * width..(at + 1) * width].copy_from_slice(with);
    }
    Ok(Values::vector(width, numbers))
}

fn text(column: &Column, with: &str) -> Result<Values> {
    let Values::Text(texts) = &column.values else { return Err(Error::bug("no column of texts")) };
    let filled: Texts = texts.iter().enumerate().map(|(at, t)| if column.is_missing(at) { with } else { t }).collect();
    Ok(Values::Text(Arc::new(filled)))
}

/// Learns a value a column: arrays by the column's name, numbers or one text.
fn fit(context: &Context<'_>, args: &Args, table: &Table) -> Result<State> {
    let (how, chosen) = (args.get(HOW), args.get(COLUMNS));
    let mut state = State::new();
    for (name, column) in &table.columns {
        context.check()?;
        let word = matches!(column.values, Values::Code { .. } | Values::Text(_));
        let can = match &column.values {
            Values::Files(_) | Values::Tokens(_) | Values::Sequence(_) | Values::Pictures(_) | Values::Maps(_) => false,
            Values::Vector { .. } => how != "common",
            _ => !word || how == "common",
        };
        if !takes(chosen.as_ref(), name, can) {
            continue;
        }
        if !can {
            return Err(cannot(name, column.values.kind()));
        }
        let here: Vec<usize> = (0..column.len()).filter(|&at| !column.is_missing(at)).collect();
        if here.is_empty() {
            // A column without a hole anywhere needs no value, and one that is all holes in training has none.
            continue;
        }
        let array = match &column.values {
            Values::Code { codes, names } => {
                Array::Texts([common(here.iter().map(|&at| names.name(codes[at])))].iter().collect())
            }
            Values::Text(v) => Array::Texts([common(here.iter().map(|&at| v.get(at)))].iter().collect()),
            Values::Vector { width, numbers } => {
                let place = |k: usize| here.iter().map(|&at| f64::from(numbers[at * width + k])).collect();
                Array::F64((0..*width).map(|k| middle(&how, place(k))).collect())
            }
            Values::Time(v) | Values::Duration(v) if how == "mean" => {
                let sum: i128 = here.iter().map(|&at| i128::from(v[at])).sum();
                Array::I64(vec![(sum / here.len() as i128) as i64])
            }
            Values::Int(v) | Values::Time(v) | Values::Duration(v) if how == "common" => {
                Array::I64(vec![frequent(here.iter().map(|&at| v[at]))])
            }
            Values::Bool(v) if how == "common" => Array::I64(vec![i64::from(frequent(here.iter().map(|&at| v[at])))]),
            Values::Time(v) | Values::Duration(v) => {
                let mut sorted: Vec<i64> = here.iter().map(|&at| v[at]).collect();
                sorted.sort_unstable();
                Array::I64(vec![sorted[(sorted.len() - 1) / 2]])
            }
            values => {
                let number = number(values)?;
                Array::F64(vec![middle(&how, here.iter().map(|&at| number(at)).collect())])
            }
        };
        state.put(name.clone(), array);
    }
    Ok(state)
}

/// Returns how a number is read at a place.
fn number(values: &Values) -> Result<Box<dyn Fn(usize) -> f64 + '_>> {
    Ok(match values {
        Values::Int(v) => Box::new(move |at| v[at] as f64),
        Values::Float(v) => Box::new(move |at| v[at]),
        Values::Bool(v) => Box::new(move |at| f64::from(u8::from(v[at]))),
        other => return Err(Error::bug(format!("a column of {} holds no numbers", other.kind()))),
    })
}

fn middle(how: &str, mut numbers: Vec<f64>) -> f64 {
    match how {
        "mean" => numbers.iter().sum::<f64>() / numbers.len() as f64,
        "median" => {
            numbers.sort_by(f64::total_cmp);
            numbers[(numbers.len() - 1) / 2]
        }
        _ => {
            let bits = frequent(numbers.iter().map(|x| {
                let bits = x.to_bits();
                // The order of floats as the order of whole numbers.
                if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
            }));
            f64::from_bits(if bits >> 63 == 1 { bits & !(1 << 63) } else { !bits })
        }
    }
}

fn common<'a>(words: impl Iterator<Item = &'a str>) -> String {
    frequent(words).to_string()
}

/// Returns the most frequent value, of equals the first in order. There is one.
fn frequent<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    values.for_each(|v| *counts.entry(v).or_default() += 1);
    let best = counts.into_iter().max_by_key(|(value, count)| (*count, Reverse(*value)));
    best.expect("never asked of no value").0
}

fn apply(_: &Context<'_>, args: &Args, state: &State, table: &Table) -> Result<Table> {
    let (how, chosen) = (args.get(HOW), args.get(COLUMNS));
    let mut table = table.clone();
    for (name, column) in &mut table.columns {
        let float = how != "common" && matches!(column.values, Values::Int(_) | Values::Bool(_));
        let asked = chosen.as_ref().is_some_and(|names| names.contains(name));
        if !state.has(name) {
            if asked && column.missing.is_some() {
                return Err(Error::new(
                    "E1022",
                    say!(
                        "no training row has a value of `{name}` to learn from",
                        "训练行中没有可供学习的 `{name}` 的值"
                    ),
                ));
            }
            continue;
        }
        let filled = match &column.values {
            Values::Int(_) | Values::Bool(_) if float => {
                let with = state.f64s(name)?[0];
                let number = number(&column.values)?;
                let all = (0..column.len()).map(|at| if column.is_missing(at) { with } else { number(at) });
                Values::Float(Arc::new(all.collect()))
            }
            Values::Int(v) => Values::Int(put(column, v, state.i64s(name)?[0])),
            Values::Time(v) => Values::Time(put(column, v, state.i64s(name)?[0])),
            Values::Duration(v) => Values::Duration(put(column, v, state.i64s(name)?[0])),
            Values::Bool(v) => Values::Bool(put(column, v, state.i64s(name)?[0] != 0)),
            Values::Float(v) => Values::Float(put(column, v, state.f64s(name)?[0])),
            Values::Vector { .. } => {
                let with: Vec<f32> = state.f64s(name)?.iter().map(|&x| x as f32).collect();
                vector(column, &with)?
            }
            Values::Text(_) => text(column, state.texts(name)?.get(0))?,
            Values::Code { codes, names } => code(column, codes, names, state.texts(name)?.get(0))?,
            other => return Err(cannot(name, other.kind())),
        };
        *column = Column::new(column.rows.clone(), filled);
    }
    Ok(table)
}

fn code(column: &Column, codes: &[u32], names: &Arc<Vocabulary>, with: &str) -> Result<Values> {
    let with = names.code(with).ok_or_else(|| Error::bug("the most frequent value is none of the column's"))?;
    Ok(Values::Code { codes: put(column, codes, with), names: names.clone() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mmf_data::stage::Quiet;
    use mmf_lang::args::ArgValue;

    use super::super::expression::tests::numbers;
    use super::*;

    fn filled(how: &str, cells: &[Option<f64>]) -> Vec<f64> {
        let table = numbers(&[("x", cells)]);
        let args = Args(vec![("how".into(), ArgValue::Word(how.into()))]);
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let table = match how {
            "zero" => zero(&context, &args, &[Value::Table(table)]).unwrap(),
            _ => apply(&context, &args, &fit(&context, &args, &table).unwrap(), &table).unwrap(),
        };
        let column = table.column("x").unwrap();
        assert!(column.missing.is_none());
        let Values::Float(v) = &column.values else { panic!() };
        v.to_vec()
    }

    #[test]
    fn agrees_with_scikit_learn() {
        // SimpleImputer(strategy = s).fit_transform([[1], [nan], [4], [1], [-2]]).ravel(); our median of an even count is
        // the lower one, here of five values with one missing.
        let cells = [Some(1.0), None, Some(4.0), Some(1.0), Some(-2.0)];
        for (how, value) in [("zero", 0.0), ("mean", 1.0), ("median", 1.0), ("common", 1.0)] {
            assert_eq!(filled(how, &cells), [1.0, value, 4.0, 1.0, -2.0], "{how}");
        }
        assert_eq!(filled("common", &[Some(-1.0), None, Some(-3.0)])[1], -3.0);
        assert_eq!(filled("median", &[Some(-1.0), None, Some(-3.0)])[1], -3.0);
    }

    #[test]
    fn what_no_training_row_has_is_said_where_it_is_asked_for() {
        let table = numbers(&[("x", &[None, None])]);
        let columns = ArgValue::List(vec![ArgValue::Column("x".into())]);
        let args = Args(vec![("how".into(), ArgValue::Word("mean".into())), ("columns".into(), columns)]);
        let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
        let state = fit(&context, &args, &table).unwrap();
        assert_eq!(apply(&context, &args, &state, &table).unwrap_err().code, "E1022");
    }
}

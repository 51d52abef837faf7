//! What `min_max` and `standardize` share: a shift and a divisor for each place of a vector or each column of a table.

use std::sync::Arc;

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Context};
use mmf_data::table::{Column, Table};
use mmf_data::values::Values;
use mmf_lang::args::Arg;
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::types::{Elem, SplitType, Type};

pub(super) const COLUMNS: Arg<Option<Vec<String>>> = Arg::some_columns("columns").doc(
    "Which columns of a table; left out, all int and float columns that are no label, key, ref or order. Without meaning \
     for a column.",
);

/// The types that both take: a column, a table, a split.
pub(super) const TYPES: &[&str] = &["col<d, vector[n]> -> col<d, vector[n]>", "table -> table", "split -> split"];

/// As what flows in; the scaled columns of a table are floats.
pub(super) fn scaled(call: &mut Inference<'_, '_>) -> Option<Type> {
    if let Some(column) = call.column(0) {
        return call.out(Elem::Vector(column.elem.as_vector()?));
    }
    let chosen = call.args.get(COLUMNS);
    let mut table = call.table()?;
    for (name, column) in &mut table.columns {
        let number = matches!(column.elem, Elem::Int | Elem::Float);
        match chosen.as_ref().map(|names| names.contains(name)) {
            Some(true) if !number => {
                let (span, name, found) = (call.arg_span(COLUMNS.name()), name.clone(), column.elem.to_string());
                return call.refuse(
                    "E0301",
                    span,
                    say!("only numbers are scaled, `{name}` is {found}", "只能缩放数值，`{name}` 是 {found}"),
                    None,
                );
            }
            Some(true) => column.elem = Elem::Float,
            None if number => column.elem = Elem::Float,
            _ => {}
        }
    }
    Some(match call.input(0) {
        Type::Split(split) => Type::Split(SplitType { table, ..split }),
        _ => Type::Table(table),
    })
}

/// What is learned of some numbers: `(x - shift) / divisor` scales them. Never given an empty list.
pub(super) type Learn = fn(&[f64]) -> (f64, f64);

/// Learns from a column of numbers or vectors; missing rows are left out. Fails with `E1022` where no row has a value.
pub(super) fn fit_column(context: &Context, columns: &[Column], learn: Learn) -> Result<State> {
    let column = columns.first().ok_or_else(|| Error::bug("a fit was given no column"))?;
    let (width, numbers) = numbers(&column.values)?;
    let (mut shifts, mut divisors) = (Vec::with_capacity(width), Vec::with_capacity(width));
    for place in 0..width {
        context.check()?;
        let there: Vec<f64> =
            (0..column.len()).filter(|&at| !column.is_missing(at)).map(|at| numbers[at * width + place]).collect();
        if there.is_empty() {
            return Err(Error::new(
                "E1022",
                say!(
                    "there is no value to learn the scale from in the training rows",
                    "训练行中没有可用于学习尺度的数值"
                ),
            )
            .help(say!("leave it out: it tells nothing", "请去掉它：它不含任何信息")));
        }
        let (shift, divisor) = learn(&there);
        shifts.push(shift);
        divisors.push(divisor);
    }
    Ok(State::new().with("shift", Array::F64(shifts)).with("divisor", Array::F64(divisors)))
}

pub(super) fn apply_column(context: &Context, state: &State, batch: &Batch) -> Result<Values> {
    context.check()?;
    let (shifts, divisors) = (state.f64s("shift")?, state.f64s("divisor")?);
    let (width, numbers) = numbers(batch.values(0)?)?;
    if width != shifts.len() || width != divisors.len() {
        return Err(Error::bug("a stored scale is not as wide as its column"));
    }
    let scale = |row: &[f64]| {
        let scaled = row.iter().zip(shifts).zip(divisors).map(|((x, shift), divisor)| ((x - shift) / divisor) as f32);
        scaled.collect::<Vec<f32>>()
    };
    Ok(Values::vector(width, numbers.chunks_exact(width.max(1)).flat_map(scale).collect()))
}

/// Learns from columns of a table, of a split's training part; the columns' names are kept with it.
pub(super) fn fit_table(context: &Context, columns: Option<Vec<String>>, table: &Table, learn: Learn) -> Result<State> {
    let names = columns.unwrap_or_else(|| {
        let is_number = |column: &Column| matches!(column.values, Values::Int(_) | Values::Float(_));
        table.columns.iter().filter(|(_, column)| is_number(column)).map(|(name, _)| name.clone()).collect()
    });
    let (mut shifts, mut divisors) = (Vec::with_capacity(names.len()), Vec::with_capacity(names.len()));
    for name in &names {
        context.check()?;
        let column = table.column(name)?;
        let (width, numbers) = numbers(&column.values)?;
        if width != 1 {
            return Err(Error::bug(format!("column `{name}` of a table is no number")));
        }
        let there: Vec<f64> = (0..column.len()).filter(|&at| !column.is_missing(at)).map(|at| numbers[at]).collect();
        if there.is_empty() {
            return Err(Error::new(
                "E1022",
                say!(
                    "`{name}` has no value to learn the scale from in the training rows",
                    "`{name}` 在训练行中没有可用于学习尺度的数值"
                ),
            )
            .help(say!("leave it out: it tells nothing", "请去掉它：它不含任何信息")));
        }
        let (shift, divisor) = learn(&there);
        shifts.push(shift);
        divisors.push(divisor);
    }
    Ok(State::new()
        .with("columns", Array::Texts(names.into()))
        .with("shift", Array::F64(shifts))
        .with("divisor", Array::F64(divisors)))
}

/// Scales the columns; they become floats, and what is missing stays so.
pub(super) fn apply_table(context: &Context, state: &State, table: &Table) -> Result<Table> {
    let (shifts, divisors) = (state.f64s("shift")?, state.f64s("divisor")?);
    let mut table = table.clone();
    for ((name, shift), divisor) in state.texts("columns")?.iter().zip(shifts).zip(divisors) {
        context.check()?;
        let found = table.columns.iter_mut().find(|(n, _)| n == name);
        let (_, column) = found.ok_or_else(|| Error::bug(format!("a table has no column `{name}`")))?;
        let (_, numbers) = numbers(&column.values)?;
        column.values = Values::Float(Arc::new(numbers.iter().map(|x| (x - shift) / divisor).collect()));
    }
    Ok(table)
}

/// Returns the values as `rows × width` numbers, to all their digits.
fn numbers(values: &Values) -> Result<(usize, Vec<f64>)> {
    Ok(match values {
        Values::Int(v) => (1, v.iter().map(|&x| x as f64).collect()),
        Values::Float(v) => (1, v.to_vec()),
        other => {
            let (width, numbers) = other.as_vectors()?;
            (width, numbers.iter().map(|&x| f64::from(x)).collect())
        }
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use mmf_data::stage::{Input, Quiet};
    use mmf_data::table::Rows;

    use super::*;

    fn context() -> Context<'static> {
        Context { seed: 1, base: Path::new("."), host: &Quiet }
    }

    fn matrix(stored: &serde_json::Value) -> Vec<Vec<Option<f64>>> {
        serde_json::from_value(stored.clone()).unwrap()
    }

    fn column(rows: &[Vec<Option<f64>>], place: usize) -> Column {
        let values = rows.iter().map(|row| row[place].unwrap_or(-9e9)).collect();
        Column::new(Rows::all(rows.len()), Values::Float(Arc::new(values)))
            .with_missing(rows.iter().map(|row| row[place].is_none()).collect())
    }

    fn table(rows: &[Vec<Option<f64>>]) -> Table {
        let names = ["a", "b", "c", "d"];
        let columns = names.iter().enumerate().map(|(i, n)| (n.to_string(), column(rows, i))).collect();
        Table { rows: Rows::all(rows.len()), columns }
    }

    /// Holds a way of scaling to what scikit-learn stored under `name`.
    pub(in crate::prepare) fn agrees_with_scikit_learn(name: &str, learn: Learn) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/sklearn/scaling.json");
        let stored: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let (train, test) = (matrix(&stored["train"]), matrix(&stored["test"]));
        let state = fit_table(&context(), None, &table(&train), learn).unwrap();
        for (part, rows) in [("train", &train), ("test", &test)] {
            let expected = matrix(&stored[name][part]);
            let found = apply_table(&context(), &state, &table(rows)).unwrap();
            for (place, (_, found)) in found.columns.iter().enumerate() {
                let Values::Float(numbers) = &found.values else { panic!("{}", found.values.kind()) };
                for (at, row) in expected.iter().enumerate() {
                    assert_eq!(found.is_missing(at), row[place].is_none());
                    if let Some(expected) = row[place] {
                        assert!((numbers[at] - expected).abs() < 1e-12, "{name} {part} {at} {place}");
                    }
                }
            }
            // As vectors: each place alone, missing rows left out as the engine does.
            for place in 0..4 {
                let there: Vec<u32> = (0..train.len() as u32).filter(|&i| train[i as usize][place].is_some()).collect();
                let state = fit_column(&context(), &[column(&train, place).keep(&there)], learn).unwrap();
                let values = column(rows, place).values;
                let batch = Batch { rows: rows.len(), inputs: vec![Input { values, missing: None }] };
                let (width, numbers) = apply_column(&context(), &state, &batch).unwrap().as_vectors().unwrap();
                assert_eq!(width, 1);
                for (found, row) in numbers.iter().zip(&expected) {
                    if let Some(expected) = row[place] {
                        assert!((f64::from(*found) - expected).abs() < 1e-5 * expected.abs().max(1.0));
                    }
                }
            }
        }
    }

    #[test]
    fn vectors_are_scaled_place_by_place_and_whole_numbers_become_floats() {
        let learn: Learn = |numbers| (numbers[0], numbers.len() as f64);
        let column = Column::new(Rows::all(2), Values::vector(2, vec![1.0, 10.0, 5.0, 30.0]));
        let state = fit_column(&context(), std::slice::from_ref(&column), learn).unwrap();
        let batch = Batch { rows: 2, inputs: vec![Input { values: column.values, missing: None }] };
        let found = apply_column(&context(), &state, &batch).unwrap();
        assert_eq!(found, Values::vector(2, vec![0.0, 0.0, 2.0, 10.0]));

        let ints = Column::new(Rows::all(2), Values::Int(Arc::new(vec![4, 8])));
        let other = ints.clone();
        let table = Table { rows: Rows::all(2), columns: vec![("a".into(), ints), ("b".into(), other.clone())] };
        let state = fit_table(&context(), Some(vec!["a".into()]), &table, learn).unwrap();
        let found = apply_table(&context(), &state, &table).unwrap();
        assert_eq!(found.columns[0].1.values, Values::Float(Arc::new(vec![0.0, 2.0])));
        assert_eq!(found.columns[1].1, other);
    }

    #[test]
    fn nothing_to_learn_from_is_an_error() {
        let learn: Learn = |_| (0.0, 1.0);
        let empty = column(&[vec![None], vec![None]], 0);
        let table = Table { rows: Rows::all(2), columns: vec![("a".into(), empty.clone())] };
        assert_eq!(fit_table(&context(), None, &table, learn).unwrap_err().code, "E1022");
        assert_eq!(fit_column(&context(), &[empty], learn).unwrap_err().code, "E1022");
    }
}

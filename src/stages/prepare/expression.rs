//! Row expressions (`rating >= 4 and at < "2022-01-01"`), evaluated over the columns of a table by polars, column by column.
//!
//! A missing operand makes the result missing, but for `and` with a false side, `or` with a true one, and `missing(x)`.
//! A division by zero, a whole number beyond 64 bits and a number that is not finite stop the stage and name the row.

use std::ops::Not;

use mmf_data::error::{Error, Result};
use mmf_data::table::{Column, Table, Value};
use mmf_data::values::{Texts, Values};
use mmf_lang::args::RowExpr;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::syntax::tree::BinaryOp;
use polars::prelude::{
    BooleanChunked, ChunkCompareEq, ChunkCompareIneq, DataType, IntoSeries, NamedFrom, NewChunkedArray, PolarsError,
    PolarsResult, Series,
};

/// Returns the value of an expression for each row of a table; `inputs` are those of the stage, the table first.
///
/// # Errors
/// `E1021` where a number of some row cannot be found, naming the row.
pub(crate) fn evaluate(expression: &RowExpr, table: &Table, inputs: &[Value]) -> Result<Column> {
    let scope = Scope { table, inputs };
    // A plain name keeps its column, whatever it holds.
    if let Some(column) = scope.named(expression)? {
        return Ok(column.clone());
    }
    let mut query = Query { scope, rows: table.rows.len(), problem: None };
    let (result, kind) = query.build(expression)?;
    if let Some((at, problem)) = query.problem {
        return Err(Error::new("E1021", problem.say(table.rows.id(at) + 1)));
    }
    // What reads no column is the same in each row.
    let whole = if result.len() == query.rows { result } else { result.new_from_index(0, query.rows) };
    back(&whole, kind, table)
}

/// Returns the table that a table stage is given.
pub(crate) fn table(inputs: &[Value]) -> Result<&Table> {
    inputs.first().ok_or_else(|| Error::bug("a table stage was given no table"))?.table()
}

fn odd(error: PolarsError) -> Error {
    Error::bug(format!("an expression cannot be evaluated: {error}"))
}

/// What a sub-expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    Bool,
    Time,
    Duration,
    Text,
}

#[derive(Clone, Copy, Debug)]
enum Problem {
    Zero,
    Large,
    Infinite,
}

impl Problem {
    fn say(self, row: u32) -> Text {
        match self {
            Problem::Zero => say!("row {row} divides by zero", "第 {row} 行除以零"),
            Problem::Large => say!("row {row} gives a whole number beyond 64 bits", "第 {row} 行的整数超出 64 位"),
            Problem::Infinite => say!("row {row} gives a number that is not finite", "第 {row} 行得到非有限的数"),
        }
    }
}

struct Scope<'a> {
    table: &'a Table,
    inputs: &'a [Value],
}

impl<'a> Scope<'a> {
    /// Returns the column that an expression is, if it is a name alone.
    fn named(&self, expression: &RowExpr) -> Result<Option<&'a Column>> {
        Ok(match expression {
            RowExpr::Column(name) => Some(self.table.column(name)?),
            RowExpr::Input(at) => {
                let input = self.inputs.get(*at).ok_or_else(|| Error::bug("an expression has too few inputs"))?;
                let column = input.column()?;
                if column.len() != self.table.rows.len() {
                    return Err(Error::bug("an expression reads a column of other rows"));
                }
                Some(column)
            }
            _ => None,
        })
    }
}

/// An evaluation under way. A series of one row stands for any number of rows alike.
struct Query<'a> {
    scope: Scope<'a>,
    rows: usize,
    /// What must be true in no row was true: at that place, and what is wrong there.
    problem: Option<(usize, Problem)>,
}

type Typed = (Series, Kind);

impl Query<'_> {
    fn build(&mut self, expression: &RowExpr) -> Result<Typed> {
        if let Some(column) = self.scope.named(expression)? {
            return read(column);
        }
        Ok(match expression {
            RowExpr::Column(_) | RowExpr::Input(_) => return Err(Error::bug("a name was read already")),
            RowExpr::Int(n) => (integer(*n), Kind::Int),
            RowExpr::Float(x) => (number(*x), Kind::Float),
            RowExpr::Bool(b) => (truth(*b).into_series(), Kind::Bool),
            RowExpr::Text(text) => (Series::new("".into(), [text.as_str()]), Kind::Text),
            RowExpr::Time(t) => (integer(*t), Kind::Time),
            RowExpr::Duration(t) => (integer(*t), Kind::Duration),
            RowExpr::Missing(inner) => {
                let mask = match self.scope.named(inner)? {
                    Some(column) => {
                        BooleanChunked::from_iter_values("".into(), (0..column.len()).map(|at| column.is_missing(at)))
                    }
                    None => self.build(inner)?.0.is_null(),
                };
                (mask.into_series(), Kind::Bool)
            }
            RowExpr::Not(inner) => (self.build(inner)?.0.bool().map_err(odd)?.not().into_series(), Kind::Bool),
            RowExpr::Negate(inner) => match self.build(inner)? {
                (x, Kind::Float) => (subtract(&number(0.0), &x)?, Kind::Float),
                (x, kind) => {
                    let (x, kind) = counted((x, kind))?;
                    self.check(&x.equal(&integer(i64::MIN)).map_err(odd)?, Problem::Large);
                    (subtract(&integer(0), &x)?, kind)
                }
            },
            RowExpr::Binary(op, left, right) => {
                let (left, right) = (self.build(left)?, self.build(right)?);
                self.binary(*op, left, right)?
            }
            RowExpr::InRange { operand, low, high } => {
                let (x, kind) = self.build(operand)?;
                // Bounds of times and durations are seconds.
                let unit = if matches!(kind, Kind::Time | Kind::Duration) { 1e6 } else { 1.0 };
                let x = float(&x)?;
                let here = || x.equal(&x);
                let above = low.map_or_else(here, |low| x.gt_eq(&number(low * unit))).map_err(odd)?;
                let below = high.map_or_else(here, |high| x.lt_eq(&number(high * unit))).map_err(odd)?;
                ((&above & &below).into_series(), Kind::Bool)
            }
            RowExpr::InList { operand, values } => {
                let operand = self.build(operand)?;
                // False wherever the operand is there, and missing where it is not.
                let mut any = operand.0.not_equal(&operand.0).map_err(odd)?;
                if values.is_empty() {
                    any = &operand.0.equal(&operand.0).map_err(odd)? & &truth(false);
                }
                for value in values {
                    let (a, b) = alike(operand.clone(), self.build(value)?)?;
                    any = &any | &a.equal(&b).map_err(odd)?;
                }
                (any.into_series(), Kind::Bool)
            }
        })
    }

    /// Notes the first row in which something is true that must not be; of several checks the first that fails counts.
    fn check(&mut self, wrong: &BooleanChunked, problem: Problem) {
        if self.problem.is_none()
            && self.rows > 0
            && let Some(at) = wrong.iter().position(|wrong| wrong == Some(true))
        {
            self.problem = Some((at, problem));
        }
    }

    fn binary(&mut self, op: BinaryOp, left: Typed, right: Typed) -> Result<Typed> {
        let compare = |f: fn(&Series, &Series) -> PolarsResult<BooleanChunked>| -> Result<Typed> {
            let (a, b) = alike(left.clone(), right.clone())?;
            Ok((f(&a, &b).map_err(odd)?.into_series(), Kind::Bool))
        };
        Ok(match op {
            BinaryOp::Equal => compare(|a, b| a.equal(b))?,
            BinaryOp::NotEqual => compare(|a, b| a.not_equal(b))?,
            BinaryOp::Less => compare(|a, b| a.lt(b))?,
            BinaryOp::LessEqual => compare(|a, b| a.lt_eq(b))?,
            BinaryOp::Greater => compare(|a, b| a.gt(b))?,
            BinaryOp::GreaterEqual => compare(|a, b| a.gt_eq(b))?,
            BinaryOp::And => {
                let both = left.0.bool().map_err(odd)? & right.0.bool().map_err(odd)?;
                (both.into_series(), Kind::Bool)
            }
            BinaryOp::Or => {
                let any = left.0.bool().map_err(odd)? | right.0.bool().map_err(odd)?;
                (any.into_series(), Kind::Bool)
            }
            BinaryOp::Divide => {
                let span = left.1 == Kind::Duration && right.1 != Kind::Duration;
                let (a, b) = (float(&left.0)?, float(&right.0)?);
                let zero = b.equal(&number(0.0)).map_err(odd)?;
                self.check(&(&zero & &a.is_not_null()), Problem::Zero);
                let result = (&a / &b).map_err(odd)?;
                self.finite(&result)?;
                if span { (self.span(&result)?, Kind::Duration) } else { (result, Kind::Float) }
            }
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply => self.arithmetic(op, left, right)?,
        })
    }

    fn arithmetic(&mut self, op: BinaryOp, left: Typed, right: Typed) -> Result<Typed> {
        let (left, right) = (counted(left)?, counted(right)?);
        let apply = |a: &Series, b: &Series| {
            let result = match op {
                BinaryOp::Add => a + b,
                BinaryOp::Subtract => a - b,
                _ => a * b,
            };
            result.map_err(odd)
        };
        let kind = match (op, left.1, right.1) {
            (BinaryOp::Subtract, Kind::Time, Kind::Time) => Kind::Duration,
            (BinaryOp::Multiply, Kind::Duration, _) | (BinaryOp::Multiply, _, Kind::Duration) => Kind::Duration,
            (_, Kind::Time, _) | (_, _, Kind::Time) => Kind::Time,
            (_, Kind::Duration, Kind::Duration) => Kind::Duration,
            (_, Kind::Float, _) | (_, _, Kind::Float) => Kind::Float,
            (_, Kind::Int, Kind::Int) => Kind::Int,
            _ => return Err(Error::bug("an expression computes with what is no number")),
        };
        let result = apply(&float(&left.0)?, &float(&right.0)?)?;
        if kind == Kind::Float {
            self.finite(&result)?;
            return Ok((result, kind));
        }
        if left.1 == Kind::Float || right.1 == Kind::Float {
            self.finite(&result)?;
            return Ok((self.span(&result)?, kind));
        }
        self.beyond(&result)?;
        Ok((apply(&left.0, &right.0)?, kind))
    }

    fn finite(&mut self, x: &Series) -> Result<()> {
        let finite = x.is_finite().map_err(odd)?;
        self.check(&finite.not(), Problem::Infinite);
        Ok(())
    }

    /// Returns a number of microseconds as a whole one.
    fn span(&mut self, x: &Series) -> Result<Series> {
        self.beyond(x)?;
        x.cast(&DataType::Int64).map_err(odd)
    }

    /// Refuses what is too large for a whole number.
    fn beyond(&mut self, x: &Series) -> Result<()> {
        let above = x.gt_eq(&number(LARGEST)).map_err(odd)?;
        let below = x.lt_eq(&number(-LARGEST)).map_err(odd)?;
        self.check(&(&above | &below), Problem::Large);
        Ok(())
    }
}

/// 2⁶³.
const LARGEST: f64 = 9_223_372_036_854_775_808.0;

fn integer(n: i64) -> Series {
    Series::new("".into(), [n])
}

fn number(x: f64) -> Series {
    Series::new("".into(), [x])
}

fn truth(b: bool) -> BooleanChunked {
    BooleanChunked::from_slice("".into(), &[b])
}

fn float(x: &Series) -> Result<Series> {
    x.cast(&DataType::Float64).map_err(odd)
}

fn subtract(a: &Series, b: &Series) -> Result<Series> {
    (a - b).map_err(odd)
}

/// Reads a column; missing values are nulls.
fn read(column: &Column) -> Result<Typed> {
    let here = |at: usize| !column.is_missing(at);
    fn held<T: Copy>(values: &[T], here: impl Fn(usize) -> bool) -> Vec<Option<T>> {
        values.iter().enumerate().map(|(at, x)| here(at).then_some(*x)).collect()
    }
    let name = || "".into();
    Ok(match &column.values {
        Values::Int(v) => (Series::new(name(), held(v, here)), Kind::Int),
        Values::Time(v) => (Series::new(name(), held(v, here)), Kind::Time),
        Values::Duration(v) => (Series::new(name(), held(v, here)), Kind::Duration),
        Values::Float(v) => (Series::new(name(), held(v, here)), Kind::Float),
        Values::Bool(v) => (Series::new(name(), held(v, here)), Kind::Bool),
        Values::Code { codes, names } => {
            let v: Vec<Option<&str>> =
                codes.iter().enumerate().map(|(at, &c)| here(at).then(|| names.name(c))).collect();
            (Series::new(name(), v), Kind::Text)
        }
        Values::Text(texts) => {
            let v: Vec<Option<&str>> = texts.iter().enumerate().map(|(at, t)| here(at).then_some(t)).collect();
            (Series::new(name(), v), Kind::Text)
        }
        other => return Err(Error::bug(format!("an expression reads a column of {}", other.kind()))),
    })
}

/// Reads a truth as 0 or 1.
fn counted((x, kind): Typed) -> Result<Typed> {
    Ok(if kind == Kind::Bool { (x.cast(&DataType::Int64).map_err(odd)?, Kind::Int) } else { (x, kind) })
}

/// Brings two operands to one type, to be compared.
fn alike(left: Typed, right: Typed) -> Result<(Series, Series)> {
    if left.1 == right.1 {
        return Ok((left.0, right.0));
    }
    let (left, right) = (counted(left)?, counted(right)?);
    if left.1 == Kind::Float || right.1 == Kind::Float {
        return Ok((float(&left.0)?, float(&right.0)?));
    }
    Ok((left.0, right.0))
}

/// Takes a column back from polars.
fn back(series: &Series, kind: Kind, table: &Table) -> Result<Column> {
    let series = series.rechunk();
    let missing: Vec<bool> = series.is_null().iter().map(|b| b == Some(true)).collect();
    let whole =
        || -> Result<Vec<i64>> { Ok(series.i64().map_err(odd)?.iter().map(Option::unwrap_or_default).collect()) };
    let values = match kind {
        Kind::Int => Values::Int(whole()?.into()),
        Kind::Time => Values::Time(whole()?.into()),
        Kind::Duration => Values::Duration(whole()?.into()),
        Kind::Float => {
            let values: Vec<f64> = series.f64().map_err(odd)?.iter().map(Option::unwrap_or_default).collect();
            Values::Float(values.into())
        }
        Kind::Bool => {
            let values: Vec<bool> = series.bool().map_err(odd)?.iter().map(Option::unwrap_or_default).collect();
            Values::Bool(values.into())
        }
        Kind::Text => {
            let values: Texts = series.str().map_err(odd)?.iter().map(Option::unwrap_or_default).collect();
            Values::Text(values.into())
        }
    };
    Ok(Column::new(table.rows.clone(), values).with_missing(missing))
}

#[cfg(test)]
pub(crate) mod tests {
    use mmf_data::table::Rows;

    use super::*;

    /// Returns a table of named columns; `None` is missing.
    pub(crate) fn numbers(columns: &[(&str, &[Option<f64>])]) -> Table {
        let rows = Rows::all(columns[0].1.len());
        let columns = columns.iter().map(|(name, cells)| {
            let values: Vec<f64> = cells.iter().map(|c| c.unwrap_or(0.0)).collect();
            let missing = cells.iter().map(Option::is_none).collect();
            (name.to_string(), Column::new(rows.clone(), Values::Float(values.into())).with_missing(missing))
        });
        Table { columns: columns.collect(), rows }
    }

    pub(crate) fn column(name: &str) -> RowExpr {
        RowExpr::Column(name.into())
    }

    pub(crate) fn binary(op: BinaryOp, a: RowExpr, b: RowExpr) -> RowExpr {
        RowExpr::Binary(op, Box::new(a), Box::new(b))
    }

    fn truths(expression: &RowExpr, table: &Table) -> Vec<Option<bool>> {
        let result = evaluate(expression, table, &[]).unwrap();
        let Values::Bool(values) = &result.values else { panic!("{:?}", result.values) };
        values.iter().enumerate().map(|(i, b)| (!result.is_missing(i)).then_some(*b)).collect()
    }

    #[test]
    fn a_comparison_with_a_missing_value_is_neither() {
        let table = numbers(&[("x", &[Some(3.0), None, Some(5.0)])]);
        let large = binary(BinaryOp::GreaterEqual, column("x"), RowExpr::Int(4));
        assert_eq!(truths(&large, &table), [Some(false), None, Some(true)]);
        assert_eq!(truths(&RowExpr::Not(Box::new(large.clone())), &table), [Some(true), None, Some(false)]);
        let or = binary(BinaryOp::Or, large, RowExpr::Missing(Box::new(column("x"))));
        assert_eq!(truths(&or, &table), [Some(false), Some(true), Some(true)]);
        let range = RowExpr::InRange { operand: Box::new(column("x")), low: None, high: Some(4.0) };
        assert_eq!(truths(&range, &table), [Some(true), None, Some(false)]);
        let list =
            RowExpr::InList { operand: Box::new(column("x")), values: vec![RowExpr::Int(5), RowExpr::Float(7.5)] };
        assert_eq!(truths(&list, &table), [Some(false), None, Some(true)]);
        let none = RowExpr::InList { operand: Box::new(column("x")), values: vec![] };
        assert_eq!(truths(&none, &table), [Some(false), Some(false), Some(false)]);
    }

    #[test]
    fn numbers_are_computed() {
        let table = numbers(&[("x", &[Some(3.0), None]), ("y", &[Some(2.0), Some(0.0)])]);
        let divide = binary(BinaryOp::Divide, column("x"), column("y"));
        let result = evaluate(&divide, &table, &[]).unwrap();
        assert_eq!((result.values.clone(), result.is_missing(1)), (Values::Float(vec![1.5, 0.0].into()), true));
        let zero = binary(BinaryOp::Divide, column("y"), column("y"));
        assert_eq!(evaluate(&zero, &table, &[]).unwrap_err().message.en, "row 2 divides by zero");
        let constant = binary(BinaryOp::Multiply, RowExpr::Int(3), RowExpr::Negate(Box::new(RowExpr::Int(2))));
        assert_eq!(evaluate(&constant, &table, &[]).unwrap().values, Values::Int(vec![-6, -6].into()));
        let large = binary(BinaryOp::Multiply, RowExpr::Int(i64::MAX), RowExpr::Int(2));
        assert!(evaluate(&large, &table, &[]).unwrap_err().message.en.contains("64 bits"));
        let infinite = binary(BinaryOp::Multiply, RowExpr::Float(1e300), RowExpr::Float(1e300));
        assert!(evaluate(&infinite, &table, &[]).unwrap_err().message.en.contains("not finite"));
    }

    #[test]
    fn times_differ_by_durations() {
        let rows = Rows::all(2);
        let at = Column::new(rows.clone(), Values::Time(vec![1_000_000, 5_000_000].into()));
        let table = Table { rows, columns: vec![("at".into(), at)] };
        let since = binary(BinaryOp::Subtract, column("at"), RowExpr::Time(1_000_000));
        assert_eq!(evaluate(&since, &table, &[]).unwrap().values, Values::Duration(vec![0, 4_000_000].into()));
        let late = binary(BinaryOp::Greater, since, RowExpr::Duration(3_000_000));
        assert_eq!(truths(&late, &table), [Some(false), Some(true)]);
    }
}

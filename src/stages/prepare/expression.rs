//! Row expressions (`rating >= 4 and at < "2022-01-01"`), evaluated over the columns of a table by a lazy polars query.
//!
//! A missing operand makes the result missing, but for `and` with a false side, `or` with a true one, and `missing(x)`.
//! A division by zero, a whole number beyond 64 bits and a number that is not finite stop the stage and name the row.

use std::collections::BTreeMap;

use mmf_data::error::{Error, Result};
use mmf_data::table::{Column, Table, Value};
use mmf_data::values::{Texts, Values};
use mmf_lang::args::RowExpr;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::syntax::tree::BinaryOp;
use polars::prelude::{
    Column as Series, DataFrame, DataType, Expr, IntoLazy, NamedFrom, PolarsError, Series as Plain, col, lit, not,
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
    let mut query = Query { scope, columns: BTreeMap::new(), checks: Vec::new() };
    let (result, kind) = query.build(expression)?;
    let rows = table.rows.len();
    // A column of no meaning gives the frame its height where an expression reads none.
    let mut columns = vec![Series::new("#".into(), vec![false; rows])];
    columns.extend(query.columns.into_values());
    let mut outputs = vec![result.alias("=")];
    for (i, (check, _)) in query.checks.iter().enumerate() {
        outputs.push(check.clone().alias(format!("!{i}")));
    }
    let frame = DataFrame::new(rows, columns)
        .map_err(odd)?
        .lazy()
        .without_optimizations()
        .with_columns(outputs)
        .collect()
        .map_err(odd)?;
    for (i, (_, problem)) in query.checks.iter().enumerate() {
        let check = frame.column(&format!("!{i}")).map_err(odd)?;
        if let Some(at) = check.bool().map_err(odd)?.iter().position(|b| b == Some(true)) {
            let row = table.rows.id(at) + 1;
            return Err(Error::new("E1021", problem.say(row)));
        }
    }
    back(frame.column("=").map_err(odd)?, kind, table)
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

struct Query<'a> {
    scope: Scope<'a>,
    columns: BTreeMap<String, Series>,
    /// What must be true in no row, in the order of evaluation.
    checks: Vec<(Expr, Problem)>,
}

impl Query<'_> {
    fn build(&mut self, expression: &RowExpr) -> Result<(Expr, Kind)> {
        if let Some(column) = self.scope.named(expression)? {
            return self.read(expression, column);
        }
        Ok(match expression {
            RowExpr::Column(_) | RowExpr::Input(_) => return Err(Error::bug("a name was read already")),
            RowExpr::Int(n) => (integer(*n), Kind::Int),
            RowExpr::Float(x) => (lit(*x), Kind::Float),
            RowExpr::Bool(b) => (lit(*b), Kind::Bool),
            RowExpr::Text(text) => (lit(text.clone()), Kind::Text),
            RowExpr::Time(t) => (integer(*t), Kind::Time),
            RowExpr::Duration(t) => (integer(*t), Kind::Duration),
            RowExpr::Missing(inner) => (self.missing(inner)?, Kind::Bool),
            RowExpr::Not(inner) => (not(self.build(inner)?.0), Kind::Bool),
            RowExpr::Negate(inner) => match self.build(inner)? {
                (x, Kind::Float) => (lit(0.0) - x, Kind::Float),
                (x, kind) => {
                    let (x, kind) = number(x, kind);
                    self.checks.push((x.clone().eq(integer(i64::MIN)), Problem::Large));
                    (integer(0) - x, kind)
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
                let x = x.cast(DataType::Float64);
                let above = low.map_or(x.clone().eq(x.clone()), |low| x.clone().gt_eq(lit(low * unit)));
                let below = high.map_or(x.clone().eq(x.clone()), |high| x.clone().lt_eq(lit(high * unit)));
                (above.and(below), Kind::Bool)
            }
            RowExpr::InList { operand, values } => {
                let operand = self.build(operand)?;
                // False wherever the operand is there, and missing where it is not.
                let mut any = operand.0.clone().eq(operand.0.clone()).and(lit(false));
                if values.is_empty() {
                    return Ok((any, Kind::Bool));
                }
                any = operand.0.clone().neq(operand.0.clone());
                for value in values {
                    let value = self.build(value)?;
                    let (a, b) = alike(operand.clone(), value);
                    any = any.or(a.eq(b));
                }
                (any, Kind::Bool)
            }
        })
    }

    /// Returns whether an expression has no value.
    fn missing(&mut self, inner: &RowExpr) -> Result<Expr> {
        let Some(column) = self.scope.named(inner)? else { return Ok(self.build(inner)?.0.is_null()) };
        let name = format!("missing {inner:?}");
        let mask: Vec<bool> = (0..column.len()).map(|at| column.is_missing(at)).collect();
        self.columns.insert(name.clone(), Series::new(name.as_str().into(), mask));
        Ok(col(name))
    }

    fn read(&mut self, expression: &RowExpr, column: &Column) -> Result<(Expr, Kind)> {
        let name = format!("{expression:?}");
        let here = |at: usize| !column.is_missing(at);
        let (series, kind) = match &column.values {
            Values::Int(v) => (whole(&name, v, here), Kind::Int),
            Values::Time(v) => (whole(&name, v, here), Kind::Time),
            Values::Duration(v) => (whole(&name, v, here), Kind::Duration),
            Values::Float(v) => {
                let v: Vec<Option<f64>> = v.iter().enumerate().map(|(i, x)| here(i).then_some(*x)).collect();
                (Plain::new(name.as_str().into(), v), Kind::Float)
            }
            Values::Bool(v) => {
                let v: Vec<Option<bool>> = v.iter().enumerate().map(|(i, x)| here(i).then_some(*x)).collect();
                (Plain::new(name.as_str().into(), v), Kind::Bool)
            }
            Values::Code { codes, names } => {
                let v: Vec<Option<&str>> =
                    codes.iter().enumerate().map(|(i, &c)| here(i).then(|| names.name(c))).collect();
                (Plain::new(name.as_str().into(), v), Kind::Text)
            }
            Values::Text(texts) => {
                let v: Vec<Option<&str>> = texts.iter().enumerate().map(|(i, t)| here(i).then_some(t)).collect();
                (Plain::new(name.as_str().into(), v), Kind::Text)
            }
            other => return Err(Error::bug(format!("an expression reads a column of {}", other.kind()))),
        };
        self.columns.insert(name.clone(), series.into());
        Ok((col(name), kind))
    }

    fn binary(&mut self, op: BinaryOp, left: (Expr, Kind), right: (Expr, Kind)) -> Result<(Expr, Kind)> {
        let compare = |f: fn(Expr, Expr) -> Expr| {
            let (a, b) = alike(left.clone(), right.clone());
            (f(a, b), Kind::Bool)
        };
        Ok(match op {
            BinaryOp::Equal => compare(|a, b| a.eq(b)),
            BinaryOp::NotEqual => compare(|a, b| a.neq(b)),
            BinaryOp::Less => compare(|a, b| a.lt(b)),
            BinaryOp::LessEqual => compare(|a, b| a.lt_eq(b)),
            BinaryOp::Greater => compare(|a, b| a.gt(b)),
            BinaryOp::GreaterEqual => compare(|a, b| a.gt_eq(b)),
            BinaryOp::And => (left.0.and(right.0), Kind::Bool),
            BinaryOp::Or => (left.0.or(right.0), Kind::Bool),
            BinaryOp::Divide => {
                let span = left.1 == Kind::Duration && right.1 != Kind::Duration;
                let (a, b) = (left.0.cast(DataType::Float64), right.0.cast(DataType::Float64));
                self.checks.push((b.clone().eq(lit(0.0)).and(a.clone().is_not_null()), Problem::Zero));
                let result = self.finite(a / b);
                if span { (self.span(result), Kind::Duration) } else { (result, Kind::Float) }
            }
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply => self.arithmetic(op, left, right)?,
        })
    }

    fn arithmetic(&mut self, op: BinaryOp, left: (Expr, Kind), right: (Expr, Kind)) -> Result<(Expr, Kind)> {
        let (left, right) = (number(left.0, left.1), number(right.0, right.1));
        let apply = |a: Expr, b: Expr| match op {
            BinaryOp::Add => a + b,
            BinaryOp::Subtract => a - b,
            _ => a * b,
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
        let float = apply(left.0.clone().cast(DataType::Float64), right.0.clone().cast(DataType::Float64));
        if kind == Kind::Float {
            return Ok((self.finite(float), kind));
        }
        if left.1 == Kind::Float || right.1 == Kind::Float {
            let float = self.finite(float);
            return Ok((self.span(float), kind));
        }
        self.checks.push((beyond(float), Problem::Large));
        Ok((apply(left.0, right.0), kind))
    }

    fn finite(&mut self, x: Expr) -> Expr {
        self.checks.push((not(x.clone().is_finite()), Problem::Infinite));
        x
    }

    /// Returns a number of microseconds as a whole one.
    fn span(&mut self, x: Expr) -> Expr {
        self.checks.push((beyond(x.clone()), Problem::Large));
        x.cast(DataType::Int64)
    }
}

/// 2⁶³.
const LARGEST: f64 = 9_223_372_036_854_775_808.0;

/// A literal of 64 bits: polars would choose the width by the number.
fn integer(n: i64) -> Expr {
    lit(n).cast(DataType::Int64)
}

/// Returns whether a number is too large for a whole one.
fn beyond(x: Expr) -> Expr {
    x.clone().gt_eq(lit(LARGEST)).or(x.lt_eq(lit(-LARGEST)))
}

fn whole(name: &str, values: &[i64], here: impl Fn(usize) -> bool) -> Plain {
    let values: Vec<Option<i64>> = values.iter().enumerate().map(|(i, x)| here(i).then_some(*x)).collect();
    Plain::new(name.into(), values)
}

/// Reads a truth as 0 or 1.
fn number(x: Expr, kind: Kind) -> (Expr, Kind) {
    if kind == Kind::Bool { (x.cast(DataType::Int64), Kind::Int) } else { (x, kind) }
}

/// Brings two operands to one type, to be compared.
fn alike(left: (Expr, Kind), right: (Expr, Kind)) -> (Expr, Expr) {
    if left.1 == right.1 {
        return (left.0, right.0);
    }
    let (left, right) = (number(left.0, left.1), number(right.0, right.1));
    if left.1 == Kind::Float || right.1 == Kind::Float {
        return (left.0.cast(DataType::Float64), right.0.cast(DataType::Float64));
    }
    (left.0, right.0)
}

/// Takes a column back from polars.
fn back(series: &Series, kind: Kind, table: &Table) -> Result<Column> {
    let series = series.as_materialized_series().rechunk();
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

//! Columns, tables and splits: values with their rows.

use std::sync::Arc;

use mmf_lang::types::Part;

use crate::arrays::{Array, Arrays};
use crate::error::{Error, Result};
use crate::values::Values;

/// Which rows of a domain a value has. Rows are numbered by their place in the source; order never means anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// Count of rows of the whole domain.
    pub total: usize,
    /// The numbers of the rows that are here, ascending; `None` is all.
    pub ids: Option<Arc<Vec<u32>>>,
}

impl Rows {
    pub fn all(total: usize) -> Self {
        Rows { total, ids: None }
    }

    pub fn some(total: usize, ids: Vec<u32>) -> Self {
        debug_assert!(ids.is_sorted());
        Rows { total, ids: Some(Arc::new(ids)) }
    }

    pub fn len(&self) -> usize {
        self.ids.as_ref().map_or(self.total, |ids| ids.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of the row at a place.
    pub fn id(&self, at: usize) -> u32 {
        self.ids.as_ref().map_or(at as u32, |ids| ids[at])
    }

    pub fn ids(&self) -> Vec<u32> {
        self.ids.as_ref().map_or_else(|| (0..self.total as u32).collect(), |ids| ids.to_vec())
    }

    /// Returns the place of a row, if it is here.
    pub fn place(&self, id: u32) -> Option<usize> {
        match &self.ids {
            None => ((id as usize) < self.total).then_some(id as usize),
            Some(ids) => ids.binary_search(&id).ok(),
        }
    }

    /// Returns the places in `self` of the rows of `part`, all of which must be here.
    pub fn places(&self, part: &Rows) -> Result<Vec<u32>> {
        (0..part.len())
            .map(|at| self.place(part.id(at)).map(|p| p as u32))
            .collect::<Option<Vec<u32>>>()
            .ok_or_else(|| Error::bug("rows were asked for that are not there"))
    }

    /// Returns the rows at these places, ascending.
    pub fn keep(&self, places: &[u32]) -> Rows {
        Rows::some(self.total, places.iter().map(|&p| self.id(p as usize)).collect())
    }

    fn store(&self, prefix: &str, into: &mut Arrays) {
        into.put(format!("{prefix}total"), Array::I64(vec![self.total as i64]));
        if let Some(ids) = &self.ids {
            into.put(format!("{prefix}ids"), Array::U32(ids.to_vec()));
        }
    }

    fn load(prefix: &str, from: &Arrays) -> Result<Rows> {
        let total = from.i64s(&format!("{prefix}total"))?.first().copied().unwrap_or(0) as usize;
        let name = format!("{prefix}ids");
        let ids = if from.has(&name) { Some(Arc::new(from.u32s(&name)?.to_vec())) } else { None };
        Ok(Rows { total, ids })
    }
}

/// A value a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub rows: Rows,
    pub values: Values,
    /// `true` where the value is missing, by place; `None` where none is.
    pub missing: Option<Arc<Vec<bool>>>,
}

impl Column {
    pub fn new(rows: Rows, values: Values) -> Self {
        debug_assert_eq!(rows.len(), values.len());
        Column { rows, values, missing: None }
    }

    /// Marks what is missing; a mask without any `true` is dropped.
    pub fn with_missing(mut self, missing: Vec<bool>) -> Self {
        debug_assert_eq!(missing.len(), self.rows.len());
        self.missing = missing.contains(&true).then(|| Arc::new(missing));
        self
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn is_missing(&self, at: usize) -> bool {
        self.missing.as_ref().is_some_and(|m| m[at])
    }

    pub fn count_missing(&self) -> usize {
        self.missing.as_ref().map_or(0, |m| m.iter().filter(|&&x| x).count())
    }

    /// Returns the column at these places, ascending.
    pub fn keep(&self, places: &[u32]) -> Column {
        let column = Column::new(self.rows.keep(places), self.values.take(places));
        match &self.missing {
            Some(m) => column.with_missing(places.iter().map(|&p| m[p as usize]).collect()),
            None => column,
        }
    }

    /// Returns the column at the rows of `part`, all of which must be here.
    pub fn restrict(&self, part: &Rows) -> Result<Column> {
        if self.rows == *part {
            return Ok(self.clone());
        }
        Ok(self.keep(&self.rows.places(part)?))
    }

    pub fn store(&self, prefix: &str, into: &mut Arrays) {
        self.rows.store(prefix, into);
        self.values.store(prefix, into);
        if let Some(m) = &self.missing {
            into.put(format!("{prefix}missing"), Array::Bytes(m.iter().map(|&b| u8::from(b)).collect()));
        }
    }

    pub fn load(prefix: &str, from: &Arrays) -> Result<Column> {
        let rows = Rows::load(prefix, from)?;
        let values = Values::load(prefix, from)?;
        if rows.len() != values.len() {
            return Err(Error::bug("a stored column has not as many values as rows"));
        }
        let column = Column::new(rows, values);
        let name = format!("{prefix}missing");
        if !from.has(&name) {
            return Ok(column);
        }
        let missing: Vec<bool> = from.bytes(&name)?.iter().map(|&b| b != 0).collect();
        if missing.len() != column.len() {
            return Err(Error::bug("a stored column has not as many marks as rows"));
        }
        Ok(column.with_missing(missing))
    }
}

/// Named columns of the same rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub rows: Rows,
    pub columns: Vec<(String, Column)>,
}

impl Table {
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.columns
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, c)| c)
            .ok_or_else(|| Error::bug(format!("a table has no column `{name}`")))
    }

    /// Returns the table at these places, ascending.
    pub fn keep(&self, places: &[u32]) -> Table {
        Table {
            rows: self.rows.keep(places),
            columns: self.columns.iter().map(|(n, c)| (n.clone(), c.keep(places))).collect(),
        }
    }

    /// Returns the table at the rows of `part`, all of which must be here.
    pub fn restrict(&self, part: &Rows) -> Result<Table> {
        Ok(self.keep(&self.rows.places(part)?))
    }

    pub fn store(&self, prefix: &str, into: &mut Arrays) {
        self.rows.store(prefix, into);
        into.put(format!("{prefix}columns"), Array::Texts(self.columns.iter().map(|(name, _)| name).collect()));
        for (i, (_, column)) in self.columns.iter().enumerate() {
            column.store(&format!("{prefix}{i}."), into);
        }
    }

    pub fn load(prefix: &str, from: &Arrays) -> Result<Table> {
        let rows = Rows::load(prefix, from)?;
        let columns = from
            .texts(&format!("{prefix}columns"))?
            .iter()
            .enumerate()
            .map(|(i, name)| Ok((name.to_string(), Column::load(&format!("{prefix}{i}."), from)?)))
            .collect::<Result<_>>()?;
        Ok(Table { rows, columns })
    }
}

/// A table and the rows of each of its parts. A row may be in no part; none is in two.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    pub table: Table,
    pub parts: Vec<(Part, Rows)>,
}

impl Split {
    pub fn part(&self, part: Part) -> Option<&Rows> {
        self.parts.iter().find(|(p, _)| *p == part).map(|(_, r)| r)
    }
}

/// What a node gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Table(Table),
    Split(Split),
    Column(Column),
    /// Weights, predictions, scores: named arrays whose maker knows them.
    State(Arrays),
    /// A size.
    Count(u64),
}

impl Value {
    pub fn table(&self) -> Result<&Table> {
        match self {
            Value::Table(t) => Ok(t),
            Value::Split(s) => Ok(&s.table),
            _ => Err(Error::bug("a table was expected")),
        }
    }

    pub fn split(&self) -> Result<&Split> {
        match self {
            Value::Split(s) => Ok(s),
            _ => Err(Error::bug("a split was expected")),
        }
    }

    pub fn column(&self) -> Result<&Column> {
        match self {
            Value::Column(c) => Ok(c),
            _ => Err(Error::bug("a column was expected")),
        }
    }

    pub fn state(&self) -> Result<&Arrays> {
        match self {
            Value::State(s) => Ok(s),
            _ => Err(Error::bug("a state was expected")),
        }
    }

    pub fn to_arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        let tag = match self {
            Value::Table(t) => {
                t.store("t.", &mut arrays);
                "table"
            }
            Value::Split(s) => {
                s.table.store("t.", &mut arrays);
                for (part, rows) in &s.parts {
                    rows.store(&format!("p.{}.", part.word()), &mut arrays);
                }
                "split"
            }
            Value::Column(c) => {
                c.store("c.", &mut arrays);
                "column"
            }
            Value::State(s) => {
                for (name, array) in &s.0 {
                    arrays.put(format!("s.{name}"), array.clone());
                }
                "state"
            }
            Value::Count(n) => {
                arrays.put("n", Array::I64(vec![*n as i64]));
                "count"
            }
        };
        arrays.with("is", Array::Texts([tag].iter().collect()))
    }

    pub fn from_arrays(arrays: &Arrays) -> Result<Value> {
        match arrays.texts("is")?.first() {
            Some("table") => Ok(Value::Table(Table::load("t.", arrays)?)),
            Some("split") => {
                let table = Table::load("t.", arrays)?;
                let mut parts = Vec::new();
                for part in Part::ALL {
                    let prefix = format!("p.{}.", part.word());
                    if arrays.has(&format!("{prefix}total")) {
                        parts.push((part, Rows::load(&prefix, arrays)?));
                    }
                }
                Ok(Value::Split(Split { table, parts }))
            }
            Some("column") => Ok(Value::Column(Column::load("c.", arrays)?)),
            Some("state") => Ok(Value::State(Arrays(
                arrays.0.iter().filter_map(|(n, a)| Some((n.strip_prefix("s.")?.to_string(), a.clone()))).collect(),
            ))),
            Some("count") => Ok(Value::Count(arrays.i64s("n")?.first().copied().unwrap_or(0) as u64)),
            _ => Err(Error::bug("a stored value is of no known kind")),
        }
    }
}

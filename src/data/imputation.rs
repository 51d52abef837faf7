//! How near what fills missing values comes to the truth: what an experiment finds, and its form in the store.

use crate::arrays::{Array, Arrays};
use crate::error::{Error, Result};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imputation {
    /// What was hidden.
    pub of: String,
    /// Rows that were hidden, and have a truth.
    pub units: usize,
    pub ways: Vec<Way>,
}

/// A way of filling.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Way {
    pub name: String,
    /// The root of the mean squared error, over rows and places; its 95 % interval over rows.
    pub error: f64,
    pub low: f64,
    pub high: f64,
    /// The share of the truth's variance over the hidden rows that is told: `1 − Σ(filled − truth)² / Σ(mean − truth)²`.
    pub explained: f64,
    /// Of its squared errors being the first way's, by a paired permutation test over rows; 1 for the first itself.
    pub p: f64,
}

const NUMBERS: [&str; 5] = ["error", "low", "high", "explained", "p"];

impl Imputation {
    pub fn to_arrays(&self) -> Arrays {
        let of = |w: &Way| [w.error, w.low, w.high, w.explained, w.p];
        let begin = Arrays::new()
            .with("filled", Array::Texts([self.of.as_str()].iter().collect()))
            .with("units", Array::I64(vec![self.units as i64]))
            .with("ways", Array::Texts(self.ways.iter().map(|w| w.name.as_str()).collect()));
        let column = |at: usize| Array::F64(self.ways.iter().map(|way| of(way)[at]).collect());
        NUMBERS.iter().enumerate().fold(begin, |arrays, (at, name)| arrays.with(*name, column(at)))
    }

    /// # Errors
    /// A bug where the arrays are not those of an imputation.
    pub fn from_arrays(from: &Arrays) -> Result<Imputation> {
        let odd = || Error::bug("a stored experiment is not whole");
        let of = from.texts("filled")?.iter().next().ok_or_else(odd)?.to_string();
        let units = from.i64s("units")?.first().copied().ok_or_else(odd)? as usize;
        let columns = NUMBERS.iter().map(|name| from.f64s(name)).collect::<Result<Vec<_>>>()?;
        let names = from.texts("ways")?;
        if columns.iter().any(|column| column.len() != names.iter().count()) {
            return Err(odd());
        }
        let way = |(at, name): (usize, &str)| Way {
            name: name.into(),
            error: columns[0][at],
            low: columns[1][at],
            high: columns[2][at],
            explained: columns[3][at],
            p: columns[4][at],
        };
        Ok(Imputation { of, units, ways: names.iter().enumerate().map(way).collect() })
    }

    /// Returns whether the arrays are those of an imputation.
    pub fn is(arrays: &Arrays) -> bool {
        arrays.has("filled")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        let way = Way { name: "近邻".into(), error: 0.5, low: 0.4, high: 0.6, explained: 0.75, p: 0.01 };
        let found = Imputation { of: "look".into(), units: 9, ways: vec![way] };
        let arrays = found.to_arrays();
        assert!(Imputation::is(&arrays));
        assert_eq!(Imputation::from_arrays(&arrays).unwrap(), found);
        assert!(Imputation::from_arrays(&arrays.with("low", Array::F64(vec![]))).is_err());
    }
}

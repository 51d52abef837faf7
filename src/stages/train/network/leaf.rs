//! Numbers that were computed before the network, read by the numbers of their rows.

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Var};
use mmf_data::table::Column;
use mmf_data::values::{Sequences, Values};
use mmf_lang::say;
use mmf_tensor::differences;

/// A column, ready to be read row by row.
pub(crate) struct Leaf<'p> {
    column: &'p Column,
    numbers: Numbers,
}

enum Numbers {
    Flat {
        dims: Vec<usize>,
        numbers: Arc<Vec<f32>>,
    },
    /// Its rows are read as they are: maps, or pictures as x / 255 (S20).
    Shaped {
        dims: Vec<usize>,
    },
    /// Sequences, as long as the longest that is read.
    Steps(Arc<Sequences>),
    /// Nothing that a layer could take: only a mistake if it is read.
    Other,
}

impl<'p> Leaf<'p> {
    pub(crate) fn new(column: &'p Column) -> Result<Self> {
        let shape = |[height, width, channels]: [usize; 3]| Numbers::Shaped { dims: vec![height, width, channels] };
        let numbers = match &column.values {
            Values::Maps(maps) => maps.first().map_or(Numbers::Other, |m| shape([m.height, m.width, m.channels])),
            Values::Pictures(all) => all.first().map_or(Numbers::Other, |p| shape([p.height, p.width, p.channels])),
            Values::Int(_) | Values::Float(_) | Values::Bool(_) | Values::Vector { .. } => {
                let (width, numbers) = column.values.as_vectors()?;
                Numbers::Flat { dims: vec![width], numbers }
            }
            Values::Sequence(sequences) => Numbers::Steps(sequences.clone()),
            _ => Numbers::Other,
        };
        Ok(Leaf { column, numbers })
    }

    /// Tells whether the row is there and has a value.
    pub(super) fn has(&self, row: u32) -> bool {
        self.column.rows.place(row).is_some_and(|place| !self.column.is_missing(place))
    }

    pub(crate) fn read(&self, network: &mut dyn Network, rows: &[u32]) -> Result<Var> {
        if let Numbers::Steps(sequences) = &self.numbers {
            return self.steps(network, sequences, rows);
        }
        let mut data = Vec::new();
        let dims = match &self.numbers {
            Numbers::Flat { dims, .. } | Numbers::Shaped { dims } => dims,
            Numbers::Steps(_) | Numbers::Other => {
                return Err(Error::bug(format!("a network reads a column of {}", self.column.values.kind())));
            }
        };
        let width: usize = dims.iter().product();
        data.reserve(rows.len() * width);
        for &row in rows {
            let place = self.place(row)?;
            match (&self.numbers, &self.column.values) {
                (Numbers::Flat { numbers, .. }, _) => data.extend_from_slice(&numbers[place * width..][..width]),
                (_, Values::Maps(maps)) => data.extend_from_slice(&maps[place].numbers),
                (_, Values::Pictures(all)) => data.extend(all[place].samples.iter().map(|&s| f32::from(s) / 255.0)),
                _ => {}
            }
        }
        network.constant(rows.len(), dims, data)
    }

    /// Tells whether each row is so many numbers.
    pub(super) fn is_flat(&self) -> bool {
        matches!(self.numbers, Numbers::Flat { .. })
    }

    /// Reads what each of `seconds` has beyond its place among `firsts`.
    pub(super) fn difference(&self, network: &mut dyn Network, firsts: &[u32], seconds: &[u32]) -> Result<Var> {
        let Numbers::Flat { dims, numbers } = &self.numbers else {
            return Err(Error::bug(format!("differences of {} are asked for", self.column.values.kind())));
        };
        let places = |rows: &[u32]| rows.iter().map(|&row| self.place(row)).collect::<Result<Vec<_>>>();
        let data = differences(numbers, dims.iter().product(), &places(firsts)?, &places(seconds)?);
        network.constant(seconds.len(), dims, data)
    }

    fn steps(&self, network: &mut dyn Network, sequences: &Sequences, rows: &[u32]) -> Result<Var> {
        let width = sequences.width;
        let places = rows.iter().map(|&row| self.place(row)).collect::<Result<Vec<_>>>()?;
        let lengths: Vec<u32> =
            places.iter().map(|&place| (sequences.row(place).len() / width.max(1)) as u32).collect();
        let most = lengths.iter().copied().max().unwrap_or(0).max(1) as usize;
        let mut data = vec![0.0; rows.len() * most * width];
        if width > 0 {
            for (&place, out) in places.iter().zip(data.chunks_exact_mut(most * width)) {
                let own = sequences.row(place);
                out[..own.len()].copy_from_slice(own);
            }
        }
        let padded = network.constant(rows.len(), &[most, width], data)?;
        network.sequence(&padded, &lengths)
    }

    fn place(&self, row: u32) -> Result<usize> {
        let place = self
            .column
            .rows
            .place(row)
            .ok_or_else(|| Error::bug(format!("a network reads row {row} of a column that does not have it")))?;
        if self.column.is_missing(place) {
            return Err(Error::new(
                "E1037",
                say!(
                    "the value of row {row} is missing, and a network reads it",
                    "网络读取了第 {row} 行，但该行的值缺失"
                ),
            )
            .help(say!("fill missing values or drop their rows first", "请先填补缺失值或去掉这些行")));
        }
        Ok(place)
    }
}

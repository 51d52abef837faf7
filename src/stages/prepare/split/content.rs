//! What a row is, whatever its place: the ground of chance and of ties.
//!
//! A row is its key where a column tells all rows apart, else all its cells. Rows alike in all of them are
//! interchangeable, but not one: each takes its number among those alike into its chance.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use mmf_data::error::{Error, Result};
use mmf_data::table::{Column, Table};
use mmf_data::values::Values;

pub(super) struct Contents<'a> {
    seed: u64,
    /// The columns that make a row what it is.
    columns: Vec<&'a Column>,
    /// Digests of the cells, and how many rows above are alike.
    digests: Vec<([u8; 16], u32)>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(seed: u64, table: &'a Table) -> Self {
        let all = || table.columns.iter().map(|(_, c)| c);
        let columns: Vec<&Column> = match all().find(|c| is_key(c)) {
            Some(key) => vec![key],
            None => all().collect(),
        };
        let mut contents = Contents { seed, columns, digests: Vec::with_capacity(table.rows.len()) };
        let mut alike: HashMap<[u8; 16], u32> = HashMap::new();
        for row in 0..table.rows.len() as u32 {
            let mut bytes = blake3::Hasher::new();
            for column in &contents.columns {
                if column.is_missing(row as usize) {
                    bytes.update(&[0]);
                } else {
                    bytes.update(&[1]);
                    hash(&column.values, row as usize, &mut bytes);
                }
            }
            let digest = short(&bytes);
            let count = alike.entry(digest).or_default();
            contents.digests.push((digest, *count));
            *count += 1;
        }
        contents
    }

    /// Settles ties between rows.
    pub(super) fn content(&self, row: u32) -> ([u8; 16], u32) {
        self.digests[row as usize]
    }

    /// A row's place in an order by chance.
    pub(super) fn chance(&self, row: u32) -> [u8; 16] {
        let (digest, count) = self.digests[row as usize];
        let mut bytes = blake3::Hasher::new();
        bytes.update(&self.seed.to_le_bytes()).update(&digest).update(&count.to_le_bytes());
        short(&bytes)
    }

    /// The place of a value in an order by chance.
    pub(super) fn chance_of(&self, values: &Values, row: u32) -> [u8; 16] {
        let mut bytes = blake3::Hasher::new();
        bytes.update(&self.seed.to_le_bytes());
        hash(values, row as usize, &mut bytes);
        short(&bytes)
    }
}

fn short(bytes: &blake3::Hasher) -> [u8; 16] {
    let digest = bytes.finalize();
    digest.as_bytes()[..16].try_into().expect("a digest has 32 bytes")
}

/// Returns whether the column names each of its rows by another name.
fn is_key(column: &Column) -> bool {
    match &column.values {
        Values::Code { codes, names } if names.len() == column.rows.total && column.missing.is_none() => {
            let mut seen = HashSet::with_capacity(codes.len());
            codes.iter().all(|c| seen.insert(*c))
        }
        _ => false,
    }
}

fn hash(values: &Values, at: usize, into: &mut blake3::Hasher) {
    fn text(text: &str, into: &mut blake3::Hasher) {
        into.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    fn numbers(numbers: &[f32], into: &mut blake3::Hasher) {
        into.update(&(numbers.len() as u64).to_le_bytes());
        numbers.iter().for_each(|x| _ = into.update(&x.to_bits().to_le_bytes()));
    }
    match values {
        Values::Int(v) | Values::Time(v) | Values::Duration(v) => _ = into.update(&v[at].to_le_bytes()),
        Values::Float(v) => _ = into.update(&v[at].to_bits().to_le_bytes()),
        Values::Bool(v) => _ = into.update(&[u8::from(v[at])]),
        Values::Code { codes, names } => text(names.name(codes[at]), into),
        Values::Text(v) => text(v.get(at), into),
        Values::Tokens(v) => v.row(at).for_each(|word| text(word, into)),
        Values::Files(v) => text(&v.get(at).to_string_lossy(), into),
        Values::Pictures(v) => _ = into.update(&v[at].samples),
        Values::Maps(v) => numbers(&v[at].numbers, into),
        Values::Vector { width, numbers: all } => numbers(&all[at * width..(at + 1) * width], into),
        Values::Sequence(v) => numbers(v.row(at), into),
    }
}

/// Compares two values of a column by their meaning: numbers and times by size, all else as written.
pub(super) fn compare(values: &Values, a: u32, b: u32) -> Ordering {
    let (a, b) = (a as usize, b as usize);
    match values {
        Values::Int(v) | Values::Time(v) | Values::Duration(v) => v[a].cmp(&v[b]),
        Values::Float(v) => v[a].total_cmp(&v[b]),
        Values::Bool(v) => v[a].cmp(&v[b]),
        Values::Code { codes, names } if codes[a] != codes[b] => names.name(codes[a]).cmp(names.name(codes[b])),
        Values::Text(v) => v.get(a).cmp(v.get(b)),
        Values::Files(v) => v.get(a).cmp(&v.get(b)),
        _ => Ordering::Equal,
    }
}

/// Returns a value as it is written in a file.
pub(super) fn written(values: &Values, at: usize) -> Result<String> {
    Ok(match values {
        Values::Int(v) => v[at].to_string(),
        Values::Float(v) => v[at].to_string(),
        Values::Bool(v) => v[at].to_string(),
        Values::Code { codes, names } => names.name(codes[at]).to_string(),
        Values::Text(v) => v.get(at).to_string(),
        _ => return Err(Error::bug("a column of marks holds no words")),
    })
}

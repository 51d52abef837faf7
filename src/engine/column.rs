//! The stored bytes of a column, written some rows at a time: a column is never in memory whole only to be stored.

use std::io::{self, Write};
use std::sync::Arc;

use mmf_data::arrays::{Array, Arrays};
use mmf_data::error::{Error, Result};
use mmf_data::table::{Column, Rows, Value};
use mmf_data::values::{Texts, Values};

use crate::gather;

/// Rows of a column in memory that are handed over at a time.
const ROWS: usize = 1024;
/// The array that grows with what a row holds; the others hold a few bytes a row.
const VALUES: &str = "c.values";

/// Hands a column's values over, some rows at a time and in their order; the same whenever it is asked.
pub(crate) type Pieces<'a> = dyn Fn(&mut dyn FnMut(&Values) -> Result<()>) -> Result<()> + 'a;

/// Writes the stored form of the column that `hollow` would be with the values of all `pieces`.
///
/// `hollow` tells the rows, what is missing and, by values of which it has none, the kind. The pieces are asked for twice:
/// first for their lengths.
pub(crate) fn write(hollow: Column, pieces: &Pieces<'_>, out: &mut dyn Write) -> io::Result<()> {
    let kind = hollow.values.clone();
    let mut arrays = Value::Column(hollow).to_arrays();
    let mut count = 0;
    pieces(&mut |piece| {
        count += add(&mut arrays, piece).ok_or_else(|| gather::unlike(&[kind.clone(), piece.clone()]))?;
        Ok(())
    })
    .map_err(io::Error::other)?;
    arrays.write_with(out, VALUES, count, &mut |out| {
        let mut trouble = Ok(());
        let done = pieces(&mut |piece| {
            trouble = match texts(piece) {
                Some(texts) => write_texts(texts, out),
                None => match own(piece).0.remove(VALUES) {
                    Some(values) => values.write_items(out),
                    None => return Err(Error::bug("values of no kind")),
                },
            };
            if trouble.is_err() { Err(Error::cancelled()) } else { Ok(()) }
        });
        trouble.and_then(|()| done.map_err(io::Error::other))
    })
}

/// Returns a column of these rows without values, of the kind that the empty values `like` have.
pub(crate) fn hollow(rows: &Rows, like: Values, missing: Vec<bool>) -> Column {
    let missing = missing.contains(&true).then(|| Arc::new(missing));
    Column { rows: rows.clone(), values: like, missing }
}

/// Hands over the values of a column in memory.
pub(crate) fn pieces(column: &Column, visit: &mut dyn FnMut(&Column) -> Result<()>) -> Result<()> {
    // Codes go with all their names each time.
    if column.len() <= ROWS || matches!(column.values, Values::Code { .. }) {
        return visit(column);
    }
    let places: Vec<u32> = (0..column.len() as u32).collect();
    places.chunks(ROWS).try_for_each(|some| visit(&column.keep(some)))
}

/// Returns the values of a piece that holds texts: millions of words are not to be made strings of their own only to be written.
fn texts(piece: &Values) -> Option<&Texts> {
    match piece {
        Values::Text(texts) => Some(texts),
        Values::Tokens(lists) => Some(&lists.words),
        _ => None,
    }
}

/// Writes the bytes that `Array::Texts` writes, in blocks: a writer costs more a call than a byte.
fn write_texts(texts: &Texts, out: &mut dyn Write) -> io::Result<()> {
    const BLOCK: usize = 1 << 14;
    let mut block = Vec::with_capacity(2 * BLOCK);
    for text in texts.iter() {
        block.extend_from_slice(&(text.len() as u64).to_le_bytes());
        block.extend_from_slice(text.as_bytes());
        if block.len() >= BLOCK {
            out.write_all(&block)?;
            block.clear();
        }
    }
    out.write_all(&block)
}

fn own(piece: &Values) -> Arrays {
    let mut arrays = Arrays::new();
    piece.store("c.", &mut arrays);
    arrays
}

/// Adds a piece's arrays but for its values, of which it returns the count; `None` where the piece is of another kind or
/// width.
fn add(arrays: &mut Arrays, piece: &Values) -> Option<usize> {
    if let Some(texts) = texts(piece) {
        let kind = Array::Texts([piece.kind()].iter().collect());
        if arrays.0.get("c.kind") != Some(&kind) {
            return None;
        }
        if let Values::Tokens(lists) = piece {
            let Array::I64(all) = arrays.0.get_mut("c.ends")? else { return None };
            let start = all.last().copied().unwrap_or(0);
            all.extend(lists.ends.iter().map(|&end| start + end as i64));
        }
        return Some(texts.len());
    }
    let many = matches!(piece, Values::Pictures(_) | Values::Maps(_));
    let mut count = 0;
    for (name, more) in own(piece).0 {
        match (name.as_str(), arrays.0.get_mut(&name)?, more) {
            (VALUES, all, more) if std::mem::discriminant(all) == std::mem::discriminant(&more) => count = more.len(),
            ("c.ends", Array::I64(all), Array::I64(more)) => {
                let start = all.last().copied().unwrap_or(0);
                all.extend(more.iter().map(|end| start + end));
            }
            ("c.shape", Array::U32(all), Array::U32(more)) if many => all.extend(more),
            (_, all, more) if *all == more => {}
            _ => return None,
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use mmf_data::picture::Picture;
    use mmf_data::values::{Map, Sequences, TokenLists, Vocabulary};

    use super::*;

    /// A column of each kind in pieces of 3 rows has the bytes that it has in one, and unlike pieces are refused.
    #[test]
    fn pieces_have_the_bytes_of_the_whole() {
        let picture = |i: usize| Arc::new(Picture { height: i, width: 2, channels: 1, samples: vec![i as u8; 2 * i] });
        let map = |i: usize| Arc::new(Map { height: 1, width: i, channels: 1, numbers: vec![i as f32; i] });
        let mut tokens = TokenLists::default();
        (0..8).for_each(|i| tokens.push((0..i % 3).map(|w| format!("w{w}"))));
        let names = Arc::new(Vocabulary::new(vec!["b", "a"].into()));
        let kinds = [
            Values::Int(Arc::new((0..8).collect())),
            Values::Float(Arc::new((0..8).map(f64::from).collect())),
            Values::Bool(Arc::new((0..8).map(|i| i % 3 == 0).collect())),
            Values::Time(Arc::new((0..8).collect())),
            Values::Duration(Arc::new((0..8).collect())),
            Values::Code { codes: Arc::new((0..8).map(|i| i % 2).collect()), names },
            Values::Text(Arc::new((0..8).map(|i| "x".repeat(i)).collect())),
            Values::Tokens(Arc::new(tokens)),
            Values::Files((0..8).map(|i| PathBuf::from(format!("{i}.png"))).collect()),
            Values::Pictures(Arc::new((0..8).map(picture).collect())),
            Values::Maps(Arc::new((0..8).map(map).collect())),
            Values::vector(2, (0..16).map(|i| i as f32).collect()),
            Values::Sequence(Arc::new(Sequences {
                width: 2,
                ends: vec![0, 1, 1, 3, 4, 6, 6, 7],
                numbers: (0..14).map(|i| i as f32).collect(),
            })),
        ];
        for values in kinds {
            let rows = Rows::some(20, (3..11).collect());
            let column = Column::new(rows, values).with_missing((0..8).map(|i| i == 4).collect());
            let all = &column.values;
            let three = |visit: &mut dyn FnMut(&Values) -> Result<()>| {
                [0..3u32, 3..6, 6..8].into_iter().try_for_each(|some| visit(&all.take(&some.collect::<Vec<_>>())))
            };
            let mut bytes = Vec::new();
            let hollow = Column { values: all.take(&[]), ..column.clone() };
            write(hollow.clone(), &three, &mut bytes).unwrap();
            assert!(bytes == Value::Column(column.clone()).to_arrays().to_bytes(), "{}", all.kind());
            let odd = |visit: &mut dyn FnMut(&Values) -> Result<()>| visit(&Values::vector(3, vec![0.0; 24]));
            let error = write(hollow, &odd, &mut Vec::new()).unwrap_err();
            assert!(error.to_string().contains("unlike shapes"), "{error}");
        }
    }
}

//! `rows/`: what the rows that the report shows look like to people: a small picture and the first words of their texts.
//!
//! The pictures of a source are one file, `rows/NAME.jpg`, in which each has its square.

use std::collections::BTreeMap;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use mmf_data::error::Result;
use mmf_data::picture::{Limits, Picture, decode};
use mmf_data::resize::resize;
use mmf_data::table::Column;
use mmf_data::values::Values;
use mmf_engine::RunOutcome;
use mmf_lang::graph::{Graph, NodeId, NodeKind};
use mmf_lang::signature::Group;
use mmf_lang::types::{DomainId, Elem, Type};
use rayon::prelude::*;

use super::predictions::{Predicted, named_column};
use crate::report::record::{LookRecord, RowsRecord};

/// Rows that are shown of a source at most.
const ROWS: usize = 1500;
/// Pixels of the file of pictures at most, about; and the sides that a square may have.
const PIXELS: usize = 3 << 20;
const SIDES: [usize; 3] = [64, 48, 32];
/// Squares side by side.
const ACROSS: usize = 32;
/// Texts a row, and letters of each.
const TEXTS: usize = 2;
const LETTERS: usize = 140;

/// Returns the rows that a train's units are: a source's, or a recommender's items, where they are rows of a source.
fn domain(graph: &Graph, one: &Predicted) -> Option<DomainId> {
    let Type::Split(split) = &graph.node(one.split_node).ty else { return None };
    let Some(item) = named_column(graph, one.train_node, "item") else { return Some(graph.root(split.table.domain)) };
    match split.table.column(&item)?.elem {
        Elem::Ref(to) => Some(graph.root(to)),
        _ => None,
    }
}

/// Returns the sources whose rows are a train's units, in the order of the file.
pub(super) fn sources(graph: &Graph, one: &Predicted) -> Vec<NodeId> {
    let Some(rows) = domain(graph, one) else { return Vec::new() };
    let is = |id: NodeId| {
        let node = graph.node(id);
        let NodeKind::Stage { stage, .. } = &node.kind else { return false };
        let source = mmf_stages::find(stage).is_some_and(|s| s.signature().group == Group::Source);
        source && matches!(&node.ty, Type::Table(table) if graph.root(table.domain) == rows)
    };
    graph.names.iter().filter(|(_, id)| is(*id)).map(|(_, id)| *id).collect()
}

/// Returns the name of the first of them.
pub(super) fn name(graph: &Graph, one: &Predicted) -> Option<String> {
    let first = *sources(graph, one).first()?;
    graph.names.iter().find(|(_, id)| *id == first).map(|(name, _)| name.clone())
}

/// What is shown of the rows of a source.
pub(super) struct Looks {
    pub(super) record: RowsRecord,
    /// A JPEG; `None` where no row has a picture.
    pub(super) pictures: Option<Vec<u8>>,
}

/// Returns the looks of some rows, by their keys. What cannot be read is left out: the run has said it already.
pub(super) fn looks(
    outcome: &RunOutcome<'_>,
    graph: &Graph,
    sources: &[NodeId],
    rows: &[(u32, String)],
    pool: &rayon::ThreadPool,
) -> Result<Looks> {
    let rows = &rows[..rows.len().min(ROWS)];
    let (mut pictures, mut texts): (Option<Column>, Vec<(Column, bool)>) = (None, Vec::new());
    for &source in sources {
        let Type::Table(ty) = &graph.node(source).ty else { continue };
        if outcome.digest(source).is_none() {
            continue;
        }
        let value = outcome.value(source)?;
        for (name, column) in &value.table()?.columns {
            let elem = ty.column(name).map(|c| &c.elem);
            match (&column.values, elem) {
                (Values::Files(_) | Values::Pictures(_), Some(Elem::Image(_))) if pictures.is_none() => {
                    pictures = Some(column.clone());
                }
                (Values::Text(_), _) => texts.push((column.clone(), false)),
                (Values::Files(_), Some(Elem::Text(_))) => texts.push((column.clone(), true)),
                _ => {}
            }
        }
    }
    let side = SIDES.into_iter().find(|s| s * s * rows.len() <= PIXELS).unwrap_or(SIDES[SIDES.len() - 1]);
    let squares: Vec<Option<Vec<u8>>> = match &pictures {
        None => vec![None; rows.len()],
        Some(column) => {
            pool.install(|| rows.par_iter().map(|(row, _)| square(&picture(column, *row)?, side)).collect())
        }
    };
    let mut places = 0u32;
    let mut record = RowsRecord { side: side as u32, across: ACROSS as u32, rows: BTreeMap::new() };
    for ((row, key), square) in rows.iter().zip(&squares) {
        let words = texts.iter().filter_map(|(column, file)| text(column, *row, *file)).take(TEXTS).collect();
        let place = square.as_ref().map(|_| places);
        places += u32::from(square.is_some());
        record.rows.insert(key.clone(), LookRecord { place, texts: words });
    }
    let squares: Vec<Vec<u8>> = squares.into_iter().flatten().collect();
    Ok(Looks { record, pictures: sheet(&squares, side) })
}

fn place(column: &Column, row: u32) -> Option<usize> {
    column.rows.place(row).filter(|&place| !column.is_missing(place))
}

fn picture(column: &Column, row: u32) -> Option<Picture> {
    let place = place(column, row)?;
    match &column.values {
        Values::Files(files) => decode(&std::fs::read(files.get(place)).ok()?, &Limits::default()).ok(),
        Values::Pictures(pictures) => Some((*pictures[place]).clone()),
        _ => None,
    }
}

/// Returns the picture in the middle of a white square, red, green and blue.
fn square(picture: &Picture, side: usize) -> Option<Vec<u8>> {
    let most = picture.height.max(picture.width);
    if most == 0 || picture.channels == 0 {
        return None;
    }
    let fit = |length: usize| (length * side).div_ceil(most).clamp(1, side);
    let small = resize(picture, fit(picture.height), fit(picture.width));
    let mut out = vec![255u8; side * side * 3];
    let (top, left) = ((side - small.height) / 2, (side - small.width) / 2);
    for y in 0..small.height {
        for x in 0..small.width {
            let from = &small.samples[(y * small.width + x) * small.channels..][..small.channels];
            let to = &mut out[((top + y) * side + left + x) * 3..][..3];
            to.iter_mut().enumerate().for_each(|(c, to)| *to = from[c.min(small.channels - 1)]);
        }
    }
    Some(out)
}

/// Puts squares side by side, in rows, into one JPEG.
fn sheet(squares: &[Vec<u8>], side: usize) -> Option<Vec<u8>> {
    if squares.is_empty() {
        return None;
    }
    let (width, height) = (ACROSS * side, squares.len().div_ceil(ACROSS) * side);
    let mut out = vec![255u8; width * height * 3];
    for (at, square) in squares.iter().enumerate() {
        let (top, left) = (at / ACROSS * side, at % ACROSS * side);
        for (y, line) in square.chunks_exact(side * 3).enumerate() {
            out[((top + y) * width + left) * 3..][..side * 3].copy_from_slice(line);
        }
    }
    let mut bytes = Vec::new();
    let encoded = JpegEncoder::new_with_quality(&mut bytes, 70).encode(
        &out,
        width as u32,
        height as u32,
        image::ExtendedColorType::Rgb8,
    );
    encoded.ok().map(|()| bytes)
}

fn text(column: &Column, row: u32, file: bool) -> Option<String> {
    let place = place(column, row)?;
    let whole = match &column.values {
        Values::Text(texts) => texts.get(place).to_string(),
        Values::Files(files) if file => beginning(&files.get(place))?,
        _ => return None,
    };
    let line = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(LETTERS).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}

/// Returns the first few hundred letters of a file.
fn beginning(path: &Path) -> Option<String> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(2048).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stand_in_the_middle_of_white_squares() {
        let wide = Picture { height: 1, width: 4, channels: 1, samples: vec![0, 0, 0, 0] };
        let square = square(&wide, 4).unwrap();
        let dark: Vec<usize> = square.chunks_exact(3).enumerate().filter(|(_, p)| p[0] == 0).map(|(i, _)| i).collect();
        assert_eq!(dark, [4, 5, 6, 7]);
        let sheet = sheet(&vec![square; 33], 4).unwrap();
        let read = decode(&sheet, &Limits::default()).unwrap();
        assert_eq!((read.width, read.height), (128, 8));
    }
}

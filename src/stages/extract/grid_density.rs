//! `grid_density`: how full the cells of a grid are.

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::values::{Map, Values};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};

use super::each;

pub(crate) struct GridDensity;

const CELLS: Arg<Vec<usize>> = Arg::sizes("cells", 2)
    .default(Literal::Sizes(&[7, 7]))
    .range(1.0, 1_000.0)
    .doc("Rows and columns of the grid: `7x7`.");

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "grid_density",
    &["col<d, map[h, w, 1]> -> col<d, vector[cells.0 * cells.1]>"],
)
.version(1)
.args(&[CELLS.spec()])
.cost("h * w")
.doc(
    "Cuts a map into a grid and takes the mean of each cell, row after row: of edges, their density. Cell `i` of `n` \
             goes from `i * h / n` up to, but without, `(i + 1) * h / n`, both rounded down; a cell without a place (a \
             map smaller than its grid) is 0.",
)
.reference("The mean of map[i * h / n : (i + 1) * h / n, j * w / m : (j + 1) * w / m]")
.examples(&[Example::new(
    "Two cells side by side.",
    "map([[0, 1], [0, 0]]) |> grid_density(cells = 1x2)",
    "[[0, 0.5]]",
)]);

impl Stage for GridDensity {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Rows(rows)
    }
}

fn rows(context: &Context, args: &Args, batch: &Batch) -> Result<Values> {
    let cells = args.get(CELLS);
    each::map_to_vector(batch, cells[0] * cells[1], |map, out| {
        context.check()?;
        density(map, cells[0], cells[1], out)
    })
}

fn density(map: &Map, down: usize, across: usize, out: &mut [f32]) -> Result<()> {
    let &Map { height, width, channels, ref numbers } = map;
    if channels != 1 {
        return Err(Error::bug(format!("a map of one channel was expected, found {channels}")));
    }
    for (cell, out) in out.iter_mut().enumerate() {
        let (row, column) = (cell / across, cell % across);
        let (top, bottom) = (row * height / down, (row + 1) * height / down);
        let (left, right) = (column * width / across, (column + 1) * width / across);
        let line = |y: usize| numbers[y * width + left..y * width + right].iter().map(|&x| f64::from(x)).sum::<f64>();
        let count = (bottom - top) * (right - left);
        *out = ((top..bottom).map(line).sum::<f64>() / count.max(1) as f64) as f32;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_do_not_fit_are_cut_downwards() {
        let numbers = (0..15).map(|x| x as f32).collect();
        let map = Map { height: 3, width: 5, channels: 1, numbers };
        let mut out = [0.0; 4];
        density(&map, 2, 2, &mut out).unwrap();
        // Python: [m[:1, :2].mean(), m[:1, 2:].mean(), m[1:, :2].mean(), m[1:, 2:].mean()]
        assert_eq!(out, [0.5, 3.0, 8.0, 10.5]);
    }

    #[test]
    fn a_map_smaller_than_the_grid_has_empty_cells() {
        let map = Map { height: 1, width: 1, channels: 1, numbers: vec![1.0] };
        let mut out = [9.0; 4];
        density(&map, 2, 2, &mut out).unwrap();
        assert_eq!(out, [0.0, 0.0, 0.0, 1.0]);
    }
}

//! Recurrent layers: `lstm` and `gru`. What they share is here: how the steps of sequences are laid out.
//!
//! A batch is cut into groups of rows by its size alone. Within a group the rows are ordered by length, longest first, and their steps
//! laid step by step: at each step the rows still under way are the first ones, so no padding is ever computed, and a row's state is
//! simply left where its last step has put it.

pub(crate) mod gru;
pub(crate) mod lstm;

use crate::kernels::product::{Matrix, product};
use crate::kernels::{elementwise, parts};
use std::ops::Range;

/// Rows that are worth a group.
const ROWS: usize = 32;

/// How the steps of a group of rows are laid out.
struct Layout {
    /// The rows in the order of their lengths, longest first; equal ones as they came.
    order: Vec<usize>,
    lengths: Vec<usize>,
    /// How many rows are under way at each step.
    active: Vec<usize>,
    /// Where each step's rows begin; one more at the end.
    starts: Vec<usize>,
    steps: usize,
    backwards: bool,
}

impl Layout {
    /// Lays out `rows` of a batch of sequences of at most `steps` steps.
    fn new(rows: Range<usize>, lengths: &[u32], steps: usize, backwards: bool) -> Self {
        let mut order: Vec<usize> = rows.collect();
        order.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));
        let lengths: Vec<usize> = order.iter().map(|&row| lengths[row] as usize).collect();
        let longest = lengths.first().copied().unwrap_or(0);
        let active: Vec<usize> = (0..longest).map(|step| lengths.partition_point(|&length| length > step)).collect();
        let mut starts = vec![0];
        starts.extend(active.iter().scan(0, |sum, &count| {
            *sum += count;
            Some(*sum)
        }));
        Layout { order, lengths, active, starts, steps, backwards }
    }

    fn total(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Returns the rows of a step, as laid out.
    fn at(&self, step: usize) -> Range<usize> {
        self.starts[step]..self.starts[step + 1]
    }

    /// Calls `run` with each step as laid out, in that order, and where it stands in the padded batch, in steps.
    fn each(&self, mut run: impl FnMut(usize, usize)) {
        for (step, &count) in self.active.iter().enumerate() {
            for place in 0..count {
                let at = if self.backwards { self.lengths[place] - 1 - step } else { step };
                run(self.starts[step] + place, self.order[place] * self.steps + at);
            }
        }
    }

    /// Calls `run` with each row that has steps: where its last state is laid out, and its number in the batch.
    fn last(&self, mut run: impl FnMut(usize, usize)) {
        for (place, (&row, &length)) in self.order.iter().zip(&self.lengths).enumerate() {
            if length > 0 {
                run(self.starts[length - 1] + place, row);
            }
        }
    }

    /// Returns steps of the padded batch, laid out.
    fn lay(&self, padded: &[f32], width: usize) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.total() * width);
        self.each(|_, from| out.extend_from_slice(&padded[from * width..][..width]));
        out
    }

    /// Returns the states before each step but the first, laid out: of each step the states of its rows at the step before.
    fn before(&self, states: &[f32], width: usize) -> Vec<f32> {
        let first = self.active.first().copied().unwrap_or(0);
        let mut out = Vec::with_capacity((self.total() - first) * width);
        for step in 1..self.active.len() {
            out.extend_from_slice(&states[self.starts[step - 1] * width..][..self.active[step] * width]);
        }
        out
    }

    /// Returns the gradients of all states, laid out: as they arrived for all states, or for the last ones.
    fn arrived(&self, gradient: &[f32], width: usize, all: bool) -> Vec<f32> {
        if all {
            return self.lay(gradient, width);
        }
        let mut out = vec![0.0; self.total() * width];
        self.last(|at, row| out[at * width..][..width].copy_from_slice(&gradient[row * width..][..width]));
        out
    }

    /// Writes states that are laid out to the result, of which `first` is the group's first row.
    fn give(&self, states: &[f32], width: usize, all: bool, first: usize, out: &mut [f32]) {
        if all {
            let skip = first * self.steps;
            self.each(|from, to| out[(to - skip) * width..][..width].copy_from_slice(&states[from * width..][..width]));
        } else {
            self.last(|at, row| out[(row - first) * width..][..width].copy_from_slice(&states[at * width..][..width]));
        }
    }
}

/// Cuts the rows of a batch into groups.
fn groups(rows: usize) -> Vec<Range<usize>> {
    parts::parts(rows, ROWS)
}

/// Writes `g·Wᵀ`, the gradient of the inputs, into the padded rows of a group that begin with row `first`, or adds it.
fn inputs(
    layout: &Layout,
    gradient: &[f32],
    (w, gates, k): (&[f32], usize, usize),
    first: usize,
    dx: &mut [f32],
    accumulate: bool,
) {
    let total = layout.total();
    let laid = product(Matrix::of(gradient, gates), Matrix::transposed(w, gates), (total, gates, k));
    if !accumulate && total * k < dx.len() {
        dx.fill(0.0);
    }
    let skip = first * layout.steps;
    layout.each(|from, to| {
        let to = &mut dx[(to - skip) * k..][..k];
        if accumulate {
            elementwise::add(to, &laid[from * k..][..k]);
        } else {
            to.copy_from_slice(&laid[from * k..][..k]);
        }
    });
}

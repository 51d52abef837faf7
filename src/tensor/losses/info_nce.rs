//! InfoNCE (van den Oord et al. 2018): of all `b` of the slice, a row's own is to be the nearest to its `a`:
//! `−ln softmax(cos(a, b) / temperature)` at the row's own. Symmetric (CLIP, Radford et al. 2021): the mean of that and of the same with
//! `a` and `b` exchanged.

use super::cosine_gap::LEAST;
use super::{Loss, pairs, total, weight_of};
use crate::kernels::elementwise;
use crate::kernels::product::{Matrix, product};
use crate::kernels::reduce::dot_lanes;
use crate::session::Session;
use crate::value::read;
use mmf_data::error::Result;
use mmf_data::network::Var;

impl Session<'_> {
    /// Returns the contrast of `a` with all `b`, both rows × width.
    pub fn info_nce(
        &mut self,
        (a, b): (&Var, &Var),
        temperature: f32,
        symmetric: bool,
        weights: Option<&[f32]>,
    ) -> Result<Loss> {
        let (rows, width) = (a.rows, pairs("info_nce", a, b)?);
        let weight = total("info_nce", weights, rows)?;
        let (left, right) = (self.node(a)?, self.node(b)?);
        let (a_grad, b_grad) = (left.grad, right.grad);
        let (a_unit, a_lengths) = units(read(&left.value), width);
        let (b_unit, b_lengths) = units(read(&right.value), width);
        let near = product(Matrix::of(&a_unit, width), Matrix::transposed(&b_unit, width), (rows, width, rows));
        let share = if symmetric { 0.5 } else { 1.0 };
        let mut slope = vec![0.0f32; rows * rows];
        let mut sum = 0.0;
        for turned in [false, true].into_iter().take(1 + usize::from(symmetric)) {
            let at = |row: usize, other: usize| if turned { other * rows + row } else { row * rows + other };
            let mut shares = vec![0.0f64; rows];
            for row in 0..rows {
                let scaled = |other: usize| f64::from(near[at(row, other)]) / f64::from(temperature);
                let greatest = (0..rows).map(scaled).fold(f64::NEG_INFINITY, f64::max);
                (0..rows).for_each(|other| shares[other] = (scaled(other) - greatest).exp());
                let all: f64 = shares.iter().sum();
                let w = f64::from(weight_of(weights, row)) * share;
                sum += w * (all.ln() - (scaled(row) - greatest));
                for other in 0..rows {
                    let own = f64::from(u8::from(other == row));
                    slope[at(row, other)] += (w * (shares[other] / all - own) / f64::from(temperature)) as f32;
                }
            }
        }
        let grad = a_grad || b_grad;
        let out = self.put(vec![sum as f32], 1, vec![1], grad)?;
        if self.records(grad) {
            let (a, b) = (a.id, b.id);
            self.record(&out, move |back, gradient| {
                elementwise::scale(&mut slope, gradient[0]);
                let sizes = (rows, rows, width);
                if a_grad {
                    let mut own = product(Matrix::of(&slope, rows), Matrix::of(&b_unit, width), sizes);
                    along(&mut own, &a_unit, &a_lengths);
                    back.give(a, own);
                }
                if b_grad {
                    let mut own = product(Matrix::transposed(&slope, rows), Matrix::of(&a_unit, width), sizes);
                    along(&mut own, &b_unit, &b_lengths);
                    back.give(b, own);
                }
                Ok(())
            });
        }
        Ok(Loss { sum: out, weight })
    }
}

/// Returns rows of length one, and how long they were.
fn units(rows: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
    let mut units = rows.to_vec();
    let lengths = units.chunks_exact_mut(width.max(1)).map(|row| {
        let length = dot_lanes(row, row).sqrt().max(LEAST);
        row.iter_mut().for_each(|x| *x /= length);
        length
    });
    let lengths = lengths.collect();
    (units, lengths)
}

/// Turns the slope of units into that of the rows they came from: `(d − (d·û) û) / length`.
fn along(slope: &mut [f32], units: &[f32], lengths: &[f32]) {
    let width = (slope.len() / lengths.len().max(1)).max(1);
    for ((d, unit), length) in slope.chunks_exact_mut(width).zip(units.chunks_exact(width)).zip(lengths) {
        let along = dot_lanes(d, unit);
        d.iter_mut().zip(unit).for_each(|(d, u)| *d = (*d - along * u) / length);
    }
}

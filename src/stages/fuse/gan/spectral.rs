//! Spectral normalisation (Miyato et al. 2018): a weight divided by its greatest singular value σ, found by power iteration.
//!
//! With u and v held, as there, the slope of W/σ goes back to W as `(G − ⟨G, W/σ⟩ · u·vᵀ) / σ`.

use mmf_data::error::Result;
use mmf_data::network::Parameter;
use mmf_tensor::{Gradients, Parameters};

/// A matrix that is normalised, with its directions.
pub(super) struct Normed {
    parameter: Parameter,
    /// Of its inputs and of its outputs, of length 1.
    u: Vec<f32>,
    v: Vec<f32>,
    sigma: f32,
}

impl Normed {
    /// Returns it for a weight of inputs × outputs; nothing for what is no matrix. `known` is what [`Normed::state`] told.
    pub(super) fn new(parameters: &Parameters, parameter: Parameter, known: Option<&[f32]>) -> Result<Option<Normed>> {
        let &[inputs, outputs] = parameters.dims(parameter)? else { return Ok(None) };
        if let Some(known) = known.filter(|known| known.len() == inputs + outputs + 1) {
            let (u, rest) = known.split_at(inputs);
            let (v, sigma) = rest.split_at(outputs);
            return Ok(Some(Normed { parameter, u: u.to_vec(), v: v.to_vec(), sigma: sigma[0] }));
        }
        let u = vec![1.0 / (inputs as f32).sqrt(); inputs];
        let mut normed = Normed { parameter, u, v: vec![0.0; outputs], sigma: 1.0 };
        // Some steps bring the start near; each training step adds one.
        for _ in 0..16 {
            normed.turn(parameters)?;
        }
        Ok(Some(normed))
    }

    /// Returns all that it has found, to go on from.
    pub(super) fn state(&self) -> Vec<f32> {
        [&self.u[..], &self.v, &[self.sigma]].concat()
    }

    /// Takes one step of the power iteration.
    pub(super) fn turn(&mut self, parameters: &Parameters) -> Result<()> {
        let w = parameters.values(self.parameter)?;
        let outputs = self.v.len();
        self.v.fill(0.0);
        for (row, &u) in w.chunks_exact(outputs.max(1)).zip(&self.u) {
            self.v.iter_mut().zip(row).for_each(|(v, w)| *v += u * w);
        }
        unit(&mut self.v);
        for (row, u) in w.chunks_exact(outputs.max(1)).zip(&mut self.u) {
            *u = row.iter().zip(&self.v).map(|(w, v)| w * v).sum();
        }
        self.sigma = unit(&mut self.u).max(f32::MIN_POSITIVE);
        Ok(())
    }

    /// Divides the weight.
    pub(super) fn divide(&self, parameters: &mut Parameters) -> Result<()> {
        let divided: Vec<f32> = parameters.values(self.parameter)?.iter().map(|w| w / self.sigma).collect();
        parameters.set_values(self.parameter, &divided)
    }

    /// Brings the gradient of the divided weight back to the weight.
    pub(super) fn back(&self, divided: &Parameters, gradients: &mut Gradients) -> Result<()> {
        let w = divided.values(self.parameter)?;
        let outputs = self.v.len().max(1);
        gradients.change(divided, self.parameter, |slope| {
            let along: f32 = slope.iter().zip(w).map(|(g, w)| g * w).sum();
            for (row, u) in slope.chunks_exact_mut(outputs).zip(&self.u) {
                for (g, v) in row.iter_mut().zip(&self.v) {
                    *g = (*g - along * u * v) / self.sigma;
                }
            }
        })
    }
}

/// Brings a vector to length 1 and returns the length that it had.
fn unit(x: &mut [f32]) -> f32 {
    let length = x.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        x.iter_mut().for_each(|x| *x /= length);
    }
    length
}

//! How gradients flow while dfdx's tape runs backwards.
//!
//! Gradients of weights lie in dfdx's [`Gradients`](dfdx::prelude::Gradients). Those of values on the way live only from the
//! operation that makes them to the one that spends them, and are moved rather than copied.

use crate::gradients::{self, Gradients, SparseRows};
use crate::kernels::{elementwise, parts};
use crate::value::{Dense, Matrix};
use dfdx::prelude::CpuError;
use mmf_data::network::Parameter;

/// What operations of a session share while going backwards.
#[derive(Default)]
pub(crate) struct Flow {
    /// For each value the gradient that has arrived so far.
    pub(crate) arrived: Vec<Option<Vec<f32>>>,
    /// Everything but the dense buffers, which the tape carries.
    pub(crate) gradients: Gradients,
}

/// A weight, as an operation keeps it: its number and its values.
#[derive(Clone)]
pub(crate) struct Weight {
    pub(crate) parameter: Parameter,
    pub(crate) value: Matrix,
}

/// The hand of an operation on the gradients.
pub(crate) struct Back<'a> {
    pub(crate) dense: &'a mut Dense,
    pub(crate) flow: &'a mut Flow,
}

impl Back<'_> {
    /// Returns the gradient of a value, or nothing where none has arrived: the loss does not depend on it.
    pub(crate) fn take(&mut self, id: usize) -> Option<Vec<f32>> {
        self.flow.arrived.get_mut(id)?.take()
    }

    /// Adds a gradient to a value's.
    pub(crate) fn give(&mut self, id: usize, gradient: Vec<f32>) {
        match self.slot(id) {
            Some(sum) => {
                parts::pairs(sum, &gradient, elementwise::add);
                self.spare(gradient);
            }
            empty => *empty = Some(gradient),
        }
    }

    /// Lets `fill` write a value's gradient, or add to it where its second argument says so.
    pub(crate) fn fill(&mut self, id: usize, length: usize, fill: impl FnOnce(&mut [f32], bool)) {
        let (mut buffer, accumulate) = match self.take(id) {
            Some(buffer) => (buffer, true),
            None => (self.buffer(length), false),
        };
        fill(&mut buffer, accumulate);
        *self.slot(id) = Some(buffer);
    }

    /// Lets `fill` write a dense weight's gradient, or add to it where its second argument says so.
    pub(crate) fn weight(&mut self, weight: &Weight, fill: impl FnOnce(&mut [f32], bool)) -> Result<(), CpuError> {
        let buffer = self.dense.get_or_alloc_mut(&weight.value)?;
        let written = &mut self.flow.gradients.written[weight.parameter.0];
        fill(buffer, *written);
        *written = true;
        Ok(())
    }

    /// Adds gradients to rows of a table.
    pub(crate) fn rows(&mut self, table: Parameter, index: Vec<u32>, rows: Vec<f32>) {
        self.flow.gradients.sparse[table.0].push(SparseRows { index, rows });
    }

    /// Returns a buffer whose numbers mean nothing.
    pub(crate) fn buffer(&mut self, length: usize) -> Vec<f32> {
        gradients::take(&mut self.flow.gradients.spare, length)
    }

    /// Gives a buffer back.
    pub(crate) fn spare(&mut self, buffer: Vec<f32>) {
        gradients::keep(&mut self.flow.gradients.spare, buffer);
    }

    fn slot(&mut self, id: usize) -> &mut Option<Vec<f32>> {
        let arrived = &mut self.flow.arrived;
        if arrived.len() <= id {
            arrived.resize_with(id + 1, || None);
        }
        &mut arrived[id]
    }
}

//! What a step has learned of each weight: dense buffers in dfdx's gradients, rows for tables.

use crate::parameters::Parameters;
use crate::value::{Dense, device_error};
use mmf_data::error::Result;
use mmf_data::network::Parameter;

/// Gradients of some rows of a table. A row may occur several times; its gradient is then the sum.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseRows {
    pub index: Vec<u32>,
    /// One row of the table's width for each index.
    pub rows: Vec<f32>,
}

/// Running statistics on their way to what a batch has shown: `state ← state + share·(seen − state)`.
pub(crate) struct Moved {
    pub(crate) state: Parameter,
    pub(crate) seen: Vec<f32>,
    pub(crate) share: f32,
}

/// The gradients of a step, and the memory that they were found in.
pub struct Gradients {
    pub(crate) dense: Dense,
    /// For each weight whether `dense` holds a gradient of this step; what it holds otherwise is old.
    pub(crate) written: Vec<bool>,
    /// For each weight the rows, in the order in which they came.
    pub(crate) sparse: Vec<Vec<SparseRows>>,
    /// What sparse rows are still to be multiplied by. Dense gradients are ready.
    pub(crate) scale: f32,
    /// What states are to follow, in the order of the operations.
    pub(crate) moved: Vec<Moved>,
    /// Buffers to be used again; their numbers mean nothing.
    pub(crate) spare: Vec<Vec<f32>>,
}

impl Default for Gradients {
    fn default() -> Self {
        Gradients {
            dense: Dense::leaky(),
            written: Vec::new(),
            sparse: Vec::new(),
            scale: 1.0,
            moved: Vec::new(),
            spare: Vec::new(),
        }
    }
}

impl Gradients {
    /// Returns the gradient of a dense weight, or nothing where the loss did not depend on it.
    pub fn dense(&mut self, parameters: &Parameters, parameter: Parameter) -> Result<Option<&[f32]>> {
        let entry = parameters.entry(parameter)?;
        if !self.written.get(parameter.0).copied().unwrap_or(false) {
            return Ok(None);
        }
        Ok(Some(self.dense.get_or_alloc_mut(&entry.value).map_err(device_error)?))
    }

    /// Returns whether the loss depended on a weight.
    pub fn reaches(&self, parameter: Parameter) -> bool {
        let sparse = self.sparse.get(parameter.0).is_some_and(|chunks| !chunks.is_empty());
        sparse || self.written.get(parameter.0).copied().unwrap_or(false)
    }

    /// Returns the gradient of a weight or table, row by row; zeros where the pass did not reach it.
    pub fn whole(&mut self, parameters: &Parameters, parameter: Parameter) -> Result<Vec<f32>> {
        let count = parameters.values(parameter)?.len();
        if !parameters.is_table(parameter)? {
            return Ok(self.dense(parameters, parameter)?.map_or_else(|| vec![0.0; count], <[f32]>::to_vec));
        }
        let width = parameters.dims(parameter)?.last().copied().unwrap_or(1);
        let mut whole = vec![0.0; count];
        let sparse = self.sparse(parameters, parameter)?;
        for (row, data) in sparse.index.iter().zip(sparse.rows.chunks_exact(width)) {
            whole[*row as usize * width..][..width].copy_from_slice(data);
        }
        Ok(whole)
    }

    /// Returns the gradient of a table: its touched rows in ascending order, each once.
    pub fn sparse(&self, parameters: &Parameters, parameter: Parameter) -> Result<SparseRows> {
        let width = parameters.dims(parameter)?.last().copied().unwrap_or(1);
        let mut out = SparseRows::default();
        let chunks = self.sparse.get(parameter.0).map_or(&[][..], |chunks| chunks);
        let order = order(chunks);
        let mut sum = vec![0.0; width];
        for group in order.chunk_by(|a, b| a.row == b.row) {
            add_group(chunks, group, self.scale, &mut sum);
            out.index.push(group[0].row);
            out.rows.extend_from_slice(&sum);
        }
        Ok(out)
    }

    /// Forgets the gradients of all weights but these: the others stay as they are in the next step.
    pub fn keep(&mut self, kept: impl Fn(Parameter) -> bool) {
        for at in 0..self.written.len() {
            if !kept(Parameter(at)) {
                self.written[at] = false;
                self.sparse[at].clear();
            }
        }
    }

    /// Lets the gradient of a dense weight be changed; does nothing where the loss did not depend on it.
    pub fn change(
        &mut self,
        parameters: &Parameters,
        parameter: Parameter,
        change: impl FnOnce(&mut [f32]),
    ) -> Result<()> {
        let entry = parameters.entry(parameter)?;
        if self.written.get(parameter.0).copied().unwrap_or(false) {
            change(self.dense.get_or_alloc_mut(&entry.value).map_err(device_error)?);
        }
        Ok(())
    }

    /// Forgets the gradients, but keeps their memory.
    pub(crate) fn clear(&mut self, weights: usize) {
        self.written.clear();
        self.written.resize(weights, false);
        for chunk in self.sparse.iter_mut().flat_map(|chunks| chunks.drain(..)) {
            keep(&mut self.spare, chunk.rows);
        }
        self.sparse.resize_with(weights, Vec::new);
        self.scale = 1.0;
        self.moved.clear();
    }
}

/// Where a gradient of a row of a table stands: in which chunk, and at which place in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) row: u32,
    chunk: u32,
    at: u32,
}

/// Returns all places by row, and within a row in the order in which they came: the order of the sums.
pub(crate) fn order(chunks: &[SparseRows]) -> Vec<Place> {
    let mut places = Vec::with_capacity(chunks.iter().map(|chunk| chunk.index.len()).sum());
    for (chunk, rows) in chunks.iter().enumerate() {
        places.extend(rows.index.iter().enumerate().map(|(at, &row)| Place {
            row,
            chunk: chunk as u32,
            at: at as u32,
        }));
    }
    // All differ, so an unstable sort has one result.
    places.sort_unstable_by_key(|place| {
        (u128::from(place.row) << 64) | (u128::from(place.chunk) << 32) | u128::from(place.at)
    });
    places
}

/// Writes the sum of a row's gradients, times `scale`, to `sum`.
pub(crate) fn add_group(chunks: &[SparseRows], group: &[Place], scale: f32, sum: &mut [f32]) {
    let width = sum.len();
    for (i, place) in group.iter().enumerate() {
        let row = &chunks[place.chunk as usize].rows[place.at as usize * width..][..width];
        if i == 0 {
            sum.copy_from_slice(row);
        } else {
            crate::kernels::elementwise::add(sum, row);
        }
    }
    if scale != 1.0 {
        crate::kernels::elementwise::scale(sum, scale);
    }
}

/// Keeps a buffer for later, within bounds.
pub(crate) fn keep(spare: &mut Vec<Vec<f32>>, buffer: Vec<f32>) {
    const AT_MOST: usize = 32;
    if spare.len() < AT_MOST && !buffer.is_empty() {
        spare.push(buffer);
    }
}

/// Returns a buffer of `length` numbers that mean nothing.
pub(crate) fn take(spare: &mut Vec<Vec<f32>>, length: usize) -> Vec<f32> {
    let fits = |buffer: &Vec<f32>| buffer.capacity() >= length && buffer.capacity() <= length.saturating_mul(2) + 64;
    match spare.iter().position(fits) {
        Some(i) => {
            let mut buffer = spare.swap_remove(i);
            buffer.resize(length, 0.0);
            buffer
        }
        None => vec![0.0; length],
    }
}

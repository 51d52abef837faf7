//! What inputs count in the stages that weigh them, told of each epoch.

use std::sync::Arc;

use mmf_data::error::Result;
use mmf_data::plan::{Edge, PlanKind};
use mmf_tensor::{Parameters, Session};
use rayon::prelude::*;

use super::{AT_ONCE, Circuit, Kind, TaskRows};
use crate::fuse::policy;

/// Rows that weights are read at, at most: all that leads to them is computed once more in each epoch.
const AT_MOST: usize = 256;

impl Circuit<'_> {
    /// Returns the mean weight of each input of each such stage, over some of the task's pairs where it stands at pairs, else over some of
    /// the rows that it can be computed at. Stages of a name are numbered, for names of the file are in no stored result.
    pub(crate) fn weighing(&self, parameters: &Parameters, task: TaskRows<'_>) -> Result<Vec<(String, f64)>> {
        let mut told = Vec::new();
        let mut stages: Vec<&str> = Vec::new();
        for (node, kind) in self.nodes.iter().enumerate() {
            let (Kind::Joint { name, inputs, .. }, about) = (kind, &self.plan.nodes[node]) else { continue };
            let weighs = matches!(&about.kind, PlanKind::Stage { stage, .. } if stage.signature().weighs);
            // A policy's weights are the school's to tell.
            if !weighs || inputs.len() < 2 || *name == policy::NAME {
                continue;
            }
            stages.push(name);
            let number = stages.iter().filter(|stage| *stage == name).count();
            let means = self.mean_weights(&self.some(node, task, AT_MOST), inputs.len(), |rows| {
                let mut session = Session::asking_for_weights(parameters);
                self.run(&mut session, task, &[(Arc::new(rows.to_vec()), Edge { node, via: Vec::new() })])?;
                session.weighing(about.place).map_or(Ok(Vec::new()), |weights| Ok(session.values(weights)?.to_vec()))
            })?;
            told.extend((1..).zip(means).map(|(input, mean)| (format!("{name} {number}: input {input}"), mean)));
        }
        Ok(told)
    }

    /// Returns some rows of a node, at most so many, evenly over the task's pairs where it stands at pairs, else over all that it can be
    /// computed at.
    pub(crate) fn some(&self, node: usize, task: TaskRows<'_>, at_most: usize) -> Vec<u32> {
        let rows = match task {
            TaskRows::Pairs { users, .. } if self.plan.nodes[node].domain == 0 => (0..users.len() as u32).collect(),
            _ => self.computable(node),
        };
        rows.iter().copied().step_by(rows.len().div_ceil(at_most).max(1)).collect()
    }

    /// Returns the means of the weights (rows × inputs) that `read` finds at rows, block by block; nothing of no rows.
    pub(crate) fn mean_weights(
        &self,
        rows: &[u32],
        inputs: usize,
        read: impl Fn(&[u32]) -> Result<Vec<f32>> + Sync,
    ) -> Result<Vec<f64>> {
        let blocks: Vec<Result<Vec<f32>>> = rows.par_chunks(AT_ONCE).map(&read).collect();
        let (mut sums, mut count) = (vec![0.0; inputs], 0);
        for block in blocks {
            for row in block?.chunks_exact(inputs) {
                sums.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += f64::from(weight));
                count += 1;
            }
        }
        sums.iter_mut().for_each(|sum| *sum /= f64::from(count));
        Ok(if count > 0 { sums } else { Vec::new() })
    }
}

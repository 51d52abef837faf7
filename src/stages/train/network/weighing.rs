//! What inputs count in the stages that weigh them, told of each epoch.

use std::sync::Arc;

use mmf_data::error::Result;
use mmf_data::plan::{Edge, PlanKind};
use mmf_tensor::{Parameters, Session};

use super::{Circuit, Kind, TaskRows};
use crate::fuse::policy;

/// Rows that weights are read at, at most: all that leads to them is computed once more in each epoch.
const AT_MOST: usize = 256;

impl Circuit<'_> {
    /// Returns the mean weight of each input of each such stage, over some of the rows that it can be computed at. Stages of a name are
    /// numbered, for names of the file are in no stored result.
    pub(crate) fn weighing(&self, parameters: &Parameters) -> Result<Vec<(String, f64)>> {
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
            let rows = self.computable(node);
            let some: Vec<u32> = rows.iter().copied().step_by(rows.len().div_ceil(AT_MOST).max(1)).collect();
            let mut session = Session::asking_for_weights(parameters);
            let target = (Arc::new(some), Edge { node, via: Vec::new() });
            self.run(&mut session, TaskRows::Table(&[]), &[target])?;
            let Some(weights) = session.weighing(about.place) else { continue };
            let weights = session.values(weights)?.chunks_exact(inputs.len());
            let mut sums = vec![0.0; inputs.len()];
            for row in weights.clone() {
                sums.iter_mut().zip(row).for_each(|(sum, &weight)| *sum += f64::from(weight));
            }
            if weights.len() > 0 {
                let means = (1..).zip(&sums).map(|(input, sum)| (input, sum / weights.len() as f64));
                told.extend(means.map(|(input, mean)| (format!("{name} {number}: input {input}"), mean)));
            }
        }
        Ok(told)
    }
}

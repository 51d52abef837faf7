//! Trained networks read at many rows: fields, and the sides of a score that only a user or only an item decides.

use std::sync::Arc;

use mmf_data::error::Result;
use mmf_data::plan::{Edge, Link, Plan, PlanKind};
use mmf_data::table::{Column, Rows};
use mmf_data::values::Values;
use mmf_tensor::{Parameters, Session};
use rayon::prelude::*;

use super::{AT_ONCE, Circuit, Kind, TaskRows};

impl Circuit<'_> {
    /// Returns the values of a node at rows of its own domain: their width and numbers.
    pub(crate) fn read(&self, parameters: &Parameters, node: usize, rows: &[u32]) -> Result<(usize, Vec<f32>)> {
        if let Some(plan) = self.settled(parameters)? {
            return self.over(&plan)?.read(parameters, node, rows);
        }
        let blocks: Vec<&[u32]> = rows.chunks(AT_ONCE).collect();
        let found: Vec<Result<(usize, Vec<f32>)>> = blocks
            .into_par_iter()
            .map(|block| {
                let mut session = Session::reading(parameters);
                let target = (Arc::new(block.to_vec()), Edge { node, via: Vec::new() });
                let pass = self.run(&mut session, TaskRows::Table(&[]), &[target])?;
                Ok((pass.values[0].width(), session.values(&pass.values[0])?.to_vec()))
            })
            .collect();
        let (mut width, mut numbers) = (0, Vec::new());
        for block in found {
            let (w, block) = block?;
            width = w;
            numbers.extend_from_slice(&block);
        }
        Ok((width, numbers))
    }

    /// Returns the plan in which all that a user or an item alone decides is computed already, for these users and items.
    /// `met` says where each user is now, and is empty where nothing reads it.
    pub(crate) fn freeze(
        &self,
        parameters: &Parameters,
        output: &Edge,
        (users, met): (&[u32], &[u32]),
        items: &[u32],
    ) -> Result<Plan> {
        if let Some(plan) = self.settled(parameters)? {
            return self.over(&plan)?.freeze(parameters, output, (users, met), items);
        }
        let mut edges = Vec::new();
        if self.plan.nodes[output.node].domain != 0 {
            edges.push(output);
        }
        let mut pairs = vec![output.node];
        while let Some(node) = pairs.pop() {
            let Kind::Joint { inputs, .. } = &self.nodes[node] else { continue };
            if self.plan.nodes[node].domain != 0 {
                continue;
            }
            for edge in *inputs {
                match self.plan.nodes[edge.node].domain {
                    0 => pairs.push(edge.node),
                    _ => edges.push(edge),
                }
            }
        }
        let mut plan = self.plan.clone();
        let mut wanted: Vec<Vec<u32>> = vec![Vec::new(); plan.nodes.len()];
        let all = |n: usize| Arc::new((0..n as u32).collect::<Vec<_>>());
        for edge in edges {
            let of_user = matches!(edge.via.first(), Some(Link::User | Link::Occasion));
            let count = if of_user { users.len() } else { items.len() };
            let rows = self.follow(&all(count), TaskRows::Pairs { users, items, met }, edge)?;
            wanted[edge.node].extend_from_slice(&rows);
        }
        for (node, mut rows) in wanted.into_iter().enumerate() {
            if rows.is_empty() || matches!(self.nodes[node], Kind::Leaf(_)) {
                continue;
            }
            rows.sort_unstable();
            rows.dedup();
            let (width, numbers) = self.read(parameters, node, &rows)?;
            let domain = &plan.domains[plan.nodes[node].domain];
            let total = domain.now.map_or(domain.total, |now| now.occasions);
            let column = Column::new(Rows::some(total, rows), Values::vector(width, numbers));
            plan.nodes[node].kind = PlanKind::Leaf(column);
        }
        Ok(plan)
    }

    /// Returns the rows of a node's domain at which it can be computed: all that it reads is there.
    pub(crate) fn computable(&self, node: usize) -> Vec<u32> {
        let mut whole: Vec<Option<Vec<bool>>> = Vec::with_capacity(node + 1);
        for (number, kind) in self.nodes.iter().enumerate().take(node + 1) {
            let total = self.plan.domains[self.plan.nodes[number].domain].total;
            let rows = 0..total as u32;
            let sound: Option<Vec<bool>> = match kind {
                Kind::Leaf(leaf) => Some(rows.map(|row| leaf.has(row)).collect()),
                // Whoever has no edge keeps what it brings; all rows of the ends are there.
                Kind::Joint { graph: Some(_), .. } => Some(vec![true; total]),
                Kind::Joint { inputs, .. } => {
                    let reads = |row: u32| {
                        inputs.iter().all(|edge| {
                            // What came before is there or is not; a row without a past has none.
                            if let Some(Link::Past(_)) = edge.via.first() {
                                return true;
                            }
                            let end = edge.via.iter().try_fold(row, |row, link| match link {
                                Link::Shift(by) => Some(row + by),
                                Link::Map(map) => map.get(row as usize).copied().filter(|&to| to != u32::MAX),
                                _ => None,
                            });
                            let known = whole.get(edge.node).and_then(|rows| rows.as_ref());
                            end.is_some_and(|row| known.is_some_and(|rows| rows.get(row as usize) == Some(&true)))
                        })
                    };
                    // Pairs are in no table, so nothing can be kept of them.
                    let paired =
                        inputs.iter().any(|e| matches!(e.via.first(), Some(Link::User | Link::Item | Link::Occasion)));
                    (!paired).then(|| rows.map(reads).collect())
                }
            };
            whole.push(sound);
        }
        let Some(Some(rows)) = whole.pop() else { return Vec::new() };
        (0..).zip(rows).filter(|(_, sound)| *sound).map(|(row, _)| row).collect()
    }
}

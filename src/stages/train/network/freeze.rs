//! Trained networks read at many rows: fields, and the sides of a score that only a user or only an item decides.

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::network::Network;
use mmf_data::plan::{Edge, Link, Plan, PlanKind};
use mmf_data::table::{Column, Rows};
use mmf_data::values::{Map, Sequences, Values};
use mmf_tensor::{Parameters, Session};
use rayon::prelude::*;

use super::{AT_ONCE, Circuit, Kind, TaskRows};

/// Some rows of a value.
struct Block {
    dims: Vec<usize>,
    /// Of a sequence, how many steps of each row count.
    lengths: Option<Vec<u32>>,
    numbers: Vec<f32>,
}

/// Puts the blocks of a value together.
fn together(blocks: Vec<Block>) -> Result<Values> {
    match blocks.first().map(|block| block.dims.clone()).as_deref() {
        // As long as the longest of its block: what is beyond a row's own steps is dropped.
        Some(&[_, width]) => {
            let mut sequences = Sequences { width, ..Sequences::default() };
            for Block { dims, lengths, numbers } in blocks {
                let all = dims[0] * width;
                for (at, row) in numbers.chunks_exact(all.max(1)).enumerate() {
                    let own = lengths.as_ref().map_or(dims[0], |lengths| lengths[at] as usize);
                    sequences.numbers.extend_from_slice(&row[..own * width]);
                    sequences.end_row();
                }
            }
            Ok(Values::Sequence(Arc::new(sequences)))
        }
        Some(&[height, width, channels]) => {
            let numbers = blocks.into_iter().flat_map(|block| block.numbers).collect::<Vec<f32>>();
            let rows = numbers.chunks_exact((height * width * channels).max(1));
            let map = |row: &[f32]| Arc::new(Map { height, width, channels, numbers: row.to_vec() });
            Ok(Values::Maps(Arc::new(rows.map(map).collect())))
        }
        Some(&[width]) => Ok(Values::vector(width, blocks.into_iter().flat_map(|block| block.numbers).collect())),
        None => Ok(Values::vector(0, Vec::new())),
        Some(dims) => Err(Error::bug(format!("a value of {dims:?} is read"))),
    }
}

impl Circuit<'_> {
    /// Returns the values of a node at rows of its own domain: vectors, sequences or maps, as it makes them.
    pub(crate) fn read(&self, parameters: &Parameters, node: usize, rows: &[u32]) -> Result<Values> {
        if let Some(plan) = self.settled(parameters)? {
            return self.over(&plan)?.read(parameters, node, rows);
        }
        let read = |block: &[u32]| -> Result<Block> {
            let mut session = Session::reading(parameters);
            let target = (Arc::new(block.to_vec()), Edge { node, via: Vec::new() });
            let pass = self.run(&mut session, TaskRows::Table(&[]), &[target])?;
            let value = &pass.values[0];
            let lengths = session.lengths(value).map(<[u32]>::to_vec);
            Ok(Block { dims: value.dims.clone(), lengths, numbers: session.values(value)?.to_vec() })
        };
        let found: Vec<Result<Block>> = rows.par_chunks(AT_ONCE).map(read).collect();
        together(found.into_iter().collect::<Result<_>>()?)
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
            let values = self.read(parameters, node, &rows)?;
            let domain = &plan.domains[plan.nodes[node].domain];
            let total = domain.now.map_or(domain.total, |now| now.occasions);
            let column = Column::new(Rows::some(total, rows), values);
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

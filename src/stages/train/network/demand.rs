//! Which rows each node of a plan has to be computed for.

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::past::Past;
use mmf_data::plan::{Edge, Link};
use mmf_lang::say;

use super::apart::Apart;
use super::{Circuit, Kind, TaskRows};
use crate::fuse::propagate;

/// Rows, and what is to be read at them.
pub(crate) type Target = (Arc<Vec<u32>>, Edge);

/// Where the rows that a reader wants stand among those computed; `None` where they are the same.
type Places = Option<Vec<u32>>;

/// The rows of every node, ascending and distinct.
pub(super) struct Demand {
    pub(super) rows: Vec<Option<Arc<Vec<u32>>>>,
    /// For each node, for each of its inputs.
    pub(super) inputs: Vec<Vec<Places>>,
    /// For each node that takes the rows before its own as steps: how many each of its rows has. The places of its input are those of
    /// all steps, row after row, also where they are all rows in their order.
    pub(super) lengths: Vec<Option<Vec<u32>>>,
    /// The node of each target, and where its rows stand.
    pub(super) targets: Vec<(usize, Places)>,
}

/// Which rows values need that are spread along a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All, as they are computed.
    All,
    /// Those that have a part in what is wanted.
    Telling,
}

impl Circuit<'_> {
    /// Finds the rows that each node needs so that all targets can be read.
    pub(super) fn demand(&self, task: TaskRows<'_>, targets: &[Target], reach: Reach) -> Result<Demand> {
        self.demand_but(task, targets, reach, None)
    }

    /// The same, without the maps whose differences are computed.
    pub(super) fn demand_but(
        &self,
        task: TaskRows<'_>,
        targets: &[Target],
        reach: Reach,
        apart: Option<Apart<'_>>,
    ) -> Result<Demand> {
        let mut wanted: Vec<Vec<Arc<Vec<u32>>>> = vec![Vec::new(); self.nodes.len()];
        let mut ends = Vec::with_capacity(targets.len());
        for (rows, edge) in targets {
            let rows = self.follow(rows, task, edge)?;
            self.wanted(&mut wanted, edge)?.push(rows.clone());
            ends.push((edge.node, rows));
        }
        let mut rows: Vec<Option<Arc<Vec<u32>>>> = vec![None; self.nodes.len()];
        let mut reads: Vec<Vec<(usize, Arc<Vec<u32>>)>> = vec![Vec::new(); self.nodes.len()];
        let mut lengths = vec![None; self.nodes.len()];
        for number in (0..self.nodes.len()).rev() {
            let lists = std::mem::take(&mut wanted[number]);
            if lists.is_empty() {
                continue;
            }
            let mut own = merge(&lists);
            if let Kind::Joint { inputs, graph: Some(graph), args, .. } = &self.nodes[number] {
                let all: usize = graph.ends.iter().sum();
                let takes: Vec<u32> = match reach {
                    Reach::All => (0..all as u32).collect(),
                    Reach::Telling => {
                        let telling = graph.telling(&own, args.get(propagate::LAYERS));
                        (0..all as u32).filter(|&row| telling[row as usize]).collect()
                    }
                };
                let mut start = 0;
                for (edge, count) in inputs.iter().zip(&graph.ends) {
                    let end = start..start + *count as u32;
                    let there = takes.iter().filter(|row| end.contains(row)).map(|row| row - start);
                    let read = self.follow(&Arc::new(there.collect()), task, edge)?;
                    self.wanted(&mut wanted, edge)?.push(read.clone());
                    reads[number].push((edge.node, read));
                    start = end.end;
                }
                own = Arc::new(takes);
            } else if let Kind::Joint { inputs, .. } = &self.nodes[number] {
                for edge in *inputs {
                    if edge.node >= number {
                        return Err(Error::bug("a node of a plan comes before its inputs"));
                    }
                    if apart.is_some_and(|apart| apart.has(edge.node)) {
                        reads[number].push((edge.node, Arc::default()));
                        continue;
                    }
                    let read = match &edge.via[..] {
                        [Link::Past(past), rest @ ..] => {
                            let (counts, steps) = before(past, &own);
                            lengths[number] = Some(counts);
                            self.along(Arc::new(steps), task, rest, edge.node)?
                        }
                        _ => self.follow(&own, task, edge)?,
                    };
                    self.wanted(&mut wanted, edge)?.push(read.clone());
                    reads[number].push((edge.node, read));
                }
            }
            rows[number] = Some(own);
        }
        let place = |(node, wanted): &(usize, Arc<Vec<u32>>)| match &rows[*node] {
            Some(rows) => places(rows, wanted),
            None => None,
        };
        let steps = |(node, wanted): &(usize, Arc<Vec<u32>>)| match place(&(*node, wanted.clone())) {
            Some(places) => Some(places),
            None => Some((0..wanted.len() as u32).collect()),
        };
        let inputs = reads.iter().zip(&lengths).map(|(reads, lengths)| match lengths {
            Some(_) => reads.iter().map(steps).collect(),
            None => reads.iter().map(place).collect(),
        });
        let inputs = inputs.collect();
        let targets = ends.iter().map(|end| (end.0, place(end))).collect();
        Ok(Demand { inputs, targets, rows, lengths })
    }

    fn wanted<'w>(&self, wanted: &'w mut [Vec<Arc<Vec<u32>>>], edge: &Edge) -> Result<&'w mut Vec<Arc<Vec<u32>>>> {
        wanted.get_mut(edge.node).ok_or_else(|| Error::bug("an edge of a plan leads to no node"))
    }

    /// Returns the rows that these lead to.
    pub(super) fn follow(&self, rows: &Arc<Vec<u32>>, task: TaskRows<'_>, edge: &Edge) -> Result<Arc<Vec<u32>>> {
        self.along(rows.clone(), task, &edge.via, edge.node)
    }

    fn along(&self, rows: Arc<Vec<u32>>, task: TaskRows<'_>, via: &[Link], node: usize) -> Result<Arc<Vec<u32>>> {
        let mut here = rows;
        for link in via {
            if let Link::Shift(by) = link {
                here = Arc::new(here.iter().map(|row| row + by).collect());
                continue;
            }
            let to: &[u32] = match (link, task) {
                (Link::User, TaskRows::Pairs { users, .. }) => users,
                (Link::Item, TaskRows::Pairs { items, .. }) => items,
                (Link::Occasion, TaskRows::Pairs { met, .. }) => met,
                (Link::Map(map), _) => map,
                (Link::Past(_), _) => return Err(Error::bug("only a stage that takes steps reads the past")),
                _ => return Err(Error::bug("only pairs have a user and an item")),
            };
            let led = here.iter().map(|&row| {
                let number = to.get(row as usize).copied().unwrap_or(u32::MAX);
                if number == u32::MAX { Err(nowhere(row, &self.plan.nodes[node].label)) } else { Ok(number) }
            });
            here = Arc::new(led.collect::<Result<_>>()?);
        }
        Ok(here)
    }
}

impl Circuit<'_> {
    /// Returns the rows of nodes that targets read.
    pub(crate) fn reads(&self, task: TaskRows<'_>, targets: &[Target], nodes: &[usize]) -> Result<Vec<Arc<Vec<u32>>>> {
        let demand = self.demand(task, targets, Reach::All)?;
        Ok(nodes.iter().map(|&node| demand.rows[node].clone().unwrap_or_default()).collect())
    }

    /// Gives each row of nodes that targets read the mean of what the rows that read it have got, over all ways.
    pub(crate) fn credit(
        &self,
        task: TaskRows<'_>,
        targets: &[Target],
        got: &[f32],
        nodes: &[usize],
    ) -> Result<Vec<Vec<f32>>> {
        let demand = self.demand(task, targets, Reach::All)?;
        let (ways, sums) = (demand.uses(self, None), demand.uses(self, Some(got)));
        let mean = |(sum, ways): (&f32, &f32)| if *ways > 0.0 { sum / ways } else { 0.0 };
        let of = |&node: &usize| sums[node].iter().zip(&ways[node]).map(mean).collect();
        Ok(nodes.iter().map(of).collect())
    }
}

impl Demand {
    /// Returns how often the targets read each row of each node, along all ways; with what each row of a target stands for, the sum of it.
    pub(super) fn uses(&self, circuit: &Circuit<'_>, worth: Option<&[f32]>) -> Vec<Vec<f32>> {
        let mut uses: Vec<Vec<f32>> = self.rows.iter().map(|r| vec![0.0; r.as_ref().map_or(0, |r| r.len())]).collect();
        for (node, places) in &self.targets {
            count(&mut uses[*node], places.as_deref(), worth);
        }
        for number in (0..uses.len()).rev() {
            let Kind::Joint { inputs, .. } = &circuit.nodes[number] else { continue };
            let mut start = 0;
            for (end, (edge, places)) in inputs.iter().zip(&self.inputs[number]).enumerate() {
                let mut own = uses[number].clone();
                if let Some(lengths) = &self.lengths[number] {
                    let steps = own.iter().zip(lengths).flat_map(|(&times, &n)| std::iter::repeat_n(times, n as usize));
                    own = steps.collect();
                }
                if let Kind::Joint { graph: Some(graph), .. } = &circuit.nodes[number] {
                    own = own[start..start + graph.ends[end]].to_vec();
                    start += graph.ends[end];
                }
                count(&mut uses[edge.node], places.as_deref(), Some(&own));
            }
        }
        uses
    }
}

fn count(to: &mut [f32], places: Option<&[u32]>, from: Option<&[f32]>) {
    let times = |i: usize| from.map_or(1.0, |from| from[i]);
    match places {
        Some(places) => places.iter().enumerate().for_each(|(i, &place)| to[place as usize] += times(i)),
        None => to.iter_mut().enumerate().for_each(|(i, to)| *to += times(i)),
    }
}

/// Returns how many rows came before each of these, and all of them.
fn before(past: &Past, rows: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut steps = Vec::new();
    let mut lengths = Vec::with_capacity(rows.len());
    for &row in rows {
        let own = past.of(row);
        lengths.push(own.len() as u32);
        steps.extend_from_slice(own);
    }
    (lengths, steps)
}

/// Returns all rows of the lists, ascending and once each.
fn merge(lists: &[Arc<Vec<u32>>]) -> Arc<Vec<u32>> {
    let first = &lists[0];
    let same = |list: &Arc<Vec<u32>>| Arc::ptr_eq(list, first) || list == first;
    if first.is_sorted_by(|a, b| a < b) && lists.iter().all(same) {
        return first.clone();
    }
    let mut all: Vec<u32> = lists.iter().flat_map(|list| list.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    Arc::new(all)
}

/// Returns where the wanted rows stand among `rows`, all of which are there.
fn places(rows: &Arc<Vec<u32>>, wanted: &Arc<Vec<u32>>) -> Places {
    if Arc::ptr_eq(rows, wanted) || rows == wanted {
        return None;
    }
    // Dense rows stand where their numbers say.
    let (low, high) = (rows.first().copied().unwrap_or(0), rows.last().copied().unwrap_or(0));
    if (high - low) as usize + 1 == rows.len() {
        return Some(wanted.iter().map(|row| row - low).collect());
    }
    Some(wanted.iter().map(|row| rows.partition_point(|r| r < row) as u32).collect())
}

fn nowhere(row: u32, label: &str) -> Error {
    Error::new("E1036", say!("row {row} leads to no row of `{label}`", "第 {row} 行没有指向 `{label}` 的任何一行"))
        .help(say!("drop or fill rows whose ref is missing first", "请先去掉或填补引用缺失的行"))
}

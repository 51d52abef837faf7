//! Runs a plan for some rows of a task: each node once for each distinct row of its own domain, gathered along refs.
//!
//! A pass over the plan from its end finds the rows that each node needs ([`demand`]); a second one, from its start, computes them.

pub(crate) mod apart;
mod demand;
mod freeze;
pub(crate) mod leaf;
mod weighing;

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::graph::Graph;
use mmf_data::network::{Network, Op, Var};
use mmf_data::plan::{Edge, Link, Plan, PlanKind};
use mmf_data::stage::{Body, JointCall, Steps};
use mmf_data::table::{Column, Rows};
use mmf_data::values::Values;
use mmf_lang::args::Args;
use mmf_lang::types::Part;
use mmf_tensor::{Loss, Parameters, Session};

use apart::Apart;
pub(crate) use demand::Target;
use demand::{Demand, Reach};
use leaf::Leaf;

use crate::fuse::activation::one;

/// Rows that a network is read at, at a time: all that it computes for them is held, and maps are large.
pub(crate) const AT_ONCE: usize = 64;

/// The rows of a task: some of the split's table, or pairs that are in no table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TaskRows<'a> {
    /// Numbers of rows, ascending.
    Table(&'a [u32]),
    /// A user and an item a row, and the row of the split's table in which they met (or where the user is now); `met` may be empty
    /// where nothing reads it.
    Pairs { users: &'a [u32], items: &'a [u32], met: &'a [u32] },
}

impl<'a> TaskRows<'a> {
    /// Cuts the rows into blocks of so many.
    pub(crate) fn blocks(self, size: usize) -> Vec<TaskRows<'a>> {
        let some = |all: &'a [u32], at: usize| all.get(at..all.len().min(at + size)).unwrap_or(&[]);
        match self {
            TaskRows::Table(rows) => rows.chunks(size).map(TaskRows::Table).collect(),
            TaskRows::Pairs { users, items, met } => {
                let starts = (0..users.len()).step_by(size);
                let block = |at| TaskRows::Pairs { users: some(users, at), items: some(items, at), met: some(met, at) };
                starts.map(block).collect()
            }
        }
    }

    /// Returns the numbers of the rows in the task's domain: pairs are numbered by their place.
    fn numbers(&self) -> Arc<Vec<u32>> {
        Arc::new(match self {
            TaskRows::Table(rows) => rows.to_vec(),
            TaskRows::Pairs { users, .. } => (0..users.len() as u32).collect(),
        })
    }
}

static NONE: Args = Args(Vec::new());

type Joint = fn(&JointCall<'_>, &mut dyn Network, &[Var]) -> Result<Var>;

enum Kind<'p> {
    Leaf(Leaf<'p>),
    Joint { name: &'static str, run: Joint, args: &'p Args, inputs: &'p [Edge], graph: Option<&'p Graph> },
}

/// A plan, ready to be run.
pub(crate) struct Circuit<'p> {
    plan: &'p Plan,
    nodes: Vec<Kind<'p>>,
    /// For each node that embeds: which rows of its domain a training row leads to.
    trained: Vec<Option<Vec<bool>>>,
}

/// Numbers that are added to a value within the network.
pub(crate) enum Shift {
    /// Zeros, whose slope is told afterwards.
    Watched,
    By(Vec<f32>),
}

/// What rows of a node choose that can choose.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) node: usize,
    /// Numbers of rows of the node's domain, ascending, and the arm of each.
    pub(crate) rows: Arc<Vec<u32>>,
    pub(crate) arms: Vec<u32>,
}

/// What is done to a network's values on the way.
#[derive(Clone, Copy, Default)]
pub(crate) struct Meddling<'a> {
    /// Numbers that are added to the value of a node.
    pub(crate) shift: Option<(usize, &'a Shift)>,
    /// What nodes choose; those that are not named choose by themselves.
    pub(crate) chosen: &'a [Chosen],
    /// Maps that are computed for what compared items differ in.
    pub(crate) apart: Option<Apart<'a>>,
}

/// What a pass has computed.
pub(crate) struct Pass {
    /// What was added to a value.
    pub(crate) shift: Option<Var>,
    /// The values asked for, at the rows asked for.
    pub(crate) values: Vec<Var>,
    nodes: Vec<Option<Var>>,
    demand: Demand,
}

impl Chosen {
    /// Returns the arms of these rows.
    fn at(&self, rows: &[u32]) -> Result<Vec<u32>> {
        let arm = |row: &u32| self.rows.binary_search(row).ok().map(|at| self.arms[at]);
        rows.iter().map(arm).collect::<Option<_>>().ok_or_else(|| Error::bug("a row without an arm"))
    }
}

impl<'p> Circuit<'p> {
    pub(crate) fn new(plan: &'p Plan) -> Result<Self> {
        let nodes = plan.nodes.iter().map(|node| match &node.kind {
            PlanKind::Leaf(column) => Ok(Kind::Leaf(Leaf::new(column)?)),
            PlanKind::End(edge) => {
                let inputs = std::slice::from_ref(edge);
                Ok(Kind::Joint {
                    name: "end",
                    run: |_, _, inputs| one(inputs).cloned(),
                    args: &NONE,
                    inputs,
                    graph: None,
                })
            }
            PlanKind::Stage { stage, alternative, args, inputs, graph } => {
                let name = stage.signature().name;
                let run = match stage.body(*alternative) {
                    Body::Joint(run) | Body::Recall { joint: run, .. } => run,
                    _ => return Err(Error::bug(format!("`{name}` stands in a network, but is no part of one"))),
                };
                // An embedding reads the numbers of rows alone, unless it goes word by word.
                let by_row = name == EMBEDDING && *alternative != crate::fuse::embedding::WORD_BY_WORD;
                let inputs = if by_row { &[] } else { &inputs[..] };
                Ok(Kind::Joint { name, run, args, inputs, graph: graph.as_deref() })
            }
        });
        Ok(Circuit { plan, nodes: nodes.collect::<Result<_>>()?, trained: vec![None; plan.nodes.len()] })
    }

    /// Returns where the occasions begin at which users are ranked, where the network reads what they have met.
    pub(crate) fn now(&self, part: Part) -> Option<usize> {
        let now = self.plan.domains.iter().find_map(|domain| domain.now)?;
        Some(if part == Part::Test { now.test } else { now.validation })
    }

    /// Returns the value that the train reads under that name.
    pub(crate) fn output(&self, name: &str) -> Result<&'p Edge> {
        let found = self.plan.outputs.iter().find(|(n, _)| n == name);
        found.map(|(_, edge)| edge).ok_or_else(|| Error::bug(format!("a plan has no `{name}`")))
    }

    /// Returns what enters the last `dense` layer before a value: the space in which a plain head tells rows apart. `None` where
    /// none stands there, or several values meet behind it.
    pub(crate) fn entrance(&self, output: &Edge) -> Option<Edge> {
        let mut at = output.clone();
        loop {
            let Kind::Joint { name, inputs: [input], .. } = &self.nodes[at.node] else { return None };
            at.via.extend(input.via.iter().cloned());
            at.node = input.node;
            if *name == HEAD {
                return Some(at);
            }
        }
    }

    /// Returns what an item is in the first inner product of a score of pairs: the side that no user has a part in.
    pub(crate) fn met(&self, score: &Edge) -> Option<&'p Edge> {
        let Kind::Joint { name, inputs: [a, b], .. } = &self.nodes[score.node] else { return None };
        match *name {
            PRODUCT => [a, b].into_iter().find(|edge| self.of_items(edge)),
            "add" | "subtract" => self.met(a).or_else(|| self.met(b)),
            _ => None,
        }
    }

    fn of_items(&self, edge: &Edge) -> bool {
        match (edge.via.first(), &self.nodes[edge.node]) {
            (Some(link), _) => matches!(link, Link::Item),
            (None, Kind::Joint { inputs, .. }) => !inputs.is_empty() && inputs.iter().all(|edge| self.of_items(edge)),
            (None, Kind::Leaf(_)) => false,
        }
    }

    /// Returns whether it spreads values along a graph, which takes all its rows in each step.
    pub(crate) fn is_whole(&self) -> bool {
        self.nodes.iter().any(|kind| matches!(kind, Kind::Joint { graph: Some(_), .. }))
    }

    /// Returns the plan in which values that are spread along graphs are computed already; `None` where there are none.
    pub(crate) fn settled(&self, parameters: &Parameters) -> Result<Option<Plan>> {
        if !self.is_whole() {
            return Ok(None);
        }
        let graphs =
            self.nodes.iter().enumerate().filter(|(_, kind)| matches!(kind, Kind::Joint { graph: Some(_), .. }));
        let places: Vec<usize> = graphs.map(|(at, _)| at).collect();
        let total = |at: usize| self.plan.domains[self.plan.nodes[at].domain].total;
        let target = |&at: &usize| (Arc::new((0..total(at) as u32).collect()), Edge { node: at, via: Vec::new() });
        let targets: Vec<Target> = places.iter().map(target).collect();
        let mut session = Session::reading(parameters);
        let pass = self.run(&mut session, TaskRows::Table(&[]), &targets)?;
        let mut plan = self.plan.clone();
        for (&at, value) in places.iter().zip(&pass.values) {
            let values = Values::vector(value.width(), session.values(value)?.to_vec());
            plan.nodes[at].kind = PlanKind::Leaf(Column::new(Rows::all(total(at)), values));
        }
        Ok(Some(plan))
    }

    /// Returns a runner of another plan of the same network, in which more is computed already.
    pub(crate) fn over<'o>(&self, plan: &'o Plan) -> Result<Circuit<'o>> {
        Ok(Circuit { trained: self.trained.clone(), ..Circuit::new(plan)? })
    }

    /// Returns the nodes of stages of that name, with their inputs, arguments and places.
    pub(crate) fn named(&self, wanted: &str) -> Vec<(usize, &'p [Edge], &'p Args, u64)> {
        let found = self.nodes.iter().enumerate().filter_map(|(number, kind)| match kind {
            Kind::Joint { name, inputs, args, .. } if *name == wanted => {
                Some((number, *inputs, *args, self.plan.nodes[number].place))
            }
            _ => None,
        });
        found.collect()
    }

    /// Learns which rows of embeddings the training rows lead to.
    pub(crate) fn know(&mut self, training: TaskRows<'_>, outputs: &[&Edge]) -> Result<()> {
        let numbers = training.numbers();
        let targets: Vec<Target> = outputs.iter().map(|&edge| (numbers.clone(), edge.clone())).collect();
        let demand = self.demand(training, &targets, Reach::Telling)?;
        for (node, kind) in self.nodes.iter().enumerate() {
            if let Kind::Joint { name: EMBEDDING, .. } = kind {
                let mut seen = vec![false; self.plan.domains[self.plan.nodes[node].domain].total];
                for &row in demand.rows[node].iter().flat_map(|rows| rows.iter()) {
                    if let Some(seen) = seen.get_mut(row as usize) {
                        *seen = true;
                    }
                }
                self.trained[node] = Some(seen);
            }
        }
        Ok(())
    }

    /// Computes values at the rows of the task, in their order.
    pub(crate) fn forward(&self, session: &mut Session<'_>, rows: TaskRows<'_>, outputs: &[&Edge]) -> Result<Pass> {
        let numbers = rows.numbers();
        let targets: Vec<Target> = outputs.iter().map(|&edge| (numbers.clone(), edge.clone())).collect();
        self.run(session, rows, &targets)
    }

    /// Computes each target's value at its rows.
    pub(crate) fn run(&self, session: &mut Session<'_>, task: TaskRows<'_>, targets: &[Target]) -> Result<Pass> {
        self.run_with(session, task, targets, Meddling::default())
    }

    /// The same, with something done to values on the way.
    pub(crate) fn run_with(
        &self,
        session: &mut Session<'_>,
        task: TaskRows<'_>,
        targets: &[Target],
        meddling: Meddling<'_>,
    ) -> Result<Pass> {
        let mut shifted = None;
        let demand = self.demand_but(task, targets, Reach::All, meddling.apart)?;
        let mut made = Vec::new();
        let mut nodes: Vec<Option<Var>> = vec![None; self.nodes.len()];
        for (number, kind) in self.nodes.iter().enumerate() {
            let Some(rows) = &demand.rows[number] else { continue };
            let about = &self.plan.nodes[number];
            let value = match kind {
                Kind::Leaf(leaf) => leaf.read(session, rows)?,
                Kind::Joint { name, run, args, inputs, graph } => {
                    let mut values = Vec::with_capacity(inputs.len());
                    // A stage that takes steps picks them itself.
                    let steps = demand.lengths[number].as_ref().zip(demand.inputs[number].first());
                    let steps = steps.and_then(|(lengths, places)| Some(Steps { lengths, places: places.as_ref()? }));
                    for (edge, places) in inputs.iter().zip(&demand.inputs[number]) {
                        if let Some(apart) = meddling.apart.filter(|apart| apart.has(edge.node)) {
                            values.push(self.apart(session, apart, edge.node, (rows.len(), &mut made))?);
                            continue;
                        }
                        let places = if steps.is_some() { None } else { places.as_deref() };
                        values.push(gathered(session, &nodes[edge.node], places)?);
                    }
                    session.at(about.place, &format!("{number}/{name}"));
                    let chosen = meddling.chosen.iter().find(|chosen| chosen.node == number);
                    let chosen = chosen.map(|chosen| chosen.at(rows)).transpose()?;
                    let call = JointCall {
                        args,
                        rows,
                        total: self.plan.domains[about.domain].total,
                        trained: self.trained[number].as_deref(),
                        steps,
                        graph: *graph,
                        chosen: chosen.as_deref(),
                    };
                    run(&call, session, &values)?
                }
            };
            nodes[number] = Some(match meddling.shift.filter(|(at, _)| *at == number) {
                Some((_, by)) => {
                    let own = match by {
                        Shift::Watched => {
                            session.watched(value.rows, &value.dims, vec![0.0; value.rows * value.width()])?
                        }
                        Shift::By(numbers) => session.constant(value.rows, &value.dims, numbers.clone())?,
                    };
                    let sum = session.apply(Op::Add, &[&value, &own], &[])?;
                    shifted = Some(own);
                    sum
                }
                None => value,
            });
        }
        let mut values = Vec::with_capacity(targets.len());
        for (node, places) in &demand.targets {
            values.push(gathered(session, &nodes[*node], places.as_deref())?);
        }
        Ok(Pass { shift: shifted, values, nodes, demand })
    }

    /// Returns `Σ |e|²` over the rows of embeddings, each as often as the task's rows read it.
    pub(crate) fn squares(&self, session: &mut Session<'_>, pass: &Pass) -> Result<Vec<Loss>> {
        let uses = pass.demand.uses(self, None);
        let mut losses = Vec::new();
        for (number, kind) in self.nodes.iter().enumerate() {
            if let (Kind::Joint { name: EMBEDDING, .. }, Some(value)) = (kind, &pass.nodes[number]) {
                let square = session.apply(Op::Dot, &[value, value], &[])?;
                losses.push(session.total(&square, Some(&uses[number]))?);
            }
        }
        Ok(losses)
    }

    /// Makes all weights: a first pass over a few rows.
    pub(crate) fn make(&self, seed: u64, rows: TaskRows<'_>, outputs: &[&Edge]) -> Result<Parameters> {
        let mut parameters = Parameters::new(seed);
        let mut session = Session::making(&mut parameters);
        self.forward(&mut session, rows, outputs)?;
        session.check()?;
        drop(session);
        Ok(parameters)
    }
}

/// The stage whose weights are rows.
const EMBEDDING: &str = "embedding";
/// The stage that ends a network, before its activation.
const HEAD: &str = "dense";
/// The stage in which users and items meet.
const PRODUCT: &str = "dot";

fn gathered(session: &mut Session<'_>, value: &Option<Var>, places: Option<&[u32]>) -> Result<Var> {
    let value = value.as_ref().ok_or_else(|| Error::bug("a node of a plan comes before its inputs"))?;
    match places {
        Some(places) => session.gather(value, places),
        None => Ok(value.clone()),
    }
}

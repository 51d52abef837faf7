//! Linear maps of what items look like, computed once for two items that are compared.
//!
//! BPR reads nothing but what a user's score of one item is above that of another. Where a score is linear in the values of a map
//! (VBPR's `look |> dense(64, bias = false)`), so is the difference, and `W·f − W·g = W·(f − g)`: one product instead of two. The map then
//! stands as 0 at the first item and as `W·(g − f)` at the second, from which all that is compared comes out as before.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Network, Var};
use mmf_data::plan::{Edge, Link};
use mmf_data::stage::JointCall;
use mmf_tensor::Session;

use super::{Circuit, HEAD, Kind, PRODUCT};
use crate::fuse::dense;

/// Items of a pass that are compared, and the maps of which it takes differences. The task's rows are the pairs of the first items, once
/// each, then those of the second ones.
#[derive(Clone, Copy)]
pub(crate) struct Apart<'a> {
    maps: &'a [usize],
    /// An item each for every one of `seconds`.
    firsts: &'a [u32],
    seconds: &'a [u32],
}

impl<'a> Apart<'a> {
    /// `None` where it would not spare enough: a map is computed once for an item that is met several times.
    pub(crate) fn worthwhile(maps: &'a [usize], firsts: &'a [u32], seconds: &'a [u32]) -> Option<Self> {
        if maps.is_empty() || seconds.is_empty() {
            return None;
        }
        let mut items = [firsts, seconds].concat();
        items.sort_unstable();
        items.dedup();
        (seconds.len() * 5 <= items.len() * 4).then_some(Apart { maps, firsts, seconds })
    }

    pub(super) fn has(&self, node: usize) -> bool {
        self.maps.contains(&node)
    }
}

/// Stages whose value follows from those of their inputs at the same row alone, in training too.
const STEADY: [&str; 13] = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "scale",
    "concat",
    PRODUCT,
    HEAD,
    "relu",
    "tanh",
    "sigmoid",
    "softmax",
    "layer_norm",
];

/// How a loss reads a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Read {
    Not,
    /// It reads the difference of two items' values alone.
    Compared,
    Whole,
}

impl Circuit<'_> {
    /// Returns the maps whose differences are enough for a loss that compares the scores of a user's items, and reads `others` too.
    pub(crate) fn compared(&self, scores: &[&Edge], others: &[&Edge]) -> Vec<usize> {
        let mut reads = vec![Read::Not; self.nodes.len()];
        let read = |reads: &mut Vec<Read>, edge: &Edge, how: Read| reads[edge.node] = reads[edge.node].max(how);
        for edge in scores {
            read(&mut reads, edge, if edge.via.is_empty() { Read::Compared } else { Read::Whole });
        }
        others.iter().for_each(|edge| read(&mut reads, edge, Read::Whole));
        let of_users = self.of_users();
        let steady = |edge: &Edge| is_steady(edge, &of_users);
        for number in (0..self.nodes.len()).rev() {
            let (how, Kind::Joint { name, inputs, .. }) = (reads[number], &self.nodes[number]) else { continue };
            if how == Read::Not {
                continue;
            }
            let of_pairs = how == Read::Compared && self.plan.nodes[number].domain == 0;
            for (place, edge) in inputs.iter().enumerate() {
                let linear = match *name {
                    "add" | "subtract" | "scale" => true,
                    // Linear in either side while the other stays.
                    PRODUCT => inputs.iter().enumerate().all(|(other, edge)| other == place || steady(edge)),
                    _ => false,
                };
                let passed = of_pairs && linear && matches!(edge.via[..], [] | [Link::Item]);
                read(&mut reads, edge, if passed { Read::Compared } else { Read::Whole });
            }
        }
        let products = self.products();
        let is_map = |&node: &usize| {
            let of_items = self.plan.nodes[node].domain != 0;
            reads[node] == Read::Compared && of_items && products[node].is_some_and(|count| count > 0)
        };
        (0..self.nodes.len()).filter(is_map).collect()
    }

    /// Tells of each node whether it stands at pairs and is the same at all pairs of a user on an occasion: made of what is, without
    /// chance.
    fn of_users(&self) -> Vec<bool> {
        let mut of_users: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for kind in &self.nodes {
            let steady = match kind {
                Kind::Joint { name, inputs, .. } if STEADY.contains(name) => {
                    !inputs.is_empty() && inputs.iter().all(|edge| is_steady(edge, &of_users))
                }
                _ => false,
            };
            of_users.push(steady);
        }
        of_users
    }

    /// Returns how many products with weights each value takes that is a linear map of numbers; `None` where it is none.
    fn products(&self) -> Vec<Option<usize>> {
        let mut products: Vec<Option<usize>> = Vec::with_capacity(self.nodes.len());
        for kind in &self.nodes {
            let own = match kind {
                Kind::Leaf(leaf) => leaf.is_flat().then_some(0),
                Kind::Joint { name, args, inputs, .. } => {
                    let own = match *name {
                        HEAD if dense::is_linear(args) => Some(1),
                        "add" | "subtract" | "concat" => Some(0),
                        _ => None,
                    };
                    let mut inner = inputs.iter().map(|edge| products[edge.node].filter(|_| edge.via.is_empty()));
                    own.and_then(|own: usize| inner.try_fold(own, |sum, inner| Some(sum.saturating_add(inner?))))
                }
            };
            products.push(own);
        }
        products
    }

    /// Returns a map's values at the task's rows, as the head of this file says. `made` are the differences that were computed before.
    pub(super) fn apart(
        &self,
        session: &mut Session<'_>,
        apart: Apart<'_>,
        node: usize,
        (rows, made): (usize, &mut Vec<Option<Var>>),
    ) -> Result<Var> {
        let second = self.difference(session, apart, node, made)?;
        let first =
            rows.checked_sub(second.rows).ok_or_else(|| Error::bug("more pairs are compared than there are"))?;
        let zeros = session.constant(first, &second.dims, vec![0.0; first * second.width()])?;
        session.join_rows(&[&zeros, &second])
    }

    /// Returns a linear map of what each second item has beyond its first.
    fn difference(
        &self,
        session: &mut Session<'_>,
        apart: Apart<'_>,
        node: usize,
        made: &mut Vec<Option<Var>>,
    ) -> Result<Var> {
        made.resize(self.nodes.len(), None);
        if let Some(there) = &made[node] {
            return Ok(there.clone());
        }
        let found = match &self.nodes[node] {
            Kind::Leaf(leaf) => leaf.difference(session, apart.firsts, apart.seconds)?,
            Kind::Joint { name, run, args, inputs, .. } => {
                let own = inputs.iter().map(|edge| self.difference(session, apart, edge.node, made));
                let own = own.collect::<Result<Vec<_>>>()?;
                let about = &self.plan.nodes[node];
                session.at(about.place, &format!("{node}/{name}"));
                let (rows, total) = (apart.seconds, self.plan.domains[about.domain].total);
                let call = JointCall { args, rows, total, trained: None, steps: None, graph: None, chosen: None };
                run(&call, session, &own)?
            }
        };
        made[node] = Some(found.clone());
        Ok(found)
    }
}

/// Tells whether what is read along an edge from a pair is the same at all pairs of a user on an occasion. What is no pair's is computed
/// once for all that read it.
fn is_steady(edge: &Edge, of_users: &[bool]) -> bool {
    match edge.via.first() {
        Some(link) => matches!(link, Link::User | Link::Occasion),
        None => of_users[edge.node],
    }
}

//! A network before it has weights: the joint stages that a train holds, in order, with the rows that each lives on.

use std::sync::Arc;

use mmf_lang::args::Args;

use crate::stage::Stage;
use crate::table::Column;

/// The joint stages of one train. Nodes come after their inputs.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub nodes: Vec<PlanNode>,
    /// The domains that nodes live on: count of rows of each. The first is the task's rows.
    pub domains: Vec<PlanDomain>,
    /// The values that the train reads, by argument: `score`, `output`; of a loss's terms by number, `loss.1.score`.
    pub outputs: Vec<(String, Edge)>,
    /// What the joint stages became: names of declared stages that live here.
    pub fields: Vec<(String, usize)>,
}

#[derive(Clone, Debug)]
pub struct PlanDomain {
    pub total: usize,
}

#[derive(Clone, Debug)]
pub struct PlanNode {
    /// Its place in the network, from which its random stream comes; never its name.
    pub place: u64,
    pub domain: usize,
    pub kind: PlanKind,
    /// Width of a row, where it is known before a run.
    pub label: String,
}

#[derive(Clone, Debug)]
pub enum PlanKind {
    /// Numbers that were computed before: rows are found by their numbers.
    Leaf(Column),
    Stage {
        stage: &'static dyn Stage,
        alternative: usize,
        args: Args,
        inputs: Vec<Edge>,
    },
}

/// How a node reads another: along links, each from the rows of one domain to those of the next.
#[derive(Clone, Debug)]
pub struct Edge {
    pub node: usize,
    /// Empty where both live on the same rows.
    pub via: Vec<Link>,
}

#[derive(Clone, Debug)]
pub enum Link {
    /// The user of a task's row (`recommend` ranks rows that are in no table).
    User,
    /// The item of a task's row.
    Item,
    /// A ref column: the number of the row led to, by the number of the row; `u32::MAX` where there is none.
    Map(Arc<Vec<u32>>),
}

//! A network before it has weights: the joint stages that a train holds, in order, with the rows that each lives on.

use std::sync::Arc;

use mmf_lang::args::Args;

use crate::graph::Graph;
use crate::past::Past;
use crate::stage::Stage;
use crate::table::Column;

/// The joint stages of one train. Nodes come after their inputs.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub nodes: Vec<PlanNode>,
    /// The domains that nodes live on: count of rows of each. The first is the task's rows.
    pub domains: Vec<PlanDomain>,
    /// The values that the train reads, by argument: `score`, `output`; of a loss's terms by number, `loss.1.score`; of
    /// several tasks by theirs, `tasks.1.output`.
    pub outputs: Vec<(String, Edge)>,
    /// What the joint stages became: names of declared stages that live here.
    pub fields: Vec<(String, usize)>,
}

#[derive(Clone, Debug)]
pub struct PlanDomain {
    pub total: usize,
    /// The rows in which pairs were met, where `recommend` reads them: more are numbered from `total`, a user now each.
    pub now: Option<Now>,
}

/// Where the occasions begin at which users are ranked for a part.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Now {
    pub validation: usize,
    pub test: usize,
    /// Count of all occasions, the rows among them.
    pub occasions: usize,
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
        /// Of a stage that spreads values along edges. It is computed at all rows at once; its inputs are at the rows of the graph's
        /// ends.
        graph: Option<Arc<Graph>>,
    },
    /// The rows of one end of a graph, read where all ends' are one after the other.
    End(Edge),
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
    /// The row of the split's table that a pair was met in; when users are ranked, the user now.
    Occasion,
    /// From an occasion to all rows before it, for a stage that takes them as steps. It is the first link of its edge.
    Past(Arc<Past>),
    /// From the rows of an end of a graph to where they stand among those of all its ends: so many further on.
    Shift(u32),
    /// A ref column: the number of the row led to, by the number of the row; `u32::MAX` where there is none.
    Map(Arc<Vec<u32>>),
}

//! Ways from the rows of one domain to those of another.

use mmf_data::error::{Error, Result};
use mmf_data::stage::Crossing;
use mmf_data::table::{Column, Rows, Value};
use mmf_data::values::Values;
use mmf_lang::args::{ArgValue, Args};
use mmf_lang::graph::{Node, NodeId};
use mmf_lang::types::{DomainId, Type};

use crate::layout::domain;
use crate::work::Work;

/// Returns the way across for a stage that gathers rows of one domain at those of another.
///
/// The ref columns among the inputs, one after the other, lead from the first input's rows to the wanted ones. Where the
/// first input is what is led to (`through`), the ways start at the rows of the first ref.
pub(crate) fn crossing(work: &Work<'_>, node: &Node, args: &Args, inputs: &[Value]) -> Result<Crossing> {
    let held: Vec<usize> = args
        .0
        .iter()
        .flat_map(|(_, value)| match value {
            ArgValue::Input(at) => vec![*at],
            ArgValue::List(list) => {
                list.iter().filter_map(|v| if let ArgValue::Input(at) = v { Some(*at) } else { None }).collect()
            }
            _ => Vec::new(),
        })
        .collect();
    let is_link = |at: usize| matches!(inputs.get(at), Some(Value::Column(Column { values: Values::Code { .. }, .. })));
    let mut links: Vec<usize> = held.into_iter().filter(|&at| at > 0 && is_link(at)).collect();
    if links.is_empty() {
        links = (1..inputs.len()).filter(|&at| is_link(at)).collect();
    }
    let first = inputs.first().ok_or_else(|| Error::bug("nothing to gather"))?;
    let own = match first {
        Value::Column(c) => c.rows.clone(),
        other => other.table()?.rows.clone(),
    };
    let root = |id: NodeId| domain(work.node(id)).map(|d| work.graph.root(d));
    let start = match links.first() {
        Some(&at) if root(node.inputs[at]) != root(node.inputs[0]) => inputs[at].column()?.rows.clone(),
        _ => own,
    };
    let mut to: Vec<u32> = start.ids();
    let mut total = start.total;
    for at in links {
        let column = inputs[at].column()?;
        let Values::Code { codes, names } = &column.values else { continue };
        total = names.len();
        for row in &mut to {
            let place = column.rows.place(*row).filter(|&p| !column.is_missing(p));
            *row = place.map_or(u32::MAX, |p| codes[p]);
        }
    }
    let table = inputs.iter().skip(1).find_map(|v| v.table().ok());
    let rows = table.map_or_else(|| Rows::all(total), |t| t.rows.clone());
    let rows = if node_starts_here(work, node) { start } else { rows };
    Ok(Crossing { to, total, rows })
}

fn root_of(work: &Work<'_>, node: &Node) -> Option<DomainId> {
    domain(node).map(|d| work.graph.root(d))
}

/// Says whether a crossing's result lives where its first ref starts.
fn node_starts_here(work: &Work<'_>, node: &Node) -> bool {
    let first = node.inputs.first().and_then(|&i| root_of(work, work.node(i)));
    let link = node.inputs.get(1).map(|&i| work.node(i)).filter(|n| matches!(n.ty, Type::Column(_)));
    let link = link.and_then(|n| root_of(work, n));
    link != first && link == root_of(work, node)
}

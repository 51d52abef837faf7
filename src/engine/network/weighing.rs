//! The stages in a train's network that weigh their inputs, as people know them.

use mmf_lang::graph::{Graph, NodeId, NodeKind};
use mmf_lang::types::Type;

use super::Wiring;
use crate::work::Work;

/// What a train tells of the inputs of a stage in its network that weighs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighing {
    /// What its curves are called before the number of the input: `policy 1`.
    pub curves: String,
    /// The stage's name in the file, or how it is called there.
    pub name: String,
    /// What each input is, for people.
    pub inputs: Vec<String>,
}

/// Returns the stages in a train's network that weigh their inputs, numbered as its curves are: those of a name in their order.
pub(crate) fn weighings(work: &Work<'_>, train: NodeId) -> Vec<Weighing> {
    let Ok(wiring) = Wiring::new(work.graph, train, work.lookup) else { return Vec::new() };
    let mut found: Vec<(&str, Weighing)> = Vec::new();
    for wire in &wiring.nodes {
        let node = work.graph.node(wire.node);
        let (NodeKind::Stage { stage, .. }, Some(inputs)) = (&node.kind, &wire.inputs) else { continue };
        if inputs.len() < 2 || !(work.lookup)(stage).is_some_and(|stage| stage.signature().weighs) {
            continue;
        }
        let number = 1 + found.iter().filter(|(other, _)| other == stage).count();
        let curves = format!("{stage} {number}");
        let inputs = told_apart(inputs.iter().map(|way| wiring.said(work.graph, way.node)).collect());
        found.push((stage, Weighing { name: node.name.clone().unwrap_or_else(|| curves.clone()), curves, inputs }));
    }
    found.into_iter().map(|(_, weighing)| weighing).collect()
}

/// Numbers names that come several times.
fn told_apart(names: Vec<String>) -> Vec<String> {
    let numbered = |(at, name): (usize, &String)| {
        let before = names[..at].iter().filter(|other| *other == name).count();
        let all = names.iter().filter(|other| *other == name).count();
        if all > 1 { format!("{name} ({})", before + 1) } else { name.clone() }
    };
    names.iter().enumerate().map(numbered).collect()
}

impl Wiring {
    /// Returns what people call a value: by its name, or by those of what it is made from.
    fn said(&self, graph: &Graph, at: usize) -> String {
        let (mut names, mut seen, mut next): (Vec<String>, _, _) =
            (Vec::new(), vec![false; self.nodes.len()], vec![at]);
        while let Some(at) = next.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            let wire = &self.nodes[at];
            let node = graph.node(wire.node);
            let made_of = wire.inputs.iter().flatten().rev().map(|way| way.node);
            if node.name.is_none() && wire.inputs.as_ref().is_some_and(|inputs| !inputs.is_empty()) {
                next.extend(made_of);
                continue;
            }
            // A table of weights is called as the rows that it is of.
            let table = node.inputs.iter().find(|&&id| matches!(graph.node(id).ty, Type::Table(_)));
            let is_stage = matches!(node.kind, NodeKind::Stage { .. }) && node.name.is_none();
            let name = graph.title(table.copied().filter(|_| is_stage).unwrap_or(wire.node));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(" + ")
    }
}

//! A checked graph as people see it: its stages, what flows between them, with types, and which rows fits learn from.
//!
//! Columns, parts, fields and readings along refs are no steps of their own: they are words on the arrows.

use std::collections::BTreeMap;

use mmf_lang::args::{ArgValue, Args, Literal, Recipe};
use mmf_lang::graph::{Fit, Graph, Node, NodeId, NodeKind};
use mmf_lang::signature::{BodyKind, Group};
use mmf_lang::types::{ColumnType, DomainId, Elem, Type};
use serde::Serialize;

/// A stage of the graph.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) id: usize,
    /// Declared names; empty for a step in a chain.
    pub(crate) names: Vec<String>,
    /// `hsv_histogram(bins = 8x4x4)`, without what is as by default.
    pub(crate) call: String,
    pub(crate) group: &'static str,
    #[serde(rename = "type")]
    pub(crate) ty: String,
    /// The rows that it learned from, in words: `parts.train`.
    pub(crate) fit: Option<String>,
    /// A part of a network, trained in the `train` that holds it.
    pub(crate) joint: bool,
    pub(crate) reads: Vec<Arrow>,
}

/// What a step reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    /// The column, part or field of it: `poster`, `test`.
    pub(crate) what: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
}

/// Returns the steps, each after what it reads.
pub(crate) fn steps(graph: &Graph) -> Vec<Step> {
    let mut names: BTreeMap<NodeId, Vec<String>> = BTreeMap::new();
    for (name, id) in &graph.names {
        names.entry(*id).or_default().push(name.clone());
    }
    let mut steps = Vec::new();
    for id in graph.dag.node_indices().filter(|id| !graph.variants.contains(id)) {
        let node = graph.node(id);
        let NodeKind::Stage { stage, body, .. } = &node.kind else { continue };
        let mut own = names.remove(&id).unwrap_or_default();
        if let (true, Some(name)) = (own.is_empty(), &node.name) {
            own.push(name.clone());
        }
        let mut reads: Vec<Arrow> = Vec::new();
        for input in &node.inputs {
            let arrow = arrow(graph, *input);
            if graph.variants.contains(&NodeId::new(arrow.from)) {
                continue;
            }
            if !reads.contains(&arrow) {
                reads.push(arrow);
            }
        }
        let group = mmf_stages::find(stage).map_or(Group::Prepare, |s| s.signature().group);
        steps.push(Step {
            id: id.index(),
            names: own,
            call: call(node),
            group: group.word(),
            ty: type_text(graph, &node.ty),
            fit: fit_rows(graph, node),
            joint: *body == BodyKind::Joint,
            reads,
        });
    }
    steps
}

/// Returns the stage that a node's value is cut out of, and which part of it that is.
fn arrow(graph: &Graph, id: NodeId) -> Arrow {
    let ty = type_text(graph, &graph.node(id).ty);
    let mut what: Vec<String> = Vec::new();
    let mut at = id;
    loop {
        let node = graph.node(at);
        match &node.kind {
            NodeKind::Stage { .. } => break,
            NodeKind::Column(name) | NodeKind::Field(name) => what.push(name.clone()),
            NodeKind::Part(part) => what.push(part.word().into()),
            NodeKind::End(end) => match node.inputs.first().map(|&of| &graph.node(of).ty) {
                Some(Type::Graph(of)) => what.extend(of.ends.get(*end).map(|(name, _)| name.clone())),
                Some(Type::Ends(of)) => what.extend(of.columns.get(*end).map(|(name, _)| name.clone())),
                _ => {}
            },
            NodeKind::Predict { part, head, .. } => {
                what.push(format!("on {}", part.word()));
                what.extend(head_name(graph, node, *head));
            }
            NodeKind::Head(head) => what.extend(head_name(graph, node, *head)),
            NodeKind::Read(_) => {}
        }
        match node.inputs.first() {
            Some(&next) => at = next,
            None => break,
        }
    }
    what.reverse();
    Arrow { from: at.index(), what: what.join("."), ty }
}

/// Returns the name of one of the tasks of the train that a node reads.
fn head_name(graph: &Graph, node: &Node, head: usize) -> Option<String> {
    match &graph.node(*node.inputs.first()?).ty {
        Type::Train(train) => train.heads.get(head).map(|(name, _)| name.clone()),
        _ => None,
    }
}

/// Returns a type in the language's own words: `col<films, image[_, _, 3]>?`.
pub(crate) fn type_text(graph: &Graph, ty: &Type) -> String {
    match ty {
        Type::Column(column) => column_text(graph, column),
        Type::Table(table) => format!("table<{}>", domain(graph, table.domain)),
        Type::Split(split) => format!("split<{}>", domain(graph, split.table.domain)),
        Type::Train(train) if !train.heads.is_empty() => {
            let heads = train.heads.iter().map(|(name, head)| format!("{name}: {}", head.task.word()));
            heads.collect::<Vec<_>>().join(", ")
        }
        Type::Train(train) => train.task.word().into(),
        Type::Graph(of) => graph_text(graph, of.ends.iter().map(|(_, end)| *end)),
        Type::Ends(of) => {
            let columns = of.columns.iter().map(|(name, column)| format!("{name}: {}", column_text(graph, column)));
            columns.collect::<Vec<_>>().join(", ")
        }
        other => other.word().into(),
    }
}

/// Returns a graph's type: `graph<likes.user, films>`.
fn graph_text(graph: &Graph, ends: impl Iterator<Item = DomainId>) -> String {
    format!("graph<{}>", ends.map(|end| domain(graph, end)).collect::<Vec<_>>().join(", "))
}

fn column_text(graph: &Graph, column: &ColumnType) -> String {
    let elem = elem_text(graph, &column.elem);
    let missing = if column.missing.is_empty() { "" } else { "?" };
    format!("col<{}, {elem}>{missing}", domain(graph, column.domain))
}

/// Returns what a row holds: `image[224, 224, 3]`, `ref(films)`.
pub(crate) fn elem_text(graph: &Graph, elem: &Elem) -> String {
    match elem {
        Elem::Ref(to) => format!("ref({})", domain(graph, *to)),
        other => other.to_string(),
    }
}

fn domain(graph: &Graph, id: DomainId) -> &str {
    graph.domains.get(id.0 as usize).map_or("_", |d| d.name.as_str())
}

/// Returns the rows that a fitted stage learns from, in words.
fn fit_rows(graph: &Graph, node: &Node) -> Option<String> {
    let NodeKind::Stage { fit: Some(fit), .. } = &node.kind else { return None };
    match fit {
        Fit::All => Some("all rows".into()),
        Fit::Part { split, along, back } => {
            let title = node.inputs.get(*split).map(|&s| title(graph, s)).unwrap_or_default();
            let way: Vec<String> =
                along.iter().chain(back).filter_map(|&i| node.inputs.get(i)).map(|&i| arrow(graph, i).what).collect();
            let way = if way.is_empty() { String::new() } else { format!(", through {}", way.join(" and ")) };
            Some(format!("{title}.train{way}"))
        }
    }
}

fn title(graph: &Graph, id: NodeId) -> String {
    let declared = graph.names.iter().find(|(_, n)| *n == id).map(|(name, _)| name);
    let node = graph.node(id);
    declared.or(node.name.as_ref()).unwrap_or(&node.label).clone()
}

/// Returns the stage with the arguments that say something.
fn call(node: &Node) -> String {
    let NodeKind::Stage { stage, args, .. } = &node.kind else { return node.label.clone() };
    written(stage, args)
}

/// Returns a call without the arguments that are as by default, or shown by arrows.
fn written(stage: &str, args: &Args) -> String {
    let signature = mmf_stages::find(stage).map(|s| s.signature());
    let mut shown = Vec::new();
    for (name, value) in &args.0 {
        let default = signature.and_then(|s| s.arg(name)).and_then(|spec| spec.default).map(ArgValue::from);
        if default.as_ref() == Some(value) {
            continue;
        }
        if let Some(text) = value_text(value) {
            shown.push(format!("{name} = {text}"));
        }
    }
    if shown.is_empty() { stage.to_string() } else { format!("{stage}({})", shown.join(", ")) }
}

/// Returns an argument's value as one would write it; `None` for what is too long or shown by arrows.
fn value_text(value: &ArgValue) -> Option<String> {
    Some(match value {
        ArgValue::Int(n) => n.to_string(),
        ArgValue::Float(x) => x.to_string(),
        ArgValue::Bool(b) => b.to_string(),
        ArgValue::Text(t) => format!("{t:?}"),
        ArgValue::Word(t) | ArgValue::Column(t) => t.clone(),
        ArgValue::List(list) => {
            let items: Vec<String> = list.iter().map(value_text).collect::<Option<_>>()?;
            let sizes = list.len() > 1 && list.iter().all(|v| matches!(v, ArgValue::Int(_)));
            if sizes { items.join("x") } else { format!("[{}]", items.join(", ")) }
        }
        ArgValue::Measure { name, cut } => cut.map_or_else(|| name.clone(), |k| format!("{name}@{k}")),
        ArgValue::Recipe(recipe) => written(&recipe.stage, &recipe.args),
        ArgValue::Losses(losses) => {
            let one = |(weight, recipe): &(f64, Recipe)| {
                let text = written(&recipe.stage, &recipe.args);
                if *weight == 1.0 { text } else { format!("{weight} * {text}") }
            };
            losses.iter().map(one).collect::<Vec<_>>().join(" + ")
        }
        ArgValue::Input(_) | ArgValue::Range { .. } | ArgValue::Row(_) | ArgValue::Named(_) | ArgValue::Columns(_) => {
            return None;
        }
    })
}

/// Returns a default as one would write it.
pub(crate) fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Int(n) => n.to_string(),
        Literal::Float(x) => x.to_string(),
        Literal::Bool(b) => b.to_string(),
        Literal::Text(t) => format!("{t:?}"),
        Literal::Word(t) | Literal::Recipe(t) => (*t).to_string(),
        Literal::Sizes(sizes) => sizes.iter().map(i64::to_string).collect::<Vec<_>>().join("x"),
    }
}

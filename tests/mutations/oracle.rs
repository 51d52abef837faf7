//! What a run gave, held against what its program says, read from the text anew and without the checker: a run may end
//! without an error and still be another one than was written.

use std::collections::BTreeMap;

use mmf_data::values::Values;
use mmf_engine::RunOutcome;
use mmf_lang::args::{ArgValue, Args};
use mmf_lang::graph::{Graph, NodeId, NodeKind};
use mmf_lang::signature::BodyKind;
use mmf_lang::span::FileId;
use mmf_lang::syntax::parser::parse;
use mmf_lang::syntax::tree::{Block, Call, DeclarationKind, Expr, ExprKind, File, LineKind, TypeExpr};
use mmf_lang::types::Task;

/// Returns what is plainly otherwise than the program says; `None` where nothing is.
pub(crate) fn otherwise(text: &str, files: usize, graph: &Graph, outcome: &RunOutcome<'_>) -> Option<String> {
    let (tree, _) = parse(FileId(0), text);
    unread(&tree, files)
        .or_else(|| two_results_of_one_name(outcome))
        .or_else(|| went_nowhere(&tree, graph))
        .or_else(|| other_type(&tree, outcome))
        .or_else(|| vanished(graph, outcome))
        .or_else(|| unmeasured(graph, outcome))
}

/// A file that the program uses, and that nobody has read.
fn unread(tree: &File, files: usize) -> Option<String> {
    let used: Vec<&String> = tree
        .declarations
        .iter()
        .filter_map(|d| match &d.kind {
            DeclarationKind::Use { path, .. } => Some(path),
            _ => None,
        })
        .collect();
    (files <= used.len()).then(|| format!("of the used files {used:?} and the program {files} were read"))
}

/// One name for two results: who reads them cannot tell which is meant.
fn two_results_of_one_name(outcome: &RunOutcome<'_>) -> Option<String> {
    let mut seen: BTreeMap<String, NodeId> = BTreeMap::new();
    for named in outcome.named() {
        if seen.insert(named.name.clone(), named.node).is_some_and(|other| other != named.node) {
            return Some(format!("two results are called `{}`", named.name));
        }
    }
    let mut measured: Vec<String> = outcome.metrics.iter().map(|m| format!("{}.{}", m.name, m.metric)).collect();
    measured.sort();
    measured.windows(2).find(|w| w[0] == w[1]).map(|w| format!("two measurements are called `{}`", w[0]))
}

/// Numbers that the program gives to a stage, and that no step of the run has: it would run the same without them.
fn went_nowhere(tree: &File, graph: &Graph) -> Option<String> {
    let mut steps: Vec<(&str, &Args)> = Vec::new();
    for node in graph.dag.node_weights() {
        if let NodeKind::Stage { stage, args, .. } = &node.kind {
            steps.push((stage, args));
            recipes(args, &mut steps);
        }
    }
    let mut calls = Vec::new();
    for declaration in &tree.declarations {
        match &declaration.kind {
            DeclarationKind::Bind { value, .. } => expression(value, &mut calls),
            DeclarationKind::Metric { body, .. } => block(body, &mut calls),
            _ => {}
        }
    }
    calls.into_iter().find_map(|call| {
        let said = numbers_of(call);
        let mut same = steps.iter().filter(|(stage, _)| *stage == call.name.text).peekable();
        same.peek()?;
        let has = |args: &Args| {
            let mut held = Vec::new();
            args.0.iter().for_each(|(_, value)| numbers(value, &mut held));
            said.iter().all(|x| held.contains(x))
        };
        (!same.any(|(_, args)| has(args))).then(|| format!("no step has all of {said:?} of a `{}`", call.name.text))
    })
}

fn recipes<'a>(args: &'a Args, found: &mut Vec<(&'a str, &'a Args)>) {
    for (_, value) in &args.0 {
        let inner = match value {
            ArgValue::Recipe(recipe) => vec![recipe],
            ArgValue::Losses(losses) => losses.iter().map(|(_, recipe)| recipe).collect(),
            _ => continue,
        };
        for recipe in inner {
            found.push((&recipe.stage, &recipe.args));
            recipes(&recipe.args, found);
        }
    }
}

fn numbers(value: &ArgValue, found: &mut Vec<f64>) {
    match value {
        ArgValue::List(list) => list.iter().for_each(|v| numbers(v, found)),
        ArgValue::Named(list) => list.iter().for_each(|(_, v)| numbers(v, found)),
        ArgValue::Text(text) => found.extend(text.parse::<f64>()),
        ArgValue::Row(row) => {
            // `with(one = 1)`: the number is the whole expression.
            if let mmf_lang::args::RowExpr::Int(n) = row {
                found.push(*n as f64);
            } else if let mmf_lang::args::RowExpr::Float(x) = row {
                found.push(*x);
            }
        }
        other => found.extend(other.as_f64()),
    }
}

/// Returns the plain numbers among a call's arguments and settings.
fn numbers_of(call: &Call) -> Vec<f64> {
    let settings = call.block.iter().flat_map(|b| &b.lines).filter_map(|line| match &line.kind {
        LineKind::Setting { value, .. } => Some(value),
        _ => None,
    });
    let values = call.args.iter().flatten().map(|a| &a.value).chain(settings);
    values
        .filter_map(|value| match &value.kind {
            ExprKind::Number(n) if n.unit.is_none() => Some(n.value),
            _ => None,
        })
        .collect()
}

fn block<'t>(block: &'t Block, calls: &mut Vec<&'t Call>) {
    for line in &block.lines {
        match &line.kind {
            LineKind::Setting { value, .. } | LineKind::Value(value) => expression(value, calls),
            LineKind::Column { .. } => {}
        }
    }
}

fn call<'t>(one: &'t Call, calls: &mut Vec<&'t Call>) {
    // The lines of a network are names of its own.
    if one.name.text != "neural" {
        calls.push(one);
    }
    one.args.iter().flatten().for_each(|a| expression(&a.value, calls));
    one.block.iter().for_each(|b| block(b, calls));
}

fn expression<'t>(expr: &'t Expr, calls: &mut Vec<&'t Call>) {
    match &expr.kind {
        ExprKind::Field { base: inner, .. } | ExprKind::Paren(inner) | ExprKind::Unary { operand: inner, .. } => {
            expression(inner, calls);
        }
        ExprKind::Call(one) => call(one, calls),
        ExprKind::Pipe { input, stage } => {
            expression(input, calls);
            call(stage, calls);
        }
        ExprKind::Binary { left, right, .. } => [left, right].into_iter().for_each(|e| expression(e, calls)),
        ExprKind::In { operand, set } => [operand, set].into_iter().for_each(|e| expression(e, calls)),
        ExprKind::List(items) => items.iter().for_each(|e| expression(e, calls)),
        ExprKind::Block(inner) => block(inner, calls),
        _ => {}
    }
}

/// A declaration that states another type than its values have.
fn other_type(tree: &File, outcome: &RunOutcome<'_>) -> Option<String> {
    tree.declarations.iter().find_map(|declaration| {
        let DeclarationKind::Bind { name, ty: Some(ty), .. } = &declaration.kind else { return None };
        let [_, elem] = &ty.params[..] else { return None };
        let named = outcome.named().into_iter().find(|n| n.name == name.text)?;
        let value = outcome.value(named.node).ok()?;
        let column = value.column().ok()?;
        let holes = column.count_missing();
        if holes > 0 && !elem.missing && !ty.missing {
            return Some(format!("`{}` states no `?` and has {holes} holes", name.text));
        }
        match (elem.name.text.as_str(), width(elem), &column.values) {
            ("vector", Some(stated), Values::Vector { width, .. }) if stated != *width => {
                Some(format!("`{}` states {stated} numbers a row and has {width}", name.text))
            }
            ("vector", _, Values::Vector { .. } | Values::Int(_) | Values::Float(_) | Values::Bool(_)) => None,
            ("vector", ..) => Some(format!("`{}` states a vector and has {}", name.text, column.values.kind())),
            (_, _, Values::Vector { .. }) => {
                Some(format!("`{}` states {} and has a vector", name.text, elem.name.text))
            }
            _ => None,
        }
    })
}

fn width(elem: &TypeExpr) -> Option<usize> {
    match &elem.sizes.first()?.as_ref()?.kind {
        ExprKind::Number(n) => n.integer.and_then(|n| usize::try_from(n).ok()),
        _ => None,
    }
}

/// A row of a fusion that is missing although one of its inputs has a value there: what is there was thrown away, and
/// nothing in the program says so.
fn vanished(graph: &Graph, outcome: &RunOutcome<'_>) -> Option<String> {
    graph.dag.node_indices().find_map(|id| {
        let NodeKind::Stage { stage, body: BodyKind::Rows, alternative, .. } = &graph.dag[id].kind else { return None };
        let types = mmf_stages::find(stage)?.signature().types;
        if !types.get(*alternative)?.contains("...") {
            return None;
        }
        outcome.digest(id)?;
        let result = outcome.value(id).ok()?;
        let result = result.column().ok()?;
        graph.dag[id].inputs.iter().find_map(|&input| {
            let value = outcome.value(input).ok()?;
            let column = value.column().ok()?;
            let lost = (0..result.len()).filter(|&at| {
                let there = column.rows.place(result.rows.id(at));
                result.is_missing(at) && there.is_some_and(|place| !column.is_missing(place))
            });
            let lost = if column.rows.total == result.rows.total { lost.count() } else { 0 };
            (lost > 0).then(|| format!("`{stage}` lost {lost} values of `{}`", graph.dag[input].label))
        })
    })
}

/// A metric over fewer rows than the part has that it is measured on.
fn unmeasured(graph: &Graph, outcome: &RunOutcome<'_>) -> Option<String> {
    graph.sinks.iter().find_map(|&id| {
        let node = &graph.dag[id];
        let predict = &graph.dag[*node.inputs.first()?];
        let NodeKind::Predict { task: Task::Classify | Task::Regress, part, .. } = predict.kind else { return None };
        let split = outcome.value(predict.inputs[1]).ok()?;
        let rows = split.split().ok()?.part(part)?.len();
        let measured = outcome.value(id).ok()?.state().ok()?.i64s("rows").ok()?.first().copied()?;
        (measured != rows as i64).then(|| format!("`{}` is of {measured} rows, the part has {rows}", node.label))
    })
}

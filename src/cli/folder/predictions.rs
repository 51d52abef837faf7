//! `predictions.csv` and `rankings.csv`, from the predictions that metrics read.
//!
//! The arrays are laid out by the trains (`stages/train/predictions`): `task`, `units`, and a form a task.

use std::collections::BTreeMap;

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::table::{Split, Table};
use mmf_data::values::Values;
use mmf_engine::RunOutcome;
use mmf_lang::args::ArgValue;
use mmf_lang::graph::{Graph, NodeId, NodeKind};
use mmf_lang::signature::BodyKind;
use mmf_lang::types::{Elem, Part, Type};

use super::csv;

/// The two tables; `None` where the run has no predictions of that kind.
pub(super) struct Tables {
    pub(super) predictions: Option<String>,
    pub(super) rankings: Option<String>,
}

/// The predictions of a train for a part.
struct Predicted {
    train: String,
    train_node: NodeId,
    split_node: NodeId,
    part: Part,
    node: NodeId,
}

/// Returns the trains with their names, in the order of the file.
pub(super) fn trains(graph: &Graph) -> Vec<(String, NodeId)> {
    let is = |id: NodeId| matches!(graph.node(id).kind, NodeKind::Stage { body: BodyKind::Train, .. });
    graph.names.iter().filter(|(_, id)| is(*id)).cloned().collect()
}

/// Returns the predictions to write: of each train and part the longest, in the order of the file.
fn predicted(graph: &Graph) -> Vec<Predicted> {
    let order: BTreeMap<NodeId, (usize, String)> =
        trains(graph).into_iter().enumerate().map(|(at, (name, id))| (id, (at, name))).collect();
    let mut longest: BTreeMap<(usize, Part), (usize, Predicted)> = BTreeMap::new();
    for node in graph.dag.node_indices() {
        let NodeKind::Predict { part, top, .. } = &graph.node(node).kind else { continue };
        let inputs = &graph.node(node).inputs;
        let (Some(&train_node), Some(&split_node)) = (inputs.first(), inputs.get(1)) else { continue };
        let Some((at, train)) = order.get(&train_node) else { continue };
        if longest.get(&(*at, *part)).is_none_or(|(length, _)| length < top) {
            let one = Predicted { train: train.clone(), train_node, split_node, part: *part, node };
            longest.insert((*at, *part), (*top, one));
        }
    }
    longest.into_values().map(|(_, one)| one).collect()
}

/// Returns a digest of all that the tables are written from.
pub(super) fn digest(graph: &Graph, outcome: &RunOutcome<'_>) -> String {
    let mut text = String::from("1");
    for one in predicted(graph) {
        let digest = |node| outcome.digest(node).map_or_else(String::new, |d| d.to_string());
        text.push_str(&format!("\n{} {} {} {}", one.train, one.part.word(), digest(one.node), digest(one.split_node)));
    }
    mmf_engine::store::Digest::of(text.as_bytes()).to_string()
}

/// Writes the tables. Predictions that a failed run did not make are left out.
pub(super) fn tables(graph: &Graph, outcome: &RunOutcome<'_>) -> Result<Tables> {
    let (mut predictions, mut rankings) = (None, None);
    for one in predicted(graph) {
        if outcome.digest(one.node).is_none() {
            continue;
        }
        let value = outcome.value(one.node)?;
        let arrays = value.state()?;
        let split = outcome.value(one.split_node)?;
        let split = split.split()?;
        let task = arrays.texts("task")?.first().map(String::as_str).unwrap_or_default();
        if task == "recommend" {
            let out = rankings.get_or_insert_with(|| {
                let mut head = String::new();
                csv::line(&mut head, ["train", "user", "rank", "item", "score"]);
                head
            });
            ranked(graph, &one, arrays, split, out)?;
        } else {
            let out = predictions.get_or_insert_with(|| {
                let mut head = String::new();
                csv::line(&mut head, ["train", "key", "part", "label", "predicted", "score"]);
                head
            });
            let keys = Keys::of(graph, one.split_node, &split.table);
            if task == "classify" {
                classified(&one, arrays, &keys, out)?
            } else {
                regressed(&one, arrays, &keys, out)?
            }
        }
    }
    Ok(Tables { predictions, rankings })
}

/// What names the rows of a source: its key, else the number of the line.
struct Keys<'t> {
    column: Option<&'t mmf_data::table::Column>,
    /// The line of the first row.
    first: u64,
}

impl<'t> Keys<'t> {
    fn of(graph: &Graph, split: NodeId, table: &'t Table) -> Keys<'t> {
        let name = match &graph.node(split).ty {
            Type::Split(split) => {
                split.table.columns.iter().find(|(_, c)| c.elem == Elem::Key).map(|(n, _)| n.as_str())
            }
            _ => None,
        };
        Keys { column: name.and_then(|n| table.column(n).ok()), first: first_line(graph, split) }
    }

    fn name(&self, unit: u32) -> String {
        let named = self.column.and_then(|column| {
            let Values::Code { codes, names } = &column.values else { return None };
            let code = *codes.get(column.rows.place(unit)?)?;
            ((code as usize) < names.len()).then(|| names.name(code).to_string())
        });
        named.unwrap_or_else(|| (u64::from(unit) + self.first).to_string())
    }
}

/// Returns the line on which a source's first row stands: 2 below a header.
fn first_line(graph: &Graph, split: NodeId) -> u64 {
    let mut at = split;
    while let Some(&next) = graph.node(at).inputs.first() {
        at = next;
    }
    let NodeKind::Stage { args, .. } = &graph.node(at).kind else { return 1 };
    let text = |name: &str| args.find(name).cloned();
    let header = !matches!(text("header"), Some(ArgValue::Bool(false)));
    let path = match text("path") {
        Some(ArgValue::List(list)) => list.first().and_then(|v| v.as_text().map(str::to_lowercase)),
        Some(one) => one.as_text().map(str::to_lowercase),
        None => None,
    };
    let has_header = path.is_some_and(|p| p.ends_with(".csv") || p.ends_with(".tsv") || p.ends_with(".txt"));
    if header && has_header { 2 } else { 1 }
}

fn classified(one: &Predicted, arrays: &Arrays, keys: &Keys<'_>, out: &mut String) -> Result<()> {
    let (units, label) = (arrays.u32s("units")?, arrays.u32s("label")?);
    let (scores, classes) = (arrays.f32s("scores")?, arrays.texts("classes")?);
    let k = classes.len();
    let positive = arrays.u32s("positive")?.first().copied().unwrap_or(0) as usize;
    if k == 0 || label.len() != units.len() || scores.len() != units.len() * k || label.iter().any(|&l| l as usize >= k)
    {
        return Err(odd());
    }
    for ((unit, label), scores) in units.iter().zip(label).zip(scores.chunks_exact(k)) {
        // As the metrics guess: of equal scores the positive one of two classes, else the first.
        let mut best = if k == 2 { positive & 1 } else { 0 };
        for class in 0..k {
            if scores[class] > scores[best] {
                best = class;
            }
        }
        let score = scores[best].to_string();
        csv::line(
            out,
            [&one.train, &keys.name(*unit), one.part.word(), &classes[*label as usize], &classes[best], &score],
        );
    }
    Ok(())
}

fn regressed(one: &Predicted, arrays: &Arrays, keys: &Keys<'_>, out: &mut String) -> Result<()> {
    let (units, label, predicted) = (arrays.u32s("units")?, arrays.f64s("label")?, arrays.f64s("predicted")?);
    if label.len() != units.len() || predicted.len() != units.len() {
        return Err(odd());
    }
    for ((unit, label), predicted) in units.iter().zip(label).zip(predicted) {
        let (label, predicted) = (label.to_string(), predicted.to_string());
        csv::line(out, [&one.train, &keys.name(*unit), one.part.word(), &label, &predicted, ""]);
    }
    Ok(())
}

fn ranked(graph: &Graph, one: &Predicted, arrays: &Arrays, split: &Split, out: &mut String) -> Result<()> {
    let NodeKind::Stage { args, .. } = &graph.node(one.train_node).kind else { return Err(odd()) };
    let names = |argument: &str| -> Option<&Values> {
        let column = args.find(argument)?.as_text()?;
        Some(&split.table.column(column).ok()?.values)
    };
    let name = |values: Option<&Values>, code: u32| match values {
        Some(Values::Code { names, .. }) if (code as usize) < names.len() => names.name(code).to_string(),
        _ => code.to_string(),
    };
    let (users, items) = (names("user"), names("item"));
    let (units, ends) = (arrays.u32s("units")?, arrays.i64s("top.ends")?);
    let (top, scores) = (arrays.u32s("top.items")?, arrays.f32s("top.scores")?);
    let mut start = 0usize;
    for (unit, end) in units.iter().zip(ends) {
        let end = usize::try_from(*end).unwrap_or(usize::MAX);
        let (Some(top), Some(scores)) = (top.get(start..end), scores.get(start..end)) else { return Err(odd()) };
        let user = name(users, *unit);
        for (rank, (item, score)) in top.iter().zip(scores).enumerate() {
            let (rank, score) = ((rank + 1).to_string(), score.to_string());
            csv::line(out, [&one.train, &user, &rank, &name(items, *item), &score]);
        }
        start = end;
    }
    Ok(())
}

fn odd() -> Error {
    Error::bug("stored predictions do not fit together")
}

//! `predictions.csv` and `rankings.csv`, from the predictions that metrics read.
//!
//! The arrays are laid out by the trains (`stages/train/predictions`): `task`, `units`, and a form a task.

use std::collections::{BTreeMap, BTreeSet};

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
#[derive(Default)]
pub(super) struct Tables {
    pub(super) predictions: Option<String>,
    pub(super) rankings: Option<String>,
    /// By train and part (of rankings, none) the number of the row, or of the item, that each line is about.
    pub(super) units: BTreeMap<(String, &'static str), Vec<u32>>,
}

/// The predictions of a train for a part.
pub(super) struct Predicted {
    pub(super) train: String,
    pub(super) train_node: NodeId,
    pub(super) split_node: NodeId,
    pub(super) part: Part,
    pub(super) node: NodeId,
}

/// Returns the trains with their names, in the order of the file.
pub(super) fn trains(graph: &Graph) -> Vec<(String, NodeId)> {
    let is = |id: NodeId| matches!(graph.node(id).kind, NodeKind::Stage { body: BodyKind::Train, .. });
    graph.names.iter().filter(|(_, id)| is(*id)).cloned().collect()
}

/// Returns the trains and, of those of several tasks, each task: with its name, the train's node and the number of the task.
pub(super) fn tasks(graph: &Graph) -> Vec<(String, NodeId, usize)> {
    let each = |(name, id): (String, NodeId)| match &graph.node(id).ty {
        Type::Train(train) if !train.heads.is_empty() => {
            let heads = train.heads.iter().enumerate();
            heads.map(|(at, (head, _))| (format!("{name}.{head}"), id, at)).collect::<Vec<_>>()
        }
        _ => vec![(name, id, 0)],
    };
    trains(graph).into_iter().flat_map(each).collect()
}

/// Returns the predictions to write: of each train and part the longest, in the order of the file.
pub(super) fn predicted(graph: &Graph) -> Vec<Predicted> {
    let order: BTreeMap<(NodeId, usize), (usize, String)> =
        tasks(graph).into_iter().enumerate().map(|(at, (name, id, head))| ((id, head), (at, name))).collect();
    let mut longest: BTreeMap<(usize, Part), (usize, Predicted)> = BTreeMap::new();
    for node in graph.dag.node_indices() {
        let NodeKind::Predict { part, top, head, .. } = &graph.node(node).kind else { continue };
        let inputs = &graph.node(node).inputs;
        let (Some(&train_node), Some(&split_node)) = (inputs.first(), inputs.get(1)) else { continue };
        let Some((at, train)) = order.get(&(train_node, *head)) else { continue };
        if longest.get(&(*at, *part)).is_none_or(|(length, _)| length < top) {
            let one = Predicted { train: train.clone(), train_node, split_node, part: *part, node };
            longest.insert((*at, *part), (*top, one));
        }
    }
    longest.into_values().map(|(_, one)| one).collect()
}

/// Returns of each train the predictions that are pictured: those of the test part, else of the last part that is measured.
pub(super) fn pictured(graph: &Graph) -> Vec<Predicted> {
    let mut found: Vec<Predicted> = Vec::new();
    for one in predicted(graph) {
        match found.iter_mut().find(|f| f.train == one.train) {
            None => found.push(one),
            Some(before) if before.part != Part::Test => *before = one,
            Some(_) => {}
        }
    }
    found
}

/// Returns a digest of all that the tables and weights are written from.
pub(super) fn digest(graph: &Graph, outcome: &RunOutcome<'_>) -> String {
    // Raise it when the tables are written in another way.
    let mut text = String::from("3");
    let digest = |node| outcome.digest(node).map_or_else(String::new, |d| d.to_string());
    for one in predicted(graph) {
        text.push_str(&format!("\n{} {} {} {}", one.train, one.part.word(), digest(one.node), digest(one.split_node)));
        for source in super::looks::sources(graph, &one) {
            text.push_str(&format!(" {}", digest(source)));
        }
    }
    for (name, node) in trains(graph) {
        text.push_str(&format!("\n{name} {}", digest(node)));
    }
    mmf_engine::store::Digest::of(text.as_bytes()).to_string()
}

/// Writes the tables. Predictions that a failed run did not make are left out.
pub(super) fn tables(graph: &Graph, outcome: &RunOutcome<'_>) -> Result<Tables> {
    let Tables { mut predictions, mut rankings, mut units } = Tables::default();
    for one in predicted(graph) {
        if outcome.digest(one.node).is_none() {
            continue;
        }
        let value = outcome.value(one.node)?;
        let arrays = value.state()?;
        let split = outcome.value(one.split_node)?;
        let split = split.split()?;
        let task = arrays.texts("task")?.first().unwrap_or_default();
        if task == "recommend" {
            let out = rankings.get_or_insert_with(|| {
                let mut head = String::new();
                csv::line(&mut head, ["train", "user", "rank", "item", "score", "held_out"]);
                head
            });
            units.entry((one.train.clone(), "")).or_default().extend_from_slice(arrays.u32s("top.items")?);
            ranked(graph, &one, arrays, split, out)?;
        } else {
            let out = predictions.get_or_insert_with(|| {
                let mut head = String::new();
                csv::line(&mut head, ["train", "key", "part", "label", "predicted", "score"]);
                head
            });
            units.insert((one.train.clone(), one.part.word()), arrays.u32s("units")?.to_vec());
            let keys = Keys::of(graph, one.split_node, &split.table);
            if task == "classify" {
                classified(&one, arrays, &keys, out)?
            } else {
                regressed(&one, arrays, &keys, out)?
            }
        }
    }
    Ok(Tables { predictions, rankings, units })
}

/// What names the rows of a source: its key, else the number of the line.
pub(super) struct Keys<'t> {
    column: Option<&'t mmf_data::table::Column>,
    /// The line of the first row.
    first: u64,
}

impl<'t> Keys<'t> {
    pub(super) fn of(graph: &Graph, split: NodeId, table: &'t Table) -> Keys<'t> {
        let name = match &graph.node(split).ty {
            Type::Split(split) => {
                split.table.columns.iter().find(|(_, c)| c.elem == Elem::Key).map(|(n, _)| n.as_str())
            }
            _ => None,
        };
        Keys { column: name.and_then(|n| table.column(n).ok()), first: first_line(graph, split) }
    }

    pub(super) fn name(&self, unit: u32) -> String {
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

/// Returns the label of each unit and the class that was guessed for it, in words.
pub(super) fn guesses(arrays: &Arrays) -> Result<Vec<[String; 2]>> {
    Ok(guessed(arrays)?.into_iter().map(|(label, guess, _)| [label.to_string(), guess.to_string()]).collect())
}

/// Returns for each unit its label, the class that was guessed, and that one's probability.
fn guessed(arrays: &Arrays) -> Result<Vec<(&str, &str, f32)>> {
    let (units, label) = (arrays.u32s("units")?, arrays.u32s("label")?);
    let (scores, classes) = (arrays.f32s("scores")?, arrays.texts("classes")?);
    let k = classes.len();
    let positive = arrays.u32s("positive")?.first().copied().unwrap_or(0) as usize;
    if k == 0 || label.len() != units.len() || scores.len() != units.len() * k || label.iter().any(|&l| l as usize >= k)
    {
        return Err(odd());
    }
    let guess = |(label, scores): (&u32, &[f32])| {
        // As the metrics guess: of equal scores the positive one of two classes, else the first.
        let mut best = if k == 2 { positive & 1 } else { 0 };
        for class in 0..k {
            if scores[class] > scores[best] {
                best = class;
            }
        }
        (classes.get(*label as usize), classes.get(best), scores[best])
    };
    Ok(label.iter().zip(scores.chunks_exact(k)).map(guess).collect())
}

fn classified(one: &Predicted, arrays: &Arrays, keys: &Keys<'_>, out: &mut String) -> Result<()> {
    for (unit, (label, guess, score)) in arrays.u32s("units")?.iter().zip(guessed(arrays)?) {
        csv::line(out, [&one.train, &keys.name(*unit), one.part.word(), label, guess, &score.to_string()]);
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

/// The names of a recommender's users or items.
pub(super) struct Names<'t>(Option<&'t Values>);

impl Names<'_> {
    pub(super) fn name(&self, code: u32) -> String {
        match self.0 {
            Some(Values::Code { names, .. }) if (code as usize) < names.len() => names.name(code).to_string(),
            _ => code.to_string(),
        }
    }
}

fn names<'t>(graph: &Graph, one: &Predicted, split: &'t Split, argument: &str) -> Names<'t> {
    let column = named_column(graph, one.train_node, argument);
    Names(column.and_then(|c| Some(&split.table.column(&c).ok()?.values)))
}

/// Returns the names of a recommender's items.
pub(super) fn item_names<'t>(graph: &Graph, one: &Predicted, split: &'t Split) -> Names<'t> {
    names(graph, one, split, "item")
}

/// Returns the column that an argument of a train names.
pub(super) fn named_column(graph: &Graph, train: NodeId, argument: &str) -> Option<String> {
    let NodeKind::Stage { args, .. } = &graph.node(train).kind else { return None };
    args.find(argument)?.as_text().map(str::to_string)
}

/// Returns the pairs of user and item in a part: what was held back there.
fn held_out(users: &Names<'_>, items: &Names<'_>, split: &Split, part: Part) -> Result<BTreeSet<(u32, u32)>> {
    let (Some(Values::Code { codes: users, .. }), Some(Values::Code { codes: items, .. })) = (users.0, items.0) else {
        return Ok(BTreeSet::new());
    };
    let Some(rows) = split.part(part) else { return Ok(BTreeSet::new()) };
    let pair = |place: u32| Some((*users.get(place as usize)?, *items.get(place as usize)?));
    Ok(split.table.rows.places(rows)?.into_iter().filter_map(pair).collect())
}

fn ranked(graph: &Graph, one: &Predicted, arrays: &Arrays, split: &Split, out: &mut String) -> Result<()> {
    let (users, items) = (names(graph, one, split, "user"), item_names(graph, one, split));
    let held = held_out(&users, &items, split, one.part)?;
    let (units, ends) = (arrays.u32s("units")?, arrays.i64s("top.ends")?);
    let (top, scores) = (arrays.u32s("top.items")?, arrays.f32s("top.scores")?);
    let mut start = 0usize;
    for (unit, end) in units.iter().zip(ends) {
        let end = usize::try_from(*end).unwrap_or(usize::MAX);
        let (Some(top), Some(scores)) = (top.get(start..end), scores.get(start..end)) else { return Err(odd()) };
        let user = users.name(*unit);
        for (rank, (item, score)) in top.iter().zip(scores).enumerate() {
            let (rank, score) = ((rank + 1).to_string(), score.to_string());
            let hit = if held.contains(&(*unit, *item)) { "true" } else { "false" };
            csv::line(out, [&one.train, &user, &rank, &items.name(*item), &score, hit]);
        }
        start = end;
    }
    Ok(())
}

fn odd() -> Error {
    Error::bug("stored predictions do not fit together")
}

//! A run folder, read: its record, its metrics, and what its events say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use mmf_engine::{Event, Words};

use super::looks::Looks;
use super::predicted::{Guesses, Rankings, guesses, rankings};
use super::record::{MetricResult, RunRecord};
use super::space::{self, Space};

/// All that a report is made from.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) record: RunRecord,
    pub(super) metrics: Vec<MetricResult>,
    /// By train, in the order of the steps; in each the curves, in that of the events.
    pub(super) curves: Vec<(String, Vec<Curve>)>,
    /// Rows that were left out, by step and reason.
    pub(super) skipped: Vec<Skipped>,
    /// Sentences of steps, and warnings (without a step).
    pub(super) notes: Vec<(String, Words)>,
    pub(super) guesses: Vec<Guesses>,
    pub(super) rankings: Vec<Rankings>,
    pub(super) spaces: Vec<Space>,
    pub(super) looks: Looks,
    pub(super) pipeline: String,
}

#[derive(Debug)]
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) points: Vec<(u64, f64)>,
}

#[derive(Debug)]
pub(super) struct Skipped {
    pub(super) step: String,
    pub(super) reason: Words,
    pub(super) rows: u64,
    /// The first few, by their files or numbers.
    pub(super) like: Vec<String>,
}

/// Reads a run folder.
///
/// # Errors
/// Where `run.json` or another of its files is not there, or has another form.
pub(super) fn read(folder: &Path) -> std::io::Result<Run> {
    let mut run = Run {
        record: serde_json::from_slice(&fs::read(folder.join("run.json"))?)?,
        metrics: serde_json::from_slice(&fs::read(folder.join("metrics.json"))?)?,
        pipeline: fs::read_to_string(folder.join("pipeline.mmf"))?,
        ..Run::default()
    };
    let trains: Vec<String> = run.record.trains.iter().map(|train| train.name.clone()).collect();
    let told: BTreeSet<&str> =
        trains.iter().chain(run.record.steps.iter().flat_map(|step| &step.names)).map(String::as_str).collect();
    let mut skipped: BTreeMap<(String, String), Skipped> = BTreeMap::new();
    for line in fs::read_to_string(folder.join("events.jsonl"))?.lines() {
        // A line that a full disk cut short is left out.
        let Ok(event) = serde_json::from_str::<Event>(line) else { continue };
        match event {
            // The variants of experiments are many, and their curves say nothing by themselves.
            Event::Curve { node, .. } if !trains.is_empty() && !told.contains(node.as_str()) => {}
            Event::Curve { node, curve, step, value } => point(&mut run.curves, node, curve, step, value),
            Event::Skipped { node, row, name, reason } => {
                let entry = skipped.entry((node.clone(), reason.en.clone())).or_insert_with(|| Skipped {
                    step: node,
                    reason,
                    rows: 0,
                    like: Vec::new(),
                });
                entry.rows += 1;
                if entry.like.len() < 5 {
                    entry.like.push(if name.is_empty() { format!("row {row}") } else { name });
                }
            }
            Event::Note { node, text } => run.notes.push((node, text)),
            Event::Warning { text } | Event::Damage { text } => run.notes.push((String::new(), text)),
            _ => {}
        }
    }
    // Trains run side by side; the order of the file is the same in every run.
    let place = |name: &str| run.record.steps.iter().position(|s| s.names.iter().any(|n| n == name));
    run.curves.sort_by_key(|(train, _)| place(train));
    run.skipped = skipped.into_values().collect();
    // What an older run, or one that failed, did not leave is not shown.
    let table = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    run.guesses = guesses(&table("predictions.csv"));
    run.rankings = rankings(&table("rankings.csv"));
    run.spaces = space::read(folder, &run.record.trains);
    run.looks = Looks::read(folder, run.record.trains.iter().filter_map(|t| t.rows.as_deref()));
    Ok(run)
}

fn point(curves: &mut Vec<(String, Vec<Curve>)>, node: String, name: String, step: u64, value: f64) {
    let at = curves.iter().position(|(n, _)| *n == node).unwrap_or_else(|| {
        curves.push((node, Vec::new()));
        curves.len() - 1
    });
    let of = &mut curves[at].1;
    match of.iter_mut().find(|c| c.name == name) {
        Some(curve) => curve.points.push((step, value)),
        None => of.push(Curve { name, points: vec![(step, value)] }),
    }
}

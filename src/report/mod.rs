//! The report: one page without network or scripts, made from a run folder alone.

mod curves;
mod flow;
mod read;
pub(crate) mod record;
mod results;
mod rows;
pub(crate) mod words;

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use read::Run;
use record::RunRecord;
use words::{count, span};

/// Returns the page of a run folder.
///
/// # Errors
/// Where one of its files cannot be read.
pub(crate) fn page(folder: &Path) -> std::io::Result<String> {
    Ok(render(&read::read(folder)?).into_string())
}

fn render(run: &Run) -> Markup {
    let record = &run.record;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (record.pipeline) " · " (record.id) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                a.skip href="#results" { "To the results" }
                header {
                    h1 { (record.pipeline) }
                    @if let Some(about) = about(&run.pipeline) { p.about { (about) } }
                    (summary(record))
                    nav aria-label="Sections" {
                        a href="#results" { "Results" } a href="#training" { "Training" } a href="#graph" { "Graph" }
                        a href="#rows" { "Rows" } a href="#coverage" { "Coverage" } a href="#made-of" { "Made of" }
                        a href="#pipeline" { "Pipeline" }
                    }
                }
                main {
                    (failures(record))
                    (results::section(&run.metrics))
                    (curves::section(&run.curves))
                    (flow::section(&record.steps))
                    (rows::skipped(&run.skipped))
                    (rows::notes(run))
                    (rows::coverage(&record.coverage))
                    (made_of(record))
                    section id="pipeline" {
                        h2 { "The pipeline" }
                        div.scroll tabindex="0" role="region" aria-label="The pipeline's text" { pre { code { (program(&run.pipeline)) } } }
                    }
                }
                footer { "Made by mmf " (record.version) " from the run folder " code { (record.id) } "." }
            }
        }
    }
}

/// Returns the file's own description: the `##` lines at its top.
fn about(text: &str) -> Option<String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|l| l.starts_with("##"))
        .map(|l| l.trim_start_matches('#').trim())
        .collect();
    (!lines.is_empty()).then(|| lines.join(" "))
}

fn summary(record: &RunRecord) -> Markup {
    let steps = record.computed + record.cached;
    let stored = match (record.computed, record.cached) {
        (0, _) => "all from the store".to_string(),
        (_, 0) => "all of them now".to_string(),
        (_, cached) => format!("{} from the store", count(cached)),
    };
    let began = record.began.replace('T', " ").replace('Z', " UTC");
    html! {
        dl.summary {
            div { dt { "run" } dd { (status(&record.status)) } }
            div { dt { "began" } dd { (began) } }
            div { dt { "took" } dd { (span(record.seconds * 1e3)) } }
            div { dt { "steps" } dd { (count(steps)) ", " (stored) } }
            div { dt { "seed" } dd { (record.seed) } }
            @for (name, value) in record.params.iter().filter(|(n, _)| *n != "seed") {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

fn status(status: &str) -> &str {
    match status {
        "done" => "✓ done",
        "failed" => "✗ failed",
        "stopped" => "■ stopped; what was finished is kept",
        other => other,
    }
}

fn failures(record: &RunRecord) -> Markup {
    html! {
        @if !record.failures.is_empty() {
            section.failures id="failures" {
                h2 { "What failed" }
                ul {
                    @for failure in &record.failures {
                        li { strong { (failure.name) } ": " (failure.message) " (" code { (failure.code) } ")" }
                    }
                }
            }
        }
    }
}

fn made_of(record: &RunRecord) -> Markup {
    html! {
        section id="made-of" {
            h2 { "What it was made of" }
            p { "The same file, data and seed give the same bytes on any number of threads of one kernel class." }
            dl.summary {
                div { dt { "mmf" } dd { (record.version) } }
                div { dt { "seed" } dd { (record.seed) } }
                div { dt { "threads" } dd { (record.threads) } }
                div { dt { "kernels" } dd { (record.kernel) } }
            }
            div.scroll tabindex="0" role="region" aria-label="Data files" {
                table {
                    thead { tr { th { "data file" } th { "BLAKE3 digest" } } }
                    tbody { @for file in &record.data { tr { td { (file.path) } td { code { (file.digest) } } } } }
                }
            }
            details {
                summary { "Versions of the stages" }
                p { @for (at, (stage, version)) in record.stages.iter().enumerate() {
                    @if at > 0 { ", " } code { (stage) " " (version) }
                } "." }
            }
        }
    }
}

/// Returns a program with its comments set apart.
fn program(text: &str) -> Markup {
    html! {
        @for line in text.lines() {
            @match comment(line) {
                Some(at) => { (line[..at]) span.comment { (line[at..]) } "\n" }
                None => { (line) "\n" }
            }
        }
    }
}

/// Returns where a line's comment begins: at the first `#` outside of a string.
fn comment(line: &str) -> Option<usize> {
    let (mut within, mut escaped) = (false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if within => escaped = true,
            '"' => within = !within,
            '#' if !within => return Some(at),
            _ => {}
        }
    }
    None
}

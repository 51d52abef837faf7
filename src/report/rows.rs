//! Which rows counted: those left out, by reason, and what each column of the sources covers.

use maud::{Markup, html};

use super::read::{Run, Skipped};
use super::record::CoverageRecord;
use super::words::count;

/// Returns the section about rows that were left out.
pub(super) fn skipped(skipped: &[Skipped]) -> Markup {
    html! {
        section id="rows" {
            h2 { "Rows left out" }
            @if skipped.is_empty() {
                p { "None: every row that was read could be used." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Rows left out" {
                    table {
                        thead { tr { th { "step" } th { "reason" } th.n { "rows" } th { "such as" } } }
                        tbody {
                            @for one in skipped {
                                tr {
                                    td { (one.step) } td { (one.reason) } td.n { (count(one.rows)) }
                                    td { (one.like.join(", ")) @if one.rows > one.like.len() as u64 { " …" } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns what a column's type is of the modalities.
fn modality(ty: &str) -> &'static str {
    match ty.split(['[', '(']).next().unwrap_or(ty) {
        "image" | "map" => "picture",
        "text" | "tokens" => "text",
        "vector" | "sequence" => "features",
        "audio" => "sound",
        "video" => "video",
        _ => "table",
    }
}

/// Returns the section about coverage, the modalities with content first.
pub(super) fn coverage(columns: &[CoverageRecord]) -> Markup {
    let mut columns: Vec<&CoverageRecord> = columns.iter().collect();
    columns.sort_by_key(|c| (c.source.clone(), modality(&c.ty) == "table", modality(&c.ty)));
    html! {
        section id="coverage" {
            h2 { "Coverage by modality" }
            @if columns.is_empty() {
                p { "No source was read in this run." }
            } @else {
                p { "Of the rows of each source, how many have a value." }
                div.scroll tabindex="0" role="region" aria-label="Coverage by modality" {
                    table {
                        thead { tr {
                            th { "column" } th { "modality" } th { "type" } th.n { "present" } th.n { "rows" } th.n { "share" } th {}
                        } }
                        tbody {
                            @for c in columns {
                                @let share = c.present as f64 / c.rows.max(1) as f64 * 100.0;
                                tr {
                                    td { (c.source) "." (c.column) } td { (modality(&c.ty)) } td.ty { code { (c.ty) } }
                                    td.n { (count(c.present)) } td.n { (count(c.rows)) } td.n { (percent(c.present, c.rows)) }
                                    td.bar-cell aria-hidden="true" { div.bar style=(format!("width:{share:.1}%")) {} }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns a share; nothing but all is 100 %.
fn percent(present: u64, rows: u64) -> String {
    if rows == 0 {
        return "–".into();
    }
    if present == rows {
        return "100 %".into();
    }
    format!("{:.1} %", (present as f64 / rows as f64 * 100.0).min(99.9))
}

/// Returns the section about what steps had to say, where they had.
pub(super) fn notes(run: &Run) -> Markup {
    html! {
        @if !run.notes.is_empty() {
            section id="notes" {
                h2 { "Notes" }
                ul {
                    @for (step, text) in &run.notes {
                        li { @if !step.is_empty() { strong { (step) } ": " } (text) }
                    }
                }
            }
        }
    }
}

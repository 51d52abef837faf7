//! Which rows counted: those left out, by reason, and what each column of the sources covers.

use maud::{Markup, html};
use mmf_lang::diagnostic::Text;
use mmf_lang::say;

use super::read::{Run, Skipped};
use super::record::CoverageRecord;
use super::speech::Speech;
use super::words::count;

/// Returns the section about rows that were left out.
pub(super) fn skipped(s: Speech, skipped: &[Skipped]) -> Markup {
    html! {
        section id="rows" {
            h2 { (s.say(say!("Rows left out", "被略过的行"))) }
            @if skipped.is_empty() {
                p { (s.say(say!("None: every row that was read could be used.", "没有：读到的每一行都可用。"))) }
            } @else {
                div.scroll tabindex="0" role="region" aria-label=(s.say(say!("Rows left out", "被略过的行"))) {
                    table {
                        thead { tr {
                            th { (s.say(say!("step", "步骤"))) } th { (s.say(say!("reason", "原因"))) }
                            th.n { (s.say(say!("rows", "行数"))) } th { (s.say(say!("such as", "例如"))) }
                        } }
                        tbody {
                            @for one in skipped {
                                tr {
                                    td { (one.step) } td { (s.say(one.reason.clone().into())) } td.n { (count(one.rows)) }
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
fn modality(ty: &str) -> Text {
    match ty.split(['[', '(']).next().unwrap_or(ty) {
        "image" | "map" => say!("picture", "图片"),
        "text" | "tokens" => say!("text", "文本"),
        "vector" | "sequence" => say!("features", "特征"),
        "audio" => say!("sound", "声音"),
        "video" => say!("video", "视频"),
        _ => say!("table", "表格"),
    }
}

/// Returns the section about coverage, the modalities with content first.
pub(super) fn coverage(s: Speech, columns: &[CoverageRecord]) -> Markup {
    let mut columns: Vec<&CoverageRecord> = columns.iter().collect();
    columns.sort_by_key(|c| (c.source.clone(), modality(&c.ty).en == "table", modality(&c.ty).en));
    html! {
        section id="coverage" {
            h2 { (s.say(say!("Coverage by modality", "各模态的覆盖率"))) }
            @if columns.is_empty() {
                p { (s.say(say!("No source was read in this run.", "本次运行没有读取数据源。"))) }
            } @else {
                p { (s.say(say!("Of the rows of each source, how many have a value.", "每个数据源中有值的行数。"))) }
                div.scroll tabindex="0" role="region" aria-label=(s.say(say!("Coverage by modality", "各模态的覆盖率"))) {
                    table {
                        thead { tr {
                            th { (s.say(say!("column", "列"))) } th { (s.say(say!("modality", "模态"))) } th { (s.say(say!("type", "类型"))) }
                            th.n { (s.say(say!("present", "有值"))) } th.n { (s.say(say!("rows", "行数"))) }
                            th.n { (s.say(say!("share", "比例"))) } th {}
                        } }
                        tbody {
                            @for c in columns {
                                @let share = c.present as f64 / c.rows.max(1) as f64 * 100.0;
                                tr {
                                    td { (c.source) "." (c.column) } td { (s.say(modality(&c.ty))) } td.ty { code { (c.ty) } }
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
pub(super) fn notes(s: Speech, run: &Run) -> Markup {
    html! {
        @if !run.notes.is_empty() {
            section id="notes" {
                h2 { (s.say(say!("Notes", "说明"))) }
                ul {
                    @for (step, text) in &run.notes {
                        li { @if !step.is_empty() { strong { (step) } ": " } (s.say(text.clone().into())) }
                    }
                }
            }
        }
    }
}

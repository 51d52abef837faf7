//! The report: one page without network or scripts, made from a run folder alone.

mod classes;
mod curves;
pub(crate) mod experiments;
mod flow;
pub(crate) mod imputations;
mod looks;
mod outcomes;
pub(crate) mod predicted;
mod read;
pub(crate) mod record;
mod results;
mod rows;
pub(crate) mod samples;
mod scatter;
pub(crate) mod space;
mod speech;
mod weighings;
pub(crate) mod words;

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use mmf_lang::say;

pub(crate) use speech::Speech;

use outcomes::Outcomes;
use read::Run;
use record::RunRecord;
use words::{count, span};

/// Returns the page of a run folder.
///
/// # Errors
/// Where one of its files cannot be read.
pub(crate) fn page(folder: &Path, speech: Speech) -> std::io::Result<String> {
    Ok(render(&read::read(folder)?, speech).into_string())
}

/// Returns a name with what no file name may hold replaced.
pub(crate) fn file_name(name: &str) -> String {
    let odd = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    name.chars().map(|c| if odd(c) { '_' } else { c }).collect()
}

fn render(run: &Run, s: Speech) -> Markup {
    let record = &run.record;
    let outcomes = Outcomes {
        speech: s,
        guesses: &run.guesses,
        rankings: &run.rankings,
        trains: &record.trains,
        looks: &run.looks,
    };
    let (version, id) = (&record.version, &record.id);
    html! {
        (DOCTYPE)
        html lang=(s.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (record.pipeline) " · " (record.id) }
                style { (PreEscaped(include_str!("style.css"))) }
                (run.looks.style())
            }
            body {
                a.skip href="#results" { (s.say(say!("To the results", "跳到结果"))) }
                header {
                    h1 { (record.pipeline) }
                    @if let Some(about) = about(&run.pipeline) { p.about { (about) } }
                    (summary(s, record))
                    (contents(s, record))
                }
                main {
                    (failures(s, record))
                    (results::section(s, &run.metrics))
                    (experiments::section(s, &record.experiments))
                    (imputations::section(s, &record.imputations))
                    (outcomes.section())
                    (curves::section(s, &run.curves, &record.trains))
                    (space::section(s, &run.spaces, &record.trains, &run.looks))
                    (flow::section(s, &record.steps))
                    (rows::skipped(s, &run.skipped))
                    (rows::notes(s, run))
                    (rows::coverage(s, &record.coverage))
                    (made_of(s, record))
                    section id="pipeline" {
                        @let title = s.say(say!("The pipeline", "流水线"));
                        h2 { (title) }
                        div.scroll tabindex="0" role="region" aria-label=(title) { pre { code { (program(&run.pipeline)) } } }
                    }
                }
                footer { (s.say(say!("Made by mmf {version} from the run folder {id}.", "由 mmf {version} 根据运行文件夹 {id} 生成。"))) }
            }
        }
    }
}

fn contents(s: Speech, record: &RunRecord) -> Markup {
    let experiments = (!record.experiments.is_empty()).then(|| ("experiments", say!("Does it help?", "有帮助吗？")));
    let filling = (!record.imputations.is_empty()).then(|| ("filling", say!("Filling what is missing", "填补缺失")));
    let sections = [
        ("results", say!("Results", "结果")),
        ("predictions", say!("Predictions", "预测")),
        ("training", say!("Training", "训练")),
        ("space", say!("Space", "空间")),
        ("graph", say!("Graph", "数据流")),
        ("rows", say!("Rows", "略过的行")),
        ("coverage", say!("Coverage", "覆盖率")),
        ("made-of", say!("Made of", "构成")),
        ("pipeline", say!("Pipeline", "流水线")),
    ];
    html! {
        nav aria-label=(s.say(say!("Sections", "目录"))) {
            @for (id, title) in experiments.into_iter().chain(filling).chain(sections) { a href=(format!("#{id}")) { (s.say(title)) } }
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

fn summary(s: Speech, record: &RunRecord) -> Markup {
    let steps = record.computed + record.cached;
    let cached = count(record.cached);
    let stored = s.say(match (record.computed, record.cached) {
        (0, _) => say!("all from the store", "全部来自存储"),
        (_, 0) => say!("all of them now", "全部为本次运行"),
        _ => say!("{cached} from the store", "{cached} 步来自存储"),
    });
    let began = record.began.replace('T', " ").replace('Z', " UTC");
    html! {
        dl.summary {
            div { dt { (s.say(say!("run", "运行"))) } dd { (status(s, &record.status)) } }
            div { dt { (s.say(say!("began", "开始"))) } dd { (began) } }
            div { dt { (s.say(say!("took", "用时"))) } dd { (span(record.seconds * 1e3)) } }
            div { dt { (s.say(say!("steps", "步骤"))) } dd { (count(steps)) (s.say(say!(", ", "，"))) (stored) } }
            div { dt { (s.say(say!("seed", "种子"))) } dd { (record.seed) } }
            @for (name, value) in record.params.iter().filter(|(n, _)| *n != "seed") {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

fn status(s: Speech, status: &str) -> String {
    s.say(match status {
        "done" => say!("✓ done", "✓ 完成"),
        "failed" => say!("✗ failed", "✗ 失败"),
        "stopped" => say!("■ stopped; what was finished is kept", "■ 已停止；已完成的结果均已保留"),
        other => say!("{other}", "{other}"),
    })
}

fn failures(s: Speech, record: &RunRecord) -> Markup {
    html! {
        @if !record.failures.is_empty() {
            section.failures id="failures" {
                h2 { (s.say(say!("What failed", "失败之处"))) }
                ul {
                    @for failure in &record.failures {
                        @let zh = if failure.message_zh.is_empty() { &failure.message } else { &failure.message_zh };
                        @let en = &failure.message;
                        li { strong { (failure.name) } ": " (s.say(say!("{en}", "{zh}"))) " (" code { (failure.code) } ")" }
                    }
                }
            }
        }
    }
}

fn made_of(s: Speech, record: &RunRecord) -> Markup {
    html! {
        section id="made-of" {
            h2 { (s.say(say!("What it was made of", "由什么构成"))) }
            p { (s.say(say!(
                "The same file, data and seed give the same bytes on any number of threads of one kernel class.",
                "同样的文件、数据和种子，在同一类内核上无论用多少线程，结果逐字节相同。"
            ))) }
            dl.summary {
                div { dt { "mmf" } dd { (record.version) } }
                div { dt { (s.say(say!("seed", "种子"))) } dd { (record.seed) } }
                div { dt { (s.say(say!("threads", "线程"))) } dd { (record.threads) } }
                div { dt { (s.say(say!("kernels", "内核"))) } dd { (record.kernel) } }
            }
            div.scroll tabindex="0" role="region" aria-label=(s.say(say!("Data files", "数据文件"))) {
                table {
                    thead { tr { th { (s.say(say!("data file", "数据文件"))) } th { (s.say(say!("BLAKE3 digest", "BLAKE3 摘要"))) } } }
                    tbody { @for file in &record.data { tr { td { (file.path) } td { code { (file.digest) } } } } }
                }
            }
            details {
                summary { (s.say(say!("Versions of the stages", "各阶段的版本"))) }
                p { @for (at, (stage, version)) in record.stages.iter().enumerate() {
                    @if at > 0 { ", " } code { (stage) " " (version) }
                } }
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

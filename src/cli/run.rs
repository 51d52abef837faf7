//! `mmf run`: checks a file, runs what is not in the store, and leaves a run folder.

use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use clap::Args;
use mmf_engine::{Event, Failure, RunOutcome};
use mmf_lang::analysis::{Checked, SourceFile};
use mmf_lang::diagnostic::{Diagnostic, Text};
use mmf_lang::say;

use super::diagnose::{self, Count};
use super::exit::Exit;
use super::folder::{About, Folder};
use super::progress::Progress;
use super::screen::{self, Screen, Style};
use super::trouble::Trouble;
use super::{Global, engine, folder, load, metrics};
use crate::report::words::span;

/// Check a pipeline, run what is not in the store, measure, and leave a report
#[derive(Debug, Args)]
#[command(
    after_help = "A run leaves a folder in runs/, and runs/latest names the newest: the file as run, metrics.json with intervals,
predictions.csv or rankings.csv, space/ and rows/ for its figures, weights, events.jsonl, run.json, and report.html,
made from the others alone: `mmf report` makes it anew.
What is finished is kept in the store: a second run of an unchanged file runs nothing, and an interrupted one
goes on where it stopped.

Examples:
  mmf run films.mmf
  mmf run films.mmf -p dim=128 --seed 3
  mmf run films.mmf --threads 1               the same bytes, slower
  mmf run films.mmf --format json             events, one object a line"
)]
pub(crate) struct Run {
    /// The pipeline
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn run(verb: &Run, global: &Global, screen: &Screen) -> Result<Exit, Trouble> {
    let about = about(&verb.file, global);
    let checked = load::load(&verb.file, global, true)?;
    diagnose::show(screen, &checked, false);
    let Some(graph) = &checked.graph else {
        if !screen.is_json() {
            screen.tell(screen.pick(&diagnose::summary(Count::of(&checked), &verb.file.to_string_lossy())));
        }
        return Ok(Exit::Wrong);
    };
    if graph.sinks.is_empty() {
        let shown = verb.file.display();
        screen.tell(
            screen.pick(&say!("{shown} is sound, and has nothing to run", "{shown} 没有问题，也没有可运行的内容")),
        );
        return Ok(Exit::Sound);
    }
    let store = engine::store(&global.store(&verb.file), screen)?;
    let options = engine::options(&verb.file, global);
    let folder = Folder::make(&global.runs(&verb.file), &about, &checked)?;
    let events = folder.events()?;
    let progress = Progress::new(screen, graph, true);
    engine::on_interrupt(options.stop.clone(), screen);
    let sink = |event: &Event| {
        events.take(event);
        progress.take(event);
    };
    let outcome = mmf_engine::run(graph, mmf_stages::find, &store, &options, &sink)?;
    let finished = folder.finish(&about, &checked, graph, &outcome, &events);
    tell(screen, &checked, &outcome);
    finished?;
    where_is_it(screen, &folder, &about);
    Ok(if outcome.stopped || !outcome.failures.is_empty() { Exit::Failed } else { Exit::Sound })
}

/// Returns what is known of a run before it begins.
pub(crate) fn about(file: &std::path::Path, global: &Global) -> About {
    About {
        file: file.to_path_buf(),
        params: global.params(),
        threads: engine::threads(global),
        kernel: engine::kernel().into(),
        speech: screen::tongue(global.lang).into(),
        began: SystemTime::now(),
        clock: Instant::now(),
    }
}

/// Says what came out: what failed at its place in the file, and what was measured.
pub(crate) fn tell(screen: &Screen, checked: &Checked, outcome: &RunOutcome<'_>) {
    for failure in &outcome.failures {
        screen.tell(&draw(screen, &checked.files, failure));
    }
    if outcome.blocked > 0 && !outcome.stopped {
        let blocked = outcome.blocked;
        let text = say!("{blocked} steps had to wait for what failed", "{blocked} 步因前面的失败而未运行");
        screen.tell(screen.pick(&text));
    }
    if outcome.stopped {
        screen.tell(screen.pick(&say!("stopped; what was finished is kept", "已停止；已完成的结果均已保留")));
    }
    if !screen.is_json() {
        metrics::table(screen, &outcome.metrics);
        metrics::experiments(screen, folder::experiments(outcome));
    }
}

fn draw(screen: &Screen, files: &[SourceFile], failure: &Failure) -> String {
    let error = &failure.error;
    let mut diagnostic = Diagnostic::error(error.code, failure.span, error.message.clone());
    let name = &failure.name;
    diagnostic.label = say!("`{name}` failed here", "`{name}` 在此处失败");
    diagnostic.help.clone_from(&error.help);
    diagnostic.note.clone_from(&error.note);
    diagnose::draw(screen, files, &diagnostic, false)
}

/// Says where the report is.
pub(crate) fn where_is_it(screen: &Screen, folder: &Folder, about: &About) {
    if screen.is_json() {
        let line = serde_json::json!({ "event": "folder", "path": folder.path.to_string_lossy() });
        screen.out(&line.to_string());
        return;
    }
    let (took, report) = (span(about.clock.elapsed().as_secs_f64() * 1e3), folder.path.join("report.html"));
    let report = report.display();
    let text: Text = say!("{took}; the report is {report}", "用时 {took}；报告见 {report}");
    screen.tell(&screen.style(false, Style::Dim, screen.pick(&text)));
}

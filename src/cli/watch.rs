//! `mmf watch`: runs a file again whenever it, or something that it reads, is saved.

mod inputs;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use clap::Args;
use mmf_engine::{Event, RunOutcome, Session};
use mmf_lang::analysis::Checked;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use notify::RecursiveMode;
use notify_debouncer_full::{DebounceEventResult, new_debouncer};

use super::diagnose::{self, Count};
use super::exit::Exit;
use super::folder::{Events, Folder};
use super::progress::Progress;
use super::screen::{Screen, Style};
use super::trouble::Trouble;
use super::{Global, engine, load, run};
use inputs::Inputs;

/// How long a burst of saves may last before it is looked at.
const QUIET: Duration = Duration::from_millis(150);

/// Leave mmf running while you edit: every save is checked at once, and what became stale runs again
#[derive(Debug, Args)]
#[command(
    after_help = "The file, those that it uses, and every table, picture and folder that it names are watched. A save stops
what is no longer wanted and only that; a file with a mistake shows the mistake and waits. Ctrl-C ends.

Examples:
  mmf watch films.mmf
  mmf watch films.mmf -p epochs=3         quick while you try things"
)]
pub(crate) struct Watch {
    /// The pipeline
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What wakes the watch.
enum News {
    Changed(Vec<PathBuf>),
    /// The system lost count of what changed: everything may have.
    Lost,
}

pub(crate) fn watch(verb: &Watch, global: &Global, screen: &Screen) -> Result<Exit, Trouble> {
    // A file that cannot be read at first is a mistake of the command line.
    load::text(&verb.file)?;
    let stop: Arc<AtomicBool> = Arc::default();
    let raised = stop.clone();
    // Without it Ctrl-C ends the process at once, and the store is whole all the same.
    let _ = ctrlc::set_handler(move || {
        if raised.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Failed as i32);
        }
    });
    let (tell, news) = channel();
    let heard = move |result: DebounceEventResult| {
        let news = match result {
            Ok(events) if events.iter().any(|e| e.need_rescan()) => News::Lost,
            Ok(events) => {
                let touched = events.into_iter().filter(|e| !e.kind.is_access());
                News::Changed(touched.flat_map(|e| e.event.paths).collect())
            }
            Err(_) => News::Lost,
        };
        // Nobody listens any more when the watch ends.
        let _ = tell.send(news);
    };
    let mut debouncer = new_debouncer(QUIET, None, heard).map_err(unwatchable)?;
    let store = Arc::new(engine::store(&global.store(&verb.file), screen)?);
    let mut session = Session::new(mmf_stages::find, store, engine::threads(global))?;
    let own = [global.store(&verb.file), global.runs(&verb.file)];
    let mut inputs = Inputs::default();
    let mut running: Option<Arc<AtomicBool>> = None;
    let mut changed: Vec<PathBuf> = Vec::new();
    loop {
        let checked = load::load(&verb.file, global, true);
        // Watched before the run begins, so that no save is missed; looked at again if one came in between.
        let fresh = Inputs::of(&verb.file, checked.as_ref().ok(), &own);
        // A folder that was put in the place of another is another folder.
        let stays =
            |f: &(PathBuf, bool), in_those: &Inputs| in_those.folders().any(|g| g == f) && !changed.contains(&f.0);
        for folder in inputs.folders().filter(|f| !stays(f, &fresh)) {
            let _ = debouncer.unwatch(&folder.0);
        }
        let mut added = false;
        for (path, deep) in fresh.folders().filter(|f| !stays(f, &inputs)) {
            let mode = if *deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            added |= debouncer.watch(path, mode).is_ok();
        }
        inputs = fresh;
        changed.clear();
        if added {
            continue;
        }
        match checked {
            Ok(checked) => start(verb, global, screen, checked, &mut session, &mut running),
            Err(trouble) => {
                screen.trouble(&trouble);
                waiting(screen);
            }
        }
        match next(&news, &inputs, &stop) {
            None => break,
            Some(paths) => {
                said(screen, &paths);
                changed = paths;
            }
        }
    }
    if let Some(running) = running {
        running.store(true, Ordering::Relaxed);
    }
    session.wait();
    let text = say!("ended; what was finished is kept", "已结束；已完成的结果均已保留");
    screen.tell(screen.pick(&text));
    Ok(Exit::Sound)
}

fn unwatchable(error: notify::Error) -> Trouble {
    Trouble::failed(say!("files cannot be watched: {error}", "无法监视文件：{error}"))
}

/// Waits for a change of an input, and returns what changed; `None` when the watch is to end.
fn next(news: &Receiver<News>, inputs: &Inputs, stop: &AtomicBool) -> Option<Vec<PathBuf>> {
    loop {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        match news.recv_timeout(Duration::from_millis(100)) {
            Ok(News::Lost) => return Some(Vec::new()),
            Ok(News::Changed(paths)) => {
                let mut paths: Vec<PathBuf> = paths.into_iter().filter(|p| inputs.has(p)).collect();
                paths.sort();
                paths.dedup();
                if !paths.is_empty() {
                    return Some(paths);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

fn said(screen: &Screen, changed: &[PathBuf]) {
    if screen.is_json() {
        let paths: Vec<_> = changed.iter().map(|p| p.to_string_lossy()).collect();
        screen.out(&serde_json::json!({ "event": "changed", "paths": paths }).to_string());
        return;
    }
    let name = |p: &PathBuf| p.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let shown: Vec<String> = changed.iter().take(3).map(name).collect();
    let (names, more) = (shown.join(", "), changed.len().saturating_sub(3));
    let text = match more {
        _ if changed.is_empty() => say!("files changed", "文件有变"),
        0 => say!("changed: {names}", "有变：{names}"),
        _ => say!("changed: {names} and {more} more", "有变：{names} 等 {more} 个"),
    };
    screen.tell(&format!("\n{}", screen.style(false, Style::Bold, screen.pick(&text))));
}

/// Shows what a check found, and begins the run of a sound file.
fn start(
    verb: &Watch,
    global: &Global,
    screen: &Screen,
    mut checked: Checked,
    session: &mut Session,
    running: &mut Option<Arc<AtomicBool>>,
) {
    diagnose::show(screen, &checked, false);
    let Some(graph) = checked.graph.take() else {
        if !screen.is_json() {
            screen.tell(screen.pick(&diagnose::summary(Count::of(&checked), &verb.file.to_string_lossy())));
        }
        return waiting(screen);
    };
    if graph.sinks.is_empty() {
        screen.tell(screen.pick(&say!("sound, and nothing to run", "没有问题，也没有可运行的内容")));
        return waiting(screen);
    }
    let graph = Arc::new(graph);
    let options = engine::options(&verb.file, global);
    *running = Some(options.stop.clone());
    let events = Arc::new(Events::in_memory());
    let progress = Arc::new(Progress::new(screen, &graph, false));
    let about = run::about(&verb.file, global);
    let (kept, shown) = (events.clone(), progress.clone());
    let sink = move |event: &Event| {
        kept.take(event);
        shown.take(event);
    };
    let (runs, own, screen) = (global.runs(&verb.file), graph.clone(), *screen);
    let ending = move |outcome: &RunOutcome<'_>| {
        run::tell(&screen, &checked, outcome);
        if outcome.stopped {
            return;
        }
        let folder = Folder::make(&runs, &about, &checked)
            .and_then(|folder| folder.finish(&about, &checked, &own, outcome, &events).map(|()| folder));
        match folder {
            Ok(folder) => run::where_is_it(&screen, &folder, &about),
            Err(trouble) => screen.trouble(&trouble),
        }
        waiting(&screen);
    };
    let stopped = session.update(graph, options, Arc::new(sink), Box::new(ending));
    if stopped > 0 {
        let text: Text = say!("stopped {stopped} steps that are no longer wanted", "已停止 {stopped} 个不再需要的步骤");
        if screen.is_json() {
            screen.out(&serde_json::json!({ "event": "cancelled", "steps": stopped }).to_string());
        } else {
            screen.tell(screen.pick(&text));
        }
    }
}

fn waiting(screen: &Screen) {
    if screen.is_json() {
        screen.out(r#"{"event":"waiting"}"#);
        return;
    }
    let text = say!("waiting for a save; Ctrl-C ends", "等待保存；Ctrl-C 结束");
    screen.tell(&screen.style(false, Style::Dim, screen.pick(&text)));
}

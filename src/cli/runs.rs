//! `mmf runs`: what was run, and what came out.

use std::path::{Path, PathBuf};

use clap::Args;
use mmf_lang::say;

use super::exit::Exit;
use super::screen::{Screen, Style};
use super::trouble::Trouble;
use super::{Global, folder};
use crate::report::record::MetricResult;
use crate::report::words::{number, span};

/// List runs, the newest last, with what they measured
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mmf runs                       those in ./runs
  mmf runs pipelines             those in pipelines/runs
  mmf runs --format json         one object a line, with all metrics")]
pub(crate) struct Runs {
    /// The folder of runs, or the one that it is in [default: .]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Returns the folder of runs that is meant.
pub(crate) fn place(folder: Option<&Path>, global: &Global) -> PathBuf {
    if let (None, Some(runs)) = (folder, &global.runs) {
        return runs.clone();
    }
    let folder = folder.unwrap_or(Path::new("."));
    let within = folder.join("runs");
    if within.is_dir() { within } else { folder.to_path_buf() }
}

pub(crate) fn runs(verb: &Runs, global: &Global, screen: &Screen) -> Result<Exit, Trouble> {
    let place = place(verb.folder.as_deref(), global);
    let shown = place.display();
    if !place.is_dir() {
        return Err(Trouble::usage(say!("there is no folder `{shown}`", "文件夹 `{shown}` 不存在")));
    }
    let runs = folder::all(&place);
    if runs.is_empty() && !screen.is_json() {
        screen.tell(screen.pick(&say!("there are no runs in `{shown}`", "`{shown}` 中没有运行记录")));
    }
    for (path, run) in runs {
        let measured: Vec<MetricResult> = std::fs::read(path.join("metrics.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        if screen.is_json() {
            let line = serde_json::json!({
                "id": run.id, "pipeline": run.pipeline, "status": run.status, "began": run.began, "seconds": run.seconds,
                "seed": run.seed, "params": run.params, "metrics": measured, "path": path.to_string_lossy(),
            });
            screen.out(&line.to_string());
            continue;
        }
        let status = match run.status.as_str() {
            "done" => String::new(),
            "failed" => format!(", {}", screen.pick(&say!("failed", "失败"))),
            _ => format!(", {}", screen.pick(&say!("stopped", "已停止"))),
        };
        let params: Vec<String> = run.params.iter().map(|(n, v)| format!(" {n}={v}")).collect();
        screen.out(&format!(
            "{}  {}{}{status}, {}",
            screen.style(true, Style::Bold, &run.id),
            run.pipeline,
            params.concat(),
            span(run.seconds * 1e3)
        ));
        for m in measured {
            let name = if m.name.is_empty() { m.metric.clone() } else { format!("{}.{}", m.name, m.metric) };
            let interval = match (m.low, m.high) {
                (Some(low), Some(high)) => {
                    format!(" ({} – {})", number(Some(low)), number(Some(high)))
                }
                _ => String::new(),
            };
            screen.out(&format!("    {name} {}{interval}", number(m.value)));
        }
    }
    Ok(Exit::Sound)
}

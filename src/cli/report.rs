//! `mmf report`: makes a run's page anew, from its folder alone.

use std::path::{Path, PathBuf};

use clap::Args;
use mmf_lang::say;

use super::exit::Exit;
use super::screen::{Screen, did_you_mean, near};
use super::trouble::Trouble;
use super::{Global, folder, runs};
use crate::report;

/// Make the page of a run anew, from its folder alone, in English or Chinese
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mmf report                              the newest run in ./runs
  mmf report pipelines/runs/latest        a run folder
  mmf report 20260301T120102Z-1a2b3c      a run by its id, or by the beginning of it
  mmf report --lang zh -o report.zh.html  the same page in Chinese, beside the first")]
pub(crate) struct Report {
    /// A run folder, the id of a run, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    run: String,
    /// Where the page is written [default: report.html in the run folder]
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn report(verb: &Report, global: &Global, screen: &Screen) -> Result<Exit, Trouble> {
    let run = find(&verb.run, global)?;
    let shown = run.display();
    let page = report::page(&run, screen.tongue.into()).map_err(|error| {
        Trouble::usage(say!("`{shown}` is no whole run folder: {error}", "`{shown}` 不是完整的运行文件夹：{error}"))
    })?;
    let path = verb.output.clone().unwrap_or_else(|| run.join("report.html"));
    let shown = path.display();
    std::fs::write(&path, page).map_err(|error| {
        Trouble::failed(say!("`{shown}` cannot be written: {error}", "无法写入 `{shown}`：{error}"))
    })?;
    if screen.is_json() {
        screen.out(&serde_json::json!({ "event": "report", "path": path.to_string_lossy() }).to_string());
    } else {
        screen.out(screen.pick(&say!("the report is {shown}", "报告见 {shown}")));
    }
    Ok(Exit::Sound)
}

/// Returns the run folder that is meant.
fn find(run: &str, global: &Global) -> Result<PathBuf, Trouble> {
    let is_run = |path: &Path| path.join("run.json").is_file();
    // A link is followed, so that what is said names the run.
    let real = |path: PathBuf| {
        let linked = std::fs::read_link(&path).ok().and_then(|to| Some(path.parent()?.join(to)));
        linked.filter(|p| is_run(p)).unwrap_or(path)
    };
    let given = PathBuf::from(run);
    if is_run(&given) {
        return Ok(real(given));
    }
    let place = runs::place(None, global);
    if run == "latest"
        && let Some(newest) = folder::latest(&place)
    {
        return Ok(real(newest));
    }
    let ids: Vec<String> = folder::all(&place).into_iter().map(|(_, record)| record.id).collect();
    let known: Vec<&String> = ids.iter().filter(|id| id.starts_with(run)).collect();
    let exact = ids.iter().find(|id| *id == run);
    if let Some(id) = exact.or(if known.len() == 1 { known.first().copied() } else { None }) {
        return Ok(place.join(id));
    }
    let shown = place.display();
    let trouble = Trouble::usage(say!("there is no run `{run}` in `{shown}`", "`{shown}` 中没有运行 `{run}`"));
    let list = Some(say!(
        "`mmf runs` lists the runs in ./runs; those of elsewhere are named by their folder",
        "`mmf runs` 列出 ./runs 中的运行；别处的运行请用其文件夹指明"
    ));
    Err(trouble.help(did_you_mean(&near(run, ids.iter().map(String::as_str))).or(list)))
}

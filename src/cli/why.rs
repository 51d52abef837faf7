//! `mmf why`: what has changed, so that a result must be made again.

use std::path::PathBuf;

use clap::Args;
use mmf_engine::{Planned, State};
use mmf_lang::diagnostic::Text;
use mmf_lang::say;

use super::diagnose::{self, Count};
use super::exit::Exit;
use super::screen::{Screen, Style, did_you_mean, near};
use super::trouble::Trouble;
use super::{Global, engine, load};

/// Say whether a declared result is in the store, and if not, what has changed since it was made
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mmf why colour films.mmf
  mmf why quality films.mmf               all metrics of `quality`
  mmf why taste films.mmf -p dim=128      would that change it?")]
pub(crate) struct Why {
    /// A declared name of the file
    #[arg(value_name = "NODE")]
    node: String,
    /// The pipeline
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(crate) fn why(verb: &Why, global: &Global, screen: &Screen) -> Result<Exit, Trouble> {
    let checked = load::load(&verb.file, global, true)?;
    let Some(graph) = &checked.graph else {
        diagnose::show(screen, &checked, false);
        if !screen.is_json() {
            screen.tell(screen.pick(&diagnose::summary(Count::of(&checked), &verb.file.to_string_lossy())));
        }
        return Ok(Exit::Wrong);
    };
    let wanted = &verb.node;
    let is =
        |name: &str| name == wanted || name.strip_prefix(wanted.as_str()).is_some_and(|rest| rest.starts_with('.'));
    if !graph.names.iter().any(|(name, _)| is(name)) {
        let help = did_you_mean(&near(wanted, graph.names.iter().map(|(n, _)| n.as_str())));
        let shown = verb.file.display();
        return Err(
            Trouble::usage(say!("nothing in {shown} is named `{wanted}`", "{shown} 中没有 `{wanted}`")).help(help)
        );
    }
    let store = engine::store(&global.store(&verb.file), screen)?;
    let options = engine::options(&verb.file, global);
    let planned = mmf_engine::plan(graph, mmf_stages::find, &store, &options)?;
    let found: Vec<&Planned> = planned.iter().filter(|p| is(&p.name)).collect();
    if found.is_empty() {
        let text = say!(
            "`{wanted}` has no result of its own: it is part of a network, or nothing that is measured needs it",
            "`{wanted}` 没有自己的结果：它是网络的一部分，或没有被任何度量用到"
        );
        screen.out(screen.pick(&text));
    }
    for planned in found {
        show(screen, planned);
    }
    Ok(Exit::Sound)
}

fn show(screen: &Screen, planned: &Planned) {
    let reasons: Vec<Text> = planned.reasons.iter().map(mmf_engine::Reason::text).collect();
    let words: Vec<&str> = reasons.iter().map(|r| screen.pick(r)).collect();
    if screen.is_json() {
        let state = match planned.state {
            State::Cached => "cached",
            State::Stale => "stale",
            State::Waiting => "waiting",
        };
        let line = serde_json::json!({ "name": planned.name, "state": state, "reasons": words });
        screen.out(&line.to_string());
        return;
    }
    let name = &planned.name;
    let head = match planned.state {
        State::Cached => say!("`{name}` is in the store: nothing to do", "`{name}` 已在存储中：无需运行"),
        State::Stale => say!("`{name}` has to be made:", "`{name}` 需要重新生成："),
        State::Waiting => say!("`{name}` waits for what it reads:", "`{name}` 需等待其输入："),
    };
    screen.out(&screen.style(true, Style::Bold, screen.pick(&head)));
    words.iter().for_each(|word| screen.out(&format!("  {word}")));
}

//! `mmf graph`: draws what flows where, with types on the arrows.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::diagnose::{self, Count};
use super::exit::Exit;
use super::screen::{Format, Screen};
use super::steps::{Step, steps};
use super::trouble::Trouble;
use super::{Global, load};

/// Draw a pipeline: its stages, what flows between them, with types, and the rows that fits learn from
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mmf graph films.mmf                                Mermaid, which GitHub and many editors draw
  mmf graph films.mmf --as dot | dot -Tsvg > films.svg
  mmf graph films.mmf --format json                  steps and arrows, one object")]
pub(crate) struct GraphVerb {
    /// The pipeline
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The language of the drawing
    #[arg(long = "as", value_name = "LANGUAGE", default_value = "mermaid")]
    language: Drawing,
    /// Do not look at the data: sizes that only data can tell stay open
    #[arg(long)]
    no_data: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Drawing {
    Mermaid,
    Dot,
}

pub(crate) fn graph(verb: &GraphVerb, global: &Global, screen: &Screen) -> Result<Exit, Trouble> {
    let checked = load::load(&verb.file, global, !verb.no_data)?;
    let Some(graph) = &checked.graph else {
        diagnose::show(screen, &checked, false);
        if !screen.is_json() {
            screen.tell(screen.pick(&diagnose::summary(Count::of(&checked), &verb.file.to_string_lossy())));
        }
        return Ok(Exit::Wrong);
    };
    let steps = steps(graph);
    screen.out(&match (screen.format, verb.language) {
        (Format::Json, _) => serde_json::to_string(&steps).expect("steps are always JSON"),
        (Format::Text, Drawing::Mermaid) => mermaid(&steps),
        (Format::Text, Drawing::Dot) => dot(&steps),
    });
    Ok(Exit::Sound)
}

/// Returns the lines of a step's box.
fn lines(step: &Step) -> Vec<String> {
    let mut lines = Vec::new();
    if !step.names.is_empty() {
        lines.push(step.names.join(", "));
    }
    lines.push(step.call.clone());
    lines.extend(step.fit.as_ref().map(|rows| format!("fitted on {rows}")));
    lines
}

fn arrow_text(what: &str, ty: &str) -> String {
    if what.is_empty() { ty.to_string() } else { format!("{what}: {ty}") }
}

fn mermaid(steps: &[Step]) -> String {
    let quote = |text: &str| {
        text.replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('#', "&num;")
    };
    let mut out = String::from("flowchart LR\n");
    for step in steps {
        let text = lines(step).iter().map(|l| quote(l)).collect::<Vec<_>>().join("<br/>");
        let (open, close) = match step.group {
            "source" => ("[(", ")]"),
            "train" => ("[[", "]]"),
            "metric" => ("([", "])"),
            _ if step.joint => ("(", ")"),
            _ => ("[", "]"),
        };
        out.push_str(&format!("    n{}{open}\"{text}\"{close}\n", step.id));
    }
    for step in steps {
        for arrow in &step.reads {
            let text = quote(&arrow_text(&arrow.what, &arrow.ty));
            out.push_str(&format!("    n{} -->|\"{text}\"| n{}\n", arrow.from, step.id));
        }
    }
    out.trim_end().to_string()
}

fn dot(steps: &[Step]) -> String {
    let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out =
        String::from("digraph pipeline {\n    rankdir = LR\n    node [shape = box, fontname = \"sans-serif\"]\n");
    out.push_str("    edge [fontname = \"sans-serif\", fontsize = 10]\n");
    for step in steps {
        let text = lines(step).iter().map(|l| quote(l)).collect::<Vec<_>>().join("\\n");
        let shape = match step.group {
            "source" => ", shape = cylinder",
            "train" => ", peripheries = 2",
            "metric" => ", shape = ellipse",
            _ if step.joint => ", style = rounded",
            _ => "",
        };
        out.push_str(&format!("    n{} [label = \"{text}\"{shape}]\n", step.id));
    }
    for step in steps {
        for arrow in &step.reads {
            let text = quote(&arrow_text(&arrow.what, &arrow.ty));
            out.push_str(&format!("    n{} -> n{} [label = \"{text}\"]\n", arrow.from, step.id));
        }
    }
    out.push('}');
    out
}

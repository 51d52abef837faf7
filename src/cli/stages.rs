//! `mmf stages`: the vocabulary, from its own declarations.

use clap::Args;
use mmf_lang::args::{ArgKind, ArgSpec};
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::signature::{Group, Signature};
use serde::Serialize;

use super::exit::Exit;
use super::models::{MODELS, Model};
use super::screen::{Screen, Style, did_you_mean, near};
use super::steps::literal_text;
use super::trouble::Trouble;

/// Show what stages there are, or all about one: types, arguments, defaults, the reference it agrees with, examples
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mmf stages                     all, by group
  mmf stages split               one: what it takes, gives and does
  mmf stages vbpr > vbpr.mmf     a model, as a definition to `use`
  mmf stages --format json       one object a line")]
pub(crate) struct Stages {
    /// The stage to explain, or the model to show
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(crate) fn stages(verb: &Stages, screen: &Screen) -> Result<Exit, Trouble> {
    let Some(name) = &verb.name else {
        all(screen);
        return Ok(Exit::Sound);
    };
    if let Some(found) = Model::find(name) {
        model(screen, found);
        return Ok(Exit::Sound);
    }
    let Some(stage) = mmf_stages::find(name) else {
        let names = mmf_stages::all().map(|s| s.signature().name).chain(MODELS.iter().map(|model| model.name));
        let help = spoken_of(name)
            .or_else(|| did_you_mean(&near(name, names)))
            .or_else(|| Some(say!("`mmf stages` lists all", "`mmf stages` 列出全部阶段")));
        return Err(Trouble::usage(say!("there is no stage `{name}`", "没有名为 `{name}` 的阶段")).help(help));
    };
    let signature = stage.signature();
    if screen.is_json() {
        json(screen, signature)
    } else {
        page(screen, signature)
    }
    Ok(Exit::Sound)
}

/// Returns the first sentence of a stage's doc.
fn first(doc: &str) -> &str {
    let end = doc.find(". ").map_or(doc.len(), |at| at + 1);
    doc[..end].lines().next().unwrap_or_default()
}

fn all(screen: &Screen) {
    if screen.is_json() {
        mmf_stages::all().for_each(|stage| json(screen, stage.signature()));
        return;
    }
    let width = mmf_stages::all().map(|s| s.signature().name.len()).max().unwrap_or(0);
    for group in Group::ALL {
        let mut of_group = mmf_stages::all().map(|s| s.signature()).filter(|s| s.group == group).peekable();
        if of_group.peek().is_none() {
            continue;
        }
        screen.out(&screen.style(true, Style::Bold, group.word()));
        for signature in of_group {
            let name = screen.style(true, Style::Cyan, &format!("{:width$}", signature.name));
            screen.out(&format!("  {name}  {}", first(signature.doc)));
        }
        screen.out("");
    }
    screen.out(&screen.style(true, Style::Bold, "model"));
    for model in MODELS {
        let name = screen.style(true, Style::Cyan, &format!("{:width$}", model.name));
        screen.out(&format!("  {name}  {}", first(&model.about())));
    }
    screen.out("");
    screen.out(
        "`mmf stages NAME` shows a stage's types, arguments and examples; of a model the file, to be kept and used.",
    );
}

/// Writes a model's file.
fn model(screen: &Screen, model: &Model) {
    if screen.is_json() {
        let (name, text) = (model.name, model.text);
        screen.out(
            &serde_json::json!({ "name": name, "group": "model", "doc": model.about(), "text": text }).to_string(),
        );
        return;
    }
    screen.out(model.text.trim_end());
    let (name, file) = (model.name, model.file);
    let text = say!(
        "a definition: keep it beside your pipeline, `mmf stages {name} > {file}`, and write `use \"{file}\"`",
        "这是一个定义：以 `mmf stages {name} > {file}` 存到您的管道旁，并写上 `use \"{file}\"`"
    );
    screen.tell(&screen.style(false, Style::Dim, screen.pick(&text)));
}

/// Says which stages speak of a word, by which people may know them.
fn spoken_of(word: &str) -> Option<Text> {
    let says = |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|own| own.eq_ignore_ascii_case(word));
    let stages = mmf_stages::all().map(|stage| stage.signature());
    let found = stages.filter(|s| says(s.doc) || says(s.reference)).map(|s| format!("`{}`", s.name));
    let found: Vec<String> = found.take(5).collect();
    let found = (!found.is_empty()).then(|| found.join(", "))?;
    Some(say!("see {found}, which speak of it", "见 {found}，其说明提到了它"))
}

fn page(screen: &Screen, signature: &Signature) {
    let head = |text: &str| screen.style(true, Style::Bold, text);
    let name = screen.style(true, Style::Bold, signature.name);
    screen.out(&format!("{name}  ({}, version {})", signature.group.word(), signature.version));
    if !signature.doc.is_empty() {
        screen.out(&format!("\n{}", signature.doc));
    }
    if !signature.types.is_empty() {
        screen.out(&format!("\n{}", head("Types")));
        let mut shown = Vec::new();
        for (at, ty) in signature.types.iter().enumerate() {
            let word = signature.by.and_then(|(name, words)| Some((name, *words.get(at)?)));
            // What the stage puts in by itself has a word that nobody can write; what runs in two ways is written in one.
            if word.is_some_and(|(name, word)| !may_be_written(signature, name, word)) || shown.contains(&(ty, word)) {
                continue;
            }
            shown.push((ty, word));
            let word = word.map(|(name, word)| format!("    with {name} = {word}"));
            screen.out(&format!("  {}{}", screen.style(true, Style::Cyan, ty), word.unwrap_or_default()));
        }
    }
    if !signature.args.is_empty() {
        screen.out(&format!("\n{}", head("Arguments")));
        let width = signature.args.iter().map(|a| a.name.len()).max().unwrap_or(0);
        for arg in signature.args {
            let name = screen.style(true, Style::Cyan, &format!("{:width$}", arg.name));
            screen.out(&format!("  {name}  {}{}", takes(arg), given(arg)));
            if !arg.doc.is_empty() {
                screen.out(&format!("  {:width$}  {}", "", screen.style(true, Style::Dim, arg.doc)));
            }
        }
    }
    if !signature.tasks.is_empty() {
        let tasks: Vec<&str> = signature.tasks.iter().map(|t| t.word()).collect();
        screen.out(&format!("\n{}\n  {}", head("For"), tasks.join(", ")));
    }
    if !signature.cost.is_empty() {
        screen.out(&format!("\n{}\n  {} multiplications a row", head("Cost"), signature.cost));
    }
    if !signature.reference.is_empty() {
        screen.out(&format!("\n{}\n  {}", head("Agrees with"), signature.reference));
    }
    if !signature.examples.is_empty() {
        screen.out(&format!("\n{}", head("Examples")));
        for (at, example) in signature.examples.iter().enumerate() {
            let before = if at > 0 { "\n" } else { "" };
            screen.out(&format!("{before}  # {}", example.about));
            for line in example.code.lines() {
                screen.out(&format!("  {}", screen.style(true, Style::Cyan, line)));
            }
            screen.out(&format!("  → {}", example.gives));
        }
    }
}

/// Returns the stages that make a recipe of that kind.
fn makers(kind: &str) -> Vec<&'static str> {
    let makes = |types: &[&str]| types.iter().any(|t| t.split_once("->").is_some_and(|(_, made)| made.trim() == kind));
    mmf_stages::all().map(|stage| stage.signature()).filter(|s| makes(s.types)).map(|s| s.name).collect()
}

fn may_be_written(signature: &Signature, argument: &str, word: &str) -> bool {
    match signature.arg(argument).map(|arg| arg.kind) {
        Some(ArgKind::Words(words)) => words.contains(&word),
        _ => true,
    }
}

/// Returns what an argument takes, in words.
fn takes(arg: &ArgSpec) -> String {
    let kind = match arg.kind {
        ArgKind::Int => "a whole number".to_string(),
        ArgKind::Float => "a number".into(),
        ArgKind::Bool => "true or false".into(),
        ArgKind::Share => "a share, such as 80%".into(),
        ArgKind::ShareOrCount => "a share, such as 80%, or a whole number of rows".into(),
        ArgKind::Text => "a string".into(),
        ArgKind::Path => "a path".into(),
        ArgKind::Paths => "a path, or a list of paths".into(),
        ArgKind::Words(words) => format!("one of {}", words.join(", ")),
        ArgKind::Sizes(count) => format!("sizes, such as {}", vec!["4"; count].join("x")),
        ArgKind::Values => "a string, number or bool, or a list of them".into(),
        ArgKind::Numbers => "a number, or a list of numbers".into(),
        ArgKind::Column => "a column of what is piped in".into(),
        ArgKind::Columns => "a list of columns of what is piped in".into(),
        ArgKind::OtherColumns => "a list of columns of the other table".into(),
        ArgKind::Target => "a table, or a ref column that leads to one".into(),
        ArgKind::Table => "a table, a part of one, or a split".into(),
        ArgKind::RefColumn => "a ref column".into(),
        ArgKind::FitRows => "a part of a split, or a table: the rows to learn from".into(),
        ArgKind::Condition => "a condition on the columns of what is piped in".into(),
        ArgKind::NewColumns => "new names, each with an expression over columns".into(),
        ArgKind::ColumnCounts => "columns, each with a whole number".into(),
        ArgKind::Declarations => "a block of declared columns".into(),
        ArgKind::Inputs => "a column, or a list of columns".into(),
        ArgKind::Joint => "a network's value at the rows of the task".into(),
        ArgKind::Counts => "whole numbers, as many as are written, such as 128, 64".into(),
        ArgKind::Network => "layers, such as mlp(128, 64) or dense(64) |> relu".into(),
        ArgKind::Recipe(kind) => format!("an {kind}: {}", makers(kind).join(", ")),
        ArgKind::Optimizer => "an optimizer, such as adam(lr = 1e-3)".into(),
        ArgKind::Stop => "a stop, such as early(accuracy, patience = 5)".into(),
        ArgKind::Loss => "a loss, or a sum of losses with weights".into(),
        ArgKind::Measure => "a metric, such as ndcg@20".into(),
        ArgKind::Heads => "new names, each with a task: classify(label = …) { output = … }".into(),
        ArgKind::WordOrNumbers(words) => format!("one of {}, or a list of numbers", words.join(", ")),
        ArgKind::Graph => "a graph".into(),
        ArgKind::Train => "a train".into(),
        ArgKind::Metric => "a declared metric, such as quality.ndcg@20".into(),
    };
    match (arg.range, arg.kind) {
        (Some((low, high)), kind) if !matches!(kind, ArgKind::Share | ArgKind::ShareOrCount) => {
            let bound = |x: f64, none: bool| if none { String::new() } else { x.to_string() };
            let low = bound(low, low.is_infinite() || low <= -1e15);
            let high = bound(high, high.is_infinite() || high >= 1e15);
            format!("{kind_text} in {low}..={high}", kind_text = takes(&ArgSpec { range: None, ..*arg }))
        }
        _ => kind,
    }
}

fn given(arg: &ArgSpec) -> String {
    match (&arg.default, arg.optional) {
        (Some(default), _) => format!("; {} if left out", literal_text(default)),
        (None, true) => "; may be left out".into(),
        (None, false) => "; must be given".into(),
    }
}

#[derive(Serialize)]
struct JsonStage {
    name: &'static str,
    group: &'static str,
    version: u32,
    types: &'static [&'static str],
    by: Option<&'static str>,
    arguments: Vec<JsonArgument>,
    doc: &'static str,
    reference: &'static str,
    cost: &'static str,
    tasks: Vec<&'static str>,
    examples: Vec<JsonExample>,
}

#[derive(Serialize)]
struct JsonArgument {
    name: &'static str,
    takes: String,
    words: Option<&'static [&'static str]>,
    default: Option<String>,
    required: bool,
    low: Option<f64>,
    high: Option<f64>,
    doc: &'static str,
}

#[derive(Serialize)]
struct JsonExample {
    about: &'static str,
    code: &'static str,
    gives: &'static str,
}

fn json(screen: &Screen, signature: &Signature) {
    let finite = |x: f64| x.is_finite().then_some(x);
    let argument = |arg: &ArgSpec| JsonArgument {
        name: arg.name,
        takes: takes(&ArgSpec { range: None, ..*arg }),
        words: match arg.kind {
            ArgKind::Words(words) => Some(words),
            _ => None,
        },
        default: arg.default.as_ref().map(literal_text),
        required: arg.default.is_none() && !arg.optional,
        low: arg.range.and_then(|(low, _)| finite(low)),
        high: arg.range.and_then(|(_, high)| finite(high)),
        doc: arg.doc,
    };
    let example = |e: &mmf_lang::signature::Example| JsonExample { about: e.about, code: e.code, gives: e.gives };
    let stage = JsonStage {
        name: signature.name,
        group: signature.group.word(),
        version: signature.version,
        types: signature.types,
        by: signature.by.map(|(name, _)| name),
        arguments: signature.args.iter().map(argument).collect(),
        doc: signature.doc,
        reference: signature.reference,
        cost: signature.cost,
        tasks: signature.tasks.iter().map(|t| t.word()).collect(),
        examples: signature.examples.iter().map(example).collect(),
    };
    screen.out(&serde_json::to_string(&stage).expect("declarations are always JSON"));
}

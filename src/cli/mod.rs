//! The verbs: what the command line says, read first and acted on later.

mod check;
mod clean;
mod clock;
mod completions;
mod diagnose;
mod engine;
mod exit;
mod explain;
mod fmt;
mod folder;
mod graph;
mod load;
mod metrics;
mod models;
mod new;
mod progress;
mod report;
mod run;
mod runs;
mod screen;
mod stages;
mod steps;
mod trouble;
mod watch;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use mmf_data::foreign::is_guarded;

use exit::Exit;
use screen::{Color, Format, Screen, Tongue};
use trouble::Trouble;

/// The command line, read.
#[derive(Debug, Parser)]
#[command(name = "mmf", version, about = ABOUT, arg_required_else_help = true, after_help = EXAMPLES)]
#[command(max_term_width = 100)]
struct Command {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    global: Global,
}

const ABOUT: &str = "Multimodal fusion in recommender systems: one file says what an experiment is.
mmf proves it sound before anything runs, runs it, and says how far the result can be trusted.";

const EXAMPLES: &str = "Examples:
  mmf new data/ -o films.mmf       a first typed pipeline, guessed from tables and pictures
  mmf check films.mmf              is it sound? names every mistake, and the mend
  mmf run films.mmf                check, run what is not in the store, measure
  mmf run films.mmf -p dim=128     the same with a parameter of the file changed
  mmf watch films.mmf              leave it running, and edit
  mmf report --lang zh             the newest run's page anew, in Chinese
  mmf explain E0401                what a code means, with a wrong and a right example
  mmf stages tf_idf                what a stage takes, gives and does

Exit codes: 0 sound, 1 the pipeline is wrong, 2 the command line is wrong or the file cannot be read, 3 the run failed.";

const EVERY: &str = "Options of every verb";

/// What every verb takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Set a `param` of the file; may be given several times
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", value_parser = param, global = true, help_heading = EVERY)]
    params: Vec<(String, String)>,
    /// The seed of the run: the same as -p seed=N
    #[arg(long, value_name = "N", global = true, help_heading = EVERY)]
    seed: Option<u64>,
    /// How many threads compute; results do not depend on it [default: as many as the machine has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), global = true, help_heading = EVERY)]
    threads: Option<u16>,
    /// Where finished results are kept [default: .mmf beside the file]
    #[arg(long, value_name = "DIR", global = true, help_heading = EVERY)]
    store: Option<PathBuf>,
    /// Where runs leave their folders [default: runs beside the file]
    #[arg(long, value_name = "DIR", global = true, help_heading = EVERY)]
    runs: Option<PathBuf>,
    /// The language of messages, en or zh [default: the locale's]
    #[arg(long, value_name = "LANGUAGE", hide_possible_values = true, global = true, help_heading = EVERY)]
    lang: Option<Tongue>,
    /// text for people, json for programs: one object a line
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true, global = true, help_heading = EVERY)]
    format: Format,
    /// Colour: always, never, or auto, on a terminal where NO_COLOR is not set
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_possible_values = true, global = true, help_heading = EVERY)]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(new::New),
    Check(check::Check),
    Run(run::Run),
    Watch(watch::Watch),
    Report(report::Report),
    Runs(runs::Runs),
    Why(why::Why),
    Graph(graph::GraphVerb),
    Fmt(fmt::Fmt),
    Stages(stages::Stages),
    Explain(explain::Explain),
    Clean(clean::Clean),
    Completions(completions::Completions),
}

/// Reads `name=value`.
fn param(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if name.trim() == "seed" && value.trim().parse::<u64>().is_err() => {
            Err("the seed is a whole number, zero or more".into())
        }
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_string(), value.trim().to_string())),
        _ => Err("write it as name=value, for example -p dim=64".into()),
    }
}

impl Global {
    /// Returns `-p` and `--seed` as the checker takes them.
    pub(crate) fn params(&self) -> Vec<(String, String)> {
        let mut params = self.params.clone();
        if let Some(seed) = self.seed {
            params.retain(|(name, _)| name != "seed");
            params.push(("seed".into(), seed.to_string()));
        }
        params
    }

    /// Returns the folder of the store of a pipeline.
    pub(crate) fn store(&self, file: &std::path::Path) -> PathBuf {
        self.store.clone().unwrap_or_else(|| beside(file).join(".mmf"))
    }

    /// Returns the folder of the runs of a pipeline.
    pub(crate) fn runs(&self, file: &std::path::Path) -> PathBuf {
        self.runs.clone().unwrap_or_else(|| beside(file).join("runs"))
    }
}

/// Returns the folder that a file is in.
fn beside(file: &std::path::Path) -> PathBuf {
    file.parent().map(PathBuf::from).unwrap_or_default()
}

/// Lets a mistake in mmf say that it is one.
fn admit_mistakes() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if is_guarded() {
            return;
        }
        before(panic);
        eprintln!(
            "this is a mistake in mmf {}, not in your file: please report it with the pipeline that shows it",
            env!("CARGO_PKG_VERSION")
        );
    }));
}

pub(crate) fn main() -> ExitCode {
    admit_mistakes();
    std::panic::catch_unwind(act).unwrap_or(Exit::Failed.into())
}

fn act() -> ExitCode {
    let Command { verb, global } = Command::parse();
    let screen = Screen::new(global.lang, global.format, global.color);
    let done: Result<Exit, Trouble> = match verb {
        Verb::Run(verb) => run::run(&verb, &global, &screen),
        Verb::Check(verb) => check::check(&verb, &global, &screen),
        Verb::Watch(verb) => watch::watch(&verb, &global, &screen),
        Verb::Fmt(verb) => fmt::fmt(&verb, &screen),
        Verb::Graph(verb) => graph::graph(&verb, &global, &screen),
        Verb::Stages(verb) => stages::stages(&verb, &screen),
        Verb::Explain(verb) => explain::explain(&verb, &screen),
        Verb::Why(verb) => why::why(&verb, &global, &screen),
        Verb::Runs(verb) => runs::runs(&verb, &global, &screen),
        Verb::Report(verb) => report::report(&verb, &global, &screen),
        Verb::New(verb) => new::new(&verb, &screen),
        Verb::Clean(verb) => clean::clean(&verb, &global, &screen),
        Verb::Completions(verb) => Ok(completions::completions(&verb)),
    };
    match done {
        Ok(exit) => exit.into(),
        Err(trouble) => {
            screen.trouble(&trouble);
            trouble.exit.into()
        }
    }
}

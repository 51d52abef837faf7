//! `mmf new`: a first typed pipeline, guessed from data.
//!
//! What is written is sound: it goes through the checker before it is written, and what the checker refuses is taken out.

mod experiment;
mod files;
mod names;
mod plan;
mod table;
mod write;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use mmf_lang::analysis::{Checked, Options, check};
use mmf_lang::diagnostic::{Diagnostic, Severity};
use mmf_lang::say;
use mmf_lang::syntax::format::format;
use mmf_lang::world::{Scan, ScanRequest, World, WorldError};
use mmf_stages::world::DiskWorld;

use super::exit::Exit;
use super::screen::Screen;
use super::trouble::Trouble;
use crate::report::Speech;
use plan::Source;
use table::Place;

/// Write a first typed pipeline, guessed from tables, arrays and pictures
#[derive(Debug, Args)]
#[command(
    after_help = "Types, keys, refs between tables, columns of pictures, texts, times and what may be missing (`?`) are guessed from
the files, and what was seen stands beside each as a comment. The file is sound and formatted; a guess that is wrong is
yours to correct. A file that is there is never overwritten.

Read are CSV, TSV, JSON lines, Parquet and .npy; pictures and texts that a column names, or that are called as the keys.

Examples:
  mmf new data/                      all tables below a folder, into data.mmf
  mmf new films.csv ratings.tsv      some tables, into films.mmf
  mmf new data/ -o pipelines/first.mmf
  mmf check data.mmf && mmf run data.mmf"
)]
pub(crate) struct New {
    /// Tables, arrays, and folders that hold them
    #[arg(required = true, value_name = "FOLDER|TABLE")]
    inputs: Vec<PathBuf>,
    /// The pipeline to write [default: NAME.mmf here, after the first input]
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn new(verb: &New, screen: &Screen) -> Result<Exit, Trouble> {
    let found = files::search(&verb.inputs)?;
    let output = verb.output.clone().unwrap_or_else(|| called(&verb.inputs));
    let shown = output.display();
    if output.exists() {
        let trouble = Trouble::usage(say!("`{shown}` is there already", "`{shown}` 已存在"));
        return Err(trouble.help(Some(say!("`-o FILE` writes another", "`-o FILE` 可写入另一个文件"))));
    }
    let world = DiskWorld::new();
    let base = output.parent().map(Path::to_path_buf).unwrap_or_default();
    let place = Place { world: &world, base: world.folder("", &output.to_string_lossy()) };
    let (sources, unread) = plan::plan(&place, &found, &base);
    if sources.is_empty() {
        let trouble = Trouble::usage(say!("none of the files could be read", "所有文件都无法读取"));
        let why = |(path, why): &(String, mmf_lang::diagnostic::Text)| {
            let (en, zh) = (&why.en, &why.zh);
            say!("{path}: {en}", "{path}：{zh}")
        };
        return Err(trouble.help(unread.first().map(why)));
    }
    let speech: Speech = screen.tongue.into();
    let head = head(speech, &verb.inputs);
    let written = sound(&world, &output, &sources, |sources| {
        let body = write::sources(speech, sources, &unread);
        let experiment = experiment::experiment(speech, sources);
        (format!("{head}{body}"), experiment.unwrap_or_default())
    })?;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&output);
    made.and_then(|mut file| file.write_all(written.as_bytes())).map_err(|error| {
        Trouble::failed(say!("`{shown}` cannot be written: {error}", "无法写入 `{shown}`：{error}"))
    })?;
    tell(screen, &output, &sources, &unread);
    Ok(Exit::Sound)
}

/// Returns the file's name after the first input, in the present folder.
fn called(inputs: &[PathBuf]) -> PathBuf {
    let first = inputs.first().map(PathBuf::as_path).unwrap_or(Path::new("."));
    let whole = first.canonicalize().unwrap_or_else(|_| first.to_path_buf());
    let stem = if whole.is_dir() { whole.file_name() } else { whole.file_stem() };
    PathBuf::from(format!("{}.mmf", stem.map_or("first".into(), |s| s.to_string_lossy())))
}

fn head(s: Speech, inputs: &[PathBuf]) -> String {
    let shown = inputs.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ").replace('\n', " ");
    let about = s.say(say!(
        "A first pipeline for {shown}, guessed by `mmf new`. Comments say what was seen; correct what is wrong.",
        "{shown} 的第一个流水线，由 `mmf new` 猜测而来。注释说明所见；有误之处请更正。"
    ));
    format!("## {about}\n\nparam seed = 1\n\n")
}

/// Returns a text that the checker has nothing against: of what it refuses, the experiment is taken out first, then columns.
fn sound(
    world: &DiskWorld,
    output: &Path,
    sources: &[Source],
    write: impl Fn(&[Source]) -> (String, String),
) -> Result<String, Trouble> {
    let mut sources = sources.to_vec();
    let mut with_experiment = true;
    // Each round takes something out.
    for _ in 0..=sources.iter().map(|s| s.lines.len()).sum::<usize>() + 1 {
        let (body, experiment) = write(&sources);
        let text = if with_experiment { format!("{body}{experiment}") } else { body };
        let text = format(&text).map_err(|errors| mistake(errors.first()))?;
        let found = look(world, output, &text);
        let errors: Vec<&Diagnostic> = found.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
        let Some(first) = errors.first() else { return Ok(text) };
        if with_experiment && !experiment.is_empty() {
            with_experiment = false;
            continue;
        }
        let line = text[..(first.span.start as usize).min(text.len())].matches('\n').count();
        let refused = text.lines().nth(line).unwrap_or_default();
        if !take_out(&mut sources, refused, &text, line, first) {
            return Err(mistake(Some(first)));
        }
    }
    Err(mistake(None))
}

/// Takes the column out that a line declares.
fn take_out(sources: &mut [Source], refused: &str, text: &str, line: usize, why: &Diagnostic) -> bool {
    let Some((name, _)) = refused.trim().split_once(':') else { return false };
    let head = text.lines().take(line).filter(|l| l.starts_with("source ")).last().unwrap_or_default();
    let within = head.strip_prefix("source ").and_then(|l| l.split_whitespace().next()).unwrap_or_default();
    let Some(source) = sources.iter_mut().find(|s| s.name == within) else { return false };
    let Some(at) = source.lines.iter().position(|l| l.name == name.trim()) else { return false };
    let gone = source.lines.remove(at);
    source.left.push((gone.header.unwrap_or(gone.name), why.message.clone()));
    true
}

/// A pipeline that is not written yet.
struct Draft<'d> {
    disk: &'d DiskWorld,
    path: &'d str,
    text: Arc<str>,
}

impl World for Draft<'_> {
    fn text(&self, base: &str, path: &str) -> Result<Arc<str>, WorldError> {
        if base.is_empty() && path == self.path { Ok(self.text.clone()) } else { self.disk.text(base, path) }
    }

    fn folder(&self, base: &str, path: &str) -> String {
        self.disk.folder(base, path)
    }

    fn scan(&self, request: &ScanRequest) -> Result<Arc<Scan>, (usize, WorldError)> {
        self.disk.scan(request)
    }

    fn memory(&self) -> Option<u64> {
        self.disk.memory()
    }
}

fn look(disk: &DiskWorld, output: &Path, text: &str) -> Checked {
    let path = output.to_string_lossy();
    let draft = Draft { disk, path: &path, text: Arc::from(text) };
    let options = Options { data: true, params: Vec::new(), without: Vec::new() };
    check(&draft, &mmf_stages::vocabulary(), &path, &options).expect("the draft can be read")
}

fn mistake(found: Option<&Diagnostic>) -> Trouble {
    let (en, zh) = found.map(|d| (d.message.en.as_str(), d.message.zh.as_str())).unwrap_or_default();
    Trouble::failed(say!("no sound pipeline could be guessed: {en}", "无法猜出正确的流水线：{zh}"))
}

fn tell(screen: &Screen, output: &Path, sources: &[Source], unread: &[(String, mmf_lang::diagnostic::Text)]) {
    let shown = output.display();
    let columns: usize = sources.iter().map(|s| s.lines.len()).sum();
    if screen.is_json() {
        let line = serde_json::json!({
            "event": "new", "path": output.to_string_lossy(), "sources": sources.len(), "columns": columns, "left_out": unread.len(),
        });
        screen.out(&line.to_string());
        return;
    }
    let sources = sources.len();
    screen.out(screen.pick(&say!(
        "{shown} is written (sources: {sources}, columns: {columns}), all of it guessed; read it, then `mmf check {shown}`",
        "已写入 {shown}（数据源 {sources} 个，列 {columns} 个），均为猜测；请先阅读，再运行 `mmf check {shown}`"
    )));
    for (path, why) in unread {
        let (en, zh) = (&why.en, &why.zh);
        screen.tell(screen.pick(&say!("left out: {path}, which {en}", "未采用：{path}，{zh}")));
    }
}

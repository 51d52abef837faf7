//! The run folder: all that a run leaves for people and for other programs.
//!
//! ```text
//! runs/<id>/pipeline.mmf      the file as run (files that it uses, below used/)
//!           metrics.json      what was measured, with intervals
//!           predictions.csv   of classify and regress
//!           rankings.csv      of recommend
//!           space/            of each train the vectors that its last layer takes, and their places in the plane
//!           rows/             of each source small pictures and first words of the rows that are shown
//!           events.jsonl      what happened, in order
//!           weights/          a safetensors file a train
//!           run.json          what it was made of: data, versions, seeds, steps, times
//!           report.html       made from the above alone
//! runs/latest                 a link to the newest, or a file that names it
//! ```

mod csv;
mod facts;
mod looks;
mod predictions;
mod space;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use mmf_engine::store::Digest;
use mmf_engine::{Event, RunOutcome};
use mmf_lang::analysis::Checked;
use mmf_lang::graph::Graph;
use mmf_lang::say;

use super::clock;
use super::trouble::Trouble;
use crate::report::record::RunRecord;
use crate::report::{self, Speech, predicted, samples};
pub(crate) use facts::experiments;
use predictions::Tables;

/// What a run is, beside its outcome.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// The pipeline's path.
    pub(crate) file: PathBuf,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) threads: usize,
    pub(crate) kernel: String,
    /// The language of the report.
    pub(crate) speech: Speech,
    pub(crate) began: SystemTime,
    pub(crate) clock: Instant,
}

/// Events on their way into a run folder; progress is left out, for it says nothing afterwards.
pub(crate) struct Events {
    lines: Mutex<Vec<String>>,
    live: Option<Mutex<fs::File>>,
}

impl Events {
    pub(crate) fn in_memory() -> Events {
        Events { lines: Mutex::default(), live: None }
    }

    pub(crate) fn take(&self, event: &Event) {
        if matches!(event, Event::Progress { .. }) {
            return;
        }
        let Ok(line) = serde_json::to_string(event) else { return };
        if let Some(file) = &self.live {
            // A full disk is met again, and said, when the folder is finished.
            let _ = writeln!(file.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        }
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|l| format!("{l}\n")).collect()
    }
}

/// A run's folder, being written.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    runs: PathBuf,
    id: String,
}

impl Folder {
    /// Makes the folder of a run that begins now: `20260301T120102Z-1a2b3c`.
    pub(crate) fn make(runs: &Path, about: &About, checked: &Checked) -> Result<Folder, Trouble> {
        let mut identity = checked.files.iter().map(|f| f.text.to_string()).collect::<Vec<_>>().join("\0");
        for (name, value) in &about.params {
            identity.push_str(&format!("\0{name}={value}"));
        }
        let digest = Digest::of(identity.as_bytes()).short();
        let stem = format!("{}-{}", clock::compact(about.began), &digest[..6]);
        fs::create_dir_all(runs).map_err(|e| unwritable(runs, &e))?;
        for again in 1..1000 {
            let id = if again == 1 { stem.clone() } else { format!("{stem}-{again}") };
            let path = runs.join(&id);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Folder { path, runs: runs.to_path_buf(), id }),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(unwritable(&path, &e)),
            }
        }
        Err(Trouble::failed(say!("the run folder `{stem}` cannot be made", "无法创建运行文件夹 `{stem}`")))
    }

    /// Returns a reader of events that writes them as they come.
    pub(crate) fn events(&self) -> Result<Events, Trouble> {
        let path = self.path.join("events.jsonl");
        let file = fs::File::create(&path).map_err(|e| unwritable(&path, &e))?;
        Ok(Events { lines: Mutex::default(), live: Some(Mutex::new(file)) })
    }

    /// Writes all that the run left, the report last, and names the folder as the newest.
    pub(crate) fn finish(
        &self,
        about: &About,
        checked: &Checked,
        graph: &Graph,
        outcome: &RunOutcome<'_>,
        events: &Events,
    ) -> Result<(), Trouble> {
        for (at, file) in checked.files.iter().enumerate() {
            if at == 0 {
                self.write("pipeline.mmf", file.text.as_bytes())?;
            } else {
                let name = Path::new(&file.path).file_name().map(|n| n.to_string_lossy().into_owned());
                self.write(&format!("used/{at}-{}", name.unwrap_or_default()), file.text.as_bytes())?;
            }
        }
        self.write("events.jsonl", events.text().as_bytes())?;
        self.write("metrics.json", pretty(&outcome.metrics)?.as_bytes())?;
        let predictions = predictions::digest(graph, outcome);
        self.results(&predictions, about, graph, outcome)?;
        let mut record = facts::facts(about, checked, graph, outcome, &events.text());
        record.id.clone_from(&self.id);
        record.predictions = predictions;
        self.write("run.json", pretty(&record)?.as_bytes())?;
        let page = report::page(&self.path, about.speech).map_err(|e| unwritable(&self.path, &e))?;
        self.write("report.html", page.as_bytes())?;
        self.name_latest()
    }

    /// Writes weights, tables of predictions and what pictures them, or takes those of the newest run if nothing has changed.
    fn results(&self, digest: &str, about: &About, graph: &Graph, outcome: &RunOutcome<'_>) -> Result<(), Trouble> {
        let latest = latest(&self.runs);
        let same = latest.as_ref().filter(|folder| read(folder).is_some_and(|r| r.predictions == digest));
        if let Some(folder) = same
            && ["weights", "predictions.csv", "rankings.csv", "space", "rows"]
                .iter()
                .all(|name| copy(folder, &self.path, name))
        {
            return Ok(());
        }
        self.weights(graph, outcome)?;
        let tables = predictions::tables(graph, outcome)?;
        if let Some(text) = &tables.predictions {
            self.write("predictions.csv", text.as_bytes())?;
        }
        if let Some(text) = &tables.rankings {
            self.write("rankings.csv", text.as_bytes())?;
        }
        self.pictures(about, graph, outcome, &tables)
    }

    /// Writes `space/` and `rows/`.
    fn pictures(&self, about: &About, graph: &Graph, outcome: &RunOutcome<'_>, tables: &Tables) -> Result<(), Trouble> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(about.threads).build();
        let pool = pool.map_err(|e| Trouble::failed(say!("threads cannot be started: {e}", "无法启动线程：{e}")))?;
        let guesses = tables.predictions.as_deref().map(predicted::guesses).unwrap_or_default();
        let rankings = tables.rankings.as_deref().map(predicted::rankings).unwrap_or_default();
        let (mut spaces, mut shown) = (Vec::new(), BTreeMap::<String, (Vec<_>, Vec<(u32, String)>)>::new());
        for one in predictions::pictured(graph) {
            let space = space::Space::of(graph, outcome, &one)?;
            let mut rows = Vec::new();
            let units = |part| tables.units.get(&(one.train.clone(), part)).map_or(&[][..], Vec::as_slice);
            if let Some(own) = guesses.iter().find(|g| g.train == one.train && g.part == one.part.word()) {
                let units = units(one.part.word());
                let found = samples::guesses(&own.rows);
                let picked = found.best.iter().chain(&found.worst);
                rows.extend(picked.filter_map(|&at| Some((*units.get(at)?, own.rows[at].key.clone()))));
            }
            if let Some(own) = rankings.iter().find(|r| r.train == one.train) {
                let units = units("");
                let found = samples::rankings(&own.rows);
                let picked = found.best.iter().chain(&found.worst).flat_map(|list| list.clone()).chain(found.often);
                rows.extend(picked.filter_map(|at| Some((*units.get(at)?, own.rows[at].item.clone()))));
            }
            if let Some(space) = space {
                rows.extend(space.units.iter().zip(space.keys()).map(|(unit, key)| (*unit, key.to_string())));
                spaces.push(space);
            }
            if let Some(name) = looks::name(graph, &one) {
                let entry = shown.entry(name).or_insert_with(|| (looks::sources(graph, &one), Vec::new()));
                entry.1.extend(rows);
            }
        }
        for (space, table) in spaces.iter().zip(space::tables(&spaces, &pool)) {
            let name = report::file_name(&space.train);
            self.write(&format!("space/{name}.csv"), table.as_bytes())?;
            self.write(&format!("space/{name}.safetensors"), &space.vectors()?)?;
        }
        for (name, (sources, mut rows)) in shown {
            // The samples come first: they are kept where there are too many rows.
            let mut seen = std::collections::BTreeSet::new();
            rows.retain(|(row, _)| seen.insert(*row));
            let looks = looks::looks(outcome, graph, &sources, &rows, &pool)?;
            let name = report::file_name(&name);
            self.write(&format!("rows/{name}.json"), pretty(&looks.record)?.as_bytes())?;
            if let Some(bytes) = &looks.pictures {
                self.write(&format!("rows/{name}.jpg"), bytes)?;
            }
        }
        Ok(())
    }

    fn weights(&self, graph: &Graph, outcome: &RunOutcome<'_>) -> Result<(), Trouble> {
        for (name, node) in predictions::trains(graph) {
            let Ok(value) = outcome.value(node) else { continue };
            if let Ok(bytes) = value.state().and_then(|s| s.bytes("weights")) {
                self.write(&format!("weights/{}.safetensors", report::file_name(&name)), bytes)?;
            }
        }
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let path = self.path.join(name);
        let folder = path.parent().unwrap_or(&self.path);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes));
        written.map_err(|e| unwritable(&path, &e))
    }

    /// Makes `latest` a link to this folder; where there are no links, a file with its name.
    fn name_latest(&self) -> Result<(), Trouble> {
        let latest = self.runs.join("latest");
        let fresh = self.runs.join(format!(".latest.{}", std::process::id()));
        let _ = fs::remove_file(&fresh);
        #[cfg(unix)]
        let made = std::os::unix::fs::symlink(&self.id, &fresh);
        #[cfg(not(unix))]
        let made: std::io::Result<()> = Err(std::io::ErrorKind::Unsupported.into());
        let made = made.or_else(|_| fs::write(&fresh, format!("{}\n", self.id)));
        made.and_then(|()| fs::rename(&fresh, &latest)).map_err(|e| unwritable(&latest, &e))
    }
}

/// Copies a file, or a folder of files, from one run to another; says whether all of it is there. What is not there need not be.
fn copy(from: &Path, to: &Path, name: &str) -> bool {
    let (from, to) = (from.join(name), to.join(name));
    if !from.is_dir() {
        return !from.exists() || fs::copy(from, to).is_ok();
    }
    let copied = || -> std::io::Result<()> {
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        Ok(())
    };
    copied().is_ok()
}

/// Returns the newest run's folder.
pub(crate) fn latest(runs: &Path) -> Option<PathBuf> {
    let path = runs.join("latest");
    if path.is_dir() {
        return Some(path);
    }
    let name = fs::read_to_string(path).ok()?;
    Some(runs.join(name.trim())).filter(|p| p.is_dir())
}

/// Returns a run folder's `run.json`, if it is one.
pub(crate) fn read(folder: &Path) -> Option<RunRecord> {
    serde_json::from_slice(&fs::read(folder.join("run.json")).ok()?).ok()
}

/// Returns the finished runs in a folder, oldest first.
pub(crate) fn all(runs: &Path) -> Vec<(PathBuf, RunRecord)> {
    let Ok(entries) = fs::read_dir(runs) else { return Vec::new() };
    let mut found = BTreeMap::new();
    for entry in entries.flatten() {
        // `latest` would come twice.
        if entry.file_type().is_ok_and(|t| t.is_dir())
            && let Some(record) = read(&entry.path())
        {
            found.insert((record.began.clone(), entry.path()), record);
        }
    }
    found.into_iter().map(|((_, path), record)| (path, record)).collect()
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Trouble> {
    let text = serde_json::to_string_pretty(value);
    text.map(|t| t + "\n").map_err(|e| Trouble::failed(say!("a result cannot be written: {e}", "无法写出结果：{e}")))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Trouble {
    let shown = path.display();
    let trouble = Trouble::failed(say!("`{shown}` cannot be written: {error}", "无法写入 `{shown}`：{error}"));
    trouble.help(Some(say!("`--runs DIR` puts run folders elsewhere", "`--runs DIR` 可将运行文件夹放在别处")))
}

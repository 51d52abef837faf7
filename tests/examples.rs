//! Every example of `mmf stages` that is a whole file is run, on small made data; what it gives is held in
//! `tests/examples.lock`. Short examples, over literals, are run by the stages' own tests.
//!
//! Numbers are compared with a tolerance, for a training adds in another order on another kind of processor. An example
//! that ends in a network is trained a little, and one that ends in a training is measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use mmf_data::imputation::Imputation;
use mmf_data::table::{Column, Value};
use mmf_data::values::Values;
use mmf_lang::analysis::{Options, check};
use mmf_lang::args::{ArgValue, Args, ColumnKind, ColumnSpec, Within};
use mmf_lang::diagnostic::Severity;
use mmf_lang::graph::{Graph, NodeId, NodeKind};
use mmf_lang::signature::{BodyKind, Example, Signature};
use mmf_lang::world::{FileKind, Ports, Scan, ScanRequest, World, WorldError};
use mmf_stages::world::DiskWorld;
use tempfile::TempDir;

use crate::small::{Random, Shelf, panicked, running};

const ROWS: usize = 40;

/// How far a number may lie from the locked one, of the larger of 1 and it.
const TOLERANCE: f64 = 2e-3;

/// Returns the examples that declare their sources.
fn programs() -> Vec<(&'static Signature, &'static Example)> {
    let of = |signature: &'static Signature| signature.examples.iter().map(move |example| (signature, example));
    mmf_stages::all()
        .flat_map(|stage| of(stage.signature()))
        .filter(|(_, example)| example.code.lines().any(|line| line.starts_with("source ")))
        .collect()
}

/// A file beside a folder of data.
struct Beside<'a> {
    text: Arc<str>,
    folder: &'a Path,
    disk: DiskWorld,
}

impl World for Beside<'_> {
    fn text(&self, _: &str, path: &str) -> Result<Arc<str>, WorldError> {
        if path == "main.mmf" { Ok(self.text.clone()) } else { Err(WorldError::Missing) }
    }

    fn folder(&self, _: &str, _: &str) -> String {
        self.folder.to_string_lossy().into_owned()
    }

    fn scan(&self, request: &ScanRequest) -> Result<Arc<Scan>, (usize, WorldError)> {
        self.disk.scan(request)
    }

    fn ports(&self, base: &str, path: &str, kind: FileKind) -> Result<Arc<Ports>, WorldError> {
        self.disk.ports(base, path, kind)
    }
}

fn graph(text: &str, folder: &Path, data: bool) -> Result<Graph, String> {
    let world = Beside { text: text.into(), folder, disk: DiskWorld::new() };
    let options = Options { data, ..Options::default() };
    let checked = check(&world, &mmf_stages::vocabulary(), "main.mmf", &options).map_err(|e| format!("{e:?}"))?;
    let wrong: Vec<String> = checked
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| format!("{}: {}", d.code, d.message.en))
        .collect();
    match checked.graph {
        Some(graph) if wrong.is_empty() => Ok(graph),
        _ => Err(wrong.join("; ")),
    }
}

/// Returns a file that gives numbers: a network is trained, and a training is measured.
fn measured(example: &Example) -> String {
    let code = example.code;
    let last = code.lines().rfind(|line| line.starts_with(char::is_alphabetic)).unwrap_or_default();
    let mut words = last.split_whitespace();
    let (keyword, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if keyword == "train" {
        let (_, call) = last.split_once("= ").unwrap_or_default();
        let (task, rest) = call.split_once('(').unwrap_or_default();
        let split = rest.split([',', ')']).next().unwrap_or_default();
        let metrics = match task {
            "classify" => "log_loss",
            "regress" => "mse",
            _ => "ndcg@10, recall@10",
        };
        return format!("{code}\nmetric given_check = {name} on {split}.test {{ {metrics} }}\n");
    }
    if keyword == "source" {
        // A table that nothing reads is not made: its last column is read.
        let block = code.rsplit(&format!("source {name} ")).next().unwrap_or_default();
        let columns: Vec<&str> = block
            .split(['{', '}', ',', '\n'])
            .filter_map(|part| part.split_once(": "))
            .map(|(n, _)| n.trim())
            .collect();
        return format!("{code}\nextract given_column = {name}.{}\n", columns.last().unwrap());
    }
    let Some(ty) = example.gives.strip_prefix("col<").filter(|_| keyword == "fuse") else { return code.to_string() };
    let (rows, elem) = ty.split_once(", ").unwrap_or_default();
    let head = match elem.split('[').next() {
        Some("sequence") => "mean |> dense(1)",
        Some("map") => "flatten |> dense(1)",
        _ => "dense(1)",
    };
    let source = format!("source {rows} ");
    let (before, after) = code.split_once(&source).unwrap_or_default();
    let after = after.replacen('{', "{ given_label: float\n", 1);
    // A column may have the network's name.
    let after = after.replace(&format!("fuse {name} ="), "fuse given_network =");
    format!(
        "{before}{source}{after}\n\
         prepare given_parts = {rows} |> split(train = 50%, test = 50%)\n\
         train given = regress(given_parts, label = given_label) {{\n    output = given_network |> {head}\n    epochs = 3\n}}\n\
         metric given_check = given on given_parts.test {{ mse }}\n"
    )
}

/// Writes the files that the sources of a graph read, and those that its other stages open.
fn make(graph: &Graph, folder: &Path, rows: usize) {
    for node in graph.dag.node_weights() {
        let NodeKind::Stage { body, args, .. } = &node.kind else { continue };
        for (name, value) in
            args.0.iter().filter(|(name, _)| *body != BodyKind::Source && ["path", "tokenizer"].contains(&&**name))
        {
            let path = Path::new(value.as_text().unwrap());
            let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
            let of = ["onnx", "vectors"].map(|group| fixtures.join(group).join(path.file_name().unwrap()));
            let stored = of.iter().find(|stored| stored.exists()).unwrap_or_else(|| panic!("no fixture for {name}"));
            std::fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
            std::fs::copy(stored, folder.join(path)).unwrap();
        }
    }
    let mut keys: BTreeMap<NodeId, Vec<String>> = BTreeMap::new();
    for id in graph.dag.node_indices() {
        let node = graph.node(id);
        let NodeKind::Stage { stage, body: BodyKind::Source, args, .. } = &node.kind else { continue };
        let Some(ArgValue::Columns(specs)) = args.find("columns") else { continue };
        let path = match args.find("path") {
            Some(ArgValue::List(paths)) => paths.first().and_then(ArgValue::as_text),
            path => path.and_then(ArgValue::as_text),
        };
        let path = path.unwrap();
        let own: Vec<String> = (0..rows).map(|i| format!("k{i:02}")).collect();
        let others = |input: usize| node.inputs.get(input).and_then(|id| keys.get(id)).cloned().unwrap_or_default();
        match *stage {
            "table" => write_table(&folder.join(path), folder, specs, &own, others),
            "numpy" => write_arrays(folder, path, args, specs, rows, others),
            other => panic!("nothing makes the files of `{other}` yet"),
        }
        keys.insert(id, own);
    }
}

fn write_table(
    path: &Path,
    folder: &Path,
    specs: &[ColumnSpec],
    own: &[String],
    others: impl Fn(usize) -> Vec<String>,
) {
    let mut random = Random(path.to_string_lossy().len() as u64);
    let mut columns: Vec<(String, Vec<String>)> = Vec::new();
    for spec in specs {
        let header = spec.header.clone().unwrap_or_else(|| spec.name.clone());
        let template = match &spec.kind {
            ColumnKind::Image(template) | ColumnKind::TextFile(_, template) => Some(template),
            _ => None,
        };
        if let Some(template) = template {
            for header in &template.headers {
                if !columns.iter().any(|(h, _)| h == header) {
                    columns.push((header.clone(), own.to_vec()));
                }
            }
            let named = |header: &str, at: usize| {
                let column = columns.iter().find(|(h, _)| h == header);
                column.map(|(_, cells)| cells[at].clone()).unwrap_or_default()
            };
            for at in 0..own.len() {
                if spec.missing && at % 7 == 3 {
                    continue;
                }
                let mut name = template.root.clone().map_or(String::new(), |root| root + "/");
                for (i, text) in template.texts.iter().enumerate() {
                    name += text;
                    name += &template.headers.get(i).map_or(String::new(), |h| named(h, at));
                }
                let bytes = match &spec.kind {
                    ColumnKind::Image(_) => picture(&mut random),
                    _ => b"the ship sails at night".to_vec(),
                };
                let path = folder.join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            }
            continue;
        }
        let headers: Vec<String> = match (&spec.kind, header.contains('*')) {
            (ColumnKind::Vector(Some(n)), true) => (1..=*n).map(|i| header.replace('*', &i.to_string())).collect(),
            _ => vec![header],
        };
        let alone = headers.len() > 1;
        for header in headers {
            let cells = (0..own.len()).map(|at| {
                if spec.missing && at % 7 == 3 {
                    String::new()
                } else {
                    cell(spec, at, own, &others, alone, &mut random)
                }
            });
            let cells = cells.collect();
            columns.push((header, cells));
        }
    }
    let tabs = path.extension().is_some_and(|x| x == "tsv");
    let between = if tabs { "\t" } else { "," };
    let mut text = columns.iter().map(|(h, _)| h.as_str()).collect::<Vec<_>>().join(between) + "\n";
    for at in 0..own.len() {
        text += &columns.iter().map(|(_, cells)| cells[at].as_str()).collect::<Vec<_>>().join(between);
        text.push('\n');
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn cell(
    spec: &ColumnSpec,
    at: usize,
    own: &[String],
    others: &impl Fn(usize) -> Vec<String>,
    alone: bool,
    random: &mut Random,
) -> String {
    let (low, high) = match &spec.within {
        Some(Within::Range { low, high }) => (low.unwrap_or(0.0), high.unwrap_or(100.0)),
        _ => (0.0, 100.0),
    };
    match (&spec.kind, &spec.within) {
        (_, Some(Within::Values(values))) => random.pick(values).clone(),
        (ColumnKind::Int, _) => (low as usize + random.below((high - low) as usize + 1)).to_string(),
        (ColumnKind::Float, _) => format!("{:.2}", low + (high - low) * random.below(1000) as f64 / 1000.0),
        (ColumnKind::Bool, _) => (if random.chance(50) { "yes" } else { "no" }).to_string(),
        (ColumnKind::Category, _) => ["red", "green", "blue", "grey"][random.below(4)].to_string(),
        (ColumnKind::Key, _) => own[at].clone(),
        (ColumnKind::KeyOf(input) | ColumnKind::Ref(input), _) => {
            let keys = others(*input);
            if keys.is_empty() { own[at].clone() } else { keys[random.below(keys.len())].clone() }
        }
        (ColumnKind::Time(_), _) => (1_600_000_000 + at * 5000).to_string(),
        (ColumnKind::Text(_), _) => {
            let words = ["ship", "storm", "love", "crime", "night", "city", "river", "robot"];
            (0..5).map(|_| *random.pick(&words)).collect::<Vec<_>>().join(" ")
        }
        (ColumnKind::Vector(_), _) if alone => format!("{:.3}", random.below(1000) as f64 / 1000.0),
        (ColumnKind::Vector(n), _) => {
            let numbers = (0..n.unwrap_or(4)).map(|_| format!("{:.3}", random.below(1000) as f64 / 1000.0));
            numbers.collect::<Vec<_>>().join(" ")
        }
        (other, _) => panic!("nothing makes cells of {other:?} yet"),
    }
}

fn picture(random: &mut Random) -> Vec<u8> {
    let mut bytes = b"P6\n16 16\n255\n".to_vec();
    bytes.extend((0..16 * 16 * 3).map(|_| random.below(256) as u8));
    bytes
}

fn write_arrays(
    folder: &Path,
    path: &str,
    args: &Args,
    specs: &[ColumnSpec],
    rows: usize,
    others: impl Fn(usize) -> Vec<String>,
) {
    let mut random = Random(3);
    let width = specs.iter().find_map(|spec| match spec.kind {
        ColumnKind::Vector(Some(n)) => Some(n as usize),
        _ => None,
    });
    let width = width.unwrap();
    let numbers = (0..rows * width).map(|_| random.below(1000) as f32 / 1000.0);
    std::fs::write(folder.join(path), crate::small::npy(rows, width, numbers)).unwrap();
    let keys = match args.find("keys") {
        Some(ArgValue::Column(keys) | ArgValue::Text(keys) | ArgValue::Word(keys)) if keys != "row_number" => keys,
        _ => return,
    };
    let names = specs.iter().find_map(|spec| match spec.kind {
        ColumnKind::KeyOf(input) => Some(others(input)),
        _ => None,
    });
    let names = names.unwrap_or_else(|| (0..rows).map(|i| format!("k{i:02}")).collect());
    std::fs::write(folder.join(keys), names.join("\n") + if names.is_empty() { "" } else { "\n" }).unwrap();
}

/// Runs an example; returns the numbers that it gives.
fn run(example: &Example, rows: usize) -> Result<Vec<f64>, String> {
    let folder = TempDir::new().unwrap();
    let text = measured(example);
    make(&graph(&text, folder.path(), false)?, folder.path(), rows);
    let graph = graph(&text, folder.path(), true)?;
    let (shelf, options) = (Shelf::new(), running());
    let quiet = |_: &mmf_engine::Event| {};
    let outcome =
        mmf_engine::run(&graph, mmf_stages::find, &shelf.store, &options, &quiet).map_err(|e| e.to_string())?;
    if let Some(failure) = outcome.failures.first() {
        return Err(format!("{}: {}", failure.error.code, failure.error));
    }
    if !outcome.metrics.is_empty() {
        return Ok(outcome.metrics.iter().map(|m| m.value.unwrap_or(f64::NAN)).collect());
    }
    let (_, last) = graph.names.last().ok_or("nothing is declared")?;
    numbers(&outcome.value(*last).map_err(|e| e.to_string())?)
}

fn numbers(value: &Value) -> Result<Vec<f64>, String> {
    match value {
        Value::Column(column) => Ok(told(column)),
        Value::Table(table) => Ok(table.columns.iter().flat_map(|(_, column)| told(column)).collect()),
        Value::Split(split) => Ok(split.parts.iter().map(|(_, rows)| rows.len() as f64).collect()),
        Value::Count(n) => Ok(vec![*n as f64]),
        Value::State(found) if Imputation::is(found) => {
            let found = Imputation::from_arrays(found).map_err(|e| e.to_string())?;
            Ok(found.ways.iter().flat_map(|way| [way.error, way.explained]).collect())
        }
        Value::State(_) => Err("a training that nothing measures".into()),
    }
}

/// Rows, holes, and the sum and the first of the numbers.
fn told(column: &Column) -> Vec<f64> {
    let here = |at: usize| !column.is_missing(at);
    let rows = 0..column.len();
    let numbers: Vec<f64> = match &column.values {
        Values::Int(v) | Values::Time(v) | Values::Duration(v) => {
            rows.filter(|&i| here(i)).map(|i| v[i] as f64).collect()
        }
        Values::Float(v) => rows.filter(|&i| here(i)).map(|i| v[i]).collect(),
        Values::Bool(v) => rows.filter(|&i| here(i)).map(|i| f64::from(u8::from(v[i]))).collect(),
        Values::Code { codes, .. } => rows.filter(|&i| here(i)).map(|i| f64::from(codes[i])).collect(),
        Values::Vector { numbers, .. } => numbers.iter().map(|&x| f64::from(x)).collect(),
        Values::Text(texts) => rows.filter(|&i| here(i)).map(|i| texts.get(i).len() as f64).collect(),
        _ => Vec::new(),
    };
    let mut told = vec![column.len() as f64, column.count_missing() as f64, numbers.iter().sum()];
    told.extend(numbers.first());
    told
}

type Lock = BTreeMap<String, (u32, Vec<f64>)>;

/// A line of the lock: a stage, which of its examples by a hash of the code, its version, and numbers.
fn read(text: &str) -> Lock {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let name = format!("{} {}", words.next()?, words.next()?);
        let version = words.next()?.parse().ok()?;
        Some((name, (version, words.filter_map(|w| w.parse().ok()).collect())))
    };
    text.lines().filter(|l| !l.starts_with('#')).filter_map(line).collect()
}

fn write(lock: &Lock) -> String {
    let mut text = "# What the examples give that are whole files: the stage, a hash of the example, the stage's version, numbers.\n\
                    # UPDATE_STAGES_LOCK=1 cargo nextest run -p mmf examples\n"
        .to_string();
    for (name, (version, numbers)) in lock {
        let numbers: String = numbers.iter().map(|x| format!(" {x:.6}")).collect();
        writeln!(text, "{name} {version}{numbers}").unwrap();
    }
    text
}

fn alike(a: &[f64], b: &[f64]) -> bool {
    let near =
        |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * b.abs().max(1.0);
    a.len() == b.len() && a.iter().zip(b).all(near)
}

/// Returns a short hash (FNV-1a).
fn short(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[test]
fn every_example_that_is_a_file_runs_and_gives_what_it_gave() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples.lock");
    let old = read(&std::fs::read_to_string(&path).unwrap_or_default());
    let (mut new, mut wrong) = (Lock::new(), Vec::new());
    for (signature, example) in programs() {
        let name = format!("{} {}", signature.name, short(example.code));
        match run(example, ROWS) {
            Ok(found) => {
                if let Some((version, was)) = old.get(&name)
                    && *version >= signature.version
                    && !alike(&found, was)
                {
                    let stage = signature.name;
                    wrong.push(format!("`{stage}` gave {was:?}, and gives {found:?}: raise its version, or mend it"));
                }
                new.insert(name, (signature.version, found));
            }
            Err(reason) => wrong.push(format!("`{}`: {reason}\n{}", signature.name, measured(example))),
        }
    }
    let update = std::env::var_os("UPDATE_STAGES_LOCK").is_some();
    if update {
        std::fs::write(path, write(&new)).unwrap();
    }
    assert!(wrong.is_empty(), "{} examples:\n{}", wrong.len(), wrong.join("\n"));
    if update {
        return;
    }
    let names = |lock: &Lock| lock.iter().map(|(name, (version, _))| format!("{name} {version}")).collect::<Vec<_>>();
    assert_eq!(names(&old), names(&new), "run UPDATE_STAGES_LOCK=1 cargo nextest run -p mmf examples");
}

/// Tables with headers and no rows: a clear error, or nothing; never a panic.
#[test]
fn every_example_takes_tables_without_rows() {
    let wrong: Vec<String> = programs()
        .into_iter()
        .filter_map(|(signature, example)| {
            let cause = match std::panic::catch_unwind(|| run(example, 0)) {
                Ok(Ok(_)) => return None,
                Ok(Err(reason)) if reason.starts_with('E') && !reason.starts_with("E1099") => return None,
                Ok(Err(reason)) => reason,
                Err(cause) => panicked(cause),
            };
            Some(format!("`{}`: {cause}\n{}", signature.name, example.code))
        })
        .collect();
    assert!(wrong.is_empty(), "{} examples:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn another_result_is_noticed() {
    assert!(alike(&[1.0, 0.5], &[1.0, 0.5001]) && !alike(&[1.0], &[1.01]) && !alike(&[1.0], &[1.0, 2.0]));
    let lock: Lock = [("mean aa".to_string(), (2, vec![1.0, -0.25]))].into();
    assert_eq!(read(&write(&lock)), lock);
}

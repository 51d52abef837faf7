//! Trains on planted problems whose answers are known.

mod apart;
mod policy;
mod recommend;
mod space;
mod supervised;
mod tasks;
mod weighing;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mmf_data::arrays::Arrays;
use mmf_data::error::Result;
use mmf_data::plan::{Edge, Link, Plan, PlanDomain, PlanKind, PlanNode};
use mmf_data::stage::{Body, Context, Host, Predictions, Report, TrainCall};
use mmf_data::table::{Column, Rows, Split, Table};
use mmf_data::values::{Values, Vocabulary};
use mmf_lang::args::{ArgValue, Args, Recipe};
use mmf_lang::types::Part;

/// A plan that is built node by node.
#[derive(Default)]
struct Building(Plan);

impl Building {
    fn new(domains: &[usize]) -> Self {
        let domains = domains.iter().map(|&total| PlanDomain { total, now: None }).collect();
        Building(Plan { domains, ..Plan::default() })
    }

    fn push(&mut self, domain: usize, kind: PlanKind) -> usize {
        let place = self.0.nodes.len();
        self.0.nodes.push(PlanNode { place: place as u64, domain, kind, label: format!("node {place}") });
        place
    }

    fn leaf(&mut self, domain: usize, column: Column) -> usize {
        self.push(domain, PlanKind::Leaf(column))
    }

    fn stage(&mut self, domain: usize, name: &str, args: Args, inputs: Vec<Edge>) -> usize {
        let stage = crate::find(name).unwrap();
        let joint = |i: &usize| matches!(stage.body(*i), Body::Joint(_) | Body::Recall { .. });
        let alternative = (0..stage.signature().types.len()).find(joint).unwrap();
        self.push(domain, PlanKind::Stage { stage, alternative, args, inputs, graph: None })
    }

    /// Takes the last of a stage's forms in the first's stead.
    fn last_form(&mut self, node: usize) {
        if let PlanKind::Stage { stage, alternative, .. } = &mut self.0.nodes[node].kind {
            *alternative = stage.signature().types.len() - 1;
        }
    }

    fn output(mut self, name: &str, edge: Edge) -> Plan {
        self.0.outputs.push((name.into(), edge));
        self.0
    }
}

fn here(node: usize) -> Edge {
    Edge { node, via: Vec::new() }
}

fn by(node: usize, link: Link) -> Edge {
    Edge { node, via: vec![link] }
}

fn args(pairs: &[(&str, ArgValue)]) -> Args {
    Args(pairs.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
}

fn int(n: usize) -> ArgValue {
    ArgValue::Int(n as i64)
}

fn recipe(stage: &str, pairs: &[(&str, ArgValue)]) -> ArgValue {
    ArgValue::Recipe(Recipe { stage: stage.into(), args: args(pairs) })
}

fn early(name: &str, cut: Option<u64>, patience: usize) -> ArgValue {
    recipe("early", &[("metric", ArgValue::Measure { name: name.into(), cut }), ("patience", int(patience))])
}

/// Cuts a table: each row's part is told by its place.
pub(crate) fn split(columns: Vec<(&str, Column)>, part: impl Fn(usize) -> Part) -> Split {
    let rows = columns[0].1.rows.clone();
    let table = Table { rows: rows.clone(), columns: columns.into_iter().map(|(n, c)| (n.into(), c)).collect() };
    let parts = Part::ALL
        .into_iter()
        .map(|p| (p, (0..rows.len()).filter(|&at| part(at) == p).map(|at| rows.id(at)).collect::<Vec<_>>()))
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(p, ids)| (p, Rows::some(rows.total, ids)))
        .collect();
    Split { table, parts }
}

/// A ref or category column over `total` values, named by their numbers.
pub(crate) fn codes(total: usize, codes: &[u32]) -> Column {
    let names = Arc::new(Vocabulary::new((0..total).map(|i| format!("{i:04}")).collect()));
    Column::new(Rows::all(codes.len()), Values::Code { codes: Arc::new(codes.to_vec()), names })
}

fn metric_body(name: &str) -> Option<mmf_data::stage::Metric> {
    match crate::find(name)?.body(0) {
        Body::Metric(metric) => Some(metric),
        _ => None,
    }
}

pub(crate) fn call(split: Split, plan: Plan) -> TrainCall {
    TrainCall { split, plan, tables: Vec::new(), head: 0, measures: metric_body }
}

/// Keeps what is told, and stops after a number of questions.
struct Listening {
    reports: Mutex<Vec<Report>>,
    checkpoint: Mutex<Option<Vec<u8>>>,
    left: AtomicUsize,
}

impl Listening {
    fn new(left: usize) -> Self {
        Listening { reports: Mutex::default(), checkpoint: Mutex::default(), left: AtomicUsize::new(left) }
    }

    fn curve(&self, name: &str) -> Vec<f64> {
        let reports = self.reports.lock().unwrap();
        reports
            .iter()
            .filter_map(|report| match report {
                Report::Curve { curve, value, .. } if curve == name => Some(*value),
                _ => None,
            })
            .collect()
    }
}

impl Host for Listening {
    fn cancelled(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }

    fn report(&self, report: Report) {
        self.reports.lock().unwrap().push(report);
    }

    fn read(&self, _: &Path) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn load_checkpoint(&self) -> Option<Vec<u8>> {
        self.checkpoint.lock().unwrap().clone()
    }

    fn save_checkpoint(&self, bytes: &[u8]) {
        *self.checkpoint.lock().unwrap() = Some(bytes.to_vec());
    }
}

fn train_on(host: &dyn Host, stage: &str, args: &Args, call: &TrainCall) -> Result<Arrays> {
    let Body::Train(train) = crate::find(stage).unwrap().body(0) else { panic!("{stage} trains nothing") };
    train.train(&Context { seed: 7, base: Path::new("."), host }, args, call)
}

fn train(stage: &str, args: &Args, call: &TrainCall) -> Arrays {
    train_on(&Listening::new(usize::MAX), stage, args, call).unwrap()
}

fn predict(stage: &str, args: &Args, call: &TrainCall, trained: &Arrays, part: Part) -> Predictions {
    let Body::Train(train) = crate::find(stage).unwrap().body(0) else { panic!("{stage} trains nothing") };
    let host = Listening::new(usize::MAX);
    train.predict(&Context { seed: 7, base: Path::new("."), host: &host }, args, call, trained, part, 10).unwrap()
}

fn measure(name: &str, k: Option<usize>, from: &Predictions) -> f64 {
    let args = k.map_or(Args::default(), |k| args(&[("k", int(k))]));
    let units = from.u32s("units").unwrap().len() as u32;
    metric_body(name).unwrap()(&args, from).unwrap()(&(0..units).collect::<Vec<_>>()).unwrap()
}

/// Numbers from 0 to 1 that look random and are always the same.
fn noise(count: usize, salt: u64) -> Vec<f32> {
    let mut state = salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..count).map(|_| next()).collect()
}

/// Runs the work on pools of 1, 2 and 4 threads.
fn on_threads<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
    let run = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&work);
    [1, 2, 4].into_iter().map(run).collect()
}

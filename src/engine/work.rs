//! A run under way: what is settled of each node, and its value when someone asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::picture::Picture;
use mmf_data::stage::{Body, Measures, Opened, Stage};
use mmf_data::table::{Column, Rows, Value};
use mmf_data::values::Values;
use mmf_lang::args::{ArgValue, Args};
use mmf_lang::graph::{Graph, Link, Node, NodeId, NodeKind};
use mmf_lang::types::Type;
use serde::{Deserialize, Serialize};

use crate::event::{Event, MetricResult, Sink, Words};
use crate::execute;
use crate::flight::Flights;
use crate::key::Lookup;
use crate::layout::Layout;
use crate::network;
use crate::outline::Outline;
use crate::pictures::Pictures;
use crate::store::{Digest, Hasher, Store};

/// What a run is told beside the graph.
#[derive(Clone)]
pub struct Options {
    /// Threads of the pool; results do not hang on them.
    pub threads: usize,
    /// In the place of the file's own seed.
    pub seed: Option<u64>,
    /// The folder that the nodes' own folders are relative to.
    pub base: PathBuf,
    /// Names the file among those that share a store, so that `why` compares it with its own last run.
    pub pipeline: String,
    /// The kernel class (`avx2`, `avx512`), which enters the keys of trained nodes.
    pub kernel: String,
    /// Metrics by name, for early stopping.
    pub measures: Measures,
    /// Reads a picture's bytes.
    pub decode: fn(&[u8]) -> Result<Picture>,
    /// Set to stop the run; what is finished is kept.
    pub stop: Arc<AtomicBool>,
}

impl Options {
    /// Two threads, the disk's pictures within the usual limits, no metrics for early stopping; the rest is for the caller
    /// to set.
    pub fn new(base: impl Into<PathBuf>) -> Options {
        Options {
            threads: 2,
            seed: None,
            base: base.into(),
            pipeline: String::new(),
            kernel: String::new(),
            measures: |_| None,
            decode: |bytes| mmf_data::picture::decode(bytes, &mmf_data::picture::Limits::default()),
            stop: Arc::default(),
        }
    }
}

/// A sentence of a stage that is told again when its result comes from the store.
#[derive(Clone, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub(crate) enum Told {
    Skipped {
        row: u64,
        name: String,
        reason: Words,
    },
    /// The value by its bits, for JSON may round it.
    Curve {
        curve: String,
        step: u64,
        value: u64,
    },
    Note(Words),
}

/// The facts of a finished step, kept in its trace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub outline: Outline,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Told>,
    #[serde(default)]
    pub milliseconds: f64,
    /// The files that a source read beside those in its arguments; `None` for one that was not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<(String, Option<Digest>)>,
}

/// What is known of a node whose result exists.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub key: Digest,
    pub outline: Outline,
    /// Where the value is stored.
    pub blob: Digest,
    /// Columns of a source's files, with their paths of today.
    pub overlay: Vec<(String, Column)>,
    pub cached: bool,
    /// Files that the key hangs on, for `why`.
    pub files: Vec<(String, Digest)>,
}

#[derive(Default)]
struct Slot {
    settled: OnceLock<Settled>,
    value: Mutex<Option<Value>>,
}

pub(crate) struct Work<'a> {
    pub graph: &'a Graph,
    pub lookup: Lookup,
    pub store: &'a Store,
    pub options: &'a Options,
    pub sink: Sink<'a>,
    pub flights: Arc<Flights>,
    /// Set where a newer run has taken over: nothing new is begun.
    pub drain: Arc<AtomicBool>,
    pub layout: Layout,
    pub pictures: Pictures,
    pub pool: Arc<rayon::ThreadPool>,
    slots: Vec<Slot>,
    skipped: Mutex<BTreeSet<(String, u64)>>,
    keys: Mutex<BTreeSet<Digest>>,
    /// What stages opened, by stage, arguments and files.
    opened: Mutex<BTreeMap<Digest, Opened>>,
}

pub(crate) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a run stands on beside its graph and options.
pub(crate) struct Ground<'a> {
    pub lookup: Lookup,
    pub store: &'a Store,
    pub sink: Sink<'a>,
    pub flights: Arc<Flights>,
    pub drain: Arc<AtomicBool>,
    pub pool: Arc<rayon::ThreadPool>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(graph: &'a Graph, options: &'a Options, ground: Ground<'a>) -> Work<'a> {
        let Ground { lookup, store, sink, flights, drain, pool } = ground;
        let mut layout = Layout::new(graph);
        layout.weigh(|id| {
            let NodeKind::Stage { stage, alternative, .. } = &graph.node(id).kind else { return false };
            let body = lookup(stage).map(|stage| stage.body(*alternative));
            matches!(body, Some(Body::Opened { dear: true, .. }))
        });
        Work {
            graph,
            lookup,
            store,
            options,
            sink,
            flights,
            drain,
            layout,
            pictures: Pictures::default(),
            pool,
            slots: (0..graph.dag.node_count()).map(|_| Slot::default()).collect(),
            skipped: Mutex::default(),
            keys: Mutex::default(),
            opened: Mutex::default(),
        }
    }

    /// Returns what a stage opens, opened at most once.
    ///
    /// Not to be called on a thread of the pool, for it may wait for another's opening.
    pub(crate) fn opened(&self, key: Digest, open: impl FnOnce() -> Result<Opened>) -> Result<Opened> {
        let mut all = guard(&self.opened);
        if let Some(opened) = all.get(&key) {
            return Ok(opened.clone());
        }
        let opened = open()?;
        all.insert(key, opened.clone());
        Ok(opened)
    }

    pub(crate) fn node(&self, id: NodeId) -> &'a Node {
        self.graph.node(id)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.options.seed.unwrap_or(self.graph.seed)
    }

    pub(crate) fn stage(&self, name: &str) -> Result<&'static dyn Stage> {
        (self.lookup)(name).ok_or_else(|| Error::bug(format!("no stage `{name}`")))
    }

    pub(crate) fn base(&self, folder: &str) -> PathBuf {
        self.options.base.join(folder)
    }

    /// Returns the words for a node: its declared name, else what it is.
    pub(crate) fn title(&self, id: NodeId) -> String {
        self.graph.title(id)
    }

    pub(crate) fn emit(&self, event: Event) {
        (self.sink)(&event);
    }

    pub(crate) fn settled(&self, id: NodeId) -> Option<&Settled> {
        self.slots[self.layout.twin(id).index()].settled.get()
    }

    /// Takes a result up; `value` saves reading it again, where it will be read.
    pub(crate) fn settle(&self, id: NodeId, settled: Settled, value: Option<Value>) {
        guard(&self.keys).insert(settled.key);
        let slot = &self.slots[self.layout.twin(id).index()];
        // Held where a lost value is being made again: who holds it puts the value.
        if let (Some(value), Ok(mut held)) = (value, slot.value.try_lock()) {
            *held = Some(value);
        }
        // A second setting brings the same content.
        let _ = slot.settled.set(settled);
    }

    /// Notes a key of the store that this run needs.
    pub(crate) fn keep(&self, key: Digest) {
        guard(&self.keys).insert(key);
    }

    /// Returns the keys of the store that this run needs, for cleaning.
    pub(crate) fn keys(&self) -> BTreeSet<Digest> {
        guard(&self.keys).clone()
    }

    /// Returns the contents of a node by digest; `None` while it is not known.
    pub(crate) fn outline(&self, id: NodeId) -> Option<Outline> {
        let id = self.layout.twin(id);
        let node = self.node(id);
        match &node.kind {
            NodeKind::Column(name) => self.outline(node.inputs[0])?.column(name).cloned(),
            NodeKind::Part(part) => self.outline(node.inputs[0])?.part(*part).cloned(),
            NodeKind::Field(name) => {
                let train = self.outline(node.inputs[0])?;
                let mut hasher = Hasher::new("field");
                hasher.digest(&train.digest).text(&network::field(self, node.inputs[0], name)?);
                Some(Outline::leaf(hasher.finish(), 0))
            }
            NodeKind::Read(links) => {
                let mut hasher = Hasher::new("read");
                hasher.digest(&self.outline(node.inputs[0])?.digest).list(links.len());
                let mut rows = 0;
                for (at, link) in links.iter().enumerate() {
                    let Link::Input(input) = link else { return None };
                    let link = self.outline(*node.inputs.get(*input)?)?;
                    hasher.digest(&link.digest);
                    if at == 0 {
                        rows = link.rows;
                    }
                }
                Some(Outline::leaf(hasher.finish(), rows))
            }
            _ => self.settled(id).map(|s| s.outline.clone()),
        }
    }

    /// Returns the value of a node, read at most once. A damaged one is made again.
    ///
    /// Not to be called on a thread of the pool, for it may wait for another's computing.
    pub(crate) fn value(&self, id: NodeId) -> Result<Value> {
        let id = self.layout.twin(id);
        let slot = &self.slots[id.index()];
        let mut held = guard(&slot.value);
        if let Some(value) = &*held {
            return Ok(value.clone());
        }
        let value = match &slot.settled.get() {
            Some(settled) => match self.load(settled)? {
                Some(value) => value,
                None => {
                    self.report_damage();
                    execute::again(self, id)?
                }
            },
            None => self.derive(id)?,
        };
        *held = Some(value.clone());
        Ok(value)
    }

    /// Returns a stored value; `None` where it is lost.
    pub(crate) fn load(&self, settled: &Settled) -> Result<Option<Value>> {
        let Some(blob) = self.store.get(&settled.blob) else { return Ok(None) };
        let mut value = Value::from_arrays(&Arrays::from_bytes(&blob)?)?;
        if settled.overlay.is_empty() {
            return self.pictures.locate(&value).map(Some);
        }
        if let Value::Table(table) = &mut value {
            for (name, column) in &mut table.columns {
                if let Some((_, today)) = settled.overlay.iter().find(|(n, _)| n == name) {
                    *column = today.clone();
                }
            }
        }
        Ok(Some(value))
    }

    /// Cuts a node's value out of its inputs'.
    fn derive(&self, id: NodeId) -> Result<Value> {
        let node = self.node(id);
        let first = || node.inputs.first().copied().ok_or_else(|| Error::bug("a column of nothing"));
        match &node.kind {
            NodeKind::Column(name) => Ok(Value::Column(self.value(first()?)?.table()?.column(name)?.clone())),
            NodeKind::Part(part) => {
                let value = self.value(first()?)?;
                let split = value.split()?;
                let rows = split.part(*part).ok_or_else(|| Error::bug("a split without the part asked for"))?;
                Ok(Value::Table(split.table.restrict(rows)?))
            }
            NodeKind::Field(name) => {
                let train = self.value(first()?)?;
                let field = network::field(self, first()?, name)
                    .ok_or_else(|| Error::bug(format!("a train has no field `{name}`")))?;
                field_column(train.state()?, &field)
            }
            NodeKind::Read(links) => {
                let column = self.value(first()?)?;
                let links = links
                    .iter()
                    .map(|link| match link {
                        Link::Input(at) => self.value(node.inputs[*at])?.column().cloned(),
                        _ => Err(Error::bug("pairs are in no table")),
                    })
                    .collect::<Result<Vec<_>>>()?;
                read(column.column()?, &links).map(Value::Column)
            }
            _ => Err(Error::bug(format!("`{}` was asked for before it was made", self.title(id)))),
        }
    }

    pub(crate) fn column(&self, id: NodeId) -> Result<Column> {
        self.value(id)?.column().cloned()
    }

    /// Returns the rows of a table, split or column.
    pub(crate) fn rows(&self, id: NodeId) -> Result<Rows> {
        Ok(match self.value(id)? {
            Value::Column(c) => c.rows,
            other => other.table()?.rows.clone(),
        })
    }

    /// Returns the arguments with sizes that the data told in the place of the inputs that hold them.
    pub(crate) fn counted(&self, node: &Node, args: &Args) -> Result<Args> {
        let mut args = args.clone();
        for (_, value) in &mut args.0 {
            self.count(node, value)?;
        }
        Ok(args)
    }

    fn count(&self, node: &Node, value: &mut ArgValue) -> Result<()> {
        match value {
            ArgValue::Input(at) => {
                let input = *node.inputs.get(*at).ok_or_else(|| Error::bug("an argument names no input"))?;
                if crate::layout::body(self.node(input)) == Some(mmf_lang::signature::BodyKind::Size)
                    && let Value::Count(n) = self.value(input)?
                {
                    *value = ArgValue::Int(n as i64);
                }
                Ok(())
            }
            ArgValue::List(list) => list.iter_mut().try_for_each(|v| self.count(node, v)),
            _ => Ok(()),
        }
    }

    /// Tells of a row that was left out, if nobody has yet.
    pub(crate) fn tell_skips(&self, node: &str, told: &Told) {
        if matches!(told, Told::Skipped { .. }) {
            self.tell(node, told);
        }
    }

    pub(crate) fn report_damage(&self) {
        for damage in self.store.take_damage() {
            self.emit(Event::Damage { text: damage.text().into() });
        }
    }

    /// Tells again what a stage told; a row that several steps left out is told once.
    pub(crate) fn tell(&self, node: &str, told: &Told) {
        let node = node.to_string();
        match told.clone() {
            Told::Skipped { row, name, reason } => {
                if guard(&self.skipped).insert((name.clone(), row)) {
                    self.emit(Event::Skipped { node, row, name, reason });
                }
            }
            Told::Curve { curve, step, value } => {
                self.emit(Event::Curve { node, curve, step, value: f64::from_bits(value) });
            }
            // What a train says it says once, however many variants say it again.
            Told::Note(_) if self.graph.variants.iter().any(|id| self.title(*id) == node) => {}
            Told::Note(text) => self.emit(Event::Note { node, text }),
        }
    }

    /// Returns what a metric's node measured.
    pub(crate) fn metric(&self, id: NodeId) -> Result<MetricResult> {
        let node = self.node(id);
        let value = self.value(id)?;
        let state = value.state()?;
        let number = |name: &str| state.f64s(name).ok().and_then(|v| v.first().copied());
        let predict = node.inputs.first().map(|&p| self.node(p));
        let trained = predict.and_then(|p| p.inputs.first()).copied();
        let mut train = trained.map(|t| self.title(t)).unwrap_or_default();
        let part = match predict.map(|p| &p.kind) {
            Some(NodeKind::Predict { part, head, .. }) => {
                // Of several tasks the one that is measured.
                if let Some(Type::Train(of)) = trained.map(|t| &self.node(t).ty)
                    && let Some((head, _)) = of.heads.get(*head)
                {
                    train = format!("{train}.{head}");
                }
                part.word().to_string()
            }
            _ => String::new(),
        };
        // `quality.ndcg@20`: the declaration, then the metric as written.
        let full = self.title(id);
        let (name, metric) = full.split_once('.').unwrap_or(("", &full));
        let (name, metric) = (name.to_string(), metric.to_string());
        Ok(MetricResult {
            name,
            train,
            part,
            metric,
            value: number("value"),
            low: number("low"),
            high: number("high"),
            rows: state.i64s("rows")?.first().copied().unwrap_or(0) as u64,
            deviation: None,
        })
    }

    /// Returns a metric over all trainings of its train; `None` where one of them was not made.
    pub(crate) fn metric_of_all(&self, id: NodeId) -> Result<Option<MetricResult>> {
        let first = self.metric(id)?;
        let Some(again) = self.graph.repeats.get(&id) else { return Ok(Some(first)) };
        let mut all = vec![first.clone()];
        for &other in again {
            if self.settled(other).is_none() {
                return Ok(None);
            }
            all.push(self.metric(other)?);
        }
        let count = all.len() as f64;
        let mean = |of: fn(&MetricResult) -> Option<f64>| {
            let numbers: Option<Vec<f64>> = all.iter().map(of).collect();
            numbers.map(|numbers| numbers.iter().sum::<f64>() / count)
        };
        let value = mean(|m| m.value);
        let square = |value: f64| all.iter().filter_map(|m| m.value).map(|x| (x - value).powi(2)).sum::<f64>();
        let deviation = value.map(|value| (square(value) / (count - 1.0)).sqrt());
        Ok(Some(MetricResult { value, low: mean(|m| m.low), high: mean(|m| m.high), deviation, ..first }))
    }
}

/// Returns what a joint stage became: numbers for all rows of its domain.
fn field_column(trained: &Arrays, field: &str) -> Result<Value> {
    let width = trained.i64s(&format!("field.{field}.width"))?.first().copied().unwrap_or(0) as usize;
    let numbers = trained.f32s(&format!("field.{field}.values"))?.to_vec();
    if width == 0 || numbers.len() % width != 0 {
        return Err(Error::bug(format!("a train's field is not rows of {width}")));
    }
    let column = Column::new(Rows::all(numbers.len() / width), Values::vector(width, numbers));
    let name = format!("field.{field}.missing");
    if !trained.has(&name) {
        return Ok(Value::Column(column));
    }
    let missing = trained.bytes(&name)?.iter().map(|&b| b != 0).collect();
    Ok(Value::Column(column.with_missing(missing)))
}

/// Reads a column along links, each a column whose codes are rows of the next: to the rows of the first.
fn read(column: &Column, links: &[Column]) -> Result<Column> {
    let Some(start) = links.first() else { return Ok(column.clone()) };
    let mut at: Vec<Option<u32>> = (0..start.len()).map(|place| Some(start.rows.id(place))).collect();
    for link in links {
        let Values::Code { codes, .. } = &link.values else { return Err(Error::bug("a link is no ref")) };
        for row in &mut at {
            let place = row.and_then(|id| link.rows.place(id)).filter(|&p| !link.is_missing(p));
            *row = place.map(|p| codes[p]).filter(|&c| c != u32::MAX);
        }
    }
    let places: Vec<Option<u32>> = at
        .into_iter()
        .map(|row| row.and_then(|id| column.rows.place(id)).filter(|&p| !column.is_missing(p)).map(|p| p as u32))
        .collect();
    let present: Vec<u32> = (0..places.len() as u32).filter(|&i| places[i as usize].is_some()).collect();
    let taken: Vec<u32> = places.iter().flatten().copied().collect();
    let values = column.values.take(&taken);
    let spread = crate::gather::spread(Some(&values), &present, places.len(), &mmf_lang::types::Elem::Unknown)?;
    Ok(Column::new(start.rows.clone(), spread).with_missing(places.iter().map(Option::is_none).collect()))
}

/// Returns the time since then, in microseconds' steps.
pub(crate) fn milliseconds(since: std::time::Instant) -> f64 {
    since.elapsed().as_micros() as f64 / 1e3
}

/// Returns a path as it is kept: relative to the folder where it can be.
pub(crate) fn relative(path: &Path, base: &Path) -> PathBuf {
    path.strip_prefix(base).map_or_else(|_| path.to_path_buf(), Path::to_path_buf)
}

//! The form of a run folder's `run.json` and `metrics.json`: what a run was made of, and what it measured.

use std::collections::BTreeMap;

use mmf_data::ablation::{Ablation, Variant};
use mmf_data::imputation::{Imputation, Way};
use serde::{Deserialize, Serialize};

pub(crate) use mmf_engine::MetricResult;

/// `run.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    /// The folder's name.
    pub(crate) id: String,
    /// The pipeline's file name.
    pub(crate) pipeline: String,
    /// `done`, `failed` or `stopped`.
    pub(crate) status: String,
    /// UTC, ISO 8601.
    pub(crate) began: String,
    pub(crate) seconds: f64,
    /// Of mmf.
    pub(crate) version: String,
    /// Of the stages that took part.
    pub(crate) stages: BTreeMap<String, u32>,
    pub(crate) seed: u64,
    /// As set on the command line.
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) threads: usize,
    /// The kernel class, which trained results hang on.
    pub(crate) kernel: String,
    pub(crate) data: Vec<DataRecord>,
    pub(crate) steps: Vec<StepRecord>,
    #[serde(default)]
    pub(crate) trains: Vec<TrainRecord>,
    #[serde(default)]
    pub(crate) experiments: Vec<ExperimentRecord>,
    #[serde(default)]
    pub(crate) imputations: Vec<ImputationRecord>,
    pub(crate) coverage: Vec<CoverageRecord>,
    pub(crate) computed: u64,
    pub(crate) cached: u64,
    pub(crate) failures: Vec<FailureRecord>,
    /// Of what `predictions.csv` and `rankings.csv` were written from.
    pub(crate) predictions: String,
    /// Keys of the store that this run used: what cleaning keeps for it.
    pub(crate) keys: Vec<String>,
}

/// What an experiment found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ExperimentRecord {
    pub(crate) name: String,
    pub(crate) train: String,
    pub(crate) metric: String,
    pub(crate) units: u64,
    pub(crate) of_users: bool,
    pub(crate) paired: bool,
    pub(crate) repeats: u64,
    pub(crate) value: Option<f64>,
    pub(crate) deviation: Option<f64>,
    pub(crate) lower_is_better: bool,
    pub(crate) variants: Vec<VariantRecord>,
}

/// A train with something changed; numbers that are not defined are left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct VariantRecord {
    pub(crate) modality: String,
    pub(crate) how: String,
    pub(crate) value: Option<f64>,
    pub(crate) deviation: Option<f64>,
    pub(crate) gain: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) p: Option<f64>,
    pub(crate) holm: Option<f64>,
    pub(crate) effect: Option<f64>,
}

/// How near ways of filling come to what was hidden.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ImputationRecord {
    pub(crate) name: String,
    pub(crate) of: String,
    pub(crate) units: u64,
    pub(crate) ways: Vec<WayRecord>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct WayRecord {
    pub(crate) name: String,
    pub(crate) error: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) explained: Option<f64>,
    pub(crate) p: Option<f64>,
}

impl ImputationRecord {
    pub(crate) fn new(name: &str, found: &Imputation) -> ImputationRecord {
        let some = |x: f64| x.is_finite().then_some(x);
        let way = |w: &Way| WayRecord {
            name: w.name.clone(),
            error: some(w.error),
            low: some(w.low),
            high: some(w.high),
            explained: some(w.explained),
            p: some(w.p),
        };
        let ways = found.ways.iter().map(way).collect();
        ImputationRecord { name: name.into(), of: found.of.clone(), units: found.units as u64, ways }
    }
}

impl ExperimentRecord {
    pub(crate) fn new(name: &str, found: &Ablation) -> ExperimentRecord {
        let some = |x: f64| x.is_finite().then_some(x);
        let repeated = |x: f64| some(x).filter(|_| found.repeats > 1);
        let variant = |v: &Variant| VariantRecord {
            modality: v.modality.clone(),
            how: v.how.clone(),
            value: some(v.value),
            deviation: repeated(v.deviation),
            gain: some(v.gain),
            low: some(v.low),
            high: some(v.high),
            p: some(v.p),
            holm: some(v.holm),
            effect: some(v.effect),
        };
        ExperimentRecord {
            name: name.into(),
            train: found.train.clone(),
            metric: found.metric.clone(),
            units: found.units as u64,
            of_users: found.of_users,
            paired: found.paired,
            repeats: found.repeats as u64,
            value: some(found.value),
            deviation: repeated(found.deviation),
            lower_is_better: found.lower_is_better,
            variants: found.variants.iter().map(variant).collect(),
        }
    }
}

/// A data file and the digest of its bytes (BLAKE3).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct DataRecord {
    pub(crate) path: String,
    pub(crate) digest: String,
}

/// A stage of the graph, and how it went.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StepRecord {
    pub(crate) id: usize,
    pub(crate) names: Vec<String>,
    pub(crate) call: String,
    pub(crate) group: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
    pub(crate) fit: Option<String>,
    pub(crate) joint: bool,
    pub(crate) reads: Vec<ArrowRecord>,
    /// `computed`, `partly` (some rows were in the store), `cached`, `within` (a step inside another), `failed` or `missed`.
    pub(crate) state: String,
    pub(crate) rows: Option<u64>,
    pub(crate) milliseconds: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ArrowRecord {
    pub(crate) from: usize,
    pub(crate) what: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
}

/// How many rows of a source have a value in a column: what each modality covers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CoverageRecord {
    pub(crate) source: String,
    pub(crate) column: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
    pub(crate) rows: u64,
    pub(crate) present: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailureRecord {
    pub(crate) name: String,
    pub(crate) code: String,
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) message_zh: String,
}

/// A train: how long it went, and what shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrainRecord {
    pub(crate) name: String,
    /// `classify`, `regress` or `recommend`.
    pub(crate) task: String,
    /// The part that its figures show; empty where it was not measured.
    pub(crate) part: String,
    /// The source that its rows, or a recommender's items, are rows of: `rows/NAME.json` says what they look like.
    pub(crate) rows: Option<String>,
    pub(crate) epochs: Option<u64>,
    /// The epoch whose weights were kept, from 1; 0 where nothing was trained.
    pub(crate) kept: Option<u64>,
    /// Stages of its network that weigh their inputs.
    #[serde(default)]
    pub(crate) weighings: Vec<WeighingRecord>,
}

/// What curves of a train are of: `policy 1: input 2` is how much the second input counts in the first policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WeighingRecord {
    /// `policy 1`
    pub(crate) curves: String,
    /// The stage's name in the file.
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
}

/// `rows/NAME.json`: what some rows of a source look like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowsRecord {
    /// Pixels of a picture's square in `rows/NAME.jpg`.
    pub(crate) side: u32,
    /// Squares side by side.
    pub(crate) across: u32,
    /// By key.
    pub(crate) rows: BTreeMap<String, LookRecord>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LookRecord {
    /// The number of its square.
    pub(crate) place: Option<u32>,
    /// The first words of its texts.
    pub(crate) texts: Vec<String>,
}

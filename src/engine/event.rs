//! What a run tells while it goes: one typed stream. Terminal, JSON lines and the run folder are its readers.

use mmf_data::error::Error;
use mmf_lang::diagnostic::Text;
use serde::{Deserialize, Serialize};

/// A sentence in each language, as it stands in a JSON line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Words {
    pub en: String,
    pub zh: String,
}

impl From<Text> for Words {
    fn from(text: Text) -> Self {
        Words { en: text.en, zh: text.zh }
    }
}

impl From<Words> for Text {
    fn from(words: Words) -> Self {
        Text { en: words.en, zh: words.zh }
    }
}

/// Something that happened in a run. `node` is a declared name, or a short text such as `resize(224x224)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// What is ahead: steps in all, and how many of them are known to need no work.
    Planned {
        nodes: u64,
        cached: u64,
    },
    Started {
        node: String,
    },
    /// Rows, epochs or whatever the stage counts.
    Progress {
        node: String,
        done: u64,
        total: u64,
    },
    /// The result was in the store; `milliseconds` is what it once took.
    Cached {
        node: String,
        rows: u64,
        milliseconds: f64,
    },
    /// A stage's body ran: how often, and for how many rows together.
    Computed {
        node: String,
        stage: String,
        calls: u64,
        rows: u64,
    },
    /// A row was left out; `name` is its file where it has one.
    Skipped {
        node: String,
        row: u64,
        name: String,
        reason: Words,
    },
    Curve {
        node: String,
        curve: String,
        step: u64,
        value: f64,
    },
    Note {
        node: String,
        text: Words,
    },
    Warning {
        text: Words,
    },
    /// A stored entry was found damaged, and is computed again.
    Damage {
        text: Words,
    },
    /// `computed` of its rows were worked out now, `cached_rows` were in the store. `milliseconds` passed meanwhile, but of a
    /// metric they are its own work on all threads.
    Finished {
        node: String,
        rows: u64,
        computed: u64,
        cached_rows: u64,
        milliseconds: f64,
    },
    Metric(MetricResult),
    Failed {
        node: String,
        code: String,
        text: Words,
    },
    /// The end: `failed` steps, those that had to wait for them, and whether someone stopped the run.
    Done {
        computed: u64,
        cached: u64,
        failed: u64,
        blocked: u64,
        stopped: bool,
        milliseconds: f64,
    },
}

/// A measured value with its bootstrap interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricResult {
    pub name: String,
    pub train: String,
    pub part: String,
    pub metric: String,
    /// `None` where the metric is not defined on these rows.
    pub value: Option<f64>,
    /// The 2.5th and 97.5th percentile over the resamples.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// The units that were resampled.
    pub rows: u64,
    /// Of a train that was trained several times, the standard deviation of the value, which is then their mean, as are the ends of
    /// its interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
}

impl Event {
    pub(crate) fn failed(node: &str, error: &Error) -> Event {
        Event::Failed { node: node.into(), code: error.code.into(), text: error.message.clone().into() }
    }
}

/// Takes events, from any thread.
pub type Sink<'a> = &'a (dyn Fn(&Event) + Sync);

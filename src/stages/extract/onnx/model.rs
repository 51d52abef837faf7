//! An ONNX network that runs a row at a time, on one thread, so that a row's bytes hang neither on the rows beside it nor
//! on the count of threads.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use mmf_data::error::{Error, Result};
use mmf_data::stage::Context;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::world::Ports;

use super::ports::ports;
use super::runtime::{Lane, Network};

/// What a model is fed with.
pub(super) enum Fed {
    Floats(Vec<usize>, Vec<f32>),
    Numbers(Vec<usize>, Vec<i32>),
}

/// What came out of a model: its shape and its numbers.
pub(super) type Out = (Vec<usize>, Vec<f32>);

/// An opened model.
pub(super) struct Model {
    pub(super) ports: Ports,
    network: Network,
    /// As written in the pipeline, for messages.
    path: String,
    /// One for each batch at work.
    lanes: Mutex<Vec<Lane>>,
}

impl Model {
    /// Opens a model.
    ///
    /// # Errors
    /// E1046 where the file cannot be read, E1061 where it is no model that can be run.
    pub(super) fn open(context: &Context, path: &str) -> Result<Model> {
        let full = context.base.join(path);
        let ports = ports(&full).map_err(|fault| fault.error(path, |text| unusable(path, &text)))?;
        let network = Network::load(path, context.host.read(&full)?)?;
        Ok(Model { ports, network, path: path.to_string(), lanes: Mutex::default() })
    }

    /// Calls `work` where the model computes on one thread.
    pub(super) fn alone<T: Send>(&self, work: impl FnOnce(&mut Runner<'_>) -> Result<T> + Send) -> Result<T> {
        let free = self.lanes().pop();
        let lane = free.map_or_else(|| self.network.lane(), Ok).map_err(|why| self.failed(why))?;
        // Waiting on a thread of the engine's pool would have it begin another batch meanwhile.
        let joined = std::thread::scope(|scope| {
            let run = move || {
                let mut runner = Runner { model: self, lane };
                let made = work(&mut runner);
                self.lanes().push(runner.lane);
                made
            };
            scope.spawn(run).join()
        });
        joined.unwrap_or_else(|_| Err(self.failed("panic")))
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, Vec<Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, why: impl std::fmt::Display) -> Error {
        let path = &self.path;
        Error::new("E1062", say!("`{path}` fails: {why}", "`{path}` 运行失败：{why}"))
    }
}

/// The error of a file that is no model that can be run.
pub(super) fn unusable(path: &str, Text { en, zh }: &Text) -> Error {
    Error::new("E1061", say!("`{path}` cannot be run: {en}", "`{path}` 无法运行：{zh}"))
}

/// Runs a model on a thread of its own.
pub(super) struct Runner<'m> {
    model: &'m Model,
    lane: Lane,
}

impl Runner<'_> {
    /// Returns an output for these inputs.
    ///
    /// # Errors
    /// E1062 where the model fails on them.
    pub(super) fn run(&mut self, fed: BTreeMap<&str, Fed>, output: &str) -> Result<Out> {
        self.model.network.run(&mut self.lane, fed, output).map_err(|why| self.model.failed(why))
    }
}

/// Says whether a file begins as JSON with an object does.
pub(crate) fn is_json(path: &Path) -> std::result::Result<bool, std::io::Error> {
    use std::io::Read;
    let mut start = [0; 64];
    let read = std::fs::File::open(path)?.read(&mut start)?;
    Ok(start[..read].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{'))
}

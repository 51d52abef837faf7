//! An ONNX network that runs a row at a time, on one thread, so that a row's bytes hang neither on the rows beside it nor
//! on the count of threads.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use mmf_data::error::{Error, Result};
use mmf_data::stage::Context;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::world::Ports;
use rten::{LoadErrorKind, ModelOptions, NodeId, RunOptions, ThreadPool, Value};

use super::ports::ports;

/// What a model is fed with.
pub(super) enum Fed {
    Floats(Vec<usize>, Vec<f32>),
    /// Whole numbers; rten keeps them in 32 bits.
    Numbers(Vec<usize>, Vec<i32>),
}

/// What came out of a model: its shape and its numbers.
pub(super) type Out = (Vec<usize>, Vec<f32>);

/// An opened model.
pub(super) struct Model {
    pub(super) ports: Ports,
    model: rten::Model,
    /// As written in the pipeline, for messages.
    path: String,
    /// Threads of a pool each, one for each batch at work.
    pools: Mutex<Vec<Arc<ThreadPool>>>,
}

impl Model {
    /// Opens a model.
    ///
    /// # Errors
    /// E1046 where the file cannot be read, E1061 where it is no model that can be run.
    pub(super) fn open(context: &Context, path: &str) -> Result<Model> {
        let full = context.base.join(path);
        let ports = ports(&full).map_err(|fault| {
            fault.error(path, |Text { en, zh }| {
                Error::new("E1061", say!("`{path}` cannot be run: {en}", "`{path}` 无法运行：{zh}"))
            })
        })?;
        let bytes = context.host.read(&full)?;
        let loaded = catch_unwind(AssertUnwindSafe(|| ModelOptions::with_all_ops().load(bytes)));
        let model = match loaded {
            Ok(Ok(model)) => model,
            Ok(Err(error)) => {
                let said = Error::new("E1061", say!("`{path}` cannot be run: {error}", "`{path}` 无法运行：{error}"));
                return Err(match error.kind() {
                    LoadErrorKind::ExternalDataError => said.help(say!(
                        "its weights are in a file of their own; export it as one file: `torch.onnx.export(…, external_data=False)`",
                        "其权重在另一个文件中；请导出为单个文件：`torch.onnx.export(…, external_data=False)`"
                    )),
                    LoadErrorKind::OperatorInvalid => said.help(say!(
                        "export it with another opset (13 to 17 is best supported), or without the part that needs this operator",
                        "请换用其他 opset 导出（13 至 17 支持最好），或去掉需要该算子的部分"
                    )),
                    _ => said,
                });
            }
            Err(_) => {
                return Err(Error::new("E1061", say!("`{path}` is broken", "`{path}` 已损坏")));
            }
        };
        Ok(Model { ports, model, path: path.to_string(), pools: Mutex::default() })
    }

    /// Calls `work` on a thread on which the model computes, and no other.
    pub(super) fn alone<T: Send>(&self, work: impl FnOnce(&Runner<'_>) -> Result<T> + Send) -> Result<T> {
        let free = self.pools.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let pool = free.unwrap_or_else(|| Arc::new(ThreadPool::with_num_threads(1)));
        let runner = Runner { model: self, pool: pool.clone() };
        // Waiting on a thread of the engine's pool would have it begin another batch meanwhile.
        let joined = std::thread::scope(|scope| scope.spawn(|| pool.run(|| work(&runner))).join());
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(pool);
        joined.unwrap_or_else(|_| Err(self.failed("panic")))
    }

    fn failed(&self, why: impl std::fmt::Display) -> Error {
        let path = &self.path;
        Error::new("E1062", say!("`{path}` fails: {why}", "`{path}` 运行失败：{why}"))
    }

    fn node(&self, name: &str) -> Result<NodeId> {
        self.model.find_node(name).ok_or_else(|| self.failed(format!("`{name}` is not there")))
    }
}

/// Runs a model on a thread of its own.
pub(super) struct Runner<'m> {
    model: &'m Model,
    pool: Arc<ThreadPool>,
}

impl Runner<'_> {
    /// Returns an output for these inputs.
    ///
    /// # Errors
    /// E1062 where the model fails on them.
    pub(super) fn run(&self, fed: BTreeMap<&str, Fed>, output: &str) -> Result<Out> {
        let model = self.model;
        let mut inputs = Vec::with_capacity(fed.len());
        for (name, fed) in fed {
            let value = match fed {
                Fed::Floats(shape, numbers) => Value::from_shape(shape, numbers).map_err(|e| model.failed(e))?,
                Fed::Numbers(shape, numbers) => Value::from_shape(shape, numbers).map_err(|e| model.failed(e))?,
            };
            inputs.push((model.node(name)?, value.into()));
        }
        let outputs = [model.node(output)?];
        let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
        let run = || model.model.run(inputs, &outputs, Some(options));
        let made = catch_unwind(AssertUnwindSafe(run)).map_err(|_| model.failed("it is broken"))?;
        let mut made = made.map_err(|e| model.failed(e))?;
        let value = made.pop().ok_or_else(|| model.failed("it gives nothing"))?;
        let tensor: rten_tensor::Tensor<f32> = match value {
            Value::FloatTensor(tensor) => tensor,
            _ => return Err(model.failed(format!("`{output}` is not of 32-bit floats"))),
        };
        use rten_tensor::prelude::*;
        Ok((tensor.shape().to_vec(), tensor.into_data()))
    }
}

/// Says whether a file begins as JSON with an object does.
pub(crate) fn is_json(path: &Path) -> std::result::Result<bool, std::io::Error> {
    use std::io::Read;
    let mut start = [0; 64];
    let read = std::fs::File::open(path)?.read(&mut start)?;
    Ok(start[..read].iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{'))
}

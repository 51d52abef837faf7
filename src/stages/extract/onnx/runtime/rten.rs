//! Networks run by rten.

use std::collections::BTreeMap;
use std::sync::Arc;

use mmf_data::error::Result;
use mmf_data::foreign::guarded;
use mmf_lang::say;
use rten::{LoadErrorKind, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::prelude::*;

use crate::extract::onnx::model::{Fed, Out, unusable};

/// A network in memory.
pub(in super::super) struct Network(rten::Model);

/// Threads to compute on: one.
pub(in super::super) struct Lane(Arc<ThreadPool>);

impl Network {
    pub(in super::super) fn load(path: &str, bytes: Vec<u8>) -> Result<Network> {
        let loaded = guarded(|| ModelOptions::with_all_ops().load(bytes));
        let loaded = loaded.ok_or_else(|| unusable(path, &say!("it is broken", "已损坏")))?;
        loaded.map(Network).map_err(|error| {
            let said = unusable(path, &say!("{error}", "{error}"));
            match error.kind() {
                LoadErrorKind::ExternalDataError => said.help(say!(
                    "its weights are in a file of their own; export it as one file: `torch.onnx.export(…, external_data=False)`",
                    "其权重在另一个文件中；请导出为单个文件：`torch.onnx.export(…, external_data=False)`"
                )),
                LoadErrorKind::OperatorInvalid => said.help(say!(
                    "export it with another opset (13 to 17 is best supported), or without the part that needs this operator",
                    "请换用其他 opset 导出（13 至 17 支持最好），或去掉需要该算子的部分"
                )),
                _ => said,
            }
        })
    }

    pub(in super::super) fn lane(&self) -> std::result::Result<Lane, String> {
        Ok(Lane(Arc::new(ThreadPool::with_num_threads(1))))
    }

    pub(in super::super) fn run(
        &self,
        lane: &mut Lane,
        fed: BTreeMap<&str, Fed>,
        output: &str,
    ) -> std::result::Result<Out, String> {
        let mut inputs = Vec::with_capacity(fed.len());
        for (name, fed) in fed {
            let value = match fed {
                Fed::Floats(shape, numbers) => Value::from_shape(shape, numbers).map_err(|e| e.to_string()),
                // Whole numbers are of 32 bits here.
                Fed::Numbers(shape, numbers) => Value::from_shape(shape, numbers).map_err(|e| e.to_string()),
            };
            inputs.push((self.node(name)?, value?.into()));
        }
        let outputs = [self.node(output)?];
        let options = RunOptions::default().with_thread_pool(Some(lane.0.clone()));
        let run = || lane.0.run(|| self.0.run(inputs, &outputs, Some(options)));
        let made = guarded(run).ok_or("it is broken")?;
        let value = made.map_err(|e| e.to_string())?.pop().ok_or("it gives nothing")?;
        let Value::FloatTensor(tensor) = value else {
            return Err(format!("`{output}` is not of 32-bit floats"));
        };
        Ok((tensor.shape().to_vec(), tensor.into_data()))
    }

    fn node(&self, name: &str) -> std::result::Result<NodeId, String> {
        self.0.find_node(name).ok_or_else(|| format!("`{name}` is not there"))
    }
}

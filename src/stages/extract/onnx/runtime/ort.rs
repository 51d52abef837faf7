//! Networks run by ONNX Runtime, whose library is looked for when the first network is opened.

use std::collections::BTreeMap;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::sync::{Mutex, PoisonError};

use mmf_data::error::Result;
use mmf_lang::say;
use ort::environment::Environment;
use ort::session::{Session, SessionInputValue};
use ort::value::{Tensor, TensorElementType, ValueType};

use crate::extract::onnx::model::{Fed, Out, unusable};

/// Where the library is, if not where the system looks.
const LIBRARY: &str = "ORT_DYLIB_PATH";

/// A network as read, and the first session over it.
pub(in super::super) struct Network {
    bytes: Vec<u8>,
    environment: Environment,
    first: Mutex<Option<Lane>>,
}

/// A session, which takes one row at a time.
pub(in super::super) struct Lane(Session);

impl Network {
    pub(in super::super) fn load(path: &str, bytes: Vec<u8>) -> Result<Network> {
        let environment = environment().map_err(|why| {
            let library = format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}");
            unusable(path, &say!("ONNX Runtime is not there: {why}", "找不到 ONNX Runtime：{why}")).help(say!(
                "set `{LIBRARY}` to the path of `{library}`: `pip install onnxruntime` brings it, in `onnxruntime/capi`",
                "请将 `{LIBRARY}` 设为 `{library}` 的路径：`pip install onnxruntime` 会安装它，位于 `onnxruntime/capi`"
            ))
        })?;
        let first = session(&environment, &bytes).map_err(|why| unusable(path, &say!("{why}", "{why}")))?;
        Ok(Network { bytes, environment, first: Mutex::new(Some(first)) })
    }

    pub(in super::super) fn lane(&self) -> std::result::Result<Lane, String> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.map_or_else(|| session(&self.environment, &self.bytes), Ok)
    }

    pub(in super::super) fn run(
        &self,
        lane: &mut Lane,
        fed: BTreeMap<&str, Fed>,
        output: &str,
    ) -> std::result::Result<Out, String> {
        let mut inputs: Vec<(&str, SessionInputValue)> = Vec::with_capacity(fed.len());
        for (name, fed) in fed {
            let own = lane.0.inputs().iter().find(|input| input.name() == name);
            let short = own.is_some_and(
                |input| matches!(input.dtype(), ValueType::Tensor { ty, .. } if *ty == TensorElementType::Int32),
            );
            let value: SessionInputValue = match fed {
                Fed::Floats(shape, numbers) => Tensor::from_array((shape, numbers)).map_err(said)?.into(),
                Fed::Numbers(shape, numbers) if short => Tensor::from_array((shape, numbers)).map_err(said)?.into(),
                Fed::Numbers(shape, numbers) => {
                    let long: Vec<i64> = numbers.into_iter().map(i64::from).collect();
                    Tensor::from_array((shape, long)).map_err(said)?.into()
                }
            };
            inputs.push((name, value));
        }
        let made = lane.0.run(inputs).map_err(said)?;
        let value = made.get(output).ok_or_else(|| format!("`{output}` is not there"))?;
        let (shape, numbers) = value.try_extract_tensor::<f32>().map_err(said)?;
        Ok((shape.iter().map(|&side| side as usize).collect(), numbers.to_vec()))
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn environment() -> std::result::Result<Environment, String> {
    static MADE: Mutex<Option<Environment>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*made {
        return Ok(environment.clone());
    }
    let named = std::env::var(LIBRARY).ok().filter(|path| !path.is_empty());
    let path = named.unwrap_or_else(|| format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}"));
    let environment = ort::init_from(path).map_err(said)?.with_name("mmf").build().map_err(said)?;
    *made = Some(environment.clone());
    Ok(environment)
}

/// Opens a network for one thread, that of the caller.
fn session(environment: &Environment, bytes: &[u8]) -> std::result::Result<Lane, String> {
    let builder = Session::builder(environment).map_err(said)?;
    let builder = builder.with_intra_threads(1).map_err(said)?.with_inter_threads(1).map_err(said)?;
    let mut builder = builder.with_intra_op_spinning(false).map_err(said)?;
    builder.commit_from_memory(bytes).map(Lane).map_err(said)
}

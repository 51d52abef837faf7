//! Weights and optimizers as bytes, in the safetensors format, in an order that only their names decide.
//!
//! One entry of metadata, `mmf`, says of each weight where it belongs: a line of `number · place · dense, table or state · name · label`,
//! separated by tabs. A single entry keeps the header's bytes the same, since the format's writer orders entries at random.

use crate::optimizers::{Optimizer, Rule, State};
use crate::parameters::{Kind, Parameters};
use crate::value::{device_error, read};
use dfdx::prelude::Storage;
use mmf_data::error::{Error, Result};
use mmf_lang::say;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::borrow::Cow;
use std::collections::HashMap;

const KEY: &str = "mmf";

/// A name, sizes, and numbers as bytes.
type Named<'a> = (&'a str, Vec<usize>, Cow<'a, [u8]>);

impl Parameters {
    /// Returns all weights under their labels.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut about = format!("weights\t{}\n", self.seed);
        for (i, entry) in self.entries.iter().enumerate() {
            let kind = entry.kind.name();
            about.push_str(&format!("{i}\t{}\t{kind}\t{}\t{}\n", entry.place, entry.name, entry.label));
        }
        let bytes = self
            .entries
            .iter()
            .map(|entry| (entry.label.as_str(), entry.dims.clone(), Cow::Owned(bytes_of(read(&entry.value)))));
        write(bytes.collect(), about)
    }

    /// Reads weights back: the same numbers, places and order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (tensors, about) = open(bytes)?;
        let mut lines = about.lines();
        let seed = lines.next().and_then(|line| line.strip_prefix("weights\t")).and_then(|seed| seed.parse().ok());
        let mut parameters = Parameters::new(seed.ok_or_else(damaged)?);
        for line in lines {
            let fields: Vec<&str> = line.splitn(5, '\t').collect();
            let [_, place, kind, name, label] = fields[..] else { return Err(damaged()) };
            let kind = Kind::named(kind).ok_or_else(damaged)?;
            let tensor = tensors.tensor(label).map_err(|_| damaged())?;
            let data = numbers(&tensor)?;
            let place = place.parse().map_err(|_| damaged())?;
            let dims = tensor.shape().to_vec();
            parameters.push(place, name.to_owned(), label.to_owned(), dims, kind, data)?;
        }
        Ok(parameters)
    }
}

impl Optimizer {
    /// Returns what is remembered of each weight; the rule itself is the caller's to know.
    pub fn to_bytes(&self, parameters: &Parameters) -> Result<Vec<u8>> {
        let mut about = format!("optimizer\t{}\n", self.rule.name());
        let mut named = Vec::new();
        for (i, state) in self.states.iter().enumerate() {
            let Some(state) = state else { continue };
            let entry =
                parameters.entries.get(i).ok_or_else(|| Error::bug("an optimizer of other weights is saved"))?;
            about.push_str(&format!("{i}\t{}\n", state.steps));
            for (number, moment) in state.moments.iter().enumerate() {
                named.push((format!("{number}/{}", entry.label), entry.dims.clone(), bytes_of(moment)));
            }
        }
        write(
            named.iter().map(|(name, dims, bytes)| (name.as_str(), dims.clone(), Cow::Borrowed(&bytes[..]))).collect(),
            about,
        )
    }

    /// Reads an optimizer back, to go on with the same `rule` and weights.
    pub fn from_bytes(bytes: &[u8], rule: Rule, parameters: &Parameters) -> Result<Self> {
        let (tensors, about) = open(bytes)?;
        let mut lines = about.lines();
        if lines.next() != Some(&format!("optimizer\t{}", rule.name())) {
            return Err(damaged());
        }
        let mut optimizer = Optimizer::new(rule);
        optimizer.states.resize_with(parameters.len(), || None);
        for line in lines {
            let (i, steps) = line.split_once('\t').ok_or_else(damaged)?;
            let (i, steps): (usize, i32) = (i.parse().map_err(|_| damaged())?, steps.parse().map_err(|_| damaged())?);
            let entry = parameters.entries.get(i).ok_or_else(damaged)?;
            let kept = rule.moments().max(usize::from(entry.kind != Kind::Table));
            let mut moments = Vec::new();
            for number in 0..kept {
                let tensor = tensors.tensor(&format!("{number}/{}", entry.label)).map_err(|_| damaged())?;
                if tensor.shape() != entry.dims {
                    return Err(damaged());
                }
                let mut buffer = optimizer.device.try_alloc_len(0).map_err(device_error)?;
                *buffer = numbers(&tensor)?;
                moments.push(buffer);
            }
            optimizer.states[i] = Some(State { steps, moments });
        }
        Ok(optimizer)
    }
}

fn write(named: Vec<Named>, about: String) -> Result<Vec<u8>> {
    let views = named.iter().map(|(name, dims, bytes)| {
        TensorView::new(Dtype::F32, dims.clone(), bytes)
            .map(|view| (*name, view))
            .map_err(|error| Error::bug(format!("`{name}` cannot be written: {error}")))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), about)])))
        .map_err(|error| Error::bug(format!("weights cannot be written: {error}")))
}

fn open(bytes: &[u8]) -> Result<(SafeTensors<'_>, String)> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|_| damaged())?;
    let about = header.metadata().as_ref().and_then(|entries| entries.get(KEY)).cloned().ok_or_else(damaged)?;
    Ok((SafeTensors::deserialize(bytes).map_err(|_| damaged())?, about))
}

fn damaged() -> Error {
    Error::new("E1034", say!("these saved weights cannot be read", "无法读取保存的权重"))
}

/// The format is little-endian.
fn bytes_of(data: &[f32]) -> Vec<u8> {
    data.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn numbers(tensor: &TensorView) -> Result<Vec<f32>> {
    if tensor.dtype() != Dtype::F32 {
        return Err(damaged());
    }
    let (words, _) = tensor.data().as_chunks::<4>();
    Ok(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
}

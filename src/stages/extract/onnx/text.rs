//! A text as a network takes it.

use std::collections::BTreeMap;

use mmf_data::error::{Error, Result};
use mmf_lang::say;

use super::fit::{Fit, Use};
use super::model::Fed;
use super::tokenizer::Tokenizer;

/// Turns a text into the inputs of a network; returns how many steps are no padding. There is padding only where the network
/// takes a fixed count of steps.
pub(super) fn fed<'p>(fit: &Fit<'p>, tokenizer: &Tokenizer, text: &str) -> Result<(BTreeMap<&'p str, Fed>, usize)> {
    let inputs = &fit.ports.inputs;
    let fixed = inputs.iter().find_map(|port| port.shape.get(1).copied().flatten()).map(|n| n as usize);
    let tokens = tokenizer.encode(text, fixed)?;
    let real = tokens.len();
    let steps = fixed.unwrap_or(real);
    if real > steps {
        return Err(Error::new(
            "E1062",
            say!(
                "a text has {real} special tokens, the network takes {steps}",
                "文本有 {real} 个特殊词元，网络只接受 {steps} 个"
            ),
        ));
    }
    let mut fed = BTreeMap::new();
    for port in inputs {
        let number = |at: usize| match Use::of(&port.name) {
            Use::Words => tokens.get(at).map_or(tokenizer.padding, |(id, _)| *id),
            Use::Mask => i32::from(at < real),
            Use::Kinds => tokens.get(at).map_or(0, |(_, kind)| *kind),
            Use::Places => at as i32,
        };
        fed.insert(port.name.as_str(), Fed::Numbers(vec![1, steps], (0..steps).map(number).collect()));
    }
    Ok((fed, real))
}

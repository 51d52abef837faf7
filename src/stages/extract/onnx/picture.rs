//! A picture as a network takes it.

use std::collections::BTreeMap;

use mmf_data::error::{Error, Result};
use mmf_data::picture::Picture;

use super::fit::Fit;
use super::model::Fed;

/// ImageNet's, in units of 0 to 255.
const MEAN: [f32; 3] = [123.675, 116.28, 103.53];
const DEVIATION: [f32; 3] = [58.395, 57.12, 57.375];
/// For other counts of channels: to -1 to 1.
const HALF: f32 = 127.5;

/// Scales a picture, channels first or last.
pub(super) fn fed<'p>(
    picture: &Picture,
    fit: &Fit<'p>,
    mean: Option<&[f32]>,
    deviation: Option<&[f32]>,
) -> Result<BTreeMap<&'p str, Fed>> {
    let &Picture { height, width, channels, ref samples } = picture;
    let mean = scale(mean, channels, &MEAN)?;
    let deviation = scale(deviation, channels, &DEVIATION)?;
    let scaled = |sample: u8, channel: usize| (f32::from(sample) - mean[channel]) / deviation[channel];
    let area = height * width;
    let mut numbers = vec![0.0; area * channels];
    for (at, pixel) in samples.chunks_exact(channels.max(1)).enumerate() {
        for (channel, &sample) in pixel.iter().enumerate() {
            let place = if fit.last { at * channels + channel } else { channel * area + at };
            numbers[place] = scaled(sample, channel);
        }
    }
    let shape = if fit.last { vec![1, height, width, channels] } else { vec![1, channels, height, width] };
    let name = fit.ports.inputs.first().ok_or_else(|| Error::bug("a network without an input"))?;
    Ok(BTreeMap::from([(name.name.as_str(), Fed::Floats(shape, numbers))]))
}

/// Returns a number a channel.
fn scale(given: Option<&[f32]>, channels: usize, usual: &[f32; 3]) -> Result<Vec<f32>> {
    match given {
        Some([one]) => Ok(vec![*one; channels]),
        Some(all) if all.len() == channels => Ok(all.to_vec()),
        Some(_) => Err(Error::bug("as many numbers as channels")),
        None if channels == 3 => Ok(usual.to_vec()),
        None => Ok(vec![HALF; channels]),
    }
}

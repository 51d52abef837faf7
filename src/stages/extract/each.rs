//! How the stages of this group walk over a batch. Missing rows get an empty value, which the engine drops.

use std::sync::Arc;

use mmf_data::error::{Error, Result};
use mmf_data::picture::Picture;
use mmf_data::stage::Batch;
use mmf_data::values::{Map, Sequences, Texts, TokenLists, Values};

/// Runs work that is compiled for each set of vector instructions, with the best that the processor has. What it calls is only so
/// where it is `#[inline(always)]`. Whole numbers are the same with all of them.
#[inline(always)]
pub(super) fn wide<T>(work: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(work)
}

/// Turns each sequence into one vector as wide as its steps; `make` gives those of all rows, end to end.
pub(super) fn sequence_to_vector(batch: &Batch, make: impl Fn(&Sequences) -> Vec<f32>) -> Result<Values> {
    match batch.values(0)? {
        Values::Sequence(sequences) => Ok(Values::vector(sequences.width, make(sequences))),
        other => Err(expected("sequences", other)),
    }
}

/// Returns the pictures of the only input.
pub(super) fn pictures(batch: &Batch) -> Result<&[Arc<Picture>]> {
    match batch.values(0)? {
        Values::Pictures(pictures) => Ok(pictures),
        other => Err(expected("pictures", other)),
    }
}

/// Makes a picture of each picture.
pub(super) fn picture_to_picture(batch: &Batch, make: impl Fn(&Picture) -> Result<Picture>) -> Result<Values> {
    let blank = Arc::new(Picture { height: 0, width: 0, channels: 1, samples: Vec::new() });
    let made = pictures(batch)?
        .iter()
        .enumerate()
        .map(|(at, picture)| if batch.is_missing(at) { Ok(blank.clone()) } else { make(picture).map(Arc::new) })
        .collect::<Result<Vec<_>>>()?;
    Ok(Values::Pictures(Arc::new(made)))
}

/// Makes a map of each picture.
pub(super) fn picture_to_map(batch: &Batch, make: impl Fn(&Picture) -> Result<Map>) -> Result<Values> {
    let blank = Arc::new(Map { height: 0, width: 0, channels: 1, numbers: Vec::new() });
    let made = pictures(batch)?
        .iter()
        .enumerate()
        .map(|(at, picture)| if batch.is_missing(at) { Ok(blank.clone()) } else { make(picture).map(Arc::new) })
        .collect::<Result<Vec<_>>>()?;
    Ok(Values::Maps(Arc::new(made)))
}

/// Makes a vector of each picture; `make` fills `width` zeros.
pub(super) fn picture_to_vector(
    batch: &Batch,
    width: usize,
    make: impl Fn(&Picture, &mut [f32]) -> Result<()>,
) -> Result<Values> {
    let pictures = pictures(batch)?;
    let mut numbers = vec![0.0; pictures.len() * width];
    for (at, (picture, out)) in pictures.iter().zip(numbers.chunks_exact_mut(width)).enumerate() {
        if !batch.is_missing(at) {
            make(picture, out)?;
        }
    }
    Ok(Values::vector(width, numbers))
}

/// Makes a vector of each map; `make` fills `width` zeros.
pub(super) fn map_to_vector(
    batch: &Batch,
    width: usize,
    make: impl Fn(&Map, &mut [f32]) -> Result<()>,
) -> Result<Values> {
    let made;
    let maps = match batch.values(0)? {
        Values::Maps(maps) => maps,
        Values::Pictures(pictures) => {
            made = Arc::new(pictures.iter().map(|p| Arc::new(as_map(p))).collect::<Vec<_>>());
            &made
        }
        other => return Err(expected("maps", other)),
    };
    let mut numbers = vec![0.0; maps.len() * width];
    for (at, (map, out)) in maps.iter().zip(numbers.chunks_exact_mut(width)).enumerate() {
        if !batch.is_missing(at) {
            make(map, out)?;
        }
    }
    Ok(Values::vector(width, numbers))
}

/// Returns a picture where a map is wanted: each sample over 255.
fn as_map(picture: &Picture) -> Map {
    let &Picture { height, width, channels, ref samples } = picture;
    Map { height, width, channels, numbers: samples.iter().map(|&x| f32::from(x) / 255.0).collect() }
}

/// Returns the texts of the only input.
pub(super) fn texts(batch: &Batch) -> Result<&Texts> {
    match batch.values(0)? {
        Values::Text(texts) => Ok(texts),
        other => Err(expected("text", other)),
    }
}

/// Returns the lists of words that these values hold.
pub(super) fn tokens(values: &Values) -> Result<&TokenLists> {
    match values {
        Values::Tokens(tokens) => Ok(tokens),
        other => Err(expected("tokens", other)),
    }
}

/// Holds a picture to its channels.
pub(super) fn with_channels(picture: &Picture, channels: usize) -> Result<&[u8]> {
    let Picture { height, width, channels: found, samples } = picture;
    if *found != channels || samples.len() != height * width * channels {
        return Err(Error::bug(format!("a picture of {channels} channels was expected, found {found}")));
    }
    Ok(samples)
}

pub(super) fn expected(what: &str, found: &Values) -> Error {
    Error::bug(format!("{what} were expected, found {}", found.kind()))
}

#[cfg(test)]
pub(crate) mod tests {
    //! What the tests of this group share: fixtures and batches.

    use super::*;
    use mmf_data::stage::Input;

    /// Reads a stored fixture as JSON.
    pub(crate) fn fixture(path: &str) -> serde_json::Value {
        let path = format!("{}/../../tests/fixtures/{path}", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }

    /// Reads a picture, named from the root of the repository, as it is stored: grey stays one channel.
    pub(in crate::extract) fn stored_picture(path: &str) -> Picture {
        let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
        let read = image::load_from_memory(&std::fs::read(path).unwrap()).unwrap();
        let (width, height) = (read.width() as usize, read.height() as usize);
        match read.color().channel_count() {
            1 => Picture { height, width, channels: 1, samples: read.to_luma8().into_raw() },
            _ => Picture { height, width, channels: 3, samples: read.to_rgb8().into_raw() },
        }
    }

    /// Calls `test` with each picture of OpenCV's fixture and what is stored of it.
    pub(in crate::extract) fn opencv(mut test: impl FnMut(&str, Picture, &serde_json::Value)) {
        let all = fixture("opencv/opencv.json");
        let pictures = all["pictures"].as_array().unwrap();
        assert_eq!(pictures.len(), 7);
        for entry in pictures {
            let name = entry["picture"].as_str().unwrap();
            test(name, stored_picture(name), entry);
        }
    }

    pub(in crate::extract) fn batch(values: Values) -> Batch {
        Batch { rows: values.len(), inputs: vec![Input { values, missing: None }] }
    }

    #[test]
    fn missing_rows_are_passed_over() {
        let empty = Arc::new(Picture { height: 0, width: 0, channels: 1, samples: Vec::new() });
        let full = Arc::new(Picture { height: 1, width: 1, channels: 1, samples: vec![7] });
        let mut batch = batch(Values::Pictures(Arc::new(vec![empty, full])));
        batch.inputs[0].missing = Some(Arc::new(vec![true, false]));
        let made = picture_to_vector(&batch, 2, |p, out| {
            out[1] = f32::from(with_channels(p, 1)?[0]);
            Ok(())
        });
        assert_eq!(made.unwrap(), Values::vector(2, vec![0.0, 0.0, 0.0, 7.0]));
    }
}

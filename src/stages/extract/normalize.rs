//! `normalize`: maps whose channels have mean 0 and deviation 1.

use std::sync::Arc;

use mmf_data::arrays::{Array, State};
use mmf_data::error::{Error, Result};
use mmf_data::picture::{Limits, Picture, decode};
use mmf_data::stage::{Batch, Body, Context, Stage};
use mmf_data::table::Column;
use mmf_data::values::{Map, Values};
use mmf_lang::args::Args;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Signature};

use super::each;

pub(crate) struct Normalize;

static SIGNATURE: Signature = Signature::new(
    Group::Extract,
    "normalize",
    &["col<d, map[h, w, c]> -> col<d, map[h, w, c]>"],
)
.version(1)
.cost("h * w * c")
.doc(
    "Shifts and scales each channel by what it is in the training rows: `(x - mean) / deviation`, both over all pixels of all \
     their pictures. A channel that is the same everywhere is only shifted. Pictures become maps; their samples are numbers \
     from 0 to 1 before.",
)
.reference("torchvision's Normalize with numpy's mean and std over rows, height and width")
.examples(&[Example::new("One channel.", "map([[0, 1], [2, 1]]) |> normalize", "map([[-1.41421, 0], [1.41421, 0]])")]);

impl Stage for Normalize {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Fit { fit, apply }
    }
}

/// What is known of a channel: how many numbers, their mean, and the sum of squared distances from it.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    /// Takes the numbers of one more picture in (Chan, Golub, LeVeque 1979): the sums stay small over any count of them.
    fn join(&mut self, other: Spread) {
        let count = self.count + other.count;
        if other.count == 0.0 {
            return;
        }
        let difference = other.mean - self.mean;
        self.mean += difference * other.count / count;
        self.squares += other.squares + difference * difference * self.count * other.count / count;
        self.count = count;
    }
}

/// Learns from each picture for itself, then joins them in the order of the rows.
fn fit(context: &Context, _: &Args, columns: &[Column]) -> Result<State> {
    let column = columns.first().ok_or_else(|| Error::bug("a fit was given no column"))?;
    let mut spreads: Vec<Spread> = Vec::new();
    let mut take = |row: Vec<Spread>| -> Result<()> {
        spreads.resize(spreads.len().max(row.len()), Spread::default());
        if spreads.len() != row.len() {
            return Err(Error::bug("pictures of a column differ in their channels"));
        }
        spreads.iter_mut().zip(row).for_each(|(all, one)| all.join(one));
        context.check()
    };
    for at in (0..column.len()).filter(|&at| !column.is_missing(at)) {
        match &column.values {
            Values::Maps(maps) => take(of_map(&maps[at]))?,
            Values::Pictures(pictures) => take(of_picture(&pictures[at]))?,
            Values::Files(files) => {
                let picture = decode(&context.host.read(&files.get(at))?, &Limits::default())?;
                take(of_picture(&picture))?;
            }
            other => return Err(each::expected("maps", other)),
        }
    }
    if spreads.iter().all(|s| s.count == 0.0) {
        return Err(Error::new(
            "E1022",
            say!("there is no picture to learn from in the training rows", "训练行中没有可供学习的图片"),
        ));
    }
    let deviation = |s: &Spread| {
        let deviation = (s.squares / s.count).sqrt();
        if deviation < 10.0 * f64::EPSILON { 1.0 } else { deviation }
    };
    Ok(State::new()
        .with("mean", Array::F64(spreads.iter().map(|s| s.mean).collect()))
        .with("deviation", Array::F64(spreads.iter().map(deviation).collect())))
}

fn of_map(map: &Map) -> Vec<Spread> {
    let channels = map.channels.max(1);
    let mut spreads = vec![Spread { count: (map.numbers.len() / channels) as f64, ..Spread::default() }; channels];
    for pixel in map.numbers.chunks_exact(channels) {
        spreads.iter_mut().zip(pixel).for_each(|(s, &x)| s.mean += f64::from(x));
    }
    spreads.iter_mut().for_each(|s| s.mean /= s.count.max(1.0));
    for pixel in map.numbers.chunks_exact(channels) {
        spreads.iter_mut().zip(pixel).for_each(|(s, &x)| s.squares += (f64::from(x) - s.mean).powi(2));
    }
    spreads
}

/// Counts the 256 samples of each channel, so that the sums are few.
fn of_picture(picture: &Picture) -> Vec<Spread> {
    let channels = picture.channels.max(1);
    let mut counts = vec![[0u64; 256]; channels];
    for pixel in picture.samples.chunks_exact(channels) {
        counts.iter_mut().zip(pixel).for_each(|(counts, &x)| counts[usize::from(x)] += 1);
    }
    let spread = |counts: &[u64; 256]| {
        let count = counts.iter().sum::<u64>() as f64;
        let total: u64 = counts.iter().zip(0u64..).map(|(n, x)| n * x).sum();
        let mean = total as f64 / 255.0 / count.max(1.0);
        let square = |(n, x): (&u64, u64)| *n as f64 * (x as f64 / 255.0 - mean).powi(2);
        Spread { count, mean, squares: counts.iter().zip(0u64..).map(square).sum() }
    };
    counts.iter().map(spread).collect()
}

fn apply(context: &Context, _: &Args, state: &State, batch: &Batch) -> Result<Values> {
    let (means, deviations) = (state.f64s("mean")?, state.f64s("deviation")?);
    let fits = |channels: usize| {
        let same = channels == means.len() && channels == deviations.len();
        if same { Ok(()) } else { Err(Error::bug("a stored scale has not as many channels as its column")) }
    };
    let scale = |channel: usize, x: f64| ((x - means[channel]) / deviations[channel]) as f32;
    let blank = Arc::new(Map { height: 0, width: 0, channels: 1, numbers: Vec::new() });
    let made: Result<Vec<Arc<Map>>> = match batch.values(0)? {
        Values::Maps(maps) => maps
            .iter()
            .enumerate()
            .map(|(at, map)| {
                if batch.is_missing(at) {
                    return Ok(blank.clone());
                }
                context.check()?;
                fits(map.channels)?;
                let pixel = |pixel: &[f32]| {
                    pixel.iter().enumerate().map(|(c, &x)| scale(c, f64::from(x))).collect::<Vec<f32>>()
                };
                let numbers = map.numbers.chunks_exact(map.channels).flat_map(pixel).collect();
                Ok(Arc::new(Map { numbers, ..**map }))
            })
            .collect(),
        Values::Pictures(pictures) => {
            let table = |c: usize| (0..256).map(|x| scale(c, f64::from(x) / 255.0)).collect::<Vec<f32>>();
            let tables: Vec<Vec<f32>> = (0..means.len().min(deviations.len())).map(table).collect();
            pictures
                .iter()
                .enumerate()
                .map(|(at, picture)| {
                    if batch.is_missing(at) {
                        return Ok(blank.clone());
                    }
                    context.check()?;
                    let &Picture { height, width, channels, ref samples } = &**picture;
                    fits(channels)?;
                    let numbers = samples.iter().zip((0..channels).cycle()).map(|(&x, c)| tables[c][usize::from(x)]);
                    Ok(Arc::new(Map { height, width, channels, numbers: numbers.collect() }))
                })
                .collect()
        }
        other => return Err(each::expected("maps", other)),
    };
    Ok(Values::Maps(Arc::new(made?)))
}

#[cfg(test)]
mod tests {
    use mmf_data::table::Rows;

    use super::*;
    use crate::extract::each::tests::{batch, fixture, stored_picture};
    use crate::extract::terms::tests::context;

    fn pictures() -> Vec<Arc<Picture>> {
        let read = |name| Arc::new(stored_picture(&format!("tests/fixtures/opencv/{name}.png")));
        ["shapes", "noise"].map(read).to_vec()
    }

    fn as_maps(pictures: &[Arc<Picture>]) -> Values {
        let map = |p: &Arc<Picture>| {
            let numbers = p.samples.iter().map(|&x| f32::from(x) / 255.0).collect();
            Arc::new(Map { height: p.height, width: p.width, channels: p.channels, numbers })
        };
        Values::Maps(Arc::new(pictures.iter().map(map).collect()))
    }

    #[test]
    fn scales_are_numpys_for_pictures_and_maps() {
        let stored = &fixture("texture/texture.json")["channels"];
        for values in [Values::Pictures(Arc::new(pictures())), as_maps(&pictures())] {
            let column = Column::new(Rows::all(2), values.clone());
            let state = fit(&context(), &Args::default(), &[column]).unwrap();
            for name in ["mean", "deviation"] {
                for (found, expected) in state.f64s(name).unwrap().iter().zip(stored[name].as_array().unwrap()) {
                    assert!((found - expected.as_f64().unwrap()).abs() < 1e-7, "{found} for {expected}");
                }
            }
            let Values::Maps(maps) = apply(&context(), &Args::default(), &state, &batch(values)).unwrap() else {
                panic!()
            };
            let (mean, deviation) = (state.f64s("mean").unwrap()[1], state.f64s("deviation").unwrap()[1]);
            let sample = f64::from(pictures()[1].samples[10]) / 255.0;
            assert!((f64::from(maps[1].numbers[10]) - (sample - mean) / deviation).abs() < 1e-5);
        }
    }

    #[test]
    fn a_flat_channel_is_shifted_and_no_picture_is_an_error() {
        let map = |x: f32| Arc::new(Map { height: 1, width: 1, channels: 2, numbers: vec![x, 3.0] });
        let column = Column::new(Rows::all(2), Values::Maps(Arc::new(vec![map(1.0), map(5.0)])));
        let state = fit(&context(), &Args::default(), std::slice::from_ref(&column)).unwrap();
        assert_eq!((state.f64s("mean").unwrap(), state.f64s("deviation").unwrap()), (&[3.0, 3.0][..], &[2.0, 1.0][..]));
        let none = Column::new(Rows::all(0), Values::Maps(Arc::default()));
        assert_eq!(fit(&context(), &Args::default(), &[none]).unwrap_err().code, "E1022");
    }
}

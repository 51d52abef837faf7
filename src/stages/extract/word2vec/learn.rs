//! Stochastic gradient descent over pairs of near words, in one order.

use mmf_data::error::Result;
use mmf_data::stage::Context;

use super::corpus::Corpus;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SkipGram,
    Cbow,
}

pub(super) struct Settings {
    pub(super) dim: usize,
    pub(super) window: usize,
    pub(super) kind: Kind,
    pub(super) negatives: usize,
    pub(super) sample: f64,
    pub(super) epochs: usize,
    pub(super) lr: f32,
    pub(super) seed: u64,
}

/// Where the falling step ends.
const LAST_LR: f32 = 1e-4;
/// Rows of the matrices are filled up with zeros to whole runs of these, which the compiler turns into vector instructions.
const LANES: usize = 16;
/// Beyond this a pair is told apart well enough and teaches nothing.
const MOST: f32 = 6.0;
const STEPS: usize = 1000;
/// Words between looks at whether the run was stopped.
const BETWEEN: usize = 10_000;

/// Returns a vector for each word, end to end.
///
/// # Errors
/// Where the run is stopped.
pub(super) fn learn(context: &Context, corpus: &Corpus<'_>, settings: &Settings) -> Result<Vec<f32>> {
    let mut model = Model::new(corpus, settings);
    let total = corpus.tokens.len() * settings.epochs;
    let (mut done, mut told) = (0, 0);
    let arch = pulp::Arch::new();
    for _ in 0..settings.epochs {
        for row in corpus.rows() {
            let share = done as f32 / total.max(1) as f32;
            model.lr = LAST_LR.max(settings.lr - (settings.lr - LAST_LR) * share);
            arch.dispatch(Turn { model: &mut model, row, settings });
            done += row.len();
            if done - told >= BETWEEN {
                told = done;
                context.check()?;
                context.progress(done, total);
            }
        }
    }
    Ok(model.vectors())
}

/// A row to learn from, compiled for each set of vector instructions and run with the best that the processor has. The numbers
/// are the same with all of them, as no two operations are fused.
struct Turn<'a> {
    model: &'a mut Model,
    row: &'a [u32],
    settings: &'a Settings,
}

impl pulp::NullaryFnOnce for Turn<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.model.row(self.row, self.settings);
    }
}

struct Model {
    dim: usize,
    stride: usize,
    /// A word's own vector, which is what is wanted.
    inner: Vec<f32>,
    /// What a word is as a neighbour.
    outer: Vec<f32>,
    /// Of 2³² draws, how many keep the word.
    keep: Vec<u64>,
    draw: Draw,
    chance: Chance,
    logistic: Vec<f32>,
    lr: f32,
    kept: Vec<u32>,
    centre: Vec<f32>,
    change: Vec<f32>,
}

impl Model {
    fn new(corpus: &Corpus<'_>, settings: &Settings) -> Model {
        let dim = settings.dim;
        let stride = dim.next_multiple_of(LANES);
        let words = corpus.words.len();
        let mut chance = Chance(settings.seed ^ 0x5DEE_CE66_D1CE_4E5B);
        let mut inner = vec![0f32; words * stride];
        for row in inner.chunks_exact_mut(stride) {
            row[..dim].iter_mut().for_each(|x| *x = (chance.unit() * 2.0 - 1.0) / dim as f32);
        }
        let total = corpus.tokens.len() as f64;
        let threshold = settings.sample * total;
        let keep = |&count: &u64| {
            let count = count as f64;
            let share = ((count / threshold).sqrt() + 1.0) * (threshold / count);
            if settings.sample == 0.0 { 1 << 32 } else { (share.min(1.0) * 2f64.powi(32)) as u64 }
        };
        let logistic = (0..STEPS).map(|i| {
            let e = ((i as f64 / STEPS as f64 * 2.0 - 1.0) * f64::from(MOST)).exp();
            (e / (e + 1.0)) as f32
        });
        Model {
            dim,
            stride,
            inner,
            outer: vec![0.0; words * stride],
            keep: corpus.counts.iter().map(keep).collect(),
            draw: Draw::new(&corpus.counts),
            chance,
            logistic: logistic.collect(),
            lr: settings.lr,
            kept: Vec::new(),
            centre: vec![0.0; stride],
            change: vec![0.0; stride],
        }
    }

    fn vectors(&self) -> Vec<f32> {
        self.inner.chunks_exact(self.stride).flat_map(|row| &row[..self.dim]).copied().collect()
    }

    /// Learns from one row of words.
    #[inline(always)]
    fn row(&mut self, words: &[u32], settings: &Settings) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        kept.extend(words.iter().filter(|&&w| self.keep[w as usize] > self.chance.below(1 << 32)));
        for (at, &word) in kept.iter().enumerate() {
            let reach = settings.window - self.chance.below(settings.window as u64) as usize;
            let near = at.saturating_sub(reach)..(at + reach + 1).min(kept.len());
            match settings.kind {
                Kind::SkipGram => {
                    for other in near.filter(|&other| other != at) {
                        self.pair(kept[other] as usize, word, settings.negatives);
                    }
                }
                Kind::Cbow => self.bag(&kept, near, at, settings.negatives),
            }
        }
        self.kept = kept;
    }

    /// One near word tells the word.
    #[inline(always)]
    fn pair(&mut self, near: usize, word: u32, negatives: usize) {
        let own = near * self.stride..(near + 1) * self.stride;
        self.centre.copy_from_slice(&self.inner[own.clone()]);
        self.tell(word, negatives);
        self.inner[own].iter_mut().zip(&self.change).for_each(|(x, change)| *x += change);
    }

    /// The mean of the near words tells the word.
    #[inline(always)]
    fn bag(&mut self, kept: &[u32], near: std::ops::Range<usize>, at: usize, negatives: usize) {
        let count = near.len() - 1;
        if count == 0 {
            return;
        }
        self.centre.fill(0.0);
        for other in near.clone().filter(|&other| other != at) {
            let row = &self.inner[kept[other] as usize * self.stride..][..self.stride];
            self.centre.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        self.centre.iter_mut().for_each(|x| *x /= count as f32);
        self.tell(kept[at], negatives);
        for other in near.filter(|&other| other != at) {
            let row = &mut self.inner[kept[other] as usize * self.stride..][..self.stride];
            row.iter_mut().zip(&self.change).for_each(|(x, change)| *x += change);
        }
    }

    /// Tells `word` from drawn words by `centre`; moves their outer vectors, and leaves in `change` how the centre moves.
    #[inline(always)]
    fn tell(&mut self, word: u32, negatives: usize) {
        self.change.fill(0.0);
        for turn in 0..=negatives {
            let (target, label) = match turn {
                0 => (word, 1.0),
                _ => match self.draw.word(&mut self.chance) {
                    drawn if drawn == word => continue,
                    drawn => (drawn, 0.0),
                },
            };
            let row = &mut self.outer[target as usize * self.stride..][..self.stride];
            let score = dot(&self.centre, row);
            if !(-MOST < score && score < MOST) {
                continue;
            }
            let place = ((score + MOST) * (STEPS as f32 / MOST / 2.0)) as usize;
            let step = (label - self.logistic[place.min(STEPS - 1)]) * self.lr;
            learn_row(row, &mut self.change, &self.centre, step);
        }
    }
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        let mut more = sums;
        for lane in 0..LANES {
            more[lane] += a[lane] * b[lane];
        }
        sums = more;
    }
    sum(&sums)
}

/// Not inlined: else the compiler would shape the loop above after these few steps.
#[inline(never)]
fn sum(sums: &[f32; LANES]) -> f32 {
    let mut sums = *sums;
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// `change += step · row`, then `row += step · centre`.
#[inline(always)]
fn learn_row(row: &mut [f32], change: &mut [f32], centre: &[f32], step: f32) {
    let rows = row.as_chunks_mut::<LANES>().0.iter_mut();
    let changes = change.as_chunks_mut::<LANES>().0.iter_mut();
    for ((row, change), centre) in rows.zip(changes).zip(centre.as_chunks::<LANES>().0) {
        // Copies, for the compiler cannot know that the three do not overlap.
        let (mut moved, mut learned) = (*change, *row);
        for lane in 0..LANES {
            moved[lane] += step * row[lane];
            learned[lane] += step * centre[lane];
        }
        (*change, *row) = (moved, learned);
    }
}

/// Draws words by their count to the power of 0.75, by Walker's alias method: one place, then it or its alias.
struct Draw {
    /// Of 2³² draws of a place, how many are its own.
    own: Vec<u64>,
    alias: Vec<u32>,
}

impl Draw {
    fn new(counts: &[u64]) -> Draw {
        let weights: Vec<f64> = counts.iter().map(|&count| (count as f64).powf(0.75)).collect();
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let mut shares: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut alias: Vec<u32> = (0..counts.len() as u32).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..counts.len()).partition(|&i| shares[i] < 1.0);
        let mut own = vec![1u64 << 32; counts.len()];
        while let (Some(&rich), Some(poor)) = (large.last(), small.pop()) {
            own[poor] = (shares[poor] * 2f64.powi(32)) as u64;
            alias[poor] = rich as u32;
            shares[rich] -= 1.0 - shares[poor];
            if shares[rich] < 1.0 {
                large.pop();
                small.push(rich);
            }
        }
        Draw { own, alias }
    }

    #[inline(always)]
    fn word(&self, chance: &mut Chance) -> u32 {
        let place = chance.below(self.own.len() as u64) as usize;
        if chance.below(1 << 32) < self.own[place] { place as u32 } else { self.alias[place] }
    }
}

/// SplitMix64 (Steele and others, 2014): a few instructions a number, as pairs need six of them.
struct Chance(u64);

impl Chance {
    #[inline(always)]
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// Returns a number below `bound`, which is at most 2³².
    #[inline(always)]
    fn below(&mut self, bound: u64) -> u64 {
        ((self.next() >> 32) * bound) >> 32
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_drawn_by_their_count_to_the_power_of_three_quarters() {
        let counts = [10_000, 625, 16, 1];
        let draw = Draw::new(&counts);
        let mut chance = Chance(3);
        let mut found = [0u32; 4];
        (0..1_000_000).for_each(|_| found[draw.word(&mut chance) as usize] += 1);
        let total: f64 = counts.iter().map(|&c| (c as f64).powf(0.75)).sum();
        for (count, found) in counts.iter().zip(found) {
            let expected = (*count as f64).powf(0.75) / total;
            let share = f64::from(found) / 1e6;
            assert!((share - expected).abs() < 4.0 * (expected / 1e6).sqrt(), "{share} for {expected}");
        }
    }
}

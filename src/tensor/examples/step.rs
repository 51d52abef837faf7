//! Times one training step: an MLP 512→256→128→1 on batches of 256 with Adam, and BPR on two tables of 10,000×64 with lazy Adam on
//! batches of 1,024. Prints the median, the least, and the mean CPU time of all threads, in milliseconds; `RAYON_NUM_THREADS` says
//! on how many threads. Arguments: the count of steps (300), and `mlp` or `bpr` for one of the two.
//!
//! A step is all that repeats: the pass forward, the way back, and the update. The inputs are made beforehand.

use mmf_data::error::Result;
use mmf_data::network::{Activation, Init, Network, Op};
use mmf_tensor::{Loss, Optimizer, Parameters, Rule, Session, Slices};
use std::ops::Range;
use std::time::Instant;

const LAYERS: [usize; 4] = [512, 256, 128, 1];
const BATCH: usize = 256;
const ROWS: usize = 10_000;
const WIDTH: usize = 64;
const RANKED: usize = 1024;

fn main() -> Result<()> {
    let threads = rayon::current_num_threads();
    let steps: usize = std::env::args().nth(1).and_then(|steps| steps.parse().ok()).unwrap_or(300);
    let only = std::env::args().nth(2);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);

    let (x, y) = (noise(BATCH * LAYERS[0], 1), noise(BATCH, 2));
    let targets: Vec<f32> = y.iter().map(|y| if *y > 0.0 { 1.0 } else { 0.0 }).collect();
    let mlp = |session: &mut Session, rows: Range<usize>| -> Result<Loss> {
        let inputs = x[rows.start * LAYERS[0]..rows.end * LAYERS[0]].to_vec();
        let mut value = session.constant(rows.len(), &[LAYERS[0]], inputs)?;
        for (place, pair) in LAYERS.windows(2).enumerate() {
            session.at(place as u64, "mlp");
            let init = Init::Uniform { fan_in: pair[0] };
            let w = session.parameter("w", &[pair[0], pair[1]], init);
            let b = session.parameter("b", &[pair[1]], init);
            let act = if place + 2 < LAYERS.len() { Activation::Relu } else { Activation::None };
            value = session.apply(Op::Dense(act), &[&value], &[w, b])?;
        }
        session.binary_cross_entropy_of_logits(&value, &targets[rows], None)
    };
    if wanted("mlp") {
        report("mlp", threads, &time(steps, BATCH, &mlp)?);
    }

    let pick = |salt| noise(RANKED, salt).iter().map(|x| ((x + 1.0) * 0.4999 * ROWS as f32) as u32).collect::<Vec<_>>();
    let (users, items, others) = (pick(3), pick(4), pick(5));
    let bpr = |session: &mut Session, rows: Range<usize>| -> Result<Loss> {
        session.at(10, "bpr");
        let init = Init::Normal { deviation: 0.1 };
        let (user, item) = (session.table("user", ROWS, WIDTH, init), session.table("item", ROWS, WIDTH, init));
        let user = session.lookup(user, &users[rows.clone()])?;
        let positive = session.lookup(item, &items[rows.clone()])?;
        let negative = session.lookup(item, &others[rows])?;
        let positive = session.apply(Op::Dot, &[&user, &positive], &[])?;
        let negative = session.apply(Op::Dot, &[&user, &negative], &[])?;
        session.bpr(&positive, &negative, None)
    };
    if wanted("bpr") {
        report("bpr", threads, &time(steps, RANKED, &bpr)?);
    }
    Ok(())
}

/// What steps took, in milliseconds.
struct Times {
    /// Of each step, in ascending order.
    wall: Vec<f64>,
    /// Of all threads, the mean of a step; not a number where the system does not tell.
    cpu: f64,
}

/// Returns the times of all steps but the first tenth.
fn time(
    steps: usize,
    batch: usize,
    pass: &(impl Fn(&mut Session, Range<usize>) -> Result<Loss> + Sync),
) -> Result<Times> {
    let mut parameters = Parameters::new(1);
    pass(&mut Session::making(&mut parameters), 0..1)?;
    let mut optimizer = Optimizer::new(Rule::adam(1e-3));
    let mut slices = Slices::new();
    let mut wall = Vec::with_capacity(steps);
    let mut before = f64::NAN;
    let first = steps / 10;
    for step in 0..steps {
        if step == first {
            before = cpu();
        }
        let start = Instant::now();
        let found = slices.step(&parameters, (1, step as u64), batch, pass)?;
        optimizer.step(&mut parameters, found.gradients)?;
        wall.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let cpu = (cpu() - before) / (steps - first) as f64;
    let mut wall = wall.split_off(first);
    wall.sort_by(f64::total_cmp);
    Ok(Times { wall, cpu })
}

/// Returns the CPU time of all threads of this process so far, in milliseconds. Linux tells it in nanoseconds, other systems not
/// without a call into C.
fn cpu() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return f64::NAN };
    let spent = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    threads.flatten().filter_map(spent).sum::<f64>() / 1e6
}

fn report(name: &str, threads: usize, times: &Times) {
    let Times { wall, cpu } = times;
    let median = wall.get(wall.len() / 2).copied().unwrap_or(f64::NAN);
    let least = wall.first().copied().unwrap_or(f64::NAN);
    println!("{name} threads {threads} median {median:.4} ms least {least:.4} ms cpu {cpu:.4} ms");
}

/// Returns numbers in −1 … 1 that look random and are the same everywhere.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 40) as f32 / 8_388_608.0 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

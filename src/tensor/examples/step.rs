//! Times one training step with Adam. Prints the median, the least, and the mean CPU time of all threads, in milliseconds;
//! `RAYON_NUM_THREADS` says on how many threads. Arguments: the count of steps (300), and one of the names.
//!
//! - `mlp`: 512→256→128→1 on batches of 256;
//! - `bpr`: two tables of 10,000×64, lazily, on batches of 1,024;
//! - `cnn`: 64 images of 64×64×3, conv 3→16 and 16→32 of 3×3 with padding, relu and pooling by 2×2 after each, dense 64, dense 1;
//! - `lstm`: 64 sequences of 40 tokens, a table of 5,000×64, an LSTM of 64, its last state, dense 1;
//! - `attention`: 64 sequences of 50 steps of 64, positions, causal self-attention of two heads and a feed-forward part 64→256→64,
//!   each behind a layer norm and beside what goes in, then the mean of the steps, dense 1;
//! - `lightgcn`: 943 users and 1,682 items of 64 numbers, spread three layers far along about 80,000 edges of which few items have
//!   many, BPR on batches of 2,048.
//!
//! A step is all that repeats: the pass forward, the way back, and the update. The inputs are made beforehand.

use mmf_data::error::Result;
use mmf_data::graph::Graph;
use mmf_data::network::{Activation, Init, Network, Op, Recurrent, Steps, Var, Window};
use mmf_tensor::{Loss, Optimizer, Parameters, Rule, Session, Slices};
use std::ops::Range;
use std::time::Instant;

const LAYERS: [usize; 4] = [512, 256, 128, 1];
const BATCH: usize = 256;
const ROWS: usize = 10_000;
const WIDTH: usize = 64;
const RANKED: usize = 1024;
const FEW: usize = 64;
const SIDE: usize = 64;
const WORDS: usize = 5000;
const LENGTH: usize = 40;
const STEPS: usize = 50;
const PEOPLE: usize = 943;
const THINGS: usize = 1_682;
const EDGES: usize = 100_000;
const MANY: usize = 2_048;

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
    if wanted("cnn") {
        let images = noise(FEW * SIDE * SIDE * 3, 6);
        report("cnn", threads, &time(steps, FEW, &|session, rows| cnn(session, rows, &images, &targets))?);
    }
    if wanted("lstm") {
        let tokens: Vec<u32> =
            noise(FEW * LENGTH, 7).iter().map(|x| ((x + 1.0) * 0.4999 * WORDS as f32) as u32).collect();
        report("lstm", threads, &time(steps, FEW, &|session, rows| lstm(session, rows, &tokens, &targets))?);
    }
    if wanted("attention") {
        let x = noise(FEW * STEPS * WIDTH, 8);
        report("attention", threads, &time(steps, FEW, &|session, rows| attention(session, rows, &x, &targets))?);
    }
    if wanted("lightgcn") {
        let [of_users, of_items] = [PEOPLE, THINGS].map(|n| move |x: f32| ((x + 1.0) * 0.4999 * n as f32) as u32);
        let ends = noise(EDGES, 9).into_iter().zip(noise(EDGES, 10));
        let mut edges: Vec<_> =
            ends.map(|(a, b)| (of_users(a), of_items((b + 1.0) * (b + 1.0) * 0.5 - 1.0), 1.0)).collect();
        edges.sort_unstable_by_key(|&(a, b, _)| (a, b));
        edges.dedup();
        let met: Vec<(u32, u32)> = edges.iter().step_by(EDGES / MANY / 2).map(|&(a, b, _)| (a, b)).take(MANY).collect();
        let others: Vec<u32> = noise(MANY, 11).into_iter().map(of_items).collect();
        let graph = Graph::new(vec![PEOPLE, THINGS], edges)?;
        let pass = |session: &mut Session, rows: Range<usize>| lightgcn(session, rows, &graph, &met, &others);
        report("lightgcn", threads, &time_whole(steps, MANY, &pass)?);
    }
    Ok(())
}

fn lightgcn(
    session: &mut Session,
    rows: Range<usize>,
    graph: &Graph,
    met: &[(u32, u32)],
    others: &[u32],
) -> Result<Loss> {
    session.at(0, "ids");
    let init = Init::Normal { deviation: 0.1 };
    let (user, item) = (session.table("user", PEOPLE, WIDTH, init), session.table("item", THINGS, WIDTH, init));
    let all = |n: usize| (0..n as u32).collect::<Vec<_>>();
    let (user, item) = (session.lookup(user, &all(PEOPLE))?, session.lookup(item, &all(THINGS))?);
    let mut layer = session.join_rows(&[&user, &item])?;
    let mut sum = layer.clone();
    for _ in 0..3 {
        layer = session.propagate(&layer, graph.whole())?;
        sum = session.apply(Op::Add, &[&sum, &layer], &[])?;
    }
    let mean = session.apply(Op::Affine { factor: 0.25, offset: 0.0 }, &[&sum], &[])?;
    let place = |item: u32| PEOPLE as u32 + item;
    let user = session.gather(&mean, &met[rows.clone()].iter().map(|m| m.0).collect::<Vec<_>>())?;
    let liked = session.gather(&mean, &met[rows.clone()].iter().map(|m| place(m.1)).collect::<Vec<_>>())?;
    let other = session.gather(&mean, &others[rows].iter().map(|&item| place(item)).collect::<Vec<_>>())?;
    let positive = session.apply(Op::Dot, &[&user, &liked], &[])?;
    let negative = session.apply(Op::Dot, &[&user, &other], &[])?;
    session.bpr(&positive, &negative, None)
}

fn dense(session: &mut Session, place: u64, x: &Var, width: usize, act: Activation) -> Result<Var> {
    session.at(place, "dense");
    let init = Init::Uniform { fan_in: x.width() };
    let w = session.parameter("w", &[x.width(), width], init);
    let b = session.parameter("b", &[width], init);
    session.apply(Op::Dense(act), &[x], &[w, b])
}

fn cnn(session: &mut Session, rows: Range<usize>, images: &[f32], targets: &[f32]) -> Result<Loss> {
    let width = SIDE * SIDE * 3;
    let numbers = images[rows.start * width..rows.end * width].to_vec();
    let mut x = session.constant(rows.len(), &[SIDE, SIDE, 3], numbers)?;
    for (place, channels) in [(0, 16), (1, 32)] {
        session.at(place, "conv");
        let from = x.dims[2];
        let init = Init::Uniform { fan_in: 9 * from };
        let w = session.parameter("w", &[3, 3, from, channels], init);
        let b = session.parameter("b", &[channels], init);
        let window = Window { kernel: [3, 3], stride: [1, 1], padding: [1, 1] };
        x = session.apply(Op::Conv(window), &[&x], &[w, b])?;
        x = session.apply(Op::Relu, &[&x], &[])?;
        x = session.apply(Op::MaxPool(Window { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }), &[&x], &[])?;
    }
    x = session.view(&x, rows.len(), &[x.width()])?;
    x = dense(session, 2, &x, 64, Activation::Relu)?;
    x = dense(session, 3, &x, 1, Activation::None)?;
    session.binary_cross_entropy_of_logits(&x, &targets[rows], None)
}

fn lstm(session: &mut Session, rows: Range<usize>, tokens: &[u32], targets: &[f32]) -> Result<Loss> {
    session.at(0, "tokens");
    let table = session.table("table", WORDS, WIDTH, Init::Normal { deviation: 0.1 });
    let lengths = vec![LENGTH as u32; rows.len()];
    let x = session.lookup_steps(table, &tokens[rows.start * LENGTH..rows.end * LENGTH], &lengths, LENGTH)?;
    session.at(1, "lstm");
    let init = Init::Uniform { fan_in: WIDTH };
    let w = session.parameter("w", &[WIDTH, 4 * WIDTH], init);
    let u = session.parameter("u", &[WIDTH, 4 * WIDTH], init);
    let b = session.parameter("b", &[4 * WIDTH], init);
    let x = session.apply(Op::Lstm(Recurrent::default()), &[&x], &[w, u, b])?;
    let x = dense(session, 2, &x, 1, Activation::None)?;
    session.binary_cross_entropy_of_logits(&x, &targets[rows], None)
}

fn attention(session: &mut Session, rows: Range<usize>, numbers: &[f32], targets: &[f32]) -> Result<Loss> {
    let (count, flat) = (rows.len(), rows.len() * STEPS);
    let own = numbers[rows.start * STEPS * WIDTH..rows.end * STEPS * WIDTH].to_vec();
    let x = session.constant(count, &[STEPS, WIDTH], own)?;
    session.at(0, "positions");
    let places = session.parameter("places", &[STEPS, WIDTH], Init::Normal { deviation: 0.1 });
    let x = session.apply(Op::Positions, &[&x], &[places])?;
    let x = session.view(&x, flat, &[WIDTH])?;
    let norm = |session: &mut Session, place: u64, x: &Var| {
        session.at(place, "norm");
        let (g, c) = (session.parameter("g", &[WIDTH], Init::Ones), session.parameter("c", &[WIDTH], Init::Zeros));
        session.apply(Op::LayerNorm { epsilon: 1e-5 }, &[x], &[g, c])
    };
    let h = norm(session, 1, &x)?;
    let h = dense(session, 2, &h, 3 * WIDTH, Activation::None)?;
    let h = session.view(&h, count, &[STEPS, 3 * WIDTH])?;
    let h = session.apply(Op::Attention { heads: 2, causal: true }, &[&h], &[])?;
    let h = session.view(&h, flat, &[WIDTH])?;
    let h = dense(session, 3, &h, WIDTH, Activation::None)?;
    let x = session.apply(Op::Add, &[&x, &h], &[])?;
    let h = norm(session, 4, &x)?;
    let h = dense(session, 5, &h, 4 * WIDTH, Activation::Relu)?;
    let h = dense(session, 6, &h, WIDTH, Activation::None)?;
    let x = session.apply(Op::Add, &[&x, &h], &[])?;
    let x = session.view(&x, count, &[STEPS, WIDTH])?;
    let x = session.apply(Op::Steps(Steps::Mean), &[&x], &[])?;
    let x = dense(session, 7, &x, 1, Activation::None)?;
    session.binary_cross_entropy_of_logits(&x, &targets[rows], None)
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
    time_in(Slices::new(), steps, batch, pass)
}

/// The same of steps that do the same work for any rows.
fn time_whole(
    steps: usize,
    batch: usize,
    pass: &(impl Fn(&mut Session, Range<usize>) -> Result<Loss> + Sync),
) -> Result<Times> {
    time_in(Slices::new().whole(true), steps, batch, pass)
}

fn time_in(
    mut slices: Slices,
    steps: usize,
    batch: usize,
    pass: &(impl Fn(&mut Session, Range<usize>) -> Result<Loss> + Sync),
) -> Result<Times> {
    let mut parameters = Parameters::new(1);
    pass(&mut Session::making(&mut parameters), 0..1)?;
    let mut optimizer = Optimizer::new(Rule::adam(1e-3));
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

//! The same bytes on 1, 2 and 4 threads, and from a run that was interrupted.

use mmf_data::error::Result;
use mmf_data::network::{Activation, Init, Network, Op, Recurrent, Steps, Var, Window};
use mmf_tensor::{Loss, Optimizer, Parameters, Rule, Session, Slices};
use std::ops::Range;

const ROWS: usize = 300;
const USERS: usize = 70;
const ITEMS: usize = 90;

/// Returns numbers that look random and are the same everywhere.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 40) as f32 / 8_388_608.0 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn dense(session: &mut Session, place: u64, x: &Var, width: usize, act: Activation) -> Result<Var> {
    session.at(place, &format!("mlp/dense-{place}"));
    let init = Init::Uniform { fan_in: x.width() };
    let w = session.parameter("w", &[x.width(), width], init);
    let b = session.parameter("b", &[width], init);
    session.apply(Op::Dense(act), &[x], &[w, b])
}

/// A network of dense layers with dropout and a layer norm, and a softmax over three classes.
fn classes(session: &mut Session, rows: Range<usize>, step: u64) -> Result<Loss> {
    let x = session.constant(rows.len(), &[12], noise(ROWS * 12, step)[rows.start * 12..rows.end * 12].to_vec())?;
    let x = dense(session, 1, &x, 24, Activation::Relu)?;
    let x = session.apply(Op::Dropout { p: 0.2 }, &[&x], &[])?;
    session.at(2, "mlp/norm");
    let (g, c) = (session.parameter("g", &[24], Init::Ones), session.parameter("c", &[24], Init::Zeros));
    let x = session.apply(Op::LayerNorm { epsilon: 1e-5 }, &[&x], &[g, c])?;
    let x = dense(session, 3, &x, 3, Activation::None)?;
    let p = session.apply(Op::Softmax, &[&x], &[])?;
    let classes: Vec<u32> = rows.map(|row| (row % 3) as u32).collect();
    session.cross_entropy(&p, &classes, None)
}

/// Matrix factorisation by BPR, the items computed once for each distinct one.
fn ranking(session: &mut Session, rows: Range<usize>, step: u64) -> Result<Loss> {
    let pick = |salt: u64, count: usize| -> Vec<u32> {
        noise(ROWS, step * 3 + salt)[rows.clone()].iter().map(|x| ((x + 1.0) * 0.4999 * count as f32) as u32).collect()
    };
    let (users, items, others) = (pick(100, USERS), pick(200, ITEMS), pick(300, ITEMS));
    let init = Init::Normal { deviation: 0.1 };
    session.at(4, "user");
    let user_table = session.table("table", USERS, 8, init);
    session.at(5, "item");
    let item_table = session.table("table", ITEMS, 8, init);
    let user = session.lookup(user_table, &users)?;
    let mut distinct: Vec<u32> = items.iter().chain(&others).copied().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let item = session.lookup(item_table, &distinct)?;
    let item = dense(session, 6, &item, 8, Activation::Tanh)?;
    let places = |of: &[u32]| of.iter().map(|i| distinct.binary_search(i).unwrap() as u32).collect::<Vec<_>>();
    let positive = session.gather(&item, &places(&items))?;
    let negative = session.gather(&item, &places(&others))?;
    let positive = session.apply(Op::Dot, &[&user, &positive], &[])?;
    let negative = session.apply(Op::Dot, &[&user, &negative], &[])?;
    session.bpr(&positive, &negative, None)
}

/// Two convolutions with batch norm between, over maps of 6×6×2.
fn pictures(session: &mut Session, rows: Range<usize>, step: u64) -> Result<Loss> {
    let width = 6 * 6 * 2;
    let all = noise(ROWS * width, step + 40);
    let x = session.constant(rows.len(), &[6, 6, 2], all[rows.start * width..rows.end * width].to_vec())?;
    session.at(20, "conv");
    let window = Window { kernel: [3, 3], stride: [1, 1], padding: [1, 1] };
    let init = Init::Uniform { fan_in: 18 };
    let (w, b) = (session.parameter("w", &[3, 3, 2, 8], init), session.parameter("b", &[8], init));
    let x = session.apply(Op::Conv(window), &[&x], &[w, b])?;
    session.at(21, "norm");
    let (g, c) = (session.parameter("g", &[8], Init::Ones), session.parameter("c", &[8], Init::Zeros));
    let (mean, variance) = (session.state("mean", &[8], Init::Zeros), session.state("variance", &[8], Init::Ones));
    let norm = Op::BatchNorm { epsilon: 1e-5, momentum: 0.1 };
    let x = session.apply(norm, &[&x], &[g, c, mean, variance])?;
    let x = session.apply(Op::Relu, &[&x], &[])?;
    let x = session.apply(Op::MaxPool(Window { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }), &[&x], &[])?;
    session.at(22, "conv");
    let w = session.parameter("w", &[2, 2, 8, 5], Init::Uniform { fan_in: 32 });
    let window = Window { kernel: [2, 2], stride: [1, 1], padding: [0, 0] };
    let x = session.apply(Op::Conv(window), &[&x], &[w])?;
    let x = session.apply(Op::AveragePool(Window { kernel: [2, 2], stride: [2, 2], padding: [0, 0] }), &[&x], &[])?;
    let x = session.view(&x, rows.len(), &[5])?;
    let x = dense(session, 23, &x, 3, Activation::None)?;
    let classes: Vec<u32> = rows.map(|row| (row % 3) as u32).collect();
    session.cross_entropy_of_logits(&x, &classes, None)
}

/// Tokens with positions through causal attention, an LSTM, and a GRU that reads backwards.
fn sentences(session: &mut Session, rows: Range<usize>, step: u64) -> Result<Loss> {
    let lengths: Vec<u32> = rows.clone().map(|row| (row * 7 % 6) as u32).collect();
    let total = lengths.iter().sum::<u32>() as usize;
    let tokens: Vec<u32> = (0..total).map(|i| ((i * 13 + rows.start * 5 + step as usize) % 40) as u32).collect();
    session.at(30, "tokens");
    let table = session.table("table", 40, 6, Init::Normal { deviation: 0.3 });
    let x = session.lookup_steps(table, &tokens, &lengths, 5)?;
    let places = session.parameter("places", &[8, 6], Init::Normal { deviation: 0.1 });
    let x = session.apply(Op::Positions, &[&x], &[places])?;
    let x = session.apply(Op::Attention { heads: 2, causal: true }, &[&x, &x, &x], &[])?;
    let mut parts = Vec::new();
    for (place, gates) in [(31, 4), (32, 3)] {
        session.at(place, "recurrent");
        let init = Init::Uniform { fan_in: 7 };
        let w = session.parameter("w", &[6, gates * 7], init);
        let u = session.parameter("u", &[7, gates * 7], init);
        let (b, c) = (session.parameter("b", &[gates * 7], init), session.parameter("c", &[gates * 7], init));
        parts.push(if gates == 4 {
            session.apply(Op::Lstm(Recurrent::default()), &[&x], &[w, u, b])?
        } else {
            session.apply(Op::Gru(Recurrent { backwards: true, all: false }), &[&x], &[w, u, b, c])?
        });
    }
    parts.push(session.apply(Op::Steps(Steps::Mean), &[&x], &[])?);
    let x = session.apply(Op::Concat, &parts.iter().collect::<Vec<_>>(), &[])?;
    let x = dense(session, 33, &x, 1, Activation::None)?;
    let targets: Vec<f32> = rows.map(|row| (row * 7 % 6) as f32 * 0.2).collect();
    session.squared_error(&x, &targets, None)
}

type Model = fn(&mut Session, Range<usize>, u64) -> Result<Loss>;

/// Trains for `steps` steps; saves and reads everything back before step `broken`. Returns the weights' bytes and all losses.
fn train(model: Model, threads: usize, steps: u64, broken: Option<u64>) -> (Vec<u8>, Vec<f64>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut parameters = Parameters::new(11);
        model(&mut Session::making(&mut parameters), 0..2, 0).unwrap();
        let mut optimizer = Optimizer::new(Rule::adam(0.01));
        let mut slices = Slices::new();
        let mut losses = Vec::new();
        for step in 0..steps {
            if broken == Some(step) {
                let (weights, state) = (parameters.to_bytes().unwrap(), optimizer.to_bytes(&parameters).unwrap());
                parameters = Parameters::from_bytes(&weights).unwrap();
                optimizer = Optimizer::from_bytes(&state, Rule::adam(0.01), &parameters).unwrap();
                slices = Slices::new();
            }
            let found =
                slices.step(&parameters, (11, step), ROWS, |session, rows| model(session, rows, step % 5)).unwrap();
            losses.push(found.loss);
            optimizer.step(&mut parameters, found.gradients).unwrap();
        }
        (parameters.to_bytes().unwrap(), losses)
    })
}

#[test]
fn bytes_do_not_depend_on_threads() {
    for model in [classes as Model, ranking, pictures, sentences] {
        let one = train(model, 1, 30, None);
        assert_eq!(one, train(model, 2, 30, None));
        assert_eq!(one, train(model, 4, 30, None));
        let (first, last) = (one.1[0], one.1[29]);
        assert!(last < first, "it learns: {first} → {last}");
    }
}

#[test]
fn an_interrupted_training_ends_in_the_same_bytes() {
    for model in [classes as Model, ranking, pictures, sentences] {
        assert_eq!(train(model, 2, 20, None), train(model, 2, 20, Some(9)));
    }
}

/// Outside training the running statistics count, so that a row's result does not depend on what stands beside it.
#[test]
fn a_network_with_batch_norm_reads_rows_by_themselves() {
    let (bytes, _) = train(pictures, 2, 12, None);
    let parameters = Parameters::from_bytes(&bytes).unwrap();
    let mut session = Session::reading(&parameters);
    let whole = pictures(&mut session, 0..ROWS, 3).unwrap();
    let whole = session.sum_of(&whole).unwrap();
    let mut sum = 0.0;
    for row in 0..ROWS {
        let mut session = Session::reading(&parameters);
        let one = pictures(&mut session, row..row + 1, 3).unwrap();
        sum += session.sum_of(&one).unwrap();
    }
    assert!((whole - sum).abs() < 1e-3 * whole, "{whole} and {sum}");
}

/// A batch in slices has the same mean and gradients as one in a single session, but for rounding.
#[test]
fn slices_add_up_to_the_whole() {
    let mut parameters = Parameters::new(11);
    ranking(&mut Session::making(&mut parameters), 0..2, 0).unwrap();
    let mut session = Session::training(&parameters, mmf_tensor::Moment::default());
    let loss = ranking(&mut session, 0..ROWS, 0).unwrap();
    let mean = f64::from(session.sum_of(&loss).unwrap()) / loss.weight;
    let mut whole = session.backward(&loss, (1.0 / loss.weight) as f32).unwrap();
    let mut slices = Slices::new();
    let step = slices.step(&parameters, (0, 0), ROWS, |session, rows| ranking(session, rows, 0)).unwrap();
    assert!((step.loss - mean).abs() < 1e-6 && step.weight == ROWS as f64);
    for parameter in parameters.all() {
        let (a, b) = if parameters.is_table(parameter).unwrap() {
            let (a, b) =
                (whole.sparse(&parameters, parameter).unwrap(), step.gradients.sparse(&parameters, parameter).unwrap());
            assert_eq!(a.index, b.index);
            (a.rows, b.rows)
        } else {
            let a = whole.dense(&parameters, parameter).unwrap().unwrap().to_vec();
            (a, step.gradients.dense(&parameters, parameter).unwrap().unwrap().to_vec())
        };
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{}", parameters.label(parameter).unwrap());
    }
}

#[test]
fn reading_gives_the_same_on_any_number_of_threads_and_drops_nothing() {
    let mut parameters = Parameters::new(11);
    classes(&mut Session::making(&mut parameters), 0..2, 0).unwrap();
    let read = |threads: usize| -> Vec<u32> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let parts = pool.install(|| {
            mmf_tensor::read(&parameters, ROWS, |session, rows| {
                let loss = classes(session, rows, 0)?;
                session.sum_of(&loss)
            })
        });
        parts.unwrap().into_iter().map(f32::to_bits).collect()
    };
    assert_eq!(read(1), read(4));
    assert_eq!(read(1).len(), 2);
}

//! What does not fit is an error, never a panic.

use mmf_data::error::Result;
use mmf_data::network::{Activation, Init, Network, Op, Recurrent, Steps, Var, Window};
use mmf_tensor::{Moment, Optimizer, Parameters, Rule, Session, Slices};

fn code<T>(result: Result<T>) -> &'static str {
    result.err().map_or("none", |error| error.code)
}

#[test]
fn shapes_that_do_not_fit_are_errors() {
    let mut parameters = Parameters::new(1);
    let mut session = Session::making(&mut parameters);
    let w = session.parameter("w", &[3, 4], Init::Zeros);
    let b = session.parameter("b", &[4], Init::Zeros);
    let wrong = session.parameter("wrong", &[5], Init::Zeros);
    let deep = session.parameter("deep", &[2, 2, 2], Init::Zeros);
    let table = session.table("table", 5, 3, Init::Zeros);
    let square = session.table("square", 3, 3, Init::Zeros);
    let x = session.constant(2, &[3], vec![0.0; 6]).unwrap();
    let y = session.constant(2, &[4], vec![0.0; 8]).unwrap();
    let longer = session.constant(3, &[3], vec![0.0; 9]).unwrap();
    let empty = session.constant(2, &[0], vec![]).unwrap();
    let op = Op::Dense(Activation::None);
    assert_eq!(code(session.apply(op, &[&x], &[w, b])), "none");
    assert_eq!(code(session.apply(op, &[&y], &[w, b])), "E1031");
    assert_eq!(code(session.apply(op, &[&x], &[w, wrong])), "E1031");
    assert_eq!(code(session.apply(op, &[&x], &[deep, b])), "E1031");
    assert_eq!(code(session.apply(op, &[&x], &[])), "E1099");
    assert_eq!(code(session.apply(op, &[&x], &[square])), "E1099");
    assert_eq!(code(session.apply(op, &[&x, &x], &[w, b])), "E1099");
    for op in [Op::Add, Op::Subtract, Op::Multiply, Op::Divide, Op::Dot] {
        assert_eq!(code(session.apply(op, &[&x, &y], &[])), "E1031");
        assert_eq!(code(session.apply(op, &[&x, &longer], &[])), "E1031");
    }
    assert_eq!(code(session.apply(Op::Concat, &[&x, &longer], &[])), "E1031");
    assert_eq!(code(session.apply(Op::Concat, &[], &[])), "E1099");
    assert_eq!(code(session.apply(Op::Gate, &[&x, &y], &[w; 6])), "E1031");
    assert_eq!(code(session.apply(Op::Gate, &[&x, &x], &[w; 6])), "E1031");
    assert_eq!(code(session.apply(Op::LayerNorm { epsilon: 1e-5 }, &[&x], &[b, b])), "E1031");
    assert_eq!(code(session.apply(Op::Dropout { p: 1.5 }, &[&x], &[])), "E1031");
    assert_eq!(code(session.apply(Op::Dropout { p: f32::NAN }, &[&x], &[])), "E1031");
    assert_eq!(code(session.apply(Op::Softmax, &[&empty], &[])), "E1031");
    assert_eq!(code(session.gather(&x, &[0, 2])), "E1031");
    assert_eq!(code(session.lookup(table, &[5])), "E1031");
    assert_eq!(code(session.lookup(w, &[0])), "E1099");
    assert_eq!(code(session.constant(2, &[3], vec![0.0; 5])), "E1099");
    assert_eq!(code(session.cross_entropy(&y, &[0, 4], None)), "E1031");
    assert_eq!(code(session.cross_entropy(&y, &[0], None)), "E1031");
    assert_eq!(code(session.squared_error(&y, &[0.0; 7], None)), "E1031");
    assert_eq!(code(session.squared_error(&y, &[0.0; 8], Some(&[1.0]))), "E1031");
    assert_eq!(code(session.bpr(&x, &x, None)), "E1031");
    let stranger = Var { id: 999, rows: 2, dims: vec![3] };
    assert_eq!(code(session.apply(Op::Relu, &[&stranger], &[])), "E1099");
    assert_eq!(code(session.values(&Var { rows: 7, ..x })), "E1099");
}

#[test]
fn maps_and_sequences_that_do_not_fit_are_errors() {
    let mut parameters = Parameters::new(1);
    let mut session = Session::making(&mut parameters);
    let map = session.constant(2, &[4, 5, 3], vec![0.0; 120]).unwrap();
    let flat = session.constant(2, &[6], vec![0.0; 12]).unwrap();
    let steps = session.constant(2, &[4, 6], vec![0.0; 48]).unwrap();
    let w = session.parameter("w", &[3, 3, 3, 7], Init::Zeros);
    let b = session.parameter("b", &[7], Init::Zeros);
    let c = session.parameter("c", &[3], Init::Zeros);
    let state = session.state("state", &[3], Init::Zeros);
    let table = session.table("table", 5, 6, Init::Zeros);
    let window = |kernel, stride, padding| Window { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2] };
    let good = window(3, 1, 1);
    assert_eq!(code(session.apply(Op::Conv(good), &[&map], &[w, b])), "none");
    assert_eq!(code(session.apply(Op::Conv(good), &[&map], &[w, c])), "E1031");
    assert_eq!(code(session.apply(Op::Conv(good), &[&flat], &[w, b])), "E1031");
    assert_eq!(code(session.apply(Op::Conv(good), &[&map], &[])), "E1099");
    for bad in
        [window(6, 1, 0), window(3, 0, 0), window(0, 1, 0), window(3, 1, 3), window(usize::MAX, 1, usize::MAX / 2)]
    {
        assert_eq!(code(session.apply(Op::Conv(bad), &[&map], &[w, b])), "E1031");
        assert_eq!(code(session.apply(Op::MaxPool(bad), &[&map], &[])), "E1031");
        assert_eq!(code(session.apply(Op::AveragePool(bad), &[&map], &[])), "E1031");
    }
    let norm = Op::BatchNorm { epsilon: 1e-5, momentum: 0.1 };
    assert_eq!(code(session.apply(norm, &[&map], &[c, c, state, state])), "none");
    assert_eq!(code(session.apply(norm, &[&map], &[c, c, c, state])), "E1099");
    assert_eq!(code(session.apply(norm, &[&map], &[state, c, state, state])), "E1099");
    assert_eq!(code(session.apply(norm, &[&flat], &[c, c, state, state])), "E1031");
    for op in [Op::Lstm(Recurrent::default()), Op::Gru(Recurrent::default())] {
        let weights = if let Op::Lstm(_) = op { vec![w, b, b] } else { vec![w, b, b, b] };
        assert_eq!(code(session.apply(op, &[&steps], &weights)), "E1031");
        assert_eq!(code(session.apply(op, &[&flat], &weights)), "E1031");
        assert_eq!(code(session.apply(op, &[&steps], &[w])), "E1099");
    }
    let attention = |heads, causal| Op::Attention { heads, causal };
    let longer = session.constant(2, &[5, 6], vec![0.0; 60]).unwrap();
    assert_eq!(code(session.apply(attention(2, false), &[&steps, &longer, &longer], &[])), "none");
    assert_eq!(code(session.apply(attention(2, true), &[&steps, &longer, &longer], &[])), "E1031");
    assert_eq!(code(session.apply(attention(2, false), &[&steps, &longer, &steps], &[])), "E1031");
    assert_eq!(code(session.apply(attention(4, false), &[&steps, &steps, &steps], &[])), "E1031");
    assert_eq!(code(session.apply(attention(0, false), &[&steps], &[])), "E1031");
    assert_eq!(code(session.apply(attention(2, false), &[&steps, &steps], &[])), "E1099");
    assert_eq!(code(session.apply(attention(2, false), &[], &[])), "E1099");
    assert_eq!(code(session.apply(Op::Attend, &[&flat, &steps], &[])), "E1031");
    assert_eq!(code(session.apply(Op::Steps(Steps::Mean), &[&flat], &[])), "E1031");
    assert_eq!(code(session.apply(Op::Positions, &[&steps], &[c])), "E1031");
    assert_eq!(code(session.sequence(&steps, &[4, 5])), "E1031");
    assert_eq!(code(session.sequence(&steps, &[4])), "E1031");
    assert_eq!(code(session.view(&steps, 3, &[16])), "none");
    assert_eq!(code(session.view(&steps, 3, &[15])), "E1031");
    assert_eq!(code(session.view(&steps, usize::MAX, &[usize::MAX])), "E1031");
    assert_eq!(code(session.lookup_steps(table, &[0, 1, 4], &[1, 2], 2)), "none");
    assert_eq!(code(session.lookup_steps(table, &[0, 1, 5], &[1, 2], 2)), "E1031");
    assert_eq!(code(session.lookup_steps(table, &[0, 1], &[1, 2], 2)), "E1031");
    assert_eq!(code(session.lookup_steps(table, &[0, 1, 4], &[0, 3], 2)), "E1031");
    assert_eq!(code(session.lookup_steps(w, &[0], &[1], 1)), "E1099");
}

/// No rows, no steps and no channels are little to do, not a reason to stop.
#[test]
fn empty_maps_and_sequences_are_computed() {
    let mut parameters = Parameters::new(1);
    let mut session = Session::making(&mut parameters);
    let w = session.parameter("w", &[2, 2, 3, 4], Init::Zeros);
    let k = session.parameter("k", &[6, 4], Init::Zeros);
    let u = session.parameter("u", &[1, 4], Init::Zeros);
    let b = session.parameter("b", &[4], Init::Zeros);
    let c = session.parameter("c", &[3], Init::Ones);
    let state = session.state("state", &[3], Init::Ones);
    drop(session);
    let window = Window { kernel: [2, 2], stride: [1, 1], padding: [0, 0] };
    for (rows, steps) in [(0, 3), (2, 0), (2, 3)] {
        let mut session = Session::training(&parameters, Moment::default());
        let map = session.constant(rows, &[4, 4, 3], vec![0.5; rows * 48]).unwrap();
        let norm = Op::BatchNorm { epsilon: 1e-5, momentum: 0.1 };
        let map = session.apply(norm, &[&map], &[c, c, state, state]).unwrap();
        let conv = session.apply(Op::Conv(window), &[&map], &[w]).unwrap();
        let pooled = session.apply(Op::MaxPool(window), &[&conv], &[]).unwrap();
        let pooled = session.view(&pooled, rows, &[16]).unwrap();
        let x = session.constant(rows, &[steps, 6], vec![0.5; rows * steps * 6]).unwrap();
        let x = session.sequence(&x, &vec![0; rows]).unwrap();
        let read = session.apply(Op::Lstm(Recurrent::default()), &[&x], &[k, u, b]).unwrap();
        let x = session.apply(Op::Attention { heads: 2, causal: true }, &[&x], &[]).unwrap();
        let x = session.apply(Op::Positions, &[&x], &[]).unwrap();
        let x = session.apply(Op::Steps(Steps::Greatest), &[&x], &[]).unwrap();
        let all = session.apply(Op::Concat, &[&pooled, &read, &x], &[]).unwrap();
        let loss = session.total(&all, None).unwrap();
        assert_eq!(session.sum_of(&loss).unwrap(), 0.0);
        session.backward(&loss, 1.0).unwrap();
    }
}

#[test]
fn weights_of_another_network_are_errors_at_the_next_operation() {
    let mut parameters = Parameters::new(1);
    Session::making(&mut parameters).parameter("w", &[3, 4], Init::Zeros);
    let mut session = Session::reading(&parameters);
    session.parameter("w", &[3, 5], Init::Zeros);
    assert_eq!(code(session.constant(1, &[1], vec![0.0])), "E1032");
    session.parameter("v", &[3, 5], Init::Zeros);
    assert_eq!(code(session.check()), "E1033");
}

#[test]
fn nothing_to_do_is_done() {
    let mut parameters = Parameters::new(1);
    let mut session = Session::making(&mut parameters);
    let w = session.parameter("w", &[3, 4], Init::Zeros);
    let b = session.parameter("b", &[4], Init::Zeros);
    drop(session);
    let mut slices = Slices::new();
    let step = slices.step(&parameters, (0, 0), 0, |session, rows| {
        let x = session.constant(rows.len(), &[3], vec![])?;
        let y = session.apply(Op::Dense(Activation::Relu), &[&x], &[w, b])?;
        session.squared_error(&y, &[], None)
    });
    let step = step.unwrap();
    assert_eq!((step.loss, step.weight), (0.0, 0.0));
    Optimizer::new(Rule::adam(0.1)).step(&mut parameters, step.gradients).unwrap();
    assert_eq!(parameters.values(w).unwrap(), [0.0; 12]);
}

#[test]
fn a_loss_that_is_not_finite_is_reported_with_its_step() {
    let mut parameters = Parameters::new(1);
    let w = Session::making(&mut parameters).parameter("w", &[1, 1], Init::Ones);
    let mut slices = Slices::new();
    for bad in [f32::NAN, f32::INFINITY] {
        for rows in [4, 600] {
            let found = slices.step(&parameters, (0, 17), rows, |session, rows| {
                let data = rows.clone().map(|row| if row == 3 { bad } else { 1.0 }).collect();
                let x = session.constant(rows.len(), &[1], data)?;
                let y = session.apply(Op::Dense(Activation::Relu), &[&x], &[w])?;
                session.squared_error(&y, &vec![0.0; rows.len()], None)
            });
            let error = found.err().unwrap();
            assert_eq!(error.code, "E1030");
            assert!(error.message.en.contains("step 17") && error.message.zh.contains("17"));
        }
    }
}

#[test]
fn dropout_acts_in_training_alone() {
    let parameters = Parameters::new(1);
    let run = |mut session: Session| -> Vec<f32> {
        session.at(1, "");
        let x = session.constant(10, &[100], vec![1.0; 1000]).unwrap();
        let y = session.apply(Op::Dropout { p: 0.25 }, &[&x], &[]).unwrap();
        session.values(&y).unwrap().to_vec()
    };
    assert_eq!(run(Session::reading(&parameters)), vec![1.0; 1000]);
    let at = |step| run(Session::training(&parameters, Moment { seed: 1, step, slice: 0 }));
    let kept = at(1).iter().filter(|&&x| x != 0.0).count();
    assert!((690..810).contains(&kept), "{kept}");
    assert!(at(1).iter().all(|&x| x == 0.0 || (x - 1.0 / 0.75).abs() < 1e-6));
    assert_eq!(at(1), at(1));
    assert_ne!(at(1), at(2));
}

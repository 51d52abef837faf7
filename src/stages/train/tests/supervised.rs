//! Classes and numbers.

use super::*;

fn part(at: usize) -> Part {
    match at % 5 {
        3 => Part::Validation,
        4 => Part::Test,
        _ => Part::Train,
    }
}

fn points(rows: usize) -> Vec<f32> {
    noise(rows * 2, 3).into_iter().map(|x| x * 4.0 - 2.0).collect()
}

/// Points of a plane, and on which side of a line they lie; a gap of 0.2 lies between.
fn sides(rows: usize) -> TrainCall {
    let mut points = points(rows);
    let side = |p: &[f32]| p[0] + 2.0 * p[1] - 0.5;
    for p in points.chunks_exact_mut(2) {
        let far = side(p).signum() * 0.2;
        p[0] += far;
    }
    let labels: Vec<bool> = points.chunks_exact(2).map(|p| side(p) > 0.0).collect();
    let x = Column::new(Rows::all(rows), Values::vector(2, points));
    let y = Column::new(Rows::all(rows), Values::Bool(Arc::new(labels)));
    let split = split(vec![("y", y)], part);
    let mut plan = Building::new(&[rows]);
    let x = plan.leaf(0, x);
    let z = plan.stage(0, "dense", args(&[("units", int(1))]), vec![here(x)]);
    let p = plan.stage(0, "sigmoid", Args::default(), vec![here(z)]);
    let mut plan = plan.output("output", here(p));
    plan.fields.push(("side".into(), z));
    call(split, plan)
}

fn settings(epochs: usize, more: &[(&str, ArgValue)]) -> Args {
    let mut all = args(&[("label", ArgValue::Column("y".into())), ("epochs", int(epochs))]);
    all.0.extend(args(more).0);
    all
}

#[test]
fn a_line_between_two_classes_is_found() {
    let call = sides(400);
    let args = settings(60, &[("optimizer", recipe("adam", &[("lr", ArgValue::Float(0.05))]))]);
    let trained = train("classify", &args, &call);
    let predictions = predict("classify", &args, &call, &trained, Part::Test);
    assert_eq!(predictions.u32s("units").unwrap().len(), 80);
    assert_eq!(measure("accuracy", None, &predictions), 1.0);
    assert_eq!(measure("auc", None, &predictions), 1.0);
    // The field is what was before the sigmoid, for every row.
    let field = trained.f32s("field.side.values").unwrap();
    assert_eq!(field.len(), 400);
    assert!(!trained.has("field.side.missing"));
    let scores = predictions.f32s("scores").unwrap();
    for (i, &unit) in predictions.u32s("units").unwrap().iter().enumerate() {
        let wanted = 1.0 / (1.0 + (-f64::from(field[unit as usize])).exp());
        assert!((f64::from(scores[2 * i + 1]) - wanted).abs() < 1e-6);
    }
}

#[test]
fn three_classes_are_found_by_a_hidden_layer() {
    let rows = 300;
    let points = points(rows);
    // Rings around the origin: no line tells them apart.
    let ring = |p: &[f32]| match p[0] * p[0] + p[1] * p[1] {
        r if r < 1.0 => 0,
        r if r < 3.0 => 1,
        _ => 2,
    };
    let codes: Vec<u32> = points.chunks_exact(2).map(ring).collect();
    let names = Arc::new(Vocabulary::new(vec!["in", "mid", "out"].into()));
    let y = Column::new(Rows::all(rows), Values::Code { codes: Arc::new(codes), names });
    let split = split(vec![("y", y)], part);
    let mut plan = Building::new(&[rows]);
    let x = plan.leaf(0, Column::new(Rows::all(rows), Values::vector(2, points)));
    let a = plan.stage(0, "dense", args(&[("units", int(24))]), vec![here(x)]);
    let b = plan.stage(0, "relu", Args::default(), vec![here(a)]);
    let c = plan.stage(0, "dense", args(&[("units", int(3))]), vec![here(b)]);
    let d = plan.stage(0, "softmax", Args::default(), vec![here(c)]);
    let call = call(split, plan.output("output", here(d)));
    let args = settings(150, &[("optimizer", recipe("adam", &[("lr", ArgValue::Float(0.02))]))]);
    let trained = train("classify", &args, &call);
    let found = measure("accuracy", None, &predict("classify", &args, &call, &trained, Part::Test));
    assert!(found >= 0.9, "{found}");
}

#[test]
fn logistic_regression_reaches_its_optimum() {
    // Labels by chance, so that the optimum is finite; there the residuals are orthogonal to the inputs.
    let rows = 200;
    let points = points(rows);
    let chance = noise(rows, 11);
    let labels: Vec<bool> =
        points.chunks_exact(2).zip(&chance).map(|(p, c)| 1.0 / (1.0 + (-(p[0] - p[1])).exp()) > *c).collect();
    let y = Column::new(Rows::all(rows), Values::Bool(Arc::new(labels.clone())));
    let split = split(vec![("y", y)], |_| Part::Train);
    let mut plan = Building::new(&[rows]);
    let x = plan.leaf(0, Column::new(Rows::all(rows), Values::vector(2, points.clone())));
    let z = plan.stage(0, "dense", args(&[("units", int(1))]), vec![here(x)]);
    let p = plan.stage(0, "sigmoid", Args::default(), vec![here(z)]);
    let call = call(split, plan.output("output", here(p)));
    let args = settings(1500, &[("optimizer", recipe("gradient_descent", &[("lr", ArgValue::Float(1.0))]))]);
    let predictions = predict("classify", &args, &call, &train("classify", &args, &call), Part::Train);
    let scores = predictions.f32s("scores").unwrap();
    let residual = |i: usize| f64::from(scores[2 * i + 1]) - f64::from(u8::from(labels[i]));
    for slope in [
        (0..rows).map(residual).sum::<f64>(),
        (0..rows).map(|i| residual(i) * f64::from(points[2 * i])).sum(),
        (0..rows).map(|i| residual(i) * f64::from(points[2 * i + 1])).sum(),
    ] {
        assert!(slope.abs() / (rows as f64) < 1e-5, "{slope}");
    }
}

#[test]
fn least_squares_are_found() {
    let rows = 250;
    let points = points(rows);
    let y: Vec<f64> = points.chunks_exact(2).map(|p| f64::from(3.0 * p[0] - p[1] + 0.5)).collect();
    let mut plan = Building::new(&[rows]);
    let x = plan.leaf(0, Column::new(Rows::all(rows), Values::vector(2, points)));
    let out = plan.stage(0, "dense", args(&[("units", int(1))]), vec![here(x)]);
    // Rows without a label do not count.
    let y = Column::new(Rows::all(rows), Values::Float(Arc::new(y))).with_missing((0..rows).map(|i| i < 9).collect());
    let call = call(split(vec![("y", y)], part), plan.output("output", here(out)));
    let args = settings(100, &[("optimizer", recipe("momentum", &[("lr", ArgValue::Float(0.01))]))]);
    let predictions = predict("regress", &args, &call, &train("regress", &args, &call), Part::Test);
    assert_eq!(predictions.u32s("units").unwrap().len(), 49);
    assert!(measure("mae", None, &predictions) < 1e-4);
}

#[test]
fn threads_change_no_byte() {
    let call = sides(2000);
    let args = settings(3, &[("batch", int(600))]);
    let found = on_threads(|| {
        let trained = train("classify", &args, &call);
        (trained.to_bytes(), predict("classify", &args, &call, &trained, Part::Test).to_bytes())
    });
    assert!(found.iter().all(|f| *f == found[0]));
}

#[test]
fn an_interrupted_training_ends_with_the_same_bytes() {
    let call = sides(400);
    let args = settings(6, &[("stop", early("auc", None, 50))]);
    let undisturbed = Listening::new(usize::MAX);
    let whole = train_on(&undisturbed, "classify", &args, &call).unwrap();
    // 240 training rows in batches of 32 are 8 questions an epoch: it stops in the fourth.
    let host = Listening::new(27);
    assert!(train_on(&host, "classify", &args, &call).unwrap_err().cancelled);
    assert!(host.checkpoint.lock().unwrap().is_some());
    host.left.store(usize::MAX, Ordering::SeqCst);
    host.reports.lock().unwrap().clear();
    assert_eq!(train_on(&host, "classify", &args, &call).unwrap().to_bytes(), whole.to_bytes());
    // The points of its curves are told again.
    for curve in ["loss", "auc"] {
        assert_eq!(host.curve(curve), undisturbed.curve(curve));
    }
    // A checkpoint that cannot be read is as none.
    *host.checkpoint.lock().unwrap() = Some(b"what is this".to_vec());
    assert_eq!(train_on(&host, "classify", &args, &call).unwrap().to_bytes(), whole.to_bytes());
}

#[test]
fn early_stopping_keeps_the_best_weights() {
    let call = sides(400);
    // Steps far too long: the metric goes up and down.
    let args = settings(
        40,
        &[("stop", early("log_loss", None, 4)), ("optimizer", recipe("sgd", &[("lr", ArgValue::Float(40.0))]))],
    );
    let host = Listening::new(usize::MAX);
    let trained = train_on(&host, "classify", &args, &call).unwrap();
    let curve = host.curve("log_loss");
    let (best, epochs) = (trained.i64s("best").unwrap()[0], trained.i64s("epochs").unwrap()[0]);
    assert_eq!(curve.len() as i64, epochs);
    assert!(epochs == 40 || epochs == best + 4, "{best} of {epochs}");
    let lowest = curve.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(curve[best as usize - 1], lowest);
    let predictions = predict("classify", &args, &call, &trained, Part::Validation);
    assert_eq!(measure("log_loss", None, &predictions), lowest);
    assert_eq!(host.curve("loss").len() as i64, epochs);
}

#[test]
fn a_loss_that_grows_beyond_numbers_stops_by_name() {
    let rows = 64;
    let x = Column::new(Rows::all(rows), Values::vector(1, vec![1e20; rows]));
    let y = Column::new(Rows::all(rows), Values::Float(Arc::new(vec![1.0; rows])));
    let mut plan = Building::new(&[rows]);
    let x = plan.leaf(0, x);
    let out = plan.stage(0, "dense", args(&[("units", int(1))]), vec![here(x)]);
    let call = call(split(vec![("y", y)], part), plan.output("output", here(out)));
    let error = train_on(&Listening::new(usize::MAX), "regress", &settings(3, &[]), &call).unwrap_err();
    assert_eq!(error.code, "E1030");
}

#[test]
fn a_row_is_computed_once_and_read_along_its_ref() {
    // Labels hang on the group alone; one group has no training row, so its vector is zero when read.
    let rows = 60;
    let group: Vec<u32> = (0..rows as u32).map(|i| i % 6).collect();
    let labels: Vec<bool> = group.iter().map(|g| g % 2 == 0).collect();
    let y = Column::new(Rows::all(rows), Values::Bool(Arc::new(labels)));
    let split = split(vec![("y", y)], |at| if at % 6 == 5 { Part::Test } else { Part::Train });
    let mut plan = Building::new(&[rows, 6]);
    let e = plan.stage(1, "embedding", args(&[("n", int(4))]), vec![]);
    let own = plan.stage(1, "dense", args(&[("units", int(1)), ("bias", ArgValue::Bool(false))]), vec![here(e)]);
    let p = plan.stage(0, "sigmoid", Args::default(), vec![by(own, Link::Map(Arc::new(group)))]);
    let mut plan = plan.output("output", here(p));
    plan.fields.push(("group".into(), e));
    let call = call(split, plan);
    let args = settings(80, &[("optimizer", recipe("adam", &[("lr", ArgValue::Float(0.05))]))]);
    let trained = train("classify", &args, &call);
    assert_eq!(measure("accuracy", None, &predict("classify", &args, &call, &trained, Part::Train)), 1.0);
    let cold = predict("classify", &args, &call, &trained, Part::Test);
    assert!(cold.f32s("scores").unwrap().iter().all(|&p| p == 0.5));
    assert_eq!(&trained.f32s("field.group.values").unwrap()[20..], [0.0; 4]);
}

#[test]
fn a_ref_that_leads_nowhere_and_a_hole_are_errors() {
    let rows = 10;
    let labels = Values::Bool(Arc::new((0..rows).map(|i| i % 2 == 0).collect()));
    let y = Column::new(Rows::all(rows), labels);
    let table = || split(vec![("y", y.clone())], |_| Part::Train);
    let mut plan = Building::new(&[rows, 3]);
    let e = plan.stage(1, "embedding", args(&[("n", int(1))]), vec![]);
    let p = plan.stage(0, "sigmoid", Args::default(), vec![by(e, Link::Map(Arc::new(vec![u32::MAX; rows])))]);
    let lost = call(table(), plan.output("output", here(p)));
    let host = Listening::new(usize::MAX);
    assert_eq!(train_on(&host, "classify", &settings(1, &[]), &lost).unwrap_err().code, "E1036");

    let hole = Column::new(Rows::all(rows), Values::vector(1, vec![0.0; rows])).with_missing(vec![true; rows]);
    let mut plan = Building::new(&[rows]);
    let x = plan.leaf(0, hole);
    let p = plan.stage(0, "sigmoid", Args::default(), vec![here(x)]);
    let hole = call(table(), plan.output("output", here(p)));
    assert_eq!(train_on(&host, "classify", &settings(1, &[]), &hole).unwrap_err().code, "E1037");
}

/// One step down the whole loss, weights before and after, beside the slope worked out by hand: of a logistic regression the slope
/// of the loss with regard to a row is (p − y)·w, so that the worst change goes along the weights.
#[test]
fn the_worst_change_of_a_row_goes_along_the_weights() {
    let (epsilon, weight, rate) = (0.3, 0.5, 0.2);
    let mut call = sides(50);
    call.plan.outputs.push(("loss.1.0".into(), here(0)));
    let term = |stage: &str, pairs: &[(&str, ArgValue)]| (1.0, Recipe { stage: stage.into(), args: args(pairs) });
    let worst = [
        ("epsilon", ArgValue::Float(epsilon)),
        ("weight", ArgValue::Float(weight)),
        ("over", int(1)),
        ("0", ArgValue::Input(1)),
    ];
    let losses = ArgValue::Losses(vec![term("cross_entropy", &[]), term("adversarial", &worst)]);
    let descent = recipe("gradient_descent", &[("lr", ArgValue::Float(rate))]);
    let weights = |epochs: usize| -> Vec<f64> {
        let args = settings(epochs, &[("loss", losses.clone()), ("optimizer", descent.clone())]);
        let trained = train("classify", &args, &call);
        let parameters = crate::train::trained::weights(&trained).unwrap();
        let values = parameters.all().flat_map(|p| parameters.values(p).unwrap().to_vec());
        values.map(f64::from).collect()
    };
    let (before, after) = (weights(0), weights(1));
    let [w0, w1, b] = before[..] else { panic!("{before:?}") };
    let PlanKind::Leaf(leaf) = &call.plan.nodes[0].kind else { panic!("a leaf comes first") };
    let points = leaf.values.as_vectors().unwrap().1;
    let Values::Bool(labels) = &call.split.table.columns[0].1.values else { panic!("labels are bools") };
    let length = (w0 * w0 + w1 * w1).sqrt();
    let mut slope = [0.0; 3];
    let rows: Vec<usize> = (0..50).filter(|&at| part(at) == Part::Train).collect();
    for &row in &rows {
        let (x0, x1) = (f64::from(points[2 * row]), f64::from(points[2 * row + 1]));
        let off = |x0: f64, x1: f64| 1.0 / (1.0 + (-(x0 * w0 + x1 * w1 + b)).exp()) - f64::from(u8::from(labels[row]));
        let sign = off(x0, x1).signum() * epsilon / length;
        let (y0, y1) = (x0 + sign * w0, x1 + sign * w1);
        for (x0, x1, share) in [(x0, x1, 1.0), (y0, y1, weight)] {
            let d = off(x0, x1) * share / rows.len() as f64;
            slope[0] += d * x0;
            slope[1] += d * x1;
            slope[2] += d;
        }
    }
    for ((before, after), slope) in before.iter().zip(&after).zip(slope) {
        assert!((before - rate * slope - after).abs() < 1e-5, "{after}, not {}", before - rate * slope);
    }
}

/// Of two values that are pulled together the one behind `stop_gradient` stays.
#[test]
fn what_is_stopped_is_not_pulled() {
    let rows = 40;
    let x = Column::new(Rows::all(rows), Values::vector(2, points(rows)));
    let y = Column::new(Rows::all(rows), Values::Bool(Arc::new((0..rows).map(|i| i % 2 == 0).collect())));
    let mut plan = Building::new(&[rows]);
    let x = plan.leaf(0, x);
    let z = plan.stage(0, "dense", args(&[("units", int(1))]), vec![here(x)]);
    let p = plan.stage(0, "sigmoid", Args::default(), vec![here(z)]);
    let a = plan.stage(0, "dense", args(&[("units", int(3))]), vec![here(x)]);
    let b = plan.stage(0, "dense", args(&[("units", int(3))]), vec![here(x)]);
    let still = plan.stage(0, "stop_gradient", Args::default(), vec![here(b)]);
    let mut plan = plan.output("output", here(p));
    plan.outputs.push(("loss.1.0".into(), here(a)));
    plan.outputs.push(("loss.1.1".into(), here(still)));
    let call = call(split(vec![("y", y)], part), plan);
    let term = |stage: &str| (1.0, Recipe { stage: stage.into(), args: Args::default() });
    let args = |epochs| {
        let losses = ArgValue::Losses(vec![term("cross_entropy"), term("cosine_gap")]);
        settings(epochs, &[("loss", losses), ("optimizer", recipe("adam", &[("lr", ArgValue::Float(0.05))]))])
    };
    let host = Listening::new(usize::MAX);
    let weights = |trained: Arrays| {
        let parameters = crate::train::trained::weights(&trained).unwrap();
        parameters.all().map(|p| parameters.values(p).unwrap().to_vec()).collect::<Vec<_>>()
    };
    let before = weights(train("classify", &args(0), &call));
    let after = weights(train_on(&host, "classify", &args(60), &call).unwrap());
    let moved: Vec<bool> = before.iter().zip(&after).map(|(a, b)| a != b).collect();
    assert_eq!(moved, [true, true, true, true, false, false]);
    // The labels mean nothing, so that all that is won is the gap.
    let losses = host.curve("loss");
    assert!(losses[59] < losses[0] - 0.5, "{} to {}", losses[0], losses[59]);
}

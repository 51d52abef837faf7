//! Several tasks over one network.

use super::*;

const ROWS: usize = 240;

/// Points, and two numbers of each that are linear in them but for noise: one of every row, the other of every third row alone, and as
/// many times larger as `scale` says.
struct Two {
    points: Vec<f32>,
    labels: [Vec<f64>; 2],
    call: TrainCall,
}

fn two(scale: f64, spread: [f64; 2], shared: bool) -> Two {
    let points: Vec<f32> = noise(ROWS * 2, 3).into_iter().map(|x| x * 4.0 - 2.0).collect();
    let chance = noise(ROWS * 2, 9);
    let number = |at: usize, slope: [f64; 2], which: usize| {
        let p = &points[2 * at..2 * at + 2];
        slope[0] * f64::from(p[0])
            + slope[1] * f64::from(p[1])
            + spread[which] * 3.464 * (f64::from(chance[2 * at + which]) - 0.5)
    };
    let one: Vec<f64> = (0..ROWS).map(|at| number(at, [1.0, -0.5], 0)).collect();
    let other: Vec<f64> = (0..ROWS).map(|at| scale * number(at, [0.5, 2.0], 1)).collect();
    let column = |values: &[f64]| Column::new(Rows::all(ROWS), Values::Float(Arc::new(values.to_vec())));
    let sparse = column(&other).with_missing((0..ROWS).map(|at| at % 3 != 0).collect());
    let split = split(vec![("one", column(&one)), ("other", sparse)], |_| Part::Train);
    let mut plan = Building::new(&[ROWS]);
    let x = plan.leaf(0, Column::new(Rows::all(ROWS), Values::vector(2, points.clone())));
    let x = if shared { plan.stage(0, "dense", args(&[("units", int(2))]), vec![here(x)]) } else { x };
    let heads = [0, 1].map(|_| plan.stage(0, "dense", args(&[("units", int(1))]), vec![here(x)]));
    let mut plan = plan.output("tasks.0.output", here(heads[0]));
    plan.outputs.push(("tasks.1.output".into(), here(heads[1])));
    Two { points, labels: [one, other], call: call(split, plan) }
}

fn settings(epochs: usize, weights: ArgValue, more: &[(&str, ArgValue)]) -> Args {
    let task = |label: &str| recipe("regress", &[("label", ArgValue::Column(label.into()))]);
    let mut all = args(&[("tasks", ArgValue::List(vec![task("one"), task("other")])), ("weights", weights)]);
    all.0.extend(args(&[("epochs", int(epochs))]).0);
    all.0.extend(args(more).0);
    all
}

fn descent(rate: f64) -> ArgValue {
    recipe("gradient_descent", &[("lr", ArgValue::Float(rate))])
}

fn guesses(args: &Args, two: &Two, trained: &Arrays, head: usize) -> (Vec<u32>, Vec<f64>) {
    let call = TrainCall { head, ..two.call.clone() };
    let predictions = predict("tasks", args, &call, trained, Part::Train);
    (predictions.u32s("units").unwrap().to_vec(), predictions.f64s("predicted").unwrap().to_vec())
}

#[test]
fn each_task_reaches_the_least_squares_of_its_own_rows() {
    let two = two(3.0, [0.3, 0.3], false);
    let args =
        settings(600, ArgValue::List(vec![ArgValue::Float(1.0), ArgValue::Float(0.2)]), &[("optimizer", descent(0.1))]);
    let trained = train("tasks", &args, &two.call);
    for (head, count) in [(0, ROWS), (1, ROWS / 3)] {
        let (units, predicted) = guesses(&args, &two, &trained, head);
        assert_eq!(units.len(), count);
        // At the optimum the residuals are orthogonal to the inputs.
        for place in 0..3 {
            let input = |row: usize| if place == 2 { 1.0 } else { f64::from(two.points[2 * row + place]) };
            let residual =
                |(&unit, guess): (&u32, &f64)| (guess - two.labels[head][unit as usize]) * input(unit as usize);
            let slope = units.iter().zip(&predicted).map(residual).sum::<f64>() / count as f64;
            assert!(slope.abs() < 1e-4, "task {head}: {slope}");
        }
    }
}

/// At its optimum a task's variance is its squared error: it is how noisy the task is, told by itself.
#[test]
fn variances_are_the_noise_of_each_task() {
    let two = two(1.0, [0.2, 0.8], false);
    let args = settings(
        1500,
        ArgValue::Word("uncertainty".into()),
        &[("optimizer", recipe("adam", &[("lr", ArgValue::Float(0.01))])), ("batch", int(ROWS))],
    );
    let listening = Listening::new(usize::MAX);
    let trained = train_on(&listening, "tasks", &args, &two.call).unwrap();
    for head in [0, 1] {
        let (units, predicted) = guesses(&args, &two, &trained, head);
        let squares =
            units.iter().zip(&predicted).map(|(&unit, guess)| (guess - two.labels[head][unit as usize]).powi(2));
        let error = squares.sum::<f64>() / units.len() as f64;
        let weight = *listening.curve(&format!("task {}: weight", head + 1)).last().unwrap();
        assert!((weight * error - 1.0).abs() < 0.05, "task {head}: weight {weight}, error {error}");
    }
}

/// A task of a hundredfold error pulls the shared layer by itself; by gradient norms both do.
#[test]
fn gradient_norms_give_a_small_task_its_say() {
    let two = two(30.0, [0.1, 0.1], true);
    let word = |word: &str| ArgValue::Word(word.into());
    let more = [
        ("optimizer", recipe("adam", &[("lr", ArgValue::Float(0.01))])),
        ("batch", int(ROWS)),
        ("pace", ArgValue::Float(0.025)),
        ("alpha", ArgValue::Float(0.0)),
    ];
    let listening = Listening::new(usize::MAX);
    let args = settings(250, word("gradient_norm"), &more);
    train_on(&listening, "tasks", &args, &two.call).unwrap();
    let weights = [1, 2].map(|task| *listening.curve(&format!("task {task}: weight")).last().unwrap());
    assert!((weights[0] + weights[1] - 2.0).abs() < 1e-5 && weights[0] > 100.0 * weights[1], "{weights:?}");
}

/// Stopped in the middle and taken up, it ends with the same bytes, what is learned of the weights among them.
#[test]
fn an_interrupted_training_of_tasks_goes_on_with_the_same_bytes() {
    let two = two(5.0, [0.1, 0.1], true);
    let args = settings(6, ArgValue::Word("gradient_norm".into()), &[("batch", int(50))]);
    let whole = train("tasks", &args, &two.call);
    let stopping = Listening::new(17);
    assert_eq!(train_on(&stopping, "tasks", &args, &two.call).unwrap_err().code, "E1000");
    assert!(stopping.checkpoint.lock().unwrap().is_some());
    stopping.left.store(usize::MAX, Ordering::Relaxed);
    assert_eq!(train_on(&stopping, "tasks", &args, &two.call).unwrap().to_bytes(), whole.to_bytes());
}

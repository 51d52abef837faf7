//! Policies over planted rows: each is told by one of two inputs alone, or by both.

use super::*;

const ROWS: usize = 1500;

/// Two inputs of one number, and a sign that says which of them tells the label; the other then is noise. With `both`, the label is their
/// sum in every row.
fn told_by(both: bool, policy: Option<&ArgValue>) -> TrainCall {
    let numbers: Vec<f64> = noise(ROWS * 2, 3).into_iter().map(|x| f64::from(x) * 3.464 - 1.732).collect();
    let sign = |row: usize| if noise_bit(row) { 1.0 } else { -1.0 };
    let label: Vec<f64> = (0..ROWS)
        .map(|row| {
            let (a, b) = (numbers[2 * row], numbers[2 * row + 1]);
            if both {
                a + b
            } else if sign(row) > 0.0 {
                a
            } else {
                b
            }
        })
        .collect();
    let input = |place: usize| {
        let numbers = (0..ROWS).flat_map(|row| [numbers[2 * row + place] as f32, sign(row) as f32]).collect();
        Column::new(Rows::all(ROWS), Values::vector(2, numbers))
    };
    let y = Column::new(Rows::all(ROWS), Values::Float(Arc::new(label)));
    let split = split(vec![("y", y)], |row| if row % 5 == 4 { Part::Test } else { Part::Train });
    let mut plan = Building::new(&[ROWS]);
    let inputs = [0, 1].map(|place| plan.leaf(0, input(place)));
    let fused = match policy {
        Some(algorithm) => {
            let mlp = recipe("mlp", &[("units", ArgValue::List(vec![int(8)]))]);
            let own = args(&[
                ("algorithm", algorithm.clone()),
                ("network", ArgValue::List(vec![mlp])),
                ("entropy", ArgValue::Float(0.01)),
                ("inner", ArgValue::Float(0.2)),
            ]);
            plan.stage(0, "policy", own, inputs.map(here).to_vec())
        }
        None => plan.stage(0, "concat", Args::default(), inputs.map(here).to_vec()),
    };
    let out = plan.stage(0, "dense", args(&[("units", int(1))]), vec![here(fused)]);
    call(split, plan.output("output", here(out)))
}

fn noise_bit(row: usize) -> bool {
    (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63 == 1
}

fn settings(epochs: usize) -> Args {
    let adam = recipe("adam", &[("lr", ArgValue::Float(0.02))]);
    args(&[("label", ArgValue::Column("y".into())), ("epochs", int(epochs)), ("batch", int(64)), ("optimizer", adam)])
}

fn error(both: bool, policy: Option<&ArgValue>, listening: &Listening) -> f64 {
    let (call, args) = (told_by(both, policy), settings(30));
    let trained = train_on(listening, "regress", &args, &call).unwrap();
    measure("mse", None, &predict("regress", &args, &call, &trained, Part::Test))
}

fn all() -> Vec<ArgValue> {
    ["reinforce", "actor_critic", "epsilon_greedy", "linucb", "thompson"].map(|name| recipe(name, &[])).to_vec()
}

/// A plain layer behind equal, or any fixed, weights cannot do better than half the variance: it must choose in each row.
#[test]
fn a_policy_beats_the_best_fixed_weights_where_rows_differ() {
    let silent = || Listening::new(usize::MAX);
    let fixed = error(false, None, &silent());
    assert!(fixed > 0.4, "{fixed}");
    for algorithm in all() {
        let listening = silent();
        let found = error(false, Some(&algorithm), &listening);
        eprintln!("{algorithm:?}: {found:.3}, fixed weights {fixed:.3}");
        assert!(found < 0.5 * fixed, "{algorithm:?}: {found}, fixed weights {fixed}");
        // Its weights are told from epoch to epoch, and what it is worth at the end.
        for input in [1, 2] {
            let curve = listening.curve(&format!("policy 1: input {input}"));
            assert!(curve.len() == 30 && curve.iter().all(|w| (0.0..=1.0).contains(w)), "{curve:?}");
        }
        let said = listening.reports.lock().unwrap();
        assert!(said.iter().any(|r| matches!(r, Report::Note(text) if text.en.contains("best fixed"))));
    }
}

#[test]
fn a_policy_matches_the_best_fixed_weights_where_rows_are_alike() {
    let silent = || Listening::new(usize::MAX);
    let fixed = error(true, None, &silent());
    for algorithm in all() {
        let found = error(true, Some(&algorithm), &silent());
        eprintln!("{algorithm:?}: {found:.4}, fixed weights {fixed:.4}");
        // The variance of the label is 2.
        assert!(found < fixed + 0.05, "{algorithm:?}: {found}, fixed weights {fixed}");
    }
}

/// The rows that tell gains teach the task nothing, whatever their labels.
#[test]
fn the_task_learns_nothing_from_inner_rows() {
    let reinforce = recipe("reinforce", &[]);
    let (one, args) = (told_by(false, Some(&reinforce)), settings(1));
    let mut school_rows = one.split.part(Part::Train).unwrap().ids();
    let circuit = crate::train::network::Circuit::new(&one.plan).unwrap();
    let school = crate::train::lessons::School::of(&circuit, &mut school_rows, 7);
    assert_eq!((school.inner.len(), school_rows.len()), (240, 960));
    assert!(school.inner.iter().all(|row| !school_rows.contains(row)));
    // A step of the policy moves nothing of the task's: with other labels there, only gains differ.
    let head = |trained: &Arrays| {
        let weights = mmf_tensor::Parameters::from_bytes(trained.bytes("weights").unwrap()).unwrap();
        let at = weights
            .all()
            .find(|&p| weights.label(p).unwrap().contains("dense") && weights.label(p).unwrap().ends_with("/w"));
        weights.values(at.unwrap()).unwrap().to_vec()
    };
    let once = |call: &TrainCall| {
        let mut args = args.clone();
        args.0.retain(|(name, _)| name != "batch");
        args.0.push(("batch".into(), int(2000)));
        head(&train_on(&Listening::new(usize::MAX), "regress", &args, call).unwrap())
    };
    let mut other = one.clone();
    let column = other.split.table.columns.iter_mut().find(|(name, _)| name == "y").unwrap();
    let Values::Float(labels) = &column.1.values else { panic!("numbers") };
    let mut labels = labels.to_vec();
    school.inner.iter().for_each(|&row| labels[row as usize] += 100.0);
    column.1.values = Values::Float(Arc::new(labels));
    assert_eq!(once(&one), once(&other));
}

#[test]
fn a_policys_training_is_the_same_on_any_threads_and_after_an_interruption() {
    for algorithm in [recipe("actor_critic", &[]), recipe("thompson", &[])] {
        let (call, args) = (told_by(false, Some(&algorithm)), settings(3));
        let runs = on_threads(|| train("regress", &args, &call).to_bytes());
        assert!(runs.windows(2).all(|pair| pair[0] == pair[1]));
        let stopping = Listening::new(25);
        assert_eq!(train_on(&stopping, "regress", &args, &call).unwrap_err().code, "E1000");
        stopping.left.store(usize::MAX, Ordering::Relaxed);
        assert_eq!(train_on(&stopping, "regress", &args, &call).unwrap().to_bytes(), runs[0]);
    }
}

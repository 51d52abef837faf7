//! The game's mathematics against PyTorch's numbers, and what it fills on planted data against the mean and the nearest rows.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mmf_data::network::{Activation, Network};
use mmf_data::stage::{Batch, Context, Host, Input, Quiet, Report};
use mmf_data::table::{Column, Rows};
use mmf_data::values::Values;
use mmf_lang::args::{ArgValue, Args, Recipe};
use mmf_tensor::{Moment, Parameters, Session, Slices, normals};
use serde_json::Value as Json;

use super::spectral::Normed;
use super::{apply, learn, objective, penalty};
use crate::extract::each::tests::fixture;
use crate::fuse::dense::layer;
use crate::train::learn::stream;

fn floats(json: &Json) -> Vec<f32> {
    json.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

/// The greatest difference, as a share of the greatest number.
fn apart(found: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    let greatest = wanted.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    found.iter().zip(wanted).fold(0.0f32, |most, (a, b)| most.max((a - b).abs())) / greatest.max(1e-12)
}

#[test]
fn the_penalty_and_its_slopes_are_pytorchs_by_double_backward() {
    for case in fixture("tensor/gan.json")["penalties"].as_array().unwrap() {
        let (width, hidden) = (case["width"].as_u64().unwrap() as usize, case["hidden"].as_u64().unwrap() as usize);
        let (points, counts) = (floats(&case["points"]), floats(&case["counts"]));
        let factor = case["factor"].as_f64().unwrap() as f32;
        let mut parameters = Parameters::new(1);
        let judge = |session: &mut Session<'_>, x: &_| {
            session.at(1, "hidden");
            let x = layer(session, x, ("w", Some("b")), hidden, Activation::Tanh)?;
            session.at(2, "end");
            layer(session, &x, ("w", Some("b")), 1, Activation::None)
        };
        let mut making = Session::making(&mut parameters);
        let some = making.constant(1, &[width], vec![0.0; width]).unwrap();
        judge(&mut making, &some).unwrap();
        drop(making);
        let all: Vec<_> = parameters.all().collect();
        for (&parameter, weight) in all.iter().zip(case["weights"].as_array().unwrap()) {
            parameters.set_values(parameter, &floats(weight)).unwrap();
        }
        let mut session = Session::training(&parameters, Moment::default());
        let found =
            penalty::penalty(&mut session, &points, width, &counts, factor, |session, x| judge(session, x)).unwrap();
        let value = case["value"].as_f64().unwrap() as f32;
        let sum = session.sum_of(&found).unwrap();
        assert!((sum - value).abs() < 1e-4 * value.abs(), "{sum}, not {value}");
        let mut gradients = session.backward(&found, 1.0).unwrap();
        for (&parameter, wanted) in all.iter().zip(case["gradients"].as_array().unwrap()) {
            let far = apart(&gradients.whole(&parameters, parameter).unwrap(), &floats(wanted));
            // The central difference loses h²: a hundredth is asked for.
            assert!(far < 2e-3, "{far} of a width of {width}");
        }
    }
}

#[test]
fn spectral_norm_divides_and_goes_back_as_pytorchs() {
    for case in fixture("tensor/gan.json")["spectral"].as_array().unwrap() {
        let weight = floats(&case["weight"]);
        let inputs = case["inputs"].as_u64().unwrap() as usize;
        let outputs = weight.len() / inputs;
        let mut parameters = Parameters::new(1);
        let pass = |session: &mut Session<'_>| {
            let x = session.constant(inputs, &[inputs], unit(inputs)).unwrap();
            session.at(1, "only");
            layer(session, &x, ("w", None), outputs, Activation::None).unwrap()
        };
        pass(&mut Session::making(&mut parameters));
        let parameter = parameters.all().next().unwrap();
        parameters.set_values(parameter, &weight).unwrap();
        let mut normed = Normed::new(&parameters, parameter, None).unwrap().unwrap();
        (0..200).for_each(|_| normed.turn(&parameters).unwrap());
        let mut used = parameters.clone();
        normed.divide(&mut used).unwrap();
        assert!(apart(used.values(parameter).unwrap(), &floats(&case["normed"])) < 1e-5);
        assert_eq!(parameters.values(parameter).unwrap(), weight, "the weight itself stays");
        // Through rows of the unit matrix the slope of the weight is that of the sum.
        let slope = floats(&case["slope"]);
        let mut slices = Slices::new();
        let step = slices
            .step(&used, (1, 1), inputs, |session, _| {
                let value = pass(session);
                let by = session.constant(inputs, &[outputs], slope.clone())?;
                let product = session.apply(mmf_data::network::Op::Multiply, &[&value, &by], &[])?;
                session.total(&product, None)
            })
            .unwrap();
        normed.back(&used, step.gradients).unwrap();
        let found: Vec<f32> =
            step.gradients.whole(&used, parameter).unwrap().iter().map(|x| x * inputs as f32).collect();
        assert!(apart(&found, &floats(&case["back"])) < 1e-4, "{found:?}");
    }
}

fn unit(n: usize) -> Vec<f32> {
    (0..n * n).map(|at| f32::from(u8::from(at % (n + 1) == 0))).collect()
}

#[test]
fn both_losses_of_each_game_are_pytorchs() {
    for case in fixture("tensor/gan.json")["games"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let game = objective::of(&Recipe { stage: name.into(), args: Args::default() }).unwrap();
        let parameters = Parameters::new(1);
        let (real, made) = (floats(&case["real"]), floats(&case["made"]));
        let rows = real.len() as f32;
        let played = |whose: usize, of: usize| {
            let mut session = Session::training(&parameters, Moment::default());
            let [real, made] =
                [&real, &made].map(|numbers| session.watched(numbers.len(), &[1], numbers.clone()).unwrap());
            let loss = if whose == 0 {
                let on_made = (game.made)(&mut session, &made).unwrap();
                let on_real = (game.real)(&mut session, &real, &[1.0; 5]).unwrap();
                session.combine(&[(&on_made, 1.0), (&on_real, 1.0)]).unwrap()
            } else {
                (game.generator)(&mut session, &made).unwrap()
            };
            let value = session.sum_of(&loss).unwrap() / rows;
            let slope = session.slope(&loss, [&real, &made][of]).unwrap();
            (value, slope.into_iter().map(|x| x / rows).collect::<Vec<f32>>())
        };
        for (whose, of, value, slope) in [
            (0, 0, &case["judge"], &case["judge_slopes"][0]),
            (0, 1, &case["judge"], &case["judge_slopes"][1]),
            (1, 1, &case["maker"], &case["maker_slope"]),
        ] {
            let (found, slopes) = played(whose, of);
            assert!((found - value.as_f64().unwrap() as f32).abs() < 1e-5, "{name}: {found}, not {value}");
            assert!(apart(&slopes, &floats(slope)) < 1e-5, "{name}");
        }
    }
}

fn context(host: &dyn Host) -> Context<'_> {
    Context { seed: 5, base: Path::new("."), host }
}

fn settings(steps: i64, loss: &str, more: &[(&str, ArgValue)]) -> Args {
    let layers = |units: i64| {
        let units = ArgValue::List(vec![ArgValue::Int(units)]);
        let mlp = Recipe { stage: "mlp".into(), args: Args(vec![("units".into(), units)]) };
        ArgValue::List(vec![ArgValue::Recipe(mlp)])
    };
    let adam = Recipe { stage: "adam".into(), args: Args(vec![("lr".into(), ArgValue::Float(2e-3))]) };
    let game = Recipe { stage: loss.into(), args: Args::default() };
    let mut args = vec![
        ("steps".into(), ArgValue::Int(steps)),
        ("generator".into(), layers(48)),
        ("discriminator".into(), layers(32)),
        ("loss".into(), ArgValue::Recipe(game)),
        ("optimizer".into(), ArgValue::Recipe(adam.clone())),
        ("critic_optimizer".into(), ArgValue::Recipe(adam)),
        ("latent".into(), ArgValue::Int(4)),
    ];
    for (name, value) in more {
        args.retain(|(n, _): &(String, ArgValue)| n != name);
        args.push(((*name).into(), value.clone()));
    }
    Args(args)
}

/// Rows whose second input is a function of the first, which is wide, and a little noise.
struct Planted {
    first: Vec<f32>,
    second: Vec<f32>,
    rows: usize,
}

const WIDE: usize = 8;
const NARROW: usize = 4;

fn planted(rows: usize, seed: u64) -> Planted {
    let mut random = stream(seed, 1, 1);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let x: Vec<f32> =
            (0..WIDE / 2).flat_map(|_| <[f64; 2]>::from(normals(&mut random)).map(|x| x as f32)).collect();
        let (a, b) = normals(&mut random);
        let noise = [a, b, -a, -b].map(|x| 0.3 * x as f32);
        second.extend(
            [x[0] * x[1], x[2] + x[3] - x[4], (x[5] + x[6]).tanh() * 2.0, x[7].abs()]
                .iter()
                .zip(noise)
                .map(|(y, e)| 3.0 * y + e),
        );
        first.extend(x);
    }
    Planted { first, second, rows }
}

fn column(width: usize, numbers: &[f32], missing: impl Fn(usize) -> bool) -> Column {
    let rows = numbers.len() / width;
    let column = Column::new(Rows::all(rows), Values::vector(width, numbers.to_vec()));
    column.with_missing((0..rows).map(missing).collect())
}

/// What the game makes of the second input, where it is hidden, with the root of the mean squared error.
fn filled(args: &Args, learned: &Planted, hidden: &Planted) -> f64 {
    // A third of the training rows lack one or the other.
    let columns =
        [column(WIDE, &learned.first, |row| row % 6 == 0), column(NARROW, &learned.second, |row| row % 6 == 3)];
    let context = context(&Quiet);
    let state = learn::fit(&context, args, &columns).unwrap();
    let given = Batch {
        rows: hidden.rows,
        inputs: vec![
            Input { values: Values::vector(WIDE, hidden.first.clone()), missing: None },
            Input {
                values: Values::vector(NARROW, vec![f32::NAN; hidden.second.len()]),
                missing: Some(Arc::new(vec![true; hidden.rows])),
            },
        ],
    };
    let out = apply::apply(&context, args, &state, &given).unwrap();
    let (width, numbers) = out.as_vectors().unwrap();
    assert_eq!(width, WIDE + NARROW);
    let made = numbers.chunks_exact(width).flat_map(|row| row[WIDE..].to_vec());
    root(made.zip(&hidden.second).map(|(a, b)| f64::from(a - b)))
}

fn root(errors: impl Iterator<Item = f64>) -> f64 {
    let errors: Vec<f64> = errors.collect();
    (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt()
}

#[test]
fn what_it_fills_is_nearer_than_the_mean_and_the_nearest_rows() {
    let (learned, hidden) = (planted(1500, 1), planted(300, 2));
    let mean: Vec<f64> = (0..NARROW)
        .map(|at| learned.second.iter().skip(at).step_by(NARROW).map(|&x| f64::from(x)).sum::<f64>() / 1500.0)
        .collect();
    let of_mean = root(hidden.second.iter().enumerate().map(|(at, &x)| f64::from(x) - mean[at % NARROW]));
    // Five nearest, told by the first input, as `fill(knn)` does.
    let nearest = |row: &[f32]| {
        let far = |other: &[f32]| other.iter().zip(row).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let mut order: Vec<(f64, usize)> =
            learned.first.chunks_exact(WIDE).enumerate().map(|(at, other)| (far(other), at)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        (0..NARROW)
            .map(|place| {
                order[..5].iter().map(|(_, at)| f64::from(learned.second[at * NARROW + place])).sum::<f64>() / 5.0
            })
            .collect::<Vec<_>>()
    };
    let of_nearest =
        root(hidden.first.chunks_exact(WIDE).zip(hidden.second.chunks_exact(NARROW)).flat_map(|(x, y)| {
            nearest(x).into_iter().zip(y.to_vec()).map(|(a, b)| a - f64::from(b)).collect::<Vec<_>>()
        }));
    for (loss, more) in [
        ("non_saturating", vec![]),
        ("least_squares", vec![]),
        ("hinge", vec![("spectral_norm", ArgValue::Bool(true))]),
        ("wasserstein", vec![("critic_steps", ArgValue::Int(2))]),
    ] {
        let made = filled(&settings(1200, loss, &more), &learned, &hidden);
        eprintln!("{loss}: {made:.2}, the mean {of_mean:.2}, the nearest rows {of_nearest:.2}");
        assert!(made < 0.8 * of_nearest && made < 0.6 * of_mean, "{loss}: {made} {of_nearest} {of_mean}");
    }
}

/// What is there stays but for the share that is enriched; the same seed gives the same bytes; rows do not depend on their batch.
#[test]
fn what_is_there_stays_and_rows_are_made_one_by_one() {
    let learned = planted(200, 3);
    let columns = [column(WIDE, &learned.first, |_| false), column(NARROW, &learned.second, |row| row % 2 == 0)];
    let context = context(&Quiet);
    let args = settings(40, "hinge", &[("enrich", ArgValue::Float(0.0))]);
    let state = learn::fit(&context, &args, &columns).unwrap();
    assert_eq!(learn::fit(&context, &args, &columns).unwrap().to_bytes(), state.to_bytes());
    let batch = |rows: std::ops::Range<usize>| Batch {
        rows: rows.len(),
        inputs: [(WIDE, &learned.first), (NARROW, &learned.second)]
            .map(|(width, numbers)| Input {
                values: Values::vector(width, numbers[rows.start * width..rows.end * width].to_vec()),
                missing: Some(Arc::new(rows.clone().map(|row| width == NARROW && row % 2 == 0).collect())),
            })
            .to_vec(),
    };
    let numbers = |rows| apply::apply(&context, &args, &state, &batch(rows)).unwrap().as_vectors().unwrap().1.to_vec();
    let (all, some) = (numbers(0..200), numbers(50..57));
    let width = WIDE + NARROW;
    assert_eq!(some, all[50 * width..57 * width]);
    for row in 0..200 {
        assert_eq!(all[row * width..][..WIDE], learned.first[row * WIDE..][..WIDE]);
        let kept = all[row * width + WIDE..][..NARROW] == learned.second[row * NARROW..][..NARROW];
        assert_eq!(kept, row % 2 == 1, "row {row}");
    }
    let enriched = settings(40, "hinge", &[("enrich", ArgValue::Float(0.5))]);
    let half = apply::apply(&context, &enriched, &state, &batch(0..200)).unwrap().as_vectors().unwrap().1.to_vec();
    assert_ne!(half[width..width + WIDE], learned.first[WIDE..2 * WIDE]);
}

/// Keeps what is said, and a checkpoint; stops after some batches.
#[derive(Default)]
struct Listening {
    said: Mutex<Vec<Report>>,
    checkpoint: Mutex<Option<Vec<u8>>>,
    /// How often it may be asked before it stops; 0 is always.
    left: AtomicUsize,
}

impl Host for Listening {
    fn cancelled(&self) -> bool {
        self.left.load(Ordering::Relaxed) > 0 && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }

    fn report(&self, report: Report) {
        self.said.lock().unwrap().push(report);
    }

    fn read(&self, path: &Path) -> mmf_data::error::Result<Vec<u8>> {
        Quiet.read(path)
    }

    fn load_checkpoint(&self) -> Option<Vec<u8>> {
        self.checkpoint.lock().unwrap().clone()
    }

    fn save_checkpoint(&self, bytes: &[u8]) {
        *self.checkpoint.lock().unwrap() = Some(bytes.to_vec());
    }
}

/// Stopped and taken up, it ends with the same bytes and tells the same points; so it does on any threads.
#[test]
fn an_interrupted_game_goes_on_with_the_same_bytes() {
    let planted = planted(200, 4);
    let columns = [column(WIDE, &planted.first, |_| false), column(NARROW, &planted.second, |row| row % 3 == 0)];
    let more = [("spectral_norm", ArgValue::Bool(true)), ("batch", ArgValue::Int(150))];
    let args = settings(12, "wasserstein", &more);
    let whole = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| learn::fit(&context(&Quiet), &args, &columns).unwrap().to_bytes())
    };
    let bytes = whole(1);
    assert!([2, 4].into_iter().all(|threads| whole(threads) == bytes));
    let stopping = Listening { left: AtomicUsize::new(7), ..Listening::default() };
    assert_eq!(learn::fit(&context(&stopping), &args, &columns).unwrap_err().code, "E1000");
    assert!(stopping.checkpoint.lock().unwrap().is_some());
    stopping.said.lock().unwrap().clear();
    assert_eq!(learn::fit(&context(&stopping), &args, &columns).unwrap().to_bytes(), bytes);
    let curves = stopping.said.lock().unwrap().iter().filter(|r| matches!(r, Report::Curve { .. })).count();
    assert_eq!(curves, 3 * 12);
}

/// Both losses and how often the discriminators are right are told as curves; where all rows are made alike, or nothing deceives, that is
/// said with its number.
#[test]
fn curves_are_told_and_a_game_that_goes_wrong_is_told_of() {
    let planted = planted(300, 8);
    let columns = [column(WIDE, &planted.first, |_| false), column(NARROW, &planted.second, |_| false)];
    let host = Listening::default();
    learn::fit(&context(&host), &settings(60, "non_saturating", &[]), &columns).unwrap();
    let curve = |name: &str| {
        let point = |report: &Report| match report {
            Report::Curve { curve, value, .. } if curve == name => Some(*value),
            _ => None,
        };
        host.said.lock().unwrap().iter().filter_map(point).collect::<Vec<f64>>()
    };
    for name in ["generator", "discriminator", "accuracy"] {
        assert!(curve(name).len() == 60 && curve(name).iter().all(|value| value.is_finite()), "{name}");
    }
    assert!(curve("accuracy").iter().all(|share| (0.0..=1.0).contains(share)));

    let notes = |right: f64, spreads: &[f64]| {
        let host = Listening::default();
        let points: Vec<[f64; 4]> = (1..=8).map(|step| [f64::from(step), 1.0, 1.0, right]).collect();
        learn::warn(&context(&host), &points, spreads);
        let said = host.said.into_inner().unwrap();
        said.iter()
            .filter_map(|r| if let Report::Note(text) = r { Some(text.en.clone()) } else { None })
            .collect::<Vec<_>>()
    };
    assert!(notes(0.7, &[0.8, 0.4]).is_empty());
    let [alike] = &notes(0.7, &[0.8, 0.012])[..] else { panic!("one note") };
    assert!(alike.contains("input 2") && alike.contains("1.2 %"), "{alike}");
    let [right] = &notes(0.995, &[0.8])[..] else { panic!("one note") };
    assert!(right.contains("99.5 %"), "{right}");
}

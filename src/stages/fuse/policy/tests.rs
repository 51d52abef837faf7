//! What algorithms lower and learn, against numbers of PyTorch and numpy.

use mmf_data::network::Var;
use mmf_lang::args::{ArgValue, Args, Recipe};
use mmf_tensor::{Moment, Parameters, Session};
use serde_json::Value as Json;

use super::*;
use crate::extract::each::tests::fixture;

fn floats(json: &Json) -> Vec<f32> {
    json.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

fn numbers(json: &Json) -> Vec<u32> {
    json.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as u32).collect()
}

fn near(found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len());
    let most = wanted.iter().fold(0.0f32, |most, x| most.max(x.abs())).max(1e-6);
    for (a, b) in found.iter().zip(wanted) {
        assert!((a - b).abs() < 1e-4 * most, "{found:?}, not {wanted:?}");
    }
}

fn asked(algorithm: &str, own: &[(&str, ArgValue)], entropy: f64) -> Args {
    let own = Args(own.iter().map(|(name, value)| (name.to_string(), value.clone())).collect());
    let recipe = Recipe { stage: algorithm.into(), args: own };
    Args(vec![
        ("algorithm".into(), ArgValue::Recipe(recipe)),
        ("entropy".into(), ArgValue::Float(entropy)),
        ("network".into(), ArgValue::List(Vec::new())),
    ])
}

/// Puts a state before the policy of the place.
fn put(session: &mut Session<'_>, state: &[f32], width: usize) -> Var {
    session.at(3, "policy");
    session.constant(state.len() / width, &[width], state.to_vec()).unwrap()
}

#[test]
fn an_arm_has_all_inputs_or_one_or_all_but_one() {
    let bits = |inputs: usize| -> Vec<String> {
        let word = |arm: Vec<bool>| arm.iter().map(|&has| if has { '1' } else { '0' }).collect();
        arms(inputs).into_iter().map(word).collect()
    };
    assert_eq!(bits(2), ["11", "10", "01"]);
    assert_eq!(bits(3), ["111", "100", "010", "001", "011", "101", "110"]);
    // Weights are the chances that the pulled arm has an input.
    assert_eq!(mixed(&[0.5, 0.25, 0.25], 2), [0.75, 0.75]);
    assert_eq!(mixed(&only(&[1, 0], 3), 2), [1.0, 0.0, 1.0, 1.0]);
}

/// The slopes of −Σ (gain − baseline)·ln π(arm) + entropy·Σ π·ln π, and of the critic's error.
#[test]
fn what_a_policy_lowers_has_pytorchs_slopes() {
    for case in fixture("tensor/policy.json")["gradients"].as_array().unwrap() {
        let (state, width) = (floats(&case["state"]), case["width"].as_u64().unwrap() as usize);
        let (drawn, gains) = (numbers(&case["arms"]), floats(&case["gains"]));
        let critic = case["critic"].as_bool().unwrap();
        let name = if critic { "actor_critic" } else { "reinforce" };
        let args = asked(name, &[], case["entropy"].as_f64().unwrap());
        let (algorithm, looking) = algorithm(&args, 2).unwrap();
        let mut parameters = Parameters::new(1);
        let put = |session: &mut Session<'_>| put(session, &state, width);
        let mut making = Session::making(&mut parameters);
        let seen = put(&mut making);
        algorithm.look(&looking, &mut making, &seen).unwrap();
        drop(making);
        let label = |name: &str| format!("policy/{name}");
        let mut set = |name: &str, values: &Json| {
            let parameter = parameters.find(&label(name)).unwrap();
            parameters.set_values(parameter, &floats(values)).unwrap();
        };
        set("actor/w", &case["actor"][0]);
        set("actor/b", &case["actor"][1]);
        if critic {
            set("critic/w", &case["critic_weights"][0]);
            set("critic/b", &case["critic_weights"][1]);
        } else {
            set("baseline", &case["baseline"]);
        }
        let mut session = Session::training(&parameters, Moment::default());
        let seen = put(&mut session);
        let losses = algorithm.lower(&looking, &mut session, &seen, (&drawn, &gains)).unwrap();
        let losses: Vec<_> = losses.iter().map(|(loss, factor)| (loss, *factor)).collect();
        let sum = session.combine(&losses).unwrap();
        let mut found = session.backward(&sum, 1.0).unwrap();
        let mut slope = |name: &str| found.whole(&parameters, parameters.find(&label(name)).unwrap()).unwrap();
        near(&slope("actor/w"), &floats(&case["actor_slopes"][0]));
        near(&slope("actor/b"), &floats(&case["actor_slopes"][1]));
        if critic {
            near(&slope("critic/w"), &floats(&case["critic_slopes"][0]));
            near(&slope("critic/b"), &floats(&case["critic_slopes"][1]));
        }
    }
}

/// Expected gains and their widths of a bandit that learned in three steps, against numpy's solution of the whole.
#[test]
fn a_bandits_gains_are_those_of_ridge_regression() {
    for case in fixture("tensor/policy.json")["bandits"].as_array().unwrap() {
        let (state, width) = (floats(&case["state"]), case["width"].as_u64().unwrap() as usize);
        let (drawn, gains) = (numbers(&case["arms"]), floats(&case["gains"]));
        let args = asked("linucb", &[("alpha", ArgValue::Float(1.0))], 0.0);
        let (algorithm, looking) = algorithm(&args, 2).unwrap();
        let mut parameters = Parameters::new(1);
        let rows = drawn.len();
        let put = |session: &mut Session<'_>| put(session, &state, width);
        let mut making = Session::making(&mut parameters);
        let seen = put(&mut making);
        algorithm.look(&looking, &mut making, &seen).unwrap();
        drop(making);
        for part in [0..rows / 3, rows / 3..rows / 2, rows / 2..rows] {
            let own = &state[part.start * width..part.end * width];
            algorithm.learn(&mut parameters, 3, (own, width), (&drawn[part.clone()], &gains[part])).unwrap();
        }
        let mut reading = Session::reading(&parameters);
        let seen = put(&mut reading);
        let scores = algorithm.look(&looking, &mut reading, &seen).unwrap();
        near(&scores.mean, &floats(&case["mean"]));
        near(&scores.width, &floats(&case["deviation"]));
        // The arm that may be best, and the one that is expected to be.
        let best = |of: &dyn Fn(usize) -> f32| -> Vec<u32> {
            let row = |row: usize| {
                (0..3).fold(0, |best, arm| if of(row * 3 + arm) > of(row * 3 + best) { arm } else { best })
            };
            (0..rows).map(|at| row(at) as u32).collect()
        };
        let drawn = algorithm.draw(&scores, 3, &mut || 0.5);
        assert_eq!(drawn, best(&|at| scores.mean[at] + scores.width[at]));
        assert_eq!(algorithm.settle(&scores, 3), only(&best(&|at| scores.mean[at]), 3));
    }
}

/// Chances are as was said: of any arm, of an arm by its share, of an arm by a drawn gain.
#[test]
fn arms_are_drawn_as_often_as_they_should() {
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let rows = 20_000;
    let mut share = |name: &str, own: &[(&str, ArgValue)], mean: [f32; 3], width: [f32; 3], arm: u32| {
        let args = asked(name, own, 0.0);
        let (algorithm, _) = algorithm(&args, 2).unwrap();
        let scores = Scores { mean: mean.repeat(rows), width: width.repeat(rows) };
        let drawn = algorithm.draw(&scores, 3, &mut random);
        drawn.iter().filter(|&&drawn| drawn == arm).count() as f64 / rows as f64
    };
    let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 0.015, "{found}, not {wanted}");
    close(share("reinforce", &[], [0.2, 0.5, 0.3], [0.0; 3], 1), 0.5);
    close(share("epsilon_greedy", &[("epsilon", ArgValue::Float(0.3))], [0.0, 2.0, 1.0], [0.0; 3], 1), 0.8);
    // A normal number of mean 1 and deviation 1 beats one of mean 0 and deviation 0: Φ(1).
    close(share("thompson", &[("deviation", ArgValue::Float(1.0))], [0.0, 1.0, -9.0], [0.0, 1.0, 0.0], 1), 0.8413);
}

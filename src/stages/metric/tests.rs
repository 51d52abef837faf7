//! Metrics against scikit-learn and RecBole: the fixtures hold their programs' numbers.

use std::path::Path;

use mmf_data::stage::{Body, Predictions};
use mmf_lang::args::{ArgValue, Args};
use mmf_lang::types::Task;
use serde_json::Value;

use crate::metric::confusion::{Counts, Score, macro_mean, weighted_mean};
use crate::train::predictions::{Classified, Ranked, Regressed};

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn codes(value: &Value) -> Vec<u32> {
    numbers(value).into_iter().map(|x| x as u32).collect()
}

fn value_at(name: &str, args: Args, from: &Predictions, places: &[u32]) -> Option<f64> {
    let stage = crate::find(name).unwrap();
    let Body::Metric(metric) = stage.body(0) else { panic!("{name} is no metric") };
    metric(&args, from).unwrap()(places)
}

fn value(name: &str, args: Args, from: &Predictions) -> f64 {
    let units = from.u32s("units").unwrap().len() as u32;
    value_at(name, args, from, &(0..units).collect::<Vec<_>>()).unwrap()
}

fn average(word: &str) -> Args {
    Args(vec![("average".into(), ArgValue::Word(word.into()))])
}

fn same(found: f64, wanted: &Value, what: &str) {
    let wanted = wanted.as_f64().unwrap();
    assert!((found - wanted).abs() < 1e-6, "{what}: {found}, not {wanted}");
}

fn classified(label: &Value, scores: Vec<f32>, classes: usize, positive: u32) -> Classified {
    let label = codes(label);
    Classified {
        units: (0..label.len() as u32).collect(),
        label,
        scores,
        classes: (0..classes).map(|c| c.to_string()).collect(),
        positive,
    }
}

fn rows(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().flat_map(numbers).map(|x| x as f32).collect()
}

#[test]
fn two_classes_agree_with_scikit_learn() {
    let all = fixture("sklearn/metrics.json");
    let binary = &all["binary"];
    let scores = numbers(&binary["probability"]).into_iter().flat_map(|p| [(1.0 - p) as f32, p as f32]).collect();
    let c = classified(&binary["truth"], scores, 2, 1);
    assert_eq!(c.guesses(), codes(&binary["guess"]));
    let from = c.write();
    let wanted = &binary["values"];
    for name in ["accuracy", "precision", "recall", "f1", "log_loss"] {
        same(value(name, Args::default(), &from), &wanted[name], name);
    }
    same(value("auc", Args::default(), &from), &wanted["roc_auc"], "auc");
    for name in ["precision", "recall", "f1"] {
        for word in ["macro", "micro"] {
            same(value(name, average(word), &from), &wanted[format!("{name}_{word}")], name);
        }
    }
}

#[test]
fn more_classes_agree_with_scikit_learn() {
    let all = fixture("sklearn/metrics.json");
    let case = &all["multiclass"];
    let c = classified(&case["truth"], rows(&case["probability"]), 4, 3);
    assert_eq!(c.guesses(), codes(&case["guess"]));
    let from = c.clone().write();
    let wanted = &case["values"];
    for name in ["accuracy", "log_loss"] {
        same(value(name, Args::default(), &from), &wanted[name], name);
    }
    same(value("auc", Args::default(), &from), &wanted["roc_auc_macro_of_present"], "auc");
    let averages = |from: &Predictions, wanted: &Value| {
        for name in ["precision", "recall", "f1"] {
            same(value(name, Args::default(), from), &wanted[format!("{name}_macro")], name);
            same(value(name, average("macro"), from), &wanted[format!("{name}_macro")], name);
            same(value(name, average("micro"), from), &wanted[format!("{name}_micro")], name);
        }
    };
    averages(&from, wanted);
    let sure: Vec<f32> = codes(&case["guess_without_3"])
        .iter()
        .flat_map(|&g| (0..4).map(move |c| f32::from(u8::from(c == g))))
        .collect();
    averages(&Classified { scores: sure, ..c }.write(), &case["values_without_3_in_truth_and_guess"]);

    let case = &all["multiclass_complete"];
    let from = classified(&case["truth"], rows(&case["probability"]), 3, 2).write();
    same(value("auc", Args::default(), &from), &case["values"]["roc_auc_macro"], "auc");
    same(value("log_loss", Args::default(), &from), &case["values"]["log_loss"], "log_loss");
}

/// What a report says of each class, against `classification_report`.
#[test]
fn each_class_agrees_with_scikit_learn() {
    let all = fixture("sklearn/metrics.json");
    let scores: [(&str, Score); 3] =
        [("precision", Counts::precision), ("recall", Counts::recall), ("f1-score", Counts::f1)];
    for (case, guess, classes, report) in [
        (&all["binary"], "guess", 2, "report"),
        (&all["multiclass"], "guess", 4, "report"),
        // A class that is nowhere is in no mean.
        (&all["multiclass"], "guess_without_3", 4, "report_without_3"),
    ] {
        let (truth, guess, report) = (codes(&case["truth"]), codes(&case[guess]), &case[report]);
        let counts = Counts::of_classes(classes, truth.into_iter().zip(guess));
        for (name, score) in scores {
            for (class, &own) in counts.iter().enumerate().filter(|(_, own)| own.truth + own.guess > 0) {
                let wanted = &report[class.to_string()];
                same(score(own), &wanted[name], name);
                same(f64::from(own.truth), &wanted["support"], "support");
            }
            same(macro_mean(&counts, score).unwrap(), &report["macro avg"][name], name);
            same(weighted_mean(&counts, score).unwrap(), &report["weighted avg"][name], name);
        }
    }
    assert_eq!((macro_mean(&[], Counts::f1), weighted_mean(&[Counts::default()], Counts::f1)), (None, None));
}

#[test]
fn numbers_agree_with_scikit_learn() {
    let all = fixture("sklearn/metrics.json");
    let case = &all["regression"];
    let label = numbers(&case["truth"]);
    let units = (0..label.len() as u32).collect();
    let from = Regressed { units, label, predicted: numbers(&case["guess"]) }.write();
    same(value("mse", Args::default(), &from), &case["values"]["mse"], "mse");
    same(value("mae", Args::default(), &from), &case["values"]["mae"], "mae");
}

fn ranked(users: &[Value], met: &[u32], items: usize) -> Predictions {
    let mut out = Ranked { items, ..Ranked::default() };
    for (number, user) in users.iter().enumerate() {
        let (list, test) = (codes(&user["ranked"]), codes(&user["test"]));
        out.users.push(number as u32);
        out.relevant.push(test.len() as u32);
        out.ranks.push((1..).zip(&list).filter(|(_, item)| test.contains(item)).map(|(rank, _)| rank));
        out.candidates.push(list.len() as u32);
        out.top.push(list.iter().map(|&item| (item, 0.0)));
        out.counts.extend(list.iter().map(|&item| met[item as usize]));
    }
    out.write()
}

fn at(k: u64) -> Args {
    Args(vec![("k".into(), ArgValue::Int(k as i64))])
}

#[test]
fn calibration_agrees_with_torchmetrics() {
    for case in fixture("metrics/calibration.json")["cases"].as_array().unwrap() {
        let scores = numbers(&case["scores"]).into_iter().map(|x| x as f32).collect();
        let from = classified(&case["label"], scores, case["classes"].as_u64().unwrap() as usize, 1).write();
        let args = Args(vec![("bins".into(), ArgValue::Int(case["bins"].as_i64().unwrap()))]);
        same(value("calibration_error", args, &from), &case["value"], "calibration_error");
    }
}

/// Says whether it is told of all users together.
fn reads_all(metric: &str) -> bool {
    ["itemcoverage", "shannonentropy", "giniindex"].contains(&metric)
}

#[test]
fn rankings_agree_with_recbole() {
    let all = fixture("ranking/metrics.json");
    let users = all["users"].as_array().unwrap();
    let from = ranked(users, &codes(&all["met"]), all["items"].as_u64().unwrap() as usize);
    let names = [
        "hit",
        "mrr",
        "map",
        "recall",
        "ndcg",
        "precision",
        "averagepopularity",
        "itemcoverage",
        "shannonentropy",
        "giniindex",
    ];
    for k in all["cuts"].as_array().unwrap().iter().map(|k| k.as_u64().unwrap()) {
        for theirs in names {
            let ours = match theirs {
                "hit" => "hit_rate",
                "itemcoverage" => "coverage",
                "averagepopularity" => "average_popularity",
                "shannonentropy" => "shannon_entropy",
                "giniindex" => "gini",
                same => same,
            };
            let what = format!("{theirs}@{k}");
            same(value(ours, at(k), &from), &all["values"][&what], &what);
            for (number, user) in users.iter().enumerate().filter(|_| !reads_all(theirs)) {
                same(value_at(ours, at(k), &from, &[number as u32]).unwrap(), &user[&what], &what);
            }
        }
    }
    for name in ["mrr", "map"] {
        assert_eq!(value(name, Args::default(), &from), value(name, at(50), &from));
    }
}

#[test]
fn a_resample_is_as_if_its_units_were_written_out() {
    let all = fixture("sklearn/metrics.json");
    let case = &all["multiclass"];
    let c = classified(&case["truth"], rows(&case["probability"]), 4, 3);
    let places: Vec<u32> = (0..60).map(|i| (i * i * 7 + i) % 60).collect();
    let out = Classified {
        label: places.iter().map(|&p| c.label[p as usize]).collect(),
        scores: places.iter().flat_map(|&p| c.scores[p as usize * 4..][..4].to_vec()).collect(),
        ..c.clone()
    };
    let (whole, written) = (c.write(), out.write());
    for name in ["accuracy", "precision", "recall", "f1", "auc", "log_loss"] {
        let resampled = value_at(name, Args::default(), &whole, &places).unwrap();
        assert!((resampled - value(name, Args::default(), &written)).abs() < 1e-12, "{name}");
    }
}

#[test]
fn what_is_not_defined_is_said_so() {
    let from = Classified {
        units: vec![0, 1],
        label: vec![1, 1],
        scores: vec![0.5; 4],
        classes: vec!["no".into(), "yes".into()],
        positive: 1,
    }
    .write();
    assert_eq!(value_at("auc", Args::default(), &from, &[0, 1]), None);
    assert_eq!(value_at("accuracy", Args::default(), &from, &[]), None);
    // Half the pairs of equal scores are in order, whatever their order in the file.
    let tied = Classified { label: vec![0, 1], ..Classified::read(&from).unwrap() }.write();
    assert_eq!(value_at("auc", Args::default(), &tied, &[0, 1]), Some(0.5));
}

#[test]
fn a_part_without_rows_is_not_defined() {
    for stage in super::ALL {
        let signature = stage.signature();
        for task in signature.tasks {
            // A classifier of nothing has no class either.
            let classes = [vec![], vec!["a".to_string(), "b".into()], vec!["a".into(), "b".into(), "c".into()]];
            let all: Vec<Predictions> = match task {
                Task::Classify => {
                    classes.into_iter().map(|classes| Classified { classes, ..Classified::default() }.write()).collect()
                }
                Task::Regress => vec![Regressed::default().write()],
                _ => vec![Ranked::default().write(), Ranked { items: 5, ..Ranked::default() }.write()],
            };
            let k = (*task == Task::Recommend).then(|| ("k".to_string(), ArgValue::Int(3)));
            let args = Args(k.into_iter().collect());
            for (number, from) in all.iter().enumerate() {
                let Body::Metric(metric) = stage.body(0) else { panic!("{} is no metric", signature.name) };
                // Predictions without any class may be refused, in words.
                if let Ok(measure) = metric(&args, from) {
                    assert_eq!(measure(&[]), None, "{} of case {number}", signature.name);
                } else {
                    assert_eq!((*task, number), (Task::Classify, 0), "{}", signature.name);
                }
            }
        }
    }
}

#[test]
fn every_metric_is_documented_and_names_its_tasks() {
    for stage in super::ALL {
        let signature = stage.signature();
        assert!(!signature.doc.is_empty() && !signature.tasks.is_empty(), "{}", signature.name);
        assert!(signature.args.iter().all(|a| !a.doc.is_empty()), "{}", signature.name);
    }
}

//! Experiments: on planted data they find which modality carries the label and which is noise; nothing is trained twice.

use serde_json::Value;

use super::shell::{Place, run, stages};

const FILE: &str = r#"param seed = 4

source films = table("films.csv") {
    film: key
    look: vector[3](column = "look_*")
    plot: vector[2](column = "plot_*")
    good: bool
}

prepare parts = films |> split(train = 50%, test = 50%)

train liked = classify(parts, label = good) {
    output    = concat(films.look |> dense(6), films.plot |> dense(6)) |> relu |> dense(1) |> sigmoid
    optimizer = adam(lr = 2e-2)
    epochs    = 12
}

metric quality = liked on parts.test { accuracy, auc }

experiment worth = ablate(liked, metric = quality.accuracy, repeat = 2)
experiment ranks = ablate(liked, of = [films.plot, films.look], metric = quality.auc, repeat = 1)
"#;

/// What a film looks like tells the label in nine of ten films; what its plot says is drawn.
fn place() -> Place {
    let place = Place::new();
    let mut state = 9u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64 * 2.0 - 1.0
    };
    let mut rows = String::from("film,look_0,look_1,look_2,plot_0,plot_1,good\n");
    for film in 0..400 {
        let numbers: Vec<f64> = (0..5).map(|_| draw()).collect();
        let good = (numbers[0] + numbers[1] > 0.0) != (draw() > 0.8);
        let shown: Vec<String> = numbers.iter().map(f64::to_string).collect();
        rows += &format!("f{film},{},{good}\n", shown.join(","));
    }
    place.write("films.csv", rows);
    place.write("a.mmf", FILE);
    place
}

fn found(place: &Place, name: &str) -> Value {
    let record: Value = serde_json::from_str(&place.read("runs/latest/run.json")).unwrap();
    let all = record["experiments"].as_array().unwrap();
    all.iter().find(|e| e["name"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

fn variant(found: &Value, modality: &str, how: &str) -> Value {
    let is = |v: &&Value| v["modality"] == modality && v["how"] == how;
    found["variants"].as_array().unwrap().iter().find(is).unwrap_or_else(|| panic!("{modality} {how}")).clone()
}

#[test]
fn what_carries_the_label_helps_and_noise_does_not() {
    let place = place();
    let ran = place.mmf(&["run", "a.mmf"]);
    let (out, told) = (ran.out().to_string(), ran.err().to_string());
    ran.ends(0);
    // The steps of variants are many: they are counted.
    assert!(told.contains("✓ liked: ") && told.contains(" steps for experiments and repeats"), "{told}");
    assert!(!told.contains("noise:") && !told.contains("shuffled:"), "{told}");
    assert!(out.contains("films.look: +") && out.contains("p < 0.001: it helps"), "{out}");
    assert_eq!(out.matches("no evidence that it helps").count(), 2, "{out}");
    assert!(out.contains("it helps, in this one training"), "{out}");
    for (name, units) in [("worth", 200), ("ranks", 200)] {
        let found = found(&place, name);
        assert_eq!(found["units"], units);
        let number = |modality: &str, how: &str, of: &str| variant(&found, modality, how)[of].as_f64().unwrap();
        let whole = found["value"].as_f64().unwrap();
        assert!(whole > 0.8, "{name}: {whole}");
        for how in ["without", "noise", "shuffled"] {
            let (gain, low) = (number("films.look", how, "gain"), number("films.look", how, "low"));
            assert!(gain > 0.25 && low > 0.15, "{name}, {how}: {gain}, at least {low}");
            assert!((whole - number("films.look", how, "value") - gain).abs() < 1e-9);
            assert!(number("films.plot", how, "gain").abs() < 0.06 && number("films.plot", how, "holm") > 0.05);
        }
        // Alone, the one is as good as all, and the other guesses.
        assert!(number("films.look", "alone", "value") > whole - 0.06);
        assert!(number("films.plot", "alone", "value") < 0.65);
    }
    // By ranks of all rows together no row has a value of its own.
    assert!(variant(&found(&place, "ranks"), "films.look", "without")["effect"].is_null());
    assert!(variant(&found(&place, "worth"), "films.look", "without")["effect"].as_f64().unwrap() > 0.3);
    let page = place.read("runs/latest/report.html");
    assert!(page.contains("Does it help?") && page.contains("noise in its place"));
}

#[test]
fn no_variant_is_trained_twice() {
    let place = place();
    let first = run(&place, &["a.mmf", "--threads", "1"]);
    let trained = |events: &[Value]| {
        let done = events.iter().filter(|e| e["event"] == "finished");
        done.filter_map(|e| e["node"].as_str()).filter(|n| n.starts_with("liked") && !n.contains(" on ")).count()
    };
    // The whole and eight variants, of which two pairs are one training (without the one is the other alone), twice; the second
    // experiment shares the first time of each.
    assert_eq!(trained(&first), 14);
    assert!(run(&place, &["a.mmf"]).iter().all(|e| e["event"] != "computed"));
    // A third time of each is all that is new.
    place.write("a.mmf", FILE.replace("repeat = 2", "repeat = 3"));
    let third = run(&place, &["a.mmf"]);
    assert_eq!(trained(&third), 7);
    assert!(!stages(&third).contains("table"));
    let bytes = place.read("runs/latest/run.json");
    let experiments = |text: &str| serde_json::from_str::<Value>(text).unwrap()["experiments"].clone();
    let again = self::place();
    again.write("a.mmf", FILE.replace("repeat = 2", "repeat = 3"));
    run(&again, &["a.mmf", "--threads", "4"]);
    assert_eq!(experiments(&bytes), experiments(&again.read("runs/latest/run.json")));
}

/// A train that is trained several times is measured by the mean of all; more times train no time again.
#[test]
fn several_trainings_give_a_mean_and_its_deviation() {
    let place = place();
    let once = FILE.split("\nexperiment").next().unwrap();
    let times = |n: usize| once.replace("    epochs    = 12", &format!("    epochs    = 12\n    repeat    = {n}"));
    let measured = || serde_json::from_str::<Vec<Value>>(&place.read("runs/latest/metrics.json")).unwrap()[0].clone();
    let of = |name: &str| measured()[name].as_f64();
    place.write("a.mmf", once);
    run(&place, &["a.mmf"]);
    let first = of("value").unwrap();
    assert!(of("deviation").is_none());
    place.write("a.mmf", times(3));
    let trained = |events: &[Value]| {
        let done = events.iter().filter(|e| e["event"] == "finished");
        done.filter_map(|e| e["node"].as_str().map(String::from)).filter(|n| !n.contains(" on ")).collect::<Vec<_>>()
    };
    let names = trained(&run(&place, &["a.mmf"]));
    let mut others: Vec<&str> = names.iter().map(String::as_str).filter(|n| n.starts_with("liked")).collect();
    others.sort();
    assert_eq!(others, ["liked (2)", "liked (3)"]);
    let (mean, deviation) = (of("value").unwrap(), of("deviation").unwrap());
    assert!(deviation > 0.0 && (mean - first).abs() < 2.0 * deviation + 1e-9, "{mean} ± {deviation}, first {first}");
    assert!(place.mmf(&["run", "a.mmf"]).out().contains(" ± "));
    // The one training of before is still the first.
    place.write("a.mmf", once);
    assert!(run(&place, &["a.mmf"]).iter().all(|e| e["event"] != "computed"));
    assert_eq!(of("value"), Some(first));
}

//! Games, policies and several tasks in whole files: they give what was planted, the same bytes on any number of threads, and are made
//! again where something changed, and there alone.

use std::fmt::Write;

use super::determinism::same_bytes;
use super::shell::{Place, metric, run, stages};

const FILE: &str = r#"param epochs = 8
param enrich = 20%

source 物品 = table("items.csv") { 编号: key, 外观: vector[3](column = "look_*")?, 声音: vector[2](column = "sound_*"), 类别: category, 价格: float? }

prepare parts = 物品 |> split(train = 60%, validation = 20%, test = 20%)

extract 暗 = 物品.外观 |> hide(40%)

fuse 均值 = 暗 |> fill(mean)
fuse 生成 = gan(暗, 物品.声音) {
    generator     = mlp(16)
    discriminator = mlp(8)
    latent        = 2
    enrich        = enrich
    steps         = 300
}
experiment 填补 = imputation(物品.外观, hidden = 暗, ways = [均值, 生成.暗])

fuse 选择 = policy(生成.暗, 物品.声音, algorithm = actor_critic) { network = mlp(8), inner = 20% }
fuse 共同 = neural { 选择 |> dense(8) |> relu }

train 两者 = tasks(parts) {
    类   = classify(label = 类别) { output = 共同 |> dense(classes(物品.类别)) |> softmax }
    价   = regress(label = 价格) { output = 共同 |> dense(1) }
    weights   = gradient_norm
    optimizer = adam(lr = 2e-2)
    epochs    = epochs
    stop      = early(accuracy, patience = 8)
}

metric 类 = 两者.类 on parts.test { accuracy }
metric 价 = 两者.价 on parts.test { mse }
"#;

/// What an item looks like follows from how it sounds; its kind from the look, its price from the sound.
fn place() -> Place {
    let place = Place::new();
    place.write("a.mmf", FILE);
    let mut state = 9u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
    };
    let mut items = String::from("编号,look_0,look_1,look_2,sound_0,sound_1,类别,价格\n");
    for item in 0..300 {
        let sound = [draw(), draw()];
        let look = [2.0 * sound[0], sound[0] * sound[1] * 2.0, sound[1] - sound[0]].map(|x| x + 0.05 * draw());
        let kind = if look[0] > 0.3 {
            "红"
        } else if look[0] < -0.3 {
            "蓝"
        } else {
            "绿"
        };
        let price = if item % 3 == 0 { String::new() } else { format!("{:.3}", 3.0 * sound[1] + 0.1 * draw()) };
        let look = if item % 10 == 9 { ",,".into() } else { look.map(|x| format!("{x:.4}")).join(",") };
        writeln!(items, "i{item},{look},{:.4},{:.4},{kind},{price}", sound[0], sound[1]).unwrap();
    }
    place.write("items.csv", items);
    place
}

#[test]
fn what_was_planted_is_found() {
    let place = place();
    place.write(
        "a.mmf",
        FILE.replace("param epochs = 8", "param epochs = 40").replace("steps         = 300", "steps         = 1500"),
    );
    run(&place, &["a.mmf"]);
    let folder = place.path("runs/latest");
    let (kind, price) = (metric(&folder, "类.accuracy"), metric(&folder, "价.mse"));
    println!("accuracy {kind}, squared error {price}");
    // The most frequent kind has about 0.37; the price has a variance of 3.
    assert!(kind > 0.7 && price < 0.5, "{kind} {price}");
    let record: serde_json::Value = serde_json::from_str(&place.read("runs/latest/run.json")).unwrap();
    let ways = record["imputations"][0]["ways"].as_array().unwrap().clone();
    let error = |at: usize| ways[at]["error"].as_f64().unwrap();
    assert!(error(1) < 0.5 * error(0), "{ways:?}");
    assert!(ways[1]["p"].as_f64().unwrap() < 0.01);
    let page = place.read("runs/latest/report.html");
    for word in ["填补", "生成.暗", "discriminator", "policy 1: input 2", "两者.类", "task 1: weight"] {
        assert!(page.contains(word), "the report lacks {word}");
    }
}

#[test]
fn the_same_bytes_on_one_two_and_four_threads() {
    let place = place();
    same_bytes(&place, "a.mmf");
}

#[test]
fn only_what_hangs_on_a_change_is_made_again() {
    let place = place();
    let first = run(&place, &["a.mmf"]);
    assert!(["hide", "gan", "slice", "tasks", "imputation"].iter().all(|stage| stages(&first).contains(stage)));
    assert!(run(&place, &["a.mmf"]).iter().all(|e| e["event"] != "computed"));
    let made = |text: String| -> Vec<String> {
        place.write("a.mmf", text);
        let ran = run(&place, &["a.mmf"]);
        let computed = ran.iter().filter(|e| e["event"] == "computed");
        computed.filter_map(|e| e["stage"].as_str().map(str::to_string)).collect()
    };
    // The name of a task is no more than a name.
    let renamed = made(FILE.replace("    价   = regress", "    钱   = regress").replace("两者.价", "两者.钱"));
    assert_eq!(renamed, Vec::<String>::new());
    // Another weight of the tasks: the train alone, and what measures it.
    let weighed = made(FILE.replace("gradient_norm", "[1, 0.5]"));
    assert!(
        weighed.contains(&"tasks".into()) && !weighed.iter().any(|stage| stage == "gan" || stage == "hide"),
        "{weighed:?}"
    );
}

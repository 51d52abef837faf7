//! The run folder: its files, their forms, and the report.

use super::{ITEMS, Place};

#[test]
fn a_run_leaves_its_folder() {
    let place = Place::with_items();
    place.mmf(&["run", "items.mmf", "-p", "seed=5"]).ends(0);
    let latest = |name: &str| place.read(&format!("runs/latest/{name}"));
    assert_eq!(latest("pipeline.mmf"), ITEMS);
    let metrics: Vec<serde_json::Value> = serde_json::from_str(&latest("metrics.json")).unwrap();
    let mut keys: Vec<&String> = metrics[0].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["high", "low", "metric", "name", "part", "rows", "train", "value"]);
    assert_eq!(
        (&metrics[0]["name"], &metrics[0]["metric"], &metrics[0]["rows"]),
        (&"quality".into(), &"accuracy".into(), &4.into())
    );
    let table = latest("predictions.csv");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("train,key,part,label,predicted,score"));
    let rows: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
    assert_eq!(rows.len(), 4);
    let right = rows.iter().filter(|r| r[3] == r[4]).count() as f64 / 4.0;
    assert_eq!(metrics[0]["value"].as_f64(), Some(right));
    assert!(rows.iter().all(|r| r[0] == "taste" && r[1].starts_with('i') && r[2] == "test"), "{table}");
    assert!(rows.iter().all(|r| r[5].parse::<f64>().is_ok_and(|s| (0.5..=1.0).contains(&s))), "{table}");
    let run: serde_json::Value = serde_json::from_str(&latest("run.json")).unwrap();
    assert_eq!((&run["status"], &run["seed"], &run["pipeline"]), (&"done".into(), &5.into(), &"items.mmf".into()));
    assert_eq!(run["data"][0]["path"], "items.csv");
    assert_eq!(run["data"][0]["digest"].as_str().unwrap().len(), 64);
    assert!(run["coverage"].as_array().unwrap().iter().any(|c| c["column"] == "picture" && c["present"] == 20));
    assert!(place.path("runs/latest/weights/taste.safetensors").is_file());
}

/// One page: no scripts, nothing from elsewhere, and all that was measured in it.
#[test]
fn the_report_needs_no_network() {
    let place = Place::with_items();
    place.mmf(&["run", "items.mmf"]).ends(0);
    let page = place.read("runs/latest/report.html");
    for foreign in ["http://", "https://", "<script", "src=", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert_eq!(page.matches("url(").count(), page.matches("url(data:").count());
    for wanted in
        ["prefers-color-scheme", "quality", "accuracy", "col&lt;items, vector[8]&gt;", "items.picture", "Rows left out"]
    {
        assert!(page.contains(wanted), "{wanted}");
    }
}

/// Items without a key are named by their line; rankings go down to the largest cut.
#[test]
fn rankings_and_lines() {
    let place = Place::new();
    let mut text = String::from("user,book\n");
    for user in 0..6 {
        for book in 0..5 {
            if (user + book) % 2 == 0 || book == user {
                text.push_str(&format!("u{user},b{book}\n"));
            }
        }
    }
    place.write("loans.csv", &text);
    place.write(
        "loans.mmf",
        "source loans = table(\"loans.csv\") { user: category, book: category }\n\
         prepare parts = loans |> split(train = 60%, test = 40%)\n\
         train popular = recommend(parts, user = user, item = book) { score = popularity(book) }\n\
         metric quality = popular on parts.test { recall@2, ndcg@3 }\n",
    );
    place.mmf(&["run", "loans.mmf"]).ends(0);
    let table = place.read("runs/latest/rankings.csv");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("train,user,rank,item,score,held_out"));
    let rows: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
    assert!(rows.iter().all(|r| r[0] == "popular" && r[1].starts_with('u') && r[3].starts_with('b')), "{table}");
    assert_eq!(rows.iter().map(|r| r[2].parse::<u32>().unwrap()).max(), Some(3), "{table}");
    // What was held out and stands among the first two is what recall@2 counts.
    let users: std::collections::BTreeSet<&str> = rows.iter().map(|r| r[1]).collect();
    let hits = rows.iter().filter(|r| r[5] == "true" && r[2] != "3").count();
    assert!(hits > 0 && hits <= users.len() * 2, "{table}");
    assert!(!place.path("runs/latest/predictions.csv").exists());
}

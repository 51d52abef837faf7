//! `report`: the page from the folder alone, and what a run leaves for it.

use std::collections::BTreeMap;

use super::{ITEMS, Place};

/// The page is made from the folder: removing it loses nothing, and another language changes words alone.
#[test]
fn a_page_is_made_anew() {
    let place = Place::with_items();
    place.mmf(&["run", "items.mmf"]).ends(0);
    let first = place.read("runs/latest/report.html");
    std::fs::remove_file(place.path("runs/latest/report.html")).unwrap();
    std::fs::remove_file(place.path("items.csv")).unwrap();
    std::fs::remove_dir_all(place.path("pictures")).unwrap();
    let id = std::fs::read_link(place.path("runs/latest")).unwrap().to_string_lossy().into_owned();
    let said = place.mmf(&["report"]).ends(0).out();
    assert_eq!(said, format!("the report is ./runs/{id}/report.html\n"));
    assert_eq!(place.read("runs/latest/report.html"), first);
    for run in ["runs/latest", &id, &id[..12], "latest"] {
        place.mmf(&["report", run, "-o", "again.html"]).ends(0);
        assert_eq!(place.read("again.html"), first, "{run}");
    }
    place.mmf(&["report", "--lang", "zh", "-o", "zh.html"]).ends(0);
    let chinese = place.read("zh.html");
    assert!(chinese.contains("lang=\"zh-Hans\"") && chinese.contains("训练过程") && chinese.contains("被略过的行"));
    assert!(!chinese.contains("Rows left out") && !chinese.contains("Training"));
    let err = place.mmf(&["report", "nothing"]).ends(2).err();
    assert!(err.contains("there is no run `nothing`"), "{err}");
    let line = &place.mmf(&["report", "--format", "json", "-o", "x.html"]).ends(0).lines()[0];
    assert_eq!((&line["event"], &line["path"]), (&"report".into(), &"x.html".into()));
}

/// What an older run did not leave is not shown, and nothing else is lost; what is no run is told.
#[test]
fn an_older_folder_still_has_a_page() {
    let place = Place::with_items();
    place.mmf(&["run", "items.mmf", "--lang", "zh"]).ends(0);
    assert!(place.read("runs/latest/report.html").contains("训练过程"));
    let mut run: serde_json::Value = serde_json::from_str(&place.read("runs/latest/run.json")).unwrap();
    run.as_object_mut().unwrap().remove("trains");
    place.write("runs/latest/run.json", run.to_string());
    for gone in ["space", "rows"] {
        std::fs::remove_dir_all(place.path(&format!("runs/latest/{gone}"))).unwrap();
    }
    std::fs::remove_file(place.path("runs/latest/predictions.csv")).unwrap();
    place.mmf(&["report"]).ends(0);
    let page = place.read("runs/latest/report.html");
    assert!(page.contains("Nothing was predicted") && page.contains("No train of this run left its vectors"));
    assert!(page.contains("quality") && page.contains("Training"));
    std::fs::remove_file(place.path("runs/latest/events.jsonl")).unwrap();
    let err = place.mmf(&["report"]).ends(2).err();
    assert!(err.contains("is no whole run folder"), "{err}");
}

/// Every prediction is in the table of confusions, and the samples are the surest.
#[test]
fn confusions_add_up() {
    let place = Place::with_items();
    place.mmf(&["run", "items.mmf"]).ends(0);
    let table = place.read("runs/latest/predictions.csv");
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for row in table.lines().skip(1).map(|l| l.split(',').collect::<Vec<_>>()) {
        *counts.entry((row[3].into(), row[4].into())).or_default() += 1;
    }
    let page = place.read("runs/latest/report.html");
    let matrix = page.split("<table class=\"matrix\"").nth(1).unwrap().split("</table>").next().unwrap();
    let cells: Vec<&str> = matrix.split("<td class=\"cell").skip(1).collect();
    let shown: usize =
        cells.iter().filter_map(|c| c.split('>').nth(1)?.split('<').next()?.trim().parse::<usize>().ok()).sum();
    assert_eq!(shown, counts.values().sum::<usize>(), "{matrix}");
    assert!(page.contains("Right, and sure of it") && page.contains("Wrong, and sure of it"));
}

/// Of numbers, each point of the figure is in a table, and the farthest is the last share.
#[test]
fn guessed_numbers_are_drawn_and_told() {
    let place = Place::with_items();
    let regress = ITEMS
        .replace("classify(parts, label = liked)", "regress(parts, label = price)")
        .replace("concat(colour, items.price) |> dense(1) |> sigmoid", "colour |> dense(2) |> dense(1)")
        .replace("{ accuracy }", "{ mae }");
    place.write("items.mmf", regress);
    place.mmf(&["run", "items.mmf"]).ends(0);
    let table = place.read("runs/latest/predictions.csv");
    let off = |l: &str| {
        let row: Vec<&str> = l.split(',').collect();
        (row[3].parse::<f64>().unwrap() - row[4].parse::<f64>().unwrap()).abs()
    };
    let most = table.lines().skip(1).map(off).fold(0.0, f64::max);
    let page = place.read("runs/latest/report.html");
    assert!(page.contains(&format!("<td>100 %</td><td class=\"n\">{most:.4}</td>")), "{most}");
    assert_eq!(page.matches("class=\"dot-point\"").count(), 4);
    assert_eq!(page.matches("<label class=\"p\">").count(), 4);
    assert!(page.contains("Nearest") && page.contains("Farthest"));
}

/// The epoch whose weights were kept is marked, and is the one with the best value.
#[test]
fn the_kept_epoch_is_marked() {
    let place = Place::with_items();
    let stops = ITEMS.replace("epochs    = 3", "epochs    = 6\n    stop      = early(log_loss, patience = 2)");
    place.write("items.mmf", stops);
    place.mmf(&["run", "items.mmf"]).ends(0);
    let run: serde_json::Value = serde_json::from_str(&place.read("runs/latest/run.json")).unwrap();
    let train = &run["trains"][0];
    assert_eq!((&train["name"], &train["task"], &train["part"]), (&"taste".into(), &"classify".into(), &"test".into()));
    let kept = train["kept"].as_u64().unwrap();
    let values: Vec<(f64, u64)> = super::events(&place.path("runs/latest"))
        .iter()
        .filter(|e| e["event"] == "curve" && e["curve"] == "log_loss")
        .map(|e| (e["value"].as_f64().unwrap(), e["step"].as_u64().unwrap()))
        .collect();
    let best = values.iter().min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    assert_eq!(kept, best.1, "{values:?}");
    let page = place.read("runs/latest/report.html");
    assert!(page.contains(&format!("weights of epoch {kept} were kept")), "kept {kept}");
    assert_eq!(page.matches("class=\"kept\"").count(), 2);
    assert!(page.contains("← kept"));
}

/// The run leaves the vectors before the last layer, where they lie, and what their rows look like; the same bytes on any
/// number of threads, and again when nothing has changed.
#[test]
fn a_run_leaves_its_space() {
    let place = Place::with_items();
    let files = ["space/taste.csv", "space/taste.safetensors", "rows/items.json", "rows/items.jpg"];
    let mut found = Vec::new();
    for (threads, store) in [("1", "a"), ("3", "b"), ("3", "b")] {
        place.mmf(&["run", "items.mmf", "--threads", threads, "--store", store]).ends(0);
        let read = |name: &&str| std::fs::read(place.path("runs/latest").join(name)).unwrap();
        found.push(files.iter().map(read).collect::<Vec<_>>());
    }
    assert!(found[0] == found[1] && found[1] == found[2]);
    let table = place.read("runs/latest/space/taste.csv");
    let lines: Vec<Vec<&str>> = table.lines().map(|l| l.split(',').collect()).collect();
    assert_eq!((lines.len(), lines[0].len()), (5, 7), "{table}");
    assert!(lines[0][3].starts_with("pca_1 (") && lines[1][0].starts_with('i'), "{table}");
    // Eight numbers of the picture and the price.
    let tensors = &found[0][1];
    let head = String::from_utf8_lossy(&tensors[8..8 + u64::from_le_bytes(tensors[..8].try_into().unwrap()) as usize])
        .into_owned();
    assert!(head.contains("\"shape\":[4,9]"), "{head}");
    let rows: serde_json::Value = serde_json::from_slice(&found[0][2]).unwrap();
    assert_eq!(rows["rows"].as_object().unwrap().len(), 4);
    let page = place.read("runs/latest/report.html");
    assert_eq!(page.matches("<label class=\"p\">").count(), 4);
    assert!(page.contains("data:image/jpeg;base64,"));
}

//! `run`, `why` and `clean`: what is made, and what is not made again.

use super::{ITEMS, Place, events, rows_of};

#[test]
fn a_second_run_runs_nothing() {
    let place = Place::with_items();
    let first = place.mmf(&["run", "items.mmf"]).ends(0);
    assert!(first.out().contains("quality.accuracy  taste  test"), "{}", first.out());
    let made = events(&place.path("runs/latest"));
    assert_eq!(rows_of(&made, "hsv_histogram"), 20);
    let second = place.mmf(&["run", "items.mmf"]).ends(0);
    assert!(second.err().contains("steps are in the store"), "{}", second.err());
    assert_eq!(second.out(), first.out());
    let again = events(&place.path("runs/latest"));
    assert!(again.iter().all(|e| e["event"] != "computed"), "{again:?}");
    assert_eq!(place.mmf(&["runs", "--format", "json"]).ends(0).lines().len(), 2);
}

/// One measurement that two declarations ask for is made once and told by both names; settings are a part of the name.
#[test]
fn two_names_of_one_measurement_are_both_told() {
    let place = Place::with_items();
    let more = "metric again = taste on parts.test { accuracy, f1, f1, f1(average = macro) }\n";
    place.write("items.mmf", format!("{ITEMS}{more}"));
    let ran = place.mmf(&["run", "items.mmf"]).ends(0);
    let metrics: Vec<serde_json::Value> = serde_json::from_str(&place.read("runs/latest/metrics.json")).unwrap();
    let told = |m: &serde_json::Value| format!("{}.{}", m["name"].as_str().unwrap(), m["metric"].as_str().unwrap());
    let mut names: Vec<String> = metrics.iter().map(told).collect();
    names.sort();
    assert_eq!(names, ["again.accuracy", "again.f1", "again.f1(average = macro)", "quality.accuracy"]);
    let of = |name: &str| metrics.iter().find(|m| told(m) == name).unwrap();
    assert_eq!(of("again.accuracy")["value"], of("quality.accuracy")["value"]);
    let report = place.read("runs/latest/report.html");
    for name in ["quality.accuracy", "again.accuracy"] {
        assert!(ran.out().contains(name), "{}", ran.out());
        let event = |e: &serde_json::Value| e["event"] == "metric" && told(e) == name;
        assert!(events(&place.path("runs/latest")).iter().any(event), "{name}");
    }
    assert!(report.matches("quality").count() > 0 && report.matches("again").count() > 0);
}

#[test]
fn only_what_changed_is_made_again() {
    let place = Place::with_items();
    place.mmf(&["run", "items.mmf"]).ends(0);
    let run = |text: &str| {
        place.write("items.mmf", text);
        place.mmf(&["run", "items.mmf"]).ends(0);
        events(&place.path("runs/latest"))
    };
    let none = run(&format!("# A comment.\n{}", ITEMS.replace("colour", "hue")));
    assert!(none.iter().all(|e| e["event"] != "computed"), "{none:?}");
    let trained = run(&ITEMS.replace("epochs    = 3", "epochs    = 4"));
    assert_eq!(rows_of(&trained, "hsv_histogram"), 0);
    assert!(trained.iter().any(|e| e["event"] == "computed" && e["stage"] == "classify"));
    place.picture("pictures/i3.ppm", [1, 2, 3]);
    assert_eq!(rows_of(&run(ITEMS), "hsv_histogram"), 1);
}

#[test]
fn why_says_what_changed() {
    let place = Place::with_items();
    let why = |name: &str, args: &[&str]| {
        let all = [&["why", name, "items.mmf"], args].concat();
        place.mmf(&all).ends(0).out()
    };
    assert!(why("taste", &[]).contains("never made"));
    place.mmf(&["run", "items.mmf"]).ends(0);
    assert!(why("taste", &[]).contains("nothing to do"));
    place.write("items.mmf", ITEMS.replace("epochs    = 3", "epochs    = 4"));
    let said = why("taste", &[]);
    assert!(said.contains("`epochs`") && said.contains("from 3 to 4"), "{said}");
    assert!(why("colour", &[]).contains("nothing to do"));
    let ran = place.mmf(&["why", "tatse", "items.mmf"]).ends(2);
    assert!(ran.err().contains("did you mean `taste`?"), "{}", ran.err());
}

#[test]
fn clean_keeps_what_the_last_run_needs() {
    let place = Place::with_items();
    place.mmf(&["run", "items.mmf"]).ends(0);
    place.mmf(&["run", "items.mmf", "--seed", "9"]).ends(0);
    let freed = place.mmf(&["clean", "--format", "json"]).ends(0).lines()[0]["freed"].as_u64().unwrap();
    assert!(freed > 0);
    assert!(place.mmf(&["run", "items.mmf", "--seed", "9"]).ends(0).err().contains("steps are in the store"));
    let first = place.mmf(&["run", "items.mmf"]).ends(0);
    assert!(!first.err().contains("steps are in the store"), "{}", first.err());
    place.mmf(&["clean", "--all"]).ends(0);
    let made = place.mmf(&["run", "items.mmf"]).ends(0);
    assert!(made.err().contains("steps to run"), "{}", made.err());
}

#[test]
fn a_mistake_stops_a_run_before_it_begins() {
    let place = Place::with_items();
    place.write("items.mmf", ITEMS.replace("taste on", "tatse on"));
    let ran = place.mmf(&["run", "items.mmf"]).ends(1);
    assert!(ran.err().contains("error[E0101]") && ran.out().is_empty(), "{}", ran.err());
    assert!(!place.path("runs").exists());
    place.write("items.mmf", "");
    place.mmf(&["run", "items.mmf"]).ends(0);
    place.mmf(&["run", "no.mmf"]).ends(2);
}

/// What only a run can find: pictures that are no pictures are left out and counted, and the run goes on.
#[test]
fn a_broken_picture_is_left_out_and_reported() {
    let place = Place::with_items();
    place.write("pictures/i4.ppm", "no picture");
    let ran = place.mmf(&["run", "items.mmf"]).ends(0);
    assert!(ran.err().contains("1 row left out"), "{}", ran.err());
    let told = events(&place.path("runs/latest"));
    assert_eq!(told.iter().filter(|e| e["event"] == "skipped").count(), 1);
    assert!(place.read("runs/latest/report.html").contains("i4.ppm"));
}

#[test]
fn json_is_events_alone() {
    let place = Place::with_items();
    let lines = place.mmf(&["run", "items.mmf", "--format", "json"]).ends(0).lines();
    let kinds: Vec<&str> = lines.iter().map(|l| l["event"].as_str().unwrap()).collect();
    for kind in ["planned", "started", "computed", "finished", "metric", "done", "folder"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
}

/// Threads change nothing, down to the last byte.
#[test]
fn threads_change_no_byte() {
    let place = Place::with_items();
    let mut found = Vec::new();
    for threads in ["1", "2", "4"] {
        let (store, runs) = (format!("store{threads}"), format!("runs{threads}"));
        place.mmf(&["run", "items.mmf", "--threads", threads, "--store", &store, "--runs", &runs]).ends(0);
        let read = |name: &str| std::fs::read(place.path(&format!("{runs}/latest/{name}"))).unwrap();
        found.push([read("metrics.json"), read("weights/taste.safetensors"), read("predictions.csv")]);
    }
    assert!(found[0] == found[1] && found[1] == found[2]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_is_finished() {
    let (code, said) = interrupted("-INT");
    assert_eq!(code, Some(3));
    assert!(said.contains("stopped; what was finished is kept"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_killed_run_keeps_what_is_finished() {
    assert_eq!(interrupted("-KILL").0, None);
}

/// Interrupts a training by a signal, then runs on with fewer epochs; returns how the first run ended, and what it said.
#[cfg(unix)]
fn interrupted(signal: &str) -> (Option<i32>, String) {
    let place = Place::with_items();
    place.write("items.mmf", ITEMS.replace("epochs    = 3", "epochs    = 1000000"));
    let mut command = place.command();
    command.args(["run", "items.mmf", "--format", "json"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    assert!(lines.any(|l| l.unwrap().contains(r#""event":"curve""#)));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    for _ in lines.by_ref() {}
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    place.write("items.mmf", ITEMS);
    place.mmf(&["run", "items.mmf"]).ends(0);
    assert_eq!(rows_of(&events(&place.path("runs/latest")), "hsv_histogram"), 0);
    (done.status.code(), said)
}

//! Failing, stopping, resuming, and stores that cannot be written.

use std::sync::atomic::Ordering;

use mmf_lang::args::ArgValue;
use mmf_lang::graph::Fit;
use mmf_lang::types::Part;

use super::build::{Build, number};
use super::{Place, trains};
use crate::store::{self, Store};
use crate::{Event, Options};

#[test]
fn a_failing_step_stops_only_what_needs_it() {
    let place = Place::new();
    place.write("films.csv", "a,1,10,\nb,0,20,\nc,3,30,\n");
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let value = build.column(source, "value");
    let inverse = build.rows("inverse", &[value], &[]);
    build.name("inverse", inverse);
    let lost = build.fit("center", &[inverse], Fit::All);
    build.sink(lost);
    let label = build.column(source, "label");
    let sound = build.fit("center", &[label], Fit::All);
    build.name("sound", sound);
    build.sink(sound);
    let ran = place.run(&build);
    assert_eq!(ran.failures.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), ["inverse"]);
    assert_eq!(ran.blocked, 1);
    assert!(ran.digests.iter().any(|(n, _)| n == "sound"));
    assert!(
        ran.events
            .iter()
            .any(|e| matches!(e, Event::Failed { node, code, .. } if node == "inverse" && code == "E1054"))
    );
    // What finished is not made again.
    assert_eq!(place.run(&build).calls("center"), 0);
}

#[test]
fn a_missing_file_is_named() {
    let place = Place::new();
    let ran = place.run(&trains::graph(3.0, 2.0));
    assert!(ran.failures[0].1.contains("films.csv"), "{:?}", ran.failures);
}

/// Stops the run at the fifth point of the curve.
#[test]
fn an_interrupted_train_goes_on_and_ends_in_the_same_bytes() {
    let whole = trains::place().run(&trains::graph(20.0, 2.0));
    let place = trains::place();
    let store = place.store();
    let build = trains::graph(20.0, 2.0);
    let stop = place.options.stop.clone();
    let sink = |event: &Event| {
        if matches!(event, Event::Curve { step: 5, .. }) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let outcome = crate::run(&build.graph, super::toys::find, &store, &place.options, &sink).unwrap();
    assert!(outcome.stopped && outcome.failures.is_empty());
    drop(outcome);
    drop(store);
    place.options.stop.store(false, Ordering::Relaxed);
    let rest = place.run(&build);
    assert!(rest.events.iter().any(|e| matches!(e, Event::Note { text, .. } if text.en == "resumed at 5")));
    assert_eq!((rest.calls("lines"), rest.calls("parity"), rest.stopped), (0, 0, false));
    assert_eq!((rest.digests, rest.metrics), (whole.digests, whole.metrics));
    // Its checkpoint is gone.
    assert!(std::fs::read_dir(place.path().join("store/checkpoints")).unwrap().next().is_none());
}

/// Stops an extraction after its first wave; the finished rows are not made again.
#[test]
fn an_interrupted_extraction_keeps_its_rows() {
    let place = Place::new();
    let lines: String = (0..600).map(|i| format!("k{i},{i},{i},posters/{i}.p\n")).collect();
    place.write("films.csv", &lines);
    (0..600).for_each(|i| place.write(&format!("posters/{i}.p"), &format!("P{i}")));
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let file = build.column(source, "file");
    let half = build.rows("halves", &[file], &[]);
    let light = build.rows("brightness", &[half], &[("by", number(1.0))]);
    build.name("light", light);
    build.sink(light);
    let stop = place.options.stop.clone();
    let sink = |event: &Event| {
        if matches!(event, Event::Progress { .. }) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let store = place.store();
    assert!(crate::run(&build.graph, super::toys::find, &store, &place.options, &sink).unwrap().stopped);
    drop(store);
    place.options.stop.store(false, Ordering::Relaxed);
    let rest = place.run(&build);
    assert_eq!(rest.rows("halves"), 600 - 256);
    let cached = |e: &Event| matches!(e, Event::Finished { computed: 344, cached_rows: 256, rows: 600, .. });
    assert!(rest.events.iter().any(cached), "{:?}", rest.events);
}

#[test]
fn a_read_only_store_runs_through_and_says_what_it_lost() {
    let place = trains::place();
    drop(place.store());
    let options = store::Options { read_only: true, room: None };
    let store = Store::open_with(&place.path().join("store"), options).unwrap();
    let warned = std::sync::Mutex::new(false);
    let sink = |event: &Event| {
        if matches!(event, Event::Warning { .. }) {
            *warned.lock().unwrap() = true;
        }
    };
    let build = trains::graph(3.0, 2.0);
    let outcome = crate::run(&build.graph, super::toys::find, &store, &place.options, &sink).unwrap();
    assert!(outcome.failures.is_empty() && outcome.metrics.len() == 1);
    drop(outcome);
    assert!(warned.into_inner().unwrap());
}

#[test]
fn a_full_disk_is_a_clear_error() {
    let place = trains::place();
    let options = store::Options { read_only: false, room: Some(600) };
    let store = Store::open_with(&place.path().join("store"), options).unwrap();
    let build = trains::graph(3.0, 2.0);
    let options = Options { threads: 1, ..place.options.clone() };
    let outcome = crate::run(&build.graph, super::toys::find, &store, &options, &|_| {}).unwrap();
    assert_eq!(outcome.failures[0].error.code, "E1041");
    drop(outcome);
    drop(store);
    assert!(place.run(&build).failures.is_empty());
}

#[test]
fn independent_steps_run_side_by_side() {
    let place = Place::new();
    place.write("films.csv", "a,1,10,\nb,2,20,\n");
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let value = build.column(source, "value");
    let first = build.rows("gated", &[value], &[("gate", ArgValue::Text("open".into()))]);
    let first = build.fit("center", &[first], Fit::All);
    let label = build.column(source, "label");
    let second = build.fit("center", &[label], Fit::All);
    build.name("second", second);
    build.sink(first);
    build.sink(second);
    let (store, path) = (place.store(), place.path().join("open"));
    // The gate opens when the second is done: alone on one lane the first would wait for ever.
    let sink = |event: &Event| {
        if matches!(event, Event::Finished { node, .. } if node == "second") {
            std::fs::write(&path, "").unwrap();
        }
    };
    let outcome = crate::run(&build.graph, super::toys::find, &store, &place.options, &sink).unwrap();
    assert!(outcome.failures.is_empty());
}

/// A metric that waits until others leave the pool took only what it worked.
#[test]
fn a_metric_took_what_it_worked() {
    let place = Place::new();
    place.write("films.csv", &(0..2100).map(|i| format!("k{i},{i},{i},\n")).collect::<String>());
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let parts = build.split(source);
    let label = build.column(source, "label");
    let item = build.layer(label);
    let item = build.name("item", item);
    let output = build.layer(item);
    let taste = build.train(parts, output, &[]);
    build.metric("quality.distance", taste, parts, Part::Test);
    let field = build.field(taste, item, "item");
    // Three batches: both threads of the pool wait at the gate.
    let gated = build.rows("gated", &[field], &[("gate", ArgValue::Text("open".into()))]);
    build.name("gated", gated);
    build.sink(gated);
    let path = place.path().to_path_buf();
    let (predicted, took) = (std::sync::atomic::AtomicBool::new(false), std::sync::Mutex::new(None));
    let wait = |until: &dyn Fn() -> bool| {
        while !until() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    };
    let sink = |event: &Event| match event {
        Event::Finished { node, .. } if node.starts_with("Predict") => predicted.store(true, Ordering::Relaxed),
        Event::Started { node } if node == "gated" => wait(&|| predicted.load(Ordering::Relaxed)),
        Event::Started { node } if node == "quality.distance" => {
            wait(&|| std::fs::metadata(path.join("open.waits")).is_ok_and(|meta| meta.len() >= 2));
            let gate = path.join("open");
            std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_secs(2));
                std::fs::write(gate, "").unwrap();
            });
        }
        Event::Finished { node, milliseconds, .. } if node == "quality.distance" => {
            *took.lock().unwrap() = Some(*milliseconds);
        }
        _ => {}
    };
    let store = place.store();
    let outcome = crate::run(&build.graph, super::toys::find, &store, &place.options, &sink).unwrap();
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures.first().map(|f| f.error.to_string()));
    let took = took.into_inner().unwrap().unwrap();
    assert!(took > 0.0 && took < 1900.0, "{took} ms");
}

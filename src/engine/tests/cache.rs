//! What is made again, and what is not.

use mmf_lang::graph::Fit;

use super::Place;
use super::build::{Build, number};
use crate::store::Store;
use crate::{Event, Reason, State};

/// `films`, `kept` (value at least 2), `scaled`, and `middle`, a fit over all.
fn graph(least: f64, by: f64) -> Build {
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    build.name("films", source);
    let kept = build.at_least(source, least);
    build.name("kept", kept);
    let label = build.column(kept, "label");
    let scaled = build.rows("times", &[label], &[("by", number(by))]);
    build.name("scaled", scaled);
    let middle = build.fit("center", &[scaled], Fit::All);
    build.name("middle", middle);
    build.sink(middle);
    build
}

fn place() -> Place {
    let place = Place::new();
    place.write("films.csv", "a,1,10,\nb,2,20,\nc,3,30,\nd,4,60,\n");
    place
}

#[test]
fn an_unchanged_run_does_nothing() {
    let place = place();
    let first = place.run(&graph(2.0, 2.0));
    assert!(first.failures.is_empty(), "{:?}", first.failures);
    assert_eq!((first.computed, first.rows("times")), (4, 3));
    let (again, middle) = place.look(&graph(2.0, 2.0), |o| o.value(o.named()[3].node).unwrap());
    assert_eq!((again.computed, again.bodies()), (0, 0));
    assert_eq!(again.digests, first.digests);
    let (_, numbers) = middle.column().unwrap().values.as_vectors().unwrap();
    // 40, 60, 120 less their mean.
    for (found, wanted) in numbers.iter().zip([40.0, 60.0, 120.0]) {
        assert!((found - (wanted - 220.0 / 3.0)).abs() < 1e-4, "{numbers:?}");
    }
}

#[test]
fn equal_results_stop_a_change() {
    let place = place();
    let first = place.run(&graph(2.0, 2.0));
    let second = place.run(&graph(1.5, 2.0));
    assert_eq!((second.calls("at_least"), second.calls("times"), second.bodies()), (1, 0, 1));
    assert_eq!(second.digest("middle"), first.digest("middle"));
    // Another file with the same content, and a column changed that nothing downstream reads.
    place.write("films.csv", "a,1,10,\nb,2,20,\nc,3,30,\nd,5,60,\n");
    let third = place.run(&graph(1.5, 2.0));
    assert_eq!((third.calls("lines"), third.calls("at_least"), third.calls("times")), (1, 1, 0));
}

#[test]
fn names_labels_and_folders_are_in_no_key() {
    let place = place();
    let first = place.run(&graph(2.0, 2.0));
    let mut build = graph(2.0, 2.0);
    for node in build.graph.dag.node_weights_mut() {
        node.name = node.name.as_ref().map(|n| format!("{n}_renamed"));
        node.label = "another".into();
    }
    build.graph.names.iter_mut().for_each(|(n, _)| n.push_str("_renamed"));
    let second = place.run(&build);
    assert_eq!((second.computed, second.bodies()), (0, 0));
    assert_eq!(second.digest("middle_renamed"), first.digest("middle"));
    std::fs::rename(place.path().join("films.csv"), place.path().join("other.csv")).unwrap();
    place.write("moved/films.csv", "a,1,10,\nb,2,20,\nc,3,30,\nd,4,60,\n");
    let mut build = graph(2.0, 2.0);
    let source = build.graph.names[0].1;
    if let mmf_lang::graph::NodeKind::Stage { args, .. } = &mut build.graph.dag[source].kind {
        args.0[0].1 = mmf_lang::args::ArgValue::Text("moved/films.csv".into());
    }
    let third = place.run(&build);
    assert_eq!(third.bodies(), 0);
}

#[test]
fn an_argument_recomputes_what_hangs_on_it_and_why_says_so() {
    let place = place();
    place.run(&graph(2.0, 2.0));
    let store = place.store();
    let planned = crate::plan(&graph(2.0, 3.0).graph, super::toys::find, &store, &place.options).unwrap();
    let states: Vec<(&str, State)> = planned.iter().map(|p| (p.name.as_str(), p.state)).collect();
    let wanted =
        [("films", State::Cached), ("kept", State::Cached), ("scaled", State::Stale), ("middle", State::Waiting)];
    assert_eq!(states, wanted);
    let argument =
        Reason::Argument { stage: "times".into(), name: "by".into(), was: Some("2".into()), now: Some("3".into()) };
    assert_eq!(planned[2].reasons, [argument]);
    assert_eq!(planned[3].reasons, [Reason::Upstream { name: "scaled".into() }]);
    drop(store);
    place.write("films.csv", "a,1,10,\nb,2,20,\nc,3,30,\nd,4,61,\n");
    let store = place.store();
    let why = crate::why(&graph(2.0, 2.0).graph, super::toys::find, &store, &place.options, "films").unwrap().unwrap();
    assert_eq!(why.reasons, [Reason::File { path: "films.csv".into() }]);
    drop(store);
    let second = place.run(&graph(2.0, 3.0));
    assert_eq!((second.calls("lines"), second.calls("at_least"), second.calls("times")), (1, 1, 1));
    let store = Store::open(&place.path().join("empty")).unwrap();
    let why = crate::why(&graph(2.0, 2.0).graph, super::toys::find, &store, &place.options, "films").unwrap().unwrap();
    assert_eq!(why.reasons, [Reason::New]);
}

#[test]
fn a_damaged_result_is_made_again_and_reported() {
    let place = place();
    let first = place.run(&graph(2.0, 2.0));
    for folder in std::fs::read_dir(place.path().join("store/blobs")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
    }
    // Its content is needed only where something downstream is new.
    let second = place.run(&graph(2.0, 3.0));
    assert!(second.failures.is_empty(), "{:?}", second.failures);
    assert!(second.events.iter().any(|e| matches!(e, Event::Damage { .. })));
    assert_eq!((second.calls("lines"), second.calls("at_least")), (1, 1));
    assert_ne!(second.digest("middle"), first.digest("middle"));
    let third = place.run(&graph(2.0, 3.0));
    assert_eq!((third.computed, third.digests), (0, second.digests));
}

#[test]
fn events_are_lines_of_json() {
    let place = place();
    let ran = place.run(&graph(2.0, 2.0));
    for event in &ran.events {
        let line = serde_json::to_string(event).unwrap();
        assert!(line.starts_with("{\"event\":"), "{line}");
        assert_eq!(&serde_json::from_str::<Event>(&line).unwrap(), event);
    }
    assert!(matches!(ran.events.first(), Some(Event::Planned { nodes: 4, cached: 0 })));
    assert!(matches!(ran.events.last(), Some(Event::Done { computed: 4, cached: 0, failed: 0, .. })));
}

/// A file that a source asked for and that was not there is noticed when it comes, and when it goes.
#[test]
fn a_file_that_comes_later_is_noticed() {
    let place = place();
    place.run(&graph(2.0, 2.0));
    assert_eq!(place.run(&graph(2.0, 2.0)).bodies(), 0);
    place.write("films.csv.more", "a text");
    assert_eq!(place.run(&graph(2.0, 2.0)).calls("lines"), 1);
    assert_eq!(place.run(&graph(2.0, 2.0)).bodies(), 0);
    std::fs::remove_file(place.path().join("films.csv.more")).unwrap();
    assert_eq!(place.run(&graph(2.0, 2.0)).calls("lines"), 1);
}

//! Trains, their fields, predictions and metrics.

use mmf_lang::types::Part;

use super::Place;
use super::build::{Build, number};
use crate::Event;

/// `taste` over `scaled`, measured on the test part; `after` reads the field `item`.
pub(super) fn graph(epochs: f64, by: f64) -> Build {
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let parts = build.split(source);
    build.name("parts", parts);
    let value = build.column(source, "value");
    let scaled = build.rows("times", &[value], &[("by", number(by))]);
    build.name("scaled", scaled);
    let item = build.layer(scaled);
    let item = build.name("item", item);
    let output = build.layer(item);
    let taste = build.train(parts, output, &[("epochs", number(epochs))]);
    build.name("taste", taste);
    let field = build.field(taste, item, "item");
    let after = build.rows("times", &[field], &[]);
    build.name("after", after);
    build.sink(after);
    build.metric("quality.distance", taste, parts, Part::Test);
    build
}

pub(super) fn place() -> Place {
    let place = Place::new();
    let line = |i: usize| format!("k{i},{i},{},\n", 2 * i + 4 + i % 3);
    place.write("films.csv", &(0..60).map(line).collect::<String>());
    place
}

#[test]
fn a_train_is_measured_with_an_interval() {
    let place = place();
    let first = place.run(&graph(20.0, 2.0));
    assert!(first.failures.is_empty(), "{:?}", first.failures);
    let [metric] = &first.metrics[..] else { panic!("{:?}", first.metrics) };
    assert_eq!((metric.name.as_str(), metric.metric.as_str()), ("quality", "distance"));
    assert_eq!((metric.train.as_str(), metric.part.as_str(), metric.rows), ("taste", "test", 22));
    // Labels are 2 x + 4 and 0, 1 or 2 more, in turn; the offset learned is their mean, 5.
    let (value, low, high) = (metric.value.unwrap(), metric.low.unwrap(), metric.high.unwrap());
    assert!((0.55..0.75).contains(&value) && low < value && value < high, "{metric:?}");
    let curve = |ran: &super::Ran| ran.events.iter().filter(|e| matches!(e, Event::Curve { .. })).count();
    assert_eq!(curve(&first), 20);
    let again = place.run(&graph(20.0, 2.0));
    assert_eq!((again.bodies(), curve(&again), &again.metrics), (0, 20, &first.metrics));
}

#[test]
fn epochs_recompute_no_feature() {
    let place = place();
    let first = place.run(&graph(20.0, 2.0));
    let second = place.run(&graph(21.0, 2.0));
    assert_eq!((first.calls("average"), second.calls("lines"), second.calls("parity")), (2, 0, 0));
    // The field alone is read anew.
    assert_eq!((second.calls("average"), second.rows("times"), second.rows("distance")), (2, 60, 0));
    assert_eq!(second.digest("scaled"), first.digest("scaled"));
    assert_ne!(second.digest("taste"), first.digest("taste"));
}

#[test]
fn a_renamed_joint_stage_trains_nothing() {
    let place = place();
    let first = place.run(&graph(20.0, 2.0));
    let mut build = graph(20.0, 2.0);
    for node in build.graph.dag.node_weights_mut() {
        if node.name.as_deref() == Some("item") {
            node.name = Some("thing".into());
        }
        if let mmf_lang::graph::NodeKind::Field(name) = &mut node.kind {
            *name = "thing".into();
        }
    }
    let second = place.run(&build);
    assert!(second.failures.is_empty(), "{:?}", second.failures);
    assert_eq!((second.bodies(), second.digest("after")), (0, first.digest("after")));
}

#[test]
fn the_seed_and_the_kernel_are_in_the_key() {
    let mut place = place();
    let first = place.run(&graph(20.0, 2.0));
    place.options.seed = Some(8);
    let second = place.run(&graph(20.0, 2.0));
    assert_eq!((second.calls("parity"), second.calls("average"), second.rows("times")), (1, 2, 60));
    place.options.seed = None;
    place.options.kernel = "another".into();
    let third = place.run(&graph(20.0, 2.0));
    assert_eq!((third.calls("parity"), third.calls("average")), (0, 2));
    assert_eq!(third.digest("taste"), first.digest("taste"));
}

#[test]
fn threads_change_no_byte() {
    let runs: Vec<_> = [1, 2, 4]
        .into_iter()
        .map(|threads| {
            let mut place = place();
            place.options.threads = threads;
            let ran = place.run(&graph(20.0, 2.0));
            (ran.digests, ran.metrics)
        })
        .collect();
    assert_eq!(runs[0], runs[1]);
    assert_eq!(runs[0], runs[2]);
}

/// Pictures that a network reads as they are reach it decoded.
#[test]
fn a_network_reads_pictures() {
    let place = Place::new();
    let line = |i: usize| format!("k{i},1,{},{i}.p\n", i + 100);
    place.write("films.csv", &(0..12).map(line).collect::<String>());
    (0..12u8).for_each(|i| place.write(&format!("{i}.p"), &format!("P{}", char::from(b'!' + i))));
    let mut build = Build::default();
    let source = build.source("films.csv", false);
    let parts = build.split(source);
    let file = build.column(source, "file");
    let output = build.layer(file);
    let taste = build.train(parts, output, &[("epochs", number(60.0))]);
    build.metric("quality.distance", taste, parts, Part::Test);
    let ran = place.run(&build);
    assert!(ran.failures.is_empty(), "{:?}", ran.failures);
    // Every label is 67 more than its picture's sample.
    assert!(ran.metrics[0].value.unwrap() < 1e-3, "{:?}", ran.metrics);
}

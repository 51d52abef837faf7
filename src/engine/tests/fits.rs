//! Fits see training rows alone.

use mmf_data::table::Value;
use mmf_lang::graph::Fit;
use mmf_lang::types::Part;

use super::Place;
use super::build::Build;

fn numbers(value: &Value) -> Vec<f32> {
    value.column().unwrap().values.as_vectors().unwrap().1.to_vec()
}

/// `centered`: the label less the training rows' mean.
fn graph() -> Build {
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let parts = build.split(source);
    build.name("parts", parts);
    let value = build.column(source, "value");
    let fit = Fit::Part { split: 1, along: vec![], back: vec![] };
    let centered = build.fit("center", &[value, parts], fit);
    build.name("centered", centered);
    build.sink(centered);
    build
}

#[test]
fn a_fit_learns_from_training_rows_that_are_there() {
    let place = Place::new();
    place.write("films.csv", "a,1,0,\nb,50,0,\nc,3,0,\nd,60,0,\ne,,0,\n");
    let (ran, value) = place.look(&graph(), |o| o.value(o.named()[1].node).unwrap());
    assert!(ran.failures.is_empty(), "{:?}", ran.failures);
    // Rows 0 and 2 train; row 4 is missing.
    assert_eq!(numbers(&value)[..4], [-1.0, 48.0, 1.0, 58.0]);
    assert!(value.column().unwrap().is_missing(4));
    // A test row's cell moves no state: only the applying is done again.
    place.write("films.csv", "a,1,0,\nb,51,0,\nc,3,0,\nd,60,0,\ne,,0,\n");
    let (second, value) = place.look(&graph(), |o| o.value(o.named()[1].node).unwrap());
    assert_eq!(numbers(&value)[..4], [-1.0, 49.0, 1.0, 58.0]);
    let fits = |ran: &super::Ran| {
        ran.events.iter().filter(|e| matches!(e, crate::Event::Computed { node, .. } if node == "center (fit)")).count()
    };
    assert_eq!((fits(&ran), fits(&second)), (1, 0));
    place.write("films.csv", "a,2,0,\nb,51,0,\nc,4,0,\nd,60,0,\ne,,0,\n");
    assert_eq!(fits(&place.run(&graph())), 1);
}

#[test]
fn items_are_fitted_where_training_rows_refer_to_them() {
    let place = Place::new();
    place.write("films.csv", "a,1,0,\nb,2,0,\nc,30,0,\nd,100,0,\n");
    // Rows 0 and 2 train: they refer to a and c; row 1 to d.
    place.write("ratings.csv", "r0,a\nr1,d\nr2,c\n");
    let mut build = Build::default();
    let films = build.source("films.csv", true);
    let ratings = build.links("ratings.csv", films);
    let parts = build.split(ratings);
    let value = build.column(films, "value");
    let to = build.column(ratings, "to");
    let fit = Fit::Part { split: 1, along: vec![2], back: vec![] };
    let centered = build.fit("center", &[value, parts, to], fit);
    build.name("centered", centered);
    let read = build.read(centered, to);
    let read = build.rows("times", &[read], &[]);
    build.name("read", read);
    build.sink(read);
    let (ran, values) = place.look(&build, |o| [0, 1].map(|at| numbers(&o.value(o.named()[at].node).unwrap())));
    assert!(ran.failures.is_empty(), "{:?}", ran.failures);
    assert_eq!(values[0], [-14.5, -13.5, 14.5, 84.5]);
    assert_eq!(values[1], [-29.0, 169.0, 29.0]);
}

#[test]
fn children_of_training_rows_are_fitted_on() {
    let place = Place::new();
    place.write("films.csv", "a,1,0,\nb,2,0,\nc,30,0,\n");
    place.write("parts.csv", "p0,a\np1,b\np2,c\np3,a\n");
    let mut build = Build::default();
    let films = build.source("films.csv", true);
    let split = build.split(films);
    let frames = build.links("parts.csv", films);
    let to = build.column(frames, "to");
    let value = build.column(films, "value");
    let own = build.read(value, to);
    let own = build.rows("times", &[own], &[]);
    let fit = Fit::Part { split: 1, along: vec![], back: vec![2] };
    let centered = build.fit("center", &[own, split, to], fit);
    build.name("centered", centered);
    build.sink(centered);
    let (_, value) = place.look(&build, |o| numbers(&o.value(o.named()[0].node).unwrap()));
    // Frames 0, 2, 3 belong to a, c, a: 2, 60, 2 with the mean 64 / 3.
    let mean = 64.0 / 3.0;
    let wanted = [2.0 - mean, 4.0 - mean, 60.0 - mean, 2.0 - mean];
    assert!(value.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-4), "{value:?}");
}

#[test]
fn a_table_is_fitted_on_the_training_part_and_changed_as_a_whole() {
    let place = Place::new();
    place.write("films.csv", "a,1,10,\nb,2,100,\nc,3,30,\nd,4,100,\n");
    let mut build = Build::default();
    let films = build.source("films.csv", true);
    let parts = build.split(films);
    let shifted = build.table_fit("shift", parts);
    build.name("shifted", shifted);
    let test = build.part(shifted, Part::Test);
    let label = build.column(test, "label");
    let twice = build.rows("times", &[label], &[]);
    build.name("twice", twice);
    build.sink(twice);
    let (ran, twice) = place.look(&build, |o| numbers(&o.value(o.named()[1].node).unwrap()));
    assert!(ran.failures.is_empty(), "{:?}", ran.failures);
    // Row 3 tests (row 1 validates); the training mean is 20.
    assert_eq!(twice, [160.0]);
    place.write("films.csv", "a,1,10,\nb,2,100,\nc,3,30,\nd,4,101,\n");
    let second = place.run(&build);
    assert!(!second.events.iter().any(|e| matches!(e, crate::Event::Computed { node, .. } if node == "shift (fit)")));
}

/// A stage that learns from pictures reads them itself; what cannot be read is not among them.
#[test]
fn a_fit_is_given_no_picture_that_cannot_be_read() {
    let place = Place::new();
    place.write("films.csv", "a,1,0,a.p\nb,1,0,b.p\nc,1,0,c.p\nd,1,0,\n");
    ["a", "c"].iter().for_each(|name| place.write(&format!("{name}.p"), "P1"));
    place.write("b.p", "broken");
    let graph = |tolerant| {
        let mut build = Build::default();
        let source = build.source("films.csv", tolerant);
        let file = build.column(source, "file");
        let seen = build.fit("exposure", &[file], Fit::All);
        build.name("seen", seen);
        build.sink(seen);
        build
    };
    let (ran, value) = place.look(&graph(true), |o| o.value(o.named()[0].node));
    assert!(ran.failures.is_empty(), "{:?}", ran.failures);
    let value = value.unwrap();
    // Two pictures learned from, and their first sample, `1`.
    assert_eq!((numbers(&value)[0], numbers(&value)[2]), (2.0 + 49.0, 2.0 + 49.0));
    assert_eq!(value.column().unwrap().count_missing(), 2);
    let strict = place.run(&graph(false));
    assert!(strict.failures[0].1.contains("row 2") && strict.failures[0].1.contains("b.p"), "{:?}", strict.failures);
}

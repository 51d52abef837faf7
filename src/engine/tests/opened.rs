//! Row-wise stages that open a file first: opened once, keyed by its content, each dear row kept.

use mmf_data::values::Values;
use mmf_lang::args::ArgValue;

use super::Place;
use super::build::Build;

fn graph(path: &str) -> Build {
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let value = build.column(source, "value");
    let file = build.column(source, "file");
    let scaled = build.rows("scaled", &[value], &[("path", ArgValue::Text(path.into()))]);
    build.name("scaled", scaled);
    build.sink(scaled);
    // The same model at another task.
    let label = build.column(source, "label");
    let twice = build.rows("times", &[label], &[]);
    build.name("twice", twice);
    let again = build.rows("scaled", &[twice], &[("path", ArgValue::Text(path.into()))]);
    build.name("again", again);
    build.sink(again);
    let half = build.rows("halves", &[file], &[]);
    let stretched = build.rows("stretched", &[half], &[("path", ArgValue::Text(path.into()))]);
    build.name("stretched", stretched);
    build.sink(stretched);
    build
}

fn table(place: &Place, rows: std::ops::Range<usize>) {
    let line = |i: usize| format!("k{i},{i},{i},p/{i}.p\n");
    place.write("films.csv", &rows.map(line).collect::<String>());
}

fn place() -> Place {
    let place = Place::new();
    table(&place, 0..40);
    (0..50).for_each(|i| place.write(&format!("p/{i}.p"), &format!("P{}", "a".repeat(i + 1))));
    place.write("models/m.txt", "3");
    place
}

/// How often the model was opened.
fn opened(place: &Place, path: &str) -> usize {
    std::fs::read(place.path().join(path)).map_or(0, |bytes| bytes.len())
}

#[test]
fn a_file_is_opened_once_and_rows_are_kept_by_its_content() {
    let place = place();
    let first = place.run(&graph("models/m.txt"));
    assert!(first.failures.is_empty(), "{:?}", first.failures);
    assert_eq!((first.rows("scaled"), first.rows("stretched")), (80, 40));
    // `scaled` with its two readers, and `stretched`.
    assert_eq!(opened(&place, "models/m.opened"), 2);
    let again = place.run(&graph("models/m.txt"));
    assert_eq!((again.bodies(), opened(&place, "models/m.opened")), (0, 2));
    // New rows are all that is computed, also of numbers.
    table(&place, 0..50);
    let more = place.run(&graph("models/m.txt"));
    assert_eq!((more.rows("scaled"), more.rows("stretched")), (20, 10));
    assert_eq!(opened(&place, "models/m.opened"), 4);
    // Touched or moved, nothing is computed.
    place.write("models/m.txt", "3");
    assert_eq!(place.run(&graph("models/m.txt")).bodies(), 0);
    std::fs::rename(place.path().join("models"), place.path().join("moved")).unwrap();
    let moved = place.run(&graph("moved/m.txt"));
    assert_eq!((moved.bodies(), moved.digests == more.digests), (0, true));
    assert_eq!(opened(&place, "moved/m.opened"), 4);
}

#[test]
fn a_changed_file_computes_anew() {
    let place = place();
    let first = place.run(&graph("models/m.txt"));
    place.write("models/m.txt", "4");
    let (second, value) = place.look(&graph("models/m.txt"), |o| o.value(o.named()[0].node).unwrap());
    assert_eq!((second.rows("scaled"), second.rows("stretched")), (80, 40));
    assert_ne!(second.digest("scaled"), first.digest("scaled"));
    let Values::Vector { numbers, .. } = &value.column().unwrap().values else { panic!("vectors") };
    assert_eq!(numbers[3], 12.0);
    // And back: all of it is known.
    place.write("models/m.txt", "3");
    assert_eq!(place.run(&graph("models/m.txt")).bodies(), 0);
}

#[test]
fn a_file_that_is_gone_or_broken_is_an_error_of_its_stage() {
    let place = place();
    place.write("models/m.txt", "three");
    assert!(place.run(&graph("models/m.txt")).failures[0].1.starts_with("E1060"));
    std::fs::remove_file(place.path().join("models/m.txt")).unwrap();
    assert!(place.run(&graph("models/m.txt")).failures[0].1.starts_with("E1046"));
}

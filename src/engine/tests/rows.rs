//! Row-wise stages over pictures: fused, keyed a row, missing rows, files that cannot be read.

use mmf_data::values::Values;

use super::Place;
use super::build::{Build, number};
use crate::{Event, Reason};

/// `light`, the brightness of half of each picture, and `tenfold`, another of the same maps.
fn graph(tolerant: bool, by: f64) -> Build {
    let mut build = Build::default();
    let source = build.source("films.csv", tolerant);
    let file = build.column(source, "file");
    for (name, by) in [("light", 1.0), ("tenfold", by)] {
        // Twice the same: it is computed once.
        let half = build.rows("halves", &[file], &[]);
        let light = build.rows("brightness", &[half], &[("by", number(by))]);
        build.name(name, light);
        let twice = build.rows("times", &[light], &[]);
        build.sink(twice);
    }
    build
}

fn place(count: usize) -> Place {
    let place = Place::new();
    table(&place, count);
    for i in 0..count {
        picture(&place, i);
    }
    place
}

fn table(place: &Place, count: usize) {
    let line = |i: usize| format!("k{i},{i},{i},posters/{i}.p\n");
    place.write("films.csv", &(0..count).map(line).collect::<String>());
}

fn picture(place: &Place, i: usize) {
    place.write(
        &format!("posters/{i}.p"),
        &format!("P{}", char::from(b'A' + (i % 26) as u8).to_string().repeat(i / 26 + 1)),
    );
}

#[test]
fn new_pictures_are_all_that_is_extracted() {
    let place = place(200);
    let first = place.run(&graph(true, 10.0));
    assert!(first.failures.is_empty(), "{:?}", first.failures);
    assert_eq!((first.rows("halves"), first.rows("brightness"), first.rows("times")), (200, 400, 400));
    let again = place.run(&graph(true, 10.0));
    assert_eq!((again.bodies(), again.computed), (0, 0));
    table(&place, 210);
    (200..210).for_each(|i| picture(&place, i));
    let more = place.run(&graph(true, 10.0));
    assert_eq!((more.rows("halves"), more.rows("brightness")), (10, 20));
    // A changed argument computes its own output alone.
    let other = place.run(&graph(true, 11.0));
    assert_eq!((other.rows("halves"), other.rows("brightness")), (210, 210));
}

#[test]
fn a_moved_folder_and_a_renamed_picture_cost_nothing() {
    let place = place(50);
    let first = place.run(&graph(true, 10.0));
    std::fs::rename(place.path().join("posters"), place.path().join("pictures")).unwrap();
    let lines: String = (0..50).map(|i| format!("k{i},{i},{i},pictures/{i}.p\n")).collect();
    place.write("films.csv", &lines);
    let moved = place.run(&graph(true, 10.0));
    assert_eq!((moved.rows("halves"), moved.rows("brightness")), (0, 0));
    assert_eq!(moved.digests, first.digests);
    // The whole folder, with the store in it.
    let elsewhere = Place::new();
    let target = elsewhere.path().join("project");
    std::fs::rename(place.path(), &target).unwrap();
    let mut there = Place::new();
    there.options.base = target.clone();
    let store = crate::store::Store::open(&target.join("store")).unwrap();
    let quiet = |_: &Event| {};
    let build = graph(true, 12.0);
    let outcome = crate::run(&build.graph, super::toys::find, &store, &there.options, &quiet).unwrap();
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures.first().map(|f| f.error.to_string()));
}

#[test]
fn a_swapped_picture_is_seen() {
    let place = place(30);
    let first = place.run(&graph(true, 10.0));
    place.write("posters/3.p", "Pzzz");
    let second = place.run(&graph(true, 10.0));
    assert_eq!((second.rows("halves"), second.rows("brightness")), (1, 2));
    assert_ne!(second.digest("light"), first.digest("light"));
}

#[test]
fn pictures_that_cannot_be_read_are_missing_and_told_again() {
    let place = place(30);
    place.write("posters/7.p", "broken");
    std::fs::remove_file(place.path().join("posters/9.p")).unwrap();
    let skipped = |ran: &super::Ran| -> Vec<(u64, String)> {
        ran.events
            .iter()
            .filter_map(|e| match e {
                Event::Skipped { row, name, reason, .. } => Some((*row, format!("{name}: {}", reason.en))),
                _ => None,
            })
            .collect()
    };
    let (first, light) = place.look(&graph(true, 10.0), |o| o.value(o.named()[0].node).unwrap());
    assert!(first.failures.is_empty(), "{:?}", first.failures);
    assert_eq!(skipped(&first), [(7, "posters/7.p: no picture".to_string())]);
    let light = light.column().unwrap();
    assert_eq!((light.is_missing(7), light.is_missing(9), light.count_missing()), (true, true, 2));
    let second = place.run(&graph(true, 10.0));
    assert_eq!((second.bodies(), skipped(&second)), (0, skipped(&first)));
    // It is not tried again until its content changes.
    picture(&place, 9);
    let third = place.run(&graph(true, 10.0));
    assert_eq!((third.rows("halves"), skipped(&third)), (1, skipped(&first)));
    picture(&place, 7);
    let fourth = place.run(&graph(true, 10.0));
    assert_eq!((fourth.rows("halves"), skipped(&fourth).len()), (1, 0));
}

#[test]
fn a_picture_that_must_be_there_stops_the_run_by_name() {
    let place = place(10);
    place.write("posters/4.p", "broken");
    let first = place.run(&graph(false, 10.0));
    assert!(first.failures[0].1.contains("row 5") && first.failures[0].1.contains("4.p"), "{:?}", first.failures);
    picture(&place, 4);
    let second = place.run(&graph(false, 10.0));
    assert!(second.failures.is_empty(), "{:?}", second.failures);
    // Marked `?` it was skipped, and remembered so; without the mark it stops again.
    place.write("posters/4.p", "broken");
    assert!(place.run(&graph(true, 10.0)).failures.is_empty());
    assert!(place.run(&graph(false, 10.0)).failures[0].1.contains("row 5"));
    std::fs::remove_file(place.path().join("posters/4.p")).unwrap();
    let lost = place.run(&graph(false, 10.0));
    assert!(lost.failures[0].1.starts_with("E1052"), "{:?}", lost.failures);
}

#[test]
fn missing_rows_go_through_and_are_filled_where_a_stage_takes_them() {
    let place = Place::new();
    place.write("films.csv", "a,1,10,\nb,,20,\nc,3,30,\n");
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let value = build.column(source, "value");
    let twice = build.rows("times", &[value], &[]);
    build.name("twice", twice);
    let filled = build.rows("zero", &[twice], &[]);
    build.name("filled", filled);
    let label = build.column(source, "label");
    let sum = build.rows("add", &[filled, label], &[]);
    build.name("sum", sum);
    build.sink(sum);
    let (ran, (twice, sum)) = place.look(&build, |o| {
        let value = |at: usize| o.value(o.named()[at].node).unwrap();
        (value(0), value(2))
    });
    assert_eq!(ran.rows("times"), 2);
    assert!(twice.column().unwrap().is_missing(1) && twice.column().unwrap().count_missing() == 1);
    let sum = sum.column().unwrap();
    assert_eq!((&sum.values, sum.count_missing()), (&Values::vector(1, vec![12.0, 20.0, 36.0]), 0));
}

#[test]
fn numbers_that_are_not_finite_stop_a_stage_by_name() {
    let place = Place::new();
    place.write("films.csv", "a,1,10,\nb,0,20,\nc,3,30,\n");
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let value = build.column(source, "value");
    let inverse = build.rows("inverse", &[value], &[]);
    build.sink(inverse);
    let ran = place.run(&build);
    assert_eq!(ran.failures[0].1, "E1054: `inverse` gives a number that is not finite, in row 2");
}

#[test]
fn an_empty_table_runs_through() {
    let place = Place::new();
    place.write("films.csv", "");
    let ran = place.run(&graph(true, 10.0));
    assert!(ran.failures.is_empty(), "{:?}", ran.failures);
}

#[test]
fn why_names_the_pictures_that_are_new_or_changed() {
    let place = place(30);
    place.run(&graph(true, 10.0));
    let pictures = |by: f64| {
        let store = place.store();
        let why = crate::why(&graph(true, by).graph, super::toys::find, &store, &place.options, "light").unwrap();
        let is_picture = |reason: &Reason| matches!(reason, Reason::Pictures { .. });
        why.unwrap().reasons.into_iter().find(is_picture)
    };
    assert_eq!(pictures(10.0), None);
    place.write("posters/3.p", "Pzzz");
    assert_eq!(pictures(10.0), Some(Reason::Pictures { path: "posters/3.p".into(), more: 0 }));
    place.write("posters/5.p", "Pzz");
    place.write("posters/9.p", "Pz");
    assert_eq!(pictures(10.0), Some(Reason::Pictures { path: "posters/3.p".into(), more: 2 }));
    // Where no picture is known, for they go through other stages, none is named.
    let mut build = graph(true, 10.0);
    let light = build.graph.names[0].1;
    if let mmf_lang::graph::NodeKind::Stage { args, .. } = &mut build.graph.dag[light].kind {
        args.0[0].1 = number(7.0);
    }
    let store = place.store();
    let why = crate::why(&build.graph, super::toys::find, &store, &place.options, "light").unwrap().unwrap();
    assert!(!why.reasons.iter().any(|r| matches!(r, Reason::Pictures { .. })), "{:?}", why.reasons);
}

/// `wide` of `count` pictures, 4 KiB a row; returns the most memory of the process, in KiB.
fn peak(count: usize) -> u64 {
    let me = std::env::current_exe().unwrap();
    let test = ["--exact", "tests::rows::memory_of_one_run", "--nocapture"];
    let ran = std::process::Command::new(me).args(test).env("MMF_TEST_ROWS", count.to_string()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let line = said.lines().find_map(|line| line.split_once("peak: ")).unwrap_or_else(|| panic!("{said}"));
    line.1.trim().parse().unwrap()
}

/// Runs only where [`peak`] asks for it: in a process of its own.
#[test]
fn memory_of_one_run() {
    let Some(count) = std::env::var("MMF_TEST_ROWS").ok().and_then(|n| n.parse().ok()) else { return };
    let place = place(count);
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let file = build.column(source, "file");
    let half = build.rows("halves", &[file], &[]);
    let wide = build.rows("wide", &[half], &[]);
    build.name("wide", wide);
    build.sink(wide);
    let ran = place.run(&build);
    assert!(ran.failures.is_empty(), "{:?}", ran.failures);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("peak: {}", peak.trim().trim_end_matches(" kB"));
}

/// Ten times the rows, 16 MiB more of features: memory must not follow.
#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_rows() {
    let (few, many) = (peak(450), peak(4500));
    assert!(many < few + 6 * 1024, "{few} KiB for 450 rows, {many} KiB for 4500");
}

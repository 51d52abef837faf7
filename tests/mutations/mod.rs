//! Sound programs, changed at random: what the checker passes must run, and nothing panics. To show that this can find
//! anything, each rule is switched off in turn.

mod mutate;
mod oracle;
mod wrong;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mmf_lang::diagnostic::Severity;

use crate::document::programs;
use crate::small::{
    Data, FILM_SOURCES, LOOK_SOURCES, POST_SOURCES, RATING_SOURCES, Random, Shelf, Small, panicked, running,
};
use mutate::mutate;

/// Failures of a run that no header, sample or signature could have told: they hang on which rows a filter, a core or a
/// split leaves, or on what numbers come out.
const ONLY_A_RUN_KNOWS: &[(&str, &str, &str)] = &[
    ("E1023", "no rows to split", "a filter or a core may leave no row"),
    ("E1023", "leaves no row for the part", "how many rows reach a split is known only behind the filters"),
    ("E1023", "no row is marked", "a filter may leave out all rows with a mark"),
    ("E1023", "is both", "marks that are two parts"),
    ("E1021", "divides by zero", "cells decide"),
    ("E1022", "", "whether training rows have a value, or a word, is known only behind filters and splits"),
    ("E1030", "", "a training may diverge"),
    ("E1031", "", "a size that is `_` is told by the data; `run` holds it against the program"),
    ("E1002", "is not UTF-8; save", "the files that cells name are looked for, not read"),
    ("E1032", "", "a training may diverge"),
    ("E1033", "", "a training may diverge"),
    ("E1021", "divided by zero", "cells decide what is divided by"),
    ("E1038", "", "classes are found behind the filters"),
    ("E1054", "", "cells decide whether a number is finite"),
];

/// What leaves out rows.
const FILTERS: [&str; 3] = ["where", "k_core", "drop_missing"];

/// How a program fares.
#[derive(Clone, Debug)]
enum Fate {
    /// The codes of its errors.
    Refused(BTreeSet<String>),
    /// The check itself panicked.
    Broken(String),
    Ran,
    /// Something that a run could not know before.
    Unlucky(String),
    /// It ran into what the checker should have seen.
    Failed(String),
}

/// A program that the checker passed.
struct Sound {
    graph: mmf_lang::graph::Graph,
    /// How many `.mmf` files were read.
    files: usize,
}

struct Bench {
    small: Small,
    shelf: Shelf,
}

impl Bench {
    fn new() -> Bench {
        Bench { small: Small::new(&Data::new()), shelf: Shelf::new() }
    }

    fn check(&mut self, text: &str, without: &[&str]) -> Result<Result<Sound, BTreeSet<String>>, String> {
        let small = &mut self.small;
        let checked = catch_unwind(AssertUnwindSafe(|| small.check(text, without))).map_err(panicked)?;
        let codes = checked.diagnostics.iter().filter(|d| d.severity == Severity::Error).map(|d| d.code.to_string());
        let codes: BTreeSet<String> = codes.collect();
        Ok(match checked.graph {
            Some(graph) => Ok(Sound { graph, files: checked.files.len() }),
            None if codes.is_empty() => return Err("no error and no graph".into()),
            None => Err(codes),
        })
    }

    fn run(&mut self, text: &str, sound: &Sound) -> Fate {
        let graph = &sound.graph;
        let options = running();
        let store = &self.shelf.store;
        let quiet = |_: &mmf_engine::Event| {};
        let run = || {
            let outcome = mmf_engine::run(graph, mmf_stages::find, store, &options, &quiet)
                .map_err(|e| format!("{} {}", e.code, e.message.en))?;
            let failures: Vec<_> = outcome
                .failures
                .iter()
                .map(|f| (f.error.code, format!("{} {}: {}", f.error.code, f.name, f.error.message.en)))
                .collect();
            let measured = outcome.metrics.len();
            let otherwise = oracle::otherwise(text, sound.files, graph, &outcome);
            Ok::<_, String>((failures, measured, otherwise))
        };
        match catch_unwind(AssertUnwindSafe(run)) {
            Err(cause) => Fate::Failed(format!("panicked: {}", panicked(cause))),
            Ok(Err(error)) => Fate::Failed(error),
            Ok(Ok((failures, measured, otherwise))) => {
                let odd = failures.iter().find(|(code, what)| {
                    let known = |(known, part, _): &&(&str, &str, &str)| known == code && what.contains(part);
                    match ONLY_A_RUN_KNOWS.iter().find(known) {
                        // Rows that were never there need no filter to go.
                        Some((_, part, _)) => *part == "no rows to split" && !FILTERS.iter().any(|f| text.contains(f)),
                        None => true,
                    }
                });
                if let Some((_, text)) = odd {
                    return Fate::Failed(text.clone());
                }
                if let Some((code, what)) = failures.first() {
                    if *code == "E1031" && !has_open_sizes(text) {
                        return Fate::Failed(what.clone());
                    }
                    return Fate::Unlucky(what.clone());
                }
                let declared = declared_metrics(text);
                if measured != declared {
                    return Fate::Failed(format!("{measured} of {declared} metrics were measured"));
                }
                match otherwise {
                    Some(what) => Fate::Failed(what),
                    None => Fate::Ran,
                }
            }
        }
    }

    fn fate(&mut self, text: &str, without: &[&str]) -> Fate {
        match self.check(text, without) {
            Err(panic) => Fate::Broken(panic),
            Ok(Err(codes)) => Fate::Refused(codes),
            Ok(Ok(sound)) => self.run(text, &sound),
        }
    }
}

/// Says whether some size may be `_`: of what data alone tell, how many there are.
fn has_open_sizes(text: &str) -> bool {
    let open_terms = text.split("tf_idf").skip(1).any(|rest| !rest.starts_with("(terms"));
    let open_vector = text.split("vector").skip(1).any(|rest| !rest.starts_with('['));
    open_terms || open_vector || text.contains("one_hot")
}

/// Counts the metrics in blocks behind `metric … on …`, as the file is written.
fn declared_metrics(text: &str) -> usize {
    let mut found = BTreeSet::new();
    for rest in text.split("metric ").skip(1) {
        let Some((head, rest)) = rest.split_once('{') else { continue };
        let Some((block, _)) = rest.split_once('}') else { continue };
        if head.contains('\n') || !head.contains(" on ") {
            continue;
        }
        let of = head.trim();
        let metrics = block.split([',', '\n', ';']).map(str::trim).filter(|m| !m.is_empty());
        found.extend(metrics.map(|m| (of.to_string(), m.to_string())));
    }
    found.len()
}

fn sound() -> Vec<(String, String)> {
    let sources =
        [("films", FILM_SOURCES), ("ratings", RATING_SOURCES), ("posts", POST_SOURCES), ("looks", LOOK_SOURCES)];
    let preludes: String =
        sources.iter().map(|(name, text)| format!("```mmf prelude {name}\n{}```\n", text.trim_start())).collect();
    let lines = preludes.lines().count();
    let document = preludes + include_str!("../small/programs.md");
    programs("programs.md", &document)
        .into_iter()
        .map(|p| {
            let line: usize = p.place.rsplit(':').next().and_then(|n| n.parse().ok()).unwrap();
            (format!("programs.md:{}", line - lines), p.text)
        })
        .collect()
}

#[test]
fn sound_programs_run() {
    let mut bench = Bench::new();
    let mut wrong = Vec::new();
    let programs = sound();
    assert!(programs.len() >= 40, "{} programs", programs.len());
    for (place, text) in &programs {
        let begun = std::time::Instant::now();
        match bench.fate(text, &[]) {
            Fate::Ran => {}
            Fate::Refused(codes) => {
                let checked = bench.small.check(text, &[]);
                let first = checked.diagnostics.iter().find(|d| d.severity == Severity::Error);
                let said = first.map(|d| (d.message.en.clone(), text.get(d.span.start as usize..d.span.end as usize)));
                wrong.push(format!("{place}: refused {codes:?} {said:?}"));
            }
            other => wrong.push(format!("{place}: {other:?}")),
        }
        println!("{place} {:?}", begun.elapsed());
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), programs.len(), wrong.join("\n"));
}

/// Returns mutants, each different, with fixed seeds.
fn mutants(count: usize) -> Vec<(String, String)> {
    let programs = sound();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut seed = 0;
    while found.len() < count {
        seed += 1;
        let (place, text) = &programs[seed % programs.len()];
        let mut random = Random(seed as u64);
        let Some((what, mut changed)) = mutate(text, &mut random) else { continue };
        // Now and then two changes meet.
        if random.chance(15)
            && let Some((_, twice)) = mutate(&changed, &mut random)
        {
            changed = twice;
        }
        if changed != *text && seen.insert(changed.clone()) {
            found.push((format!("{place}, seed {seed}: {what}"), changed));
        }
    }
    found
}

/// Returns the lines that differ, for a message.
fn difference(place: &str, text: &str) -> String {
    let line = place.split(',').next().unwrap_or_default();
    let original = sound().into_iter().find(|(p, _)| p == line).map(|(_, t)| t).unwrap_or_default();
    let lines: BTreeSet<&str> = original.lines().map(str::trim).collect();
    let new: Vec<&str> = text.lines().map(str::trim).filter(|l| !lines.contains(l)).collect();
    let mine: BTreeSet<&str> = text.lines().map(str::trim).collect();
    let gone: Vec<&str> = original.lines().map(str::trim).filter(|l| !mine.contains(l)).collect();
    format!("\n    - {}\n    + {}", gone.join("\n    - "), new.join("\n    + "))
}

/// How many mutants are checked, and how many of those that pass are run.
const MUTANTS: usize = 1500;
const RUNS: usize = 400;

/// Returns how many times as many there shall be: `MMF_MUTANTS=10` hunts for longer.
fn times() -> usize {
    std::env::var("MMF_MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

#[test]
fn what_check_passes_runs() {
    let mut bench = Bench::new();
    let (mut refused, mut ran, mut unlucky, mut unrun) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    let begun = std::time::Instant::now();
    for (place, text) in mutants(MUTANTS * times()) {
        let sound = match bench.check(&text, &[]) {
            Err(panic) => {
                wrong.push(format!("{place}: the check broke: {panic}{}", difference(&place, &text)));
                continue;
            }
            Ok(Err(_)) => {
                refused += 1;
                continue;
            }
            Ok(Ok(sound)) => sound,
        };
        // A large number is for guarantee 8, and slow.
        if ran + unlucky + wrong.len() >= RUNS * times() || text.contains("1000000") {
            unrun += 1;
            continue;
        }
        match bench.run(&text, &sound) {
            Fate::Unlucky(what) => {
                println!("{place}: {what}");
                unlucky += 1;
            }
            Fate::Failed(what) => wrong.push(format!("{place}: {what}{}", difference(&place, &text))),
            _ => ran += 1,
        }
    }
    println!(
        "{} mutants: {refused} refused, {ran} ran, {unlucky} unlucky, {unrun} not run, {:?}",
        MUTANTS * times(),
        begun.elapsed()
    );
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(refused > MUTANTS / 4 && ran > MUTANTS / 10, "{refused} refused, {ran} ran");
}

/// Rules that no run here misses, each with the reason.
const NOTHING_TO_RUN_INTO: &[(&str, &str)] = &[];

#[test]
fn each_rule_is_missed_when_it_is_off() {
    let mut bench = Bench::new();
    let guarantees = ["E01", "E02", "E03", "E04", "E05", "E07"];
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |codes: BTreeSet<String>, text: String| {
        for code in codes {
            if guarantees.iter().any(|g| code.starts_with(g)) {
                refused.entry(code).or_default().push(text.clone());
            }
        }
    };
    for text in wrong::programs() {
        match bench.check(&text, &[]) {
            Ok(Err(codes)) => add(codes, text),
            other => panic!("{text} is no wrong program: {:?}", other.map(|_| ())),
        }
    }
    for (_, text) in mutants(MUTANTS / 2) {
        if let Ok(Err(codes)) = bench.check(&text, &[])
            && !text.contains("1000000")
        {
            add(codes, text);
        }
    }
    let mut silent = Vec::new();
    let mut noticed = 0;
    let raised = refused.len();
    for (code, texts) in &refused {
        let mut tries = 0;
        let mut how = None;
        for text in texts.iter().take(40) {
            if tries == 8 {
                break;
            }
            match bench.fate(text, &[code]) {
                Fate::Failed(what) | Fate::Broken(what) => {
                    how = Some(what);
                    break;
                }
                Fate::Refused(_) => {}
                _ => tries += 1,
            }
        }
        match how {
            Some(what) => {
                noticed += 1;
                println!("{code}: {}", what.lines().next().unwrap_or_default());
            }
            None => silent.push(format!("{code} ({} programs, {tries} ran)", texts.len())),
        }
    }
    println!("{noticed} of {raised} rules are missed; not:\n{}", silent.join("\n"));
    let known: BTreeSet<&str> = mmf_lang::codes::all().map(|(c, _)| c).collect();
    let never: Vec<&&str> =
        known.iter().filter(|c| guarantees.iter().any(|g| c.starts_with(g)) && !refused.contains_key(**c)).collect();
    println!("no program breaks: {never:?}");
    let unknown: Vec<&String> =
        silent.iter().filter(|s| !NOTHING_TO_RUN_INTO.iter().any(|(c, _)| s.starts_with(c))).collect();
    assert!(unknown.is_empty(), "no run misses {unknown:?}, and no reason says why");
    assert!(noticed * 10 >= raised * 9, "{noticed} of {raised} rules");
}

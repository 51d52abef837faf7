//! The pages of `mmf explain`: each has a program with its mistake, and one without. Of what only a run finds, some have
//! none: no small program cuts a disk off.

use crate::cli::Place;
use crate::document::{Program, documents, programs};

/// Codes of what only a run finds.
fn of_a_run(code: &str) -> bool {
    code.starts_with("E10")
}

#[test]
fn every_page_shows_its_mistake_and_its_mend() {
    let mut wrong = Vec::new();
    for (name, text) in documents("docs/explain") {
        let code = name.trim_end_matches(".md");
        if !text.starts_with(&format!("# {code}: ")) {
            wrong.push(format!("{name}: begins with `# {code}: …`"));
        }
        let programs = programs(&name, &text);
        if of_a_run(code) && programs.is_empty() {
            continue;
        }
        let [mistake, instead] = &programs[..] else {
            wrong.push(format!("{name}: has {} programs, not two", programs.len()));
            continue;
        };
        if mistake.codes() != [code] {
            wrong.push(format!("{name}: the first program raises {:?}", mistake.codes()));
        }
        if !instead.codes().is_empty() || !text.contains("\nInstead:\n") {
            wrong.push(format!("{name}: behind `Instead:` stands a program that is silent"));
        }
        if of_a_run(code) {
            wrong.extend(programs.iter().filter_map(|p| run(p, code)));
        } else {
            wrong.extend(programs.iter().flat_map(|p| p.verify()));
        }
    }
    assert!(wrong.is_empty(), "{} pages:\n{}", wrong.len(), wrong.join("\n"));
}

/// Runs a program whose mistake only a run finds; returns what is not as its line says.
fn run(program: &Program, code: &str) -> Option<String> {
    let place = Place::new();
    place.write("a.mmf", &program.text);
    for (name, bytes) in program.data.iter().flatten() {
        place.write(name, bytes);
    }
    let checked = place.mmf(&["check", "a.mmf"]);
    if checked.code() != 0 {
        return Some(format!("{}: the check finds it: {}", program.place, checked.out()));
    }
    let ran = place.mmf(&["run", "a.mmf"]);
    let line = program.text.lines().position(|l| l.contains("# error: [")).map(|at| at + 1);
    let as_said = match line {
        Some(line) => {
            let (head, at) = (format!("error[{code}]"), format!("a.mmf:{line}:"));
            ran.code() == 3 && ran.err().contains(&head) && ran.err().contains(&at)
        }
        None => ran.code() == 0,
    };
    (!as_said).then(|| format!("{}: {} {}", program.place, ran.code(), ran.err()))
}

#[test]
fn every_code_has_a_page() {
    let pages: Vec<String> = documents("docs/explain").into_iter().map(|(name, _)| name).collect();
    let of_check = mmf_lang::codes::all().map(|(code, _)| code);
    let lacking: Vec<&str> = of_check
        .chain(mmf_data::codes::CODES.iter().map(|c| c.code))
        .filter(|code| !pages.contains(&format!("{code}.md")))
        .collect();
    assert!(lacking.is_empty(), "no page for {lacking:?}");
    let known: Vec<&str> =
        mmf_lang::codes::all().map(|(code, _)| code).chain(mmf_data::codes::CODES.iter().map(|c| c.code)).collect();
    let idle: Vec<&String> = pages.iter().filter(|page| !known.contains(&page.trim_end_matches(".md"))).collect();
    assert!(idle.is_empty(), "pages of no code: {idle:?}");
}

#[test]
fn the_command_teaches_a_code_and_lists_all() {
    let place = Place::new();
    let list = place.mmf(&["explain"]).ends(0).out();
    for code in ["E0001", "E0213", "E1021", "E1099", "W0901"] {
        assert!(list.contains(code), "{code}: {list}");
    }
    let page = place.mmf(&["explain", "error[E1041]"]).ends(0).out();
    assert!(page.starts_with("E1041: the disk is full"), "{page}");
    let err = place.mmf(&["explain", "E1098"]).ends(2).err();
    assert!(err.contains("E1099"), "{err}");
}

//! The pages of `mmf explain`: each has a program with its mistake, and one without.

use crate::document::{documents, programs};

#[test]
fn every_page_shows_its_mistake_and_its_mend() {
    let mut wrong = Vec::new();
    for (name, text) in documents("docs/explain") {
        let code = name.trim_end_matches(".md");
        if !text.starts_with(&format!("# {code}: ")) {
            wrong.push(format!("{name}: begins with `# {code}: …`"));
        }
        let programs = programs(&name, &text);
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
        wrong.extend(programs.iter().flat_map(|p| p.verify()));
    }
    assert!(wrong.is_empty(), "{} pages:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_code_has_a_page() {
    let pages: Vec<String> = documents("docs/explain").into_iter().map(|(name, _)| name).collect();
    let lacking: Vec<&str> =
        mmf_lang::codes::all().map(|(code, _)| code).filter(|c| !pages.contains(&format!("{c}.md"))).collect();
    assert!(lacking.is_empty(), "no page for {lacking:?}");
}

//! Mistakes, and what is said about them.

use super::language::pipelines;
use super::report;
use crate::span::{FileId, place};
use crate::syntax::message::CODES;
use crate::syntax::parser::parse;
use crate::syntax::scan::scan;
use crate::syntax::tree::{DeclarationKind, File};

/// Sound and broken names alike.
fn names(file: &File) -> Vec<&str> {
    file.declarations.iter().filter_map(|d| d.kind.name()).map(|name| name.text.as_str()).collect()
}

/// Texts with one mistake each, or as many as the line says.
const WRONG: &[&str] = &[
    // Keywords and names.
    "extrat words = a |> f",
    "import \"x.mmf\"",
    "import numpy as np",
    "let x = 3",
    "x = 3",
    "x = a |> f",
    "use films",
    "use \"a{b}.mmf\"",
    "hello world\nthese lines are \"text, don't\nread them",
    "param = 3",
    "param",
    "param 3d = 5",
    "source \"films\" = 3",
    "param param x = 3",
    "param in = 3",
    "param x = _y",
    "fuse x = a.in",
    "fuse x = a.",
    // `=`, `:` and types.
    "param x 3",
    "param x == 3",
    "param x := 3",
    "param x: int = 3",
    "param x =",
    "extract w films.plot |> f",
    "extract w: = a",
    "extract w: col<d, 3> = a",
    "def f(x) = x",
    "def f(x: int = a) = x",
    "def f(x: int) x",
    "source a = table(\"x\") { b key, c: int }",
    "source a = table(\"x\") {\n    b:\n    c: int\n}",
    "source a = table(\"x\") { b: int?? }",
    "source a = table(\"x\") { b: vector [3] }",
    "source a = table(\"x\") { b: int, c = 3, d: int }",
    // Strings.
    "fuse x = f(\"abc, 3)",
    "source a = table(\"data/a.csv) {\n    b: key\n}",
    "param x = 'abc'",
    "param x = “abc”",
    "param x = f\"abc\"",
    "param x = \"C:\\data\"",
    "param x = \"{a b}\"",
    "param x = \"}\"",
    // Numbers.
    "param x = 007",
    "prepare x = a |> where(at >= 2022-01-01)",
    "extract x = a |> frames(rate = 25fps, window = 5m)",
    "param x = 1.2.3",
    "param x = 99999999999999999999x2 + 1e999",
    "fuse x = f(50 %)",
    // Brackets and commas.
    "fuse x = concat(a, b",
    "fuse x = concat(a, b))",
    "fuse x = concat(a, b]",
    "source a = table(\"x\") {\n    b: key\nsource c = d",
    "fuse x = neural {\n    a = f(b\n    g(c)\n}",
    "train t = recommend(p)\n    loss = mse\n    epochs = 3\n}",
    "param x = 3 }",
    "fuse x = f(a b)",
    "fuse x = f(\n    a = 1\n    b = 2\n)",
    "metric q = t on p { recall@20 ndcg@20 }",
    "fuse x = f(a, , b)",
    "param x = 1, 2",
    // What touches.
    "fuse x = a |> dense (64)",
    "fuse x = ndcg @ 20",
    "fuse x = a[3]",
    // Operators.
    "fuse x = a\n    + b",
    "fuse x = neural {\n    a = 1\n    -a\n}",
    "prepare x = a |> where(1 < b < 3)",
    "prepare x = a |> where(b |> f > 3)",
    "fuse x = a == not b",
    "prepare x = a |> where(b && c || !d)",
    "prepare x = a |> where(b and c = 3)",
    "prepare x = a |> where(b in 1..5)",
    "prepare x = a |> where(b in c..d)",
    "prepare x = a |> where(b in 1..=d)",
    "fuse x = f(a % 2)",
    "fuse x = a ** 2",
    "param x += 3",
    "fuse x = f(a +)",
    "fuse x = a |>",
    "fuse x = a |> (f)",
    "fuse x = a |> |> f",
    // Settings and maps.
    "train t = recommend(p) { loss = mse, \"lr\": 3 }",
    "train t = recommend(p) { lr: 3 }",
    "fuse x = f(k: 3)",
    // Metrics.
    "metric q = t { recall@20 }",
    "metric q = t on p",
    // Other signs.
    "fuse x = f（a，b）",
    "fuse x = f(a) $ b",
    "fuse x = f(a) // why",
    "fuse x = a if b else c",
];

#[test]
fn each_mistake_is_said_in_the_words_of_the_language() {
    let told: Vec<String> = WRONG
        .iter()
        .map(|text| {
            let told = report(text);
            assert!(!told.is_empty(), "no mistake in {text}");
            let shown: String = text.lines().map(|line| format!("    {line}\n")).collect();
            format!("{shown}{told}")
        })
        .collect();
    insta::assert_snapshot!("mistakes", told.join("\n"));
}

#[test]
fn messages_name_no_rule_of_the_grammar_and_codes_are_listed_once() {
    let told: String = WRONG.iter().map(|text| report(text)).collect();
    for rule in ["operand", "infix", "postfix", "primary", "EOI", "Rule", "expr", "token", "identifier", "literal"] {
        assert!(!told.contains(rule), "{rule}");
    }
    for pair in CODES.windows(2) {
        assert!(pair[0].0 < pair[1].0, "{pair:?}");
    }
    let seen: Vec<&str> = told.lines().map(|line| &line[..5]).collect();
    let missing: Vec<_> = CODES.iter().filter(|(code, _)| !seen.contains(code) && *code != "E0023").collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}

#[test]
fn nine_mistakes_are_nine_errors_and_hide_nothing() {
    let text = "\
## Films.

param dim 64
param seed = 007

source films = table(\"data/films.csv) {
    film: key
    plot: text(language = en)?
}
sorce ratings = table(\"data/ratings.csv\") {
    user: category
}

prepare parts = ratings |> where(rating >= 4 && good) |> split(train = 80%, test = 20%)

extract words = films.plot |> tokenize |> word2vec (dim = 100)

fuse item = neural {
    a = look |> dense(dim |> relu
    b = words |> dense(dim)
    gate(a b)
}

fuse sound = concat(item, words)

train taste = recommend(parts, user = user) {
    loss = bpr(negatives = 4)
    epochs = 50
";
    let (file, errors) = parse(FileId(0), text);
    let found: Vec<(usize, &str)> = errors.iter().map(|e| (place(text, e.span.start as usize).line, e.code)).collect();
    assert_eq!(
        found,
        [
            (3, "E0007"),
            (4, "E0011"),
            (6, "E0005"),
            (10, "E0003"),
            (14, "E0018"),
            (16, "E0014"),
            (19, "E0008"),
            (21, "E0010"),
            (26, "E0008"),
        ]
    );
    assert_eq!(names(&file), ["dim", "seed", "films", "ratings", "parts", "words", "item", "sound", "taste"]);
    let broken = file.declarations.iter().filter(|d| matches!(d.kind, DeclarationKind::Broken { .. })).count();
    assert_eq!(broken, 1, "only the one without a keyword");
}

#[test]
fn an_open_bracket_hides_and_multiplies_nothing() {
    let text = "source a = table(\"x\") {\nparam x = 3\nparam y 4\n\nfuse z = {\n    b = 1\n    c d\n}\n";
    assert_eq!(
        report(text),
        "E0008 1:23 this `{` is not closed\nE0007 3:8 a `=` is missing behind `y`\n\
         E0010 7:6 a `=` is missing behind `c`\n"
    );
}

#[test]
fn marks_and_line_ends_of_other_systems_are_read() {
    let text = "\u{feff}param a = 1\r\n\r\nfuse b = c\r\n    |> d(\r\n        e,\r\n    )\r\n";
    let (file, errors) = parse(FileId(0), text);
    assert_eq!(errors, []);
    assert_eq!(names(&file), ["a", "b"]);
    assert_eq!(report("\u{feff}param a 1"), "E0007 1:9 a `=` is missing behind `a`\n");
    assert_eq!(report(""), "");
    assert_eq!(report("\n# nothing\n"), "");
}

/// One piece of a sound pipeline is taken out or doubled: one mistake, so at most one error, but for a few that may well be
/// two; and what stands on other lines is still declared.
#[test]
fn one_mistake_is_one_error() {
    let (mut changes, mut silent, mut showers) = (0, 0, Vec::new());
    for (name, text) in pipelines() {
        let (sound, _) = parse(FileId(0), &text);
        let pieces = scan(&text);
        for (i, piece) in pieces.iter().enumerate().filter(|(i, p)| p.is_code() && i % 23 == 3) {
            let mut changed = text.clone();
            match i % 2 {
                0 => changed.replace_range(piece.start..piece.end, ""),
                _ => changed.insert_str(piece.end, &format!(" {}", piece.of(&text))),
            }
            let (file, errors) = parse(FileId(0), &changed);
            changes += 1;
            silent += usize::from(errors.is_empty());
            if errors.len() > 1 {
                showers.push(format!("{name}:\n{}", report(&changed)));
            }
            let hit = sound.declarations.iter().find(|d| d.span.range().contains(&piece.start));
            let hit = hit.and_then(|d| d.kind.name()).map(|name| name.text.as_str());
            for name in names(&sound).into_iter().filter(|name| Some(*name) != hit) {
                assert!(names(&file).contains(&name), "`{name}` is lost:\n{changed}");
            }
        }
    }
    assert!(changes > 150 && silent * 5 < changes, "{silent} of {changes} were no mistake");
    assert!(showers.len() * 50 <= changes, "{} of {changes}:\n{}", showers.len(), showers.join("\n"));
}

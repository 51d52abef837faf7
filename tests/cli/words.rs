//! The verbs that teach: help, stages, explain, graph.

use super::{ITEMS, Place};

#[test]
fn help_teaches_and_the_version_is_told() {
    let place = Place::new();
    let out = place.mmf(&["--help"]).ends(0).out();
    for word in [
        "run",
        "check",
        "watch",
        "fmt",
        "graph",
        "stages",
        "explain",
        "why",
        "runs",
        "clean",
        "Examples:",
        "Exit codes:",
    ] {
        assert!(out.contains(word), "{word}:\n{out}");
    }
    assert!(out.is_ascii(), "help is English");
    for verb in ["run", "check", "watch", "fmt", "graph", "stages", "explain", "why", "runs", "clean"] {
        assert!(place.mmf(&[verb, "--help"]).ends(0).out().contains("Examples:"), "{verb}");
    }
    assert_eq!(place.mmf(&["--version"]).ends(0).out(), format!("mmf {}\n", env!("CARGO_PKG_VERSION")));
    place.mmf(&["nonsense"]).ends(2);
    place.mmf(&[]).ends(2);
}

#[test]
fn stages_are_told_from_their_declarations() {
    let place = Place::new();
    let all = place.mmf(&["stages"]).ends(0).out();
    for stage in mmf_stages::all() {
        let name = stage.signature().name;
        assert!(all.lines().any(|l| l.trim_start().starts_with(name)), "{name}");
        let page = place.mmf(&["stages", name]).ends(0).out();
        assert!(stage.signature().args.iter().all(|a| page.contains(a.name)), "{page}");
    }
    // Models are definitions, which can be kept as they are shown.
    let ran = place.mmf(&["stages", "vbpr"]).ends(0);
    place.write("vbpr.mmf", ran.out());
    assert!(ran.err().contains("write `use \"vbpr.mmf\"`") && all.contains("  vbpr "), "{}", ran.err());
    place.mmf(&["fmt", "--check", "vbpr.mmf"]).ends(0);
    // What people know under another word.
    let ran = place.mmf(&["stages", "film"]).ends(2);
    assert!(ran.err().contains("see `modulate`"), "{}", ran.err());
    let ran = place.mmf(&["stages", "spilt"]).ends(2);
    assert!(ran.err().contains("did you mean `split`?"), "{}", ran.err());
    let json = place.mmf(&["stages", "split", "--format", "json"]).ends(0).lines();
    assert_eq!(json[0]["name"], "split");
}

#[test]
fn a_code_is_explained_however_it_is_written() {
    let place = Place::new();
    let out = place.mmf(&["explain", "e401"]).ends(0).out();
    assert!(out.starts_with("E0401: ") && out.contains("# error: [E0401]") && out.contains("Instead:"), "{out}");
    let ran = place.mmf(&["explain", "E0499"]).ends(2);
    assert!(ran.err().contains("E0401"), "{}", ran.err());
}

#[test]
fn a_code_is_explained_in_chinese() {
    let place = Place::new();
    let told = "E0010：缺少逗号，或名称之后缺少符号

参数之间、列表各项之间都有逗号，每项各占一行时也是如此。只有 `{ … }` 块中的行可以不以逗号结尾。列名
之后是 `:`，设置名之后是 `=`。

    source films = table(\"films.csv\") { film: key, year: int, look: vector[8] }
    fuse both = concat(films.look films.year)  # error: [E0010]

应改为：

    source films = table(\"films.csv\") { film: key, year: int, look: vector[8] }
    fuse both = concat(films.look, films.year)
";
    assert_eq!(place.mmf(&["explain", "--lang", "zh", "E0010"]).ends(0).out(), told);
    let ran = place.command().args(["explain", "E0010"]).env("LC_ALL", "zh_CN.UTF-8").output().unwrap();
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), told);

    let english = place.mmf(&["explain", "E0010"]).ends(0).out();
    assert!(english.starts_with("E0010: a comma") && !english.contains(['，', '：']), "{english}");
    let programs = |text: &str| text.lines().filter(|l| l.starts_with("    ")).map(str::to_string).collect::<Vec<_>>();
    assert_eq!(programs(&english), programs(told));

    let with_data = place.mmf(&["explain", "--lang", "zh", "E0213"]).ends(0).out();
    assert!(with_data.contains("\nempty.csv:\n    film,year\n\nfilms.csv:\n"), "{with_data}");
    let list = place.mmf(&["explain", "--lang", "zh"]).ends(0).out();
    assert!(list.contains("E0401  这些列的行不同\n"), "{list}");
    let json = place.mmf(&["explain", "E0401", "--lang", "zh", "--format", "json"]).ends(0).lines();
    assert!(json[0]["page"].as_str().unwrap().starts_with("# E0401：这些列的行不同\n\n"), "{}", json[0]);
}

#[test]
fn a_graph_says_types_and_fit_rows() {
    let place = Place::with_items();
    let text = ITEMS.replace("fill(zero)", "fill(mean)");
    place.write("items.mmf", text);
    let mermaid = place.mmf(&["graph", "items.mmf"]).ends(0).out();
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    assert!(mermaid.contains("picture: col&lt;items, image[_, _, 3]&gt;"), "{mermaid}");
    assert!(mermaid.contains("fitted on parts.train"), "{mermaid}");
    let dot = place.mmf(&["graph", "items.mmf", "--as", "dot"]).ends(0).out();
    assert!(dot.starts_with("digraph pipeline {") && dot.ends_with("}\n"), "{dot}");
    let steps = place.mmf(&["graph", "items.mmf", "--format", "json"]).ends(0).lines();
    assert!(steps[0].as_array().unwrap().iter().any(|s| s["names"][0] == "taste"));
    place.write("items.mmf", "fuse a = concat(b)\n");
    place.mmf(&["graph", "items.mmf"]).ends(1);
}

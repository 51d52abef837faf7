//! `check` and `fmt`: what is said, where, and how it ends.

use serde_json::json;

use super::Place;

const WRONG: &str =
    "source items = table(\"items.csv\") { item: key, 价格: float }\n\nfuse both = concat(items.价格, wrods)\n";

/// Lines and columns from 1 in Unicode scalars, ends exclusive.
#[test]
fn a_mistake_is_one_json_object() {
    let place = Place::new();
    place.write("a.mmf", WRONG);
    let ran = place.mmf(&["check", "a.mmf", "--no-data", "--format", "json"]).ends(1);
    let lines = ran.lines();
    assert_eq!(lines.len(), 1, "{}", ran.out());
    let keys: Vec<&String> = lines[0].as_object().unwrap().keys().collect();
    let wanted =
        ["code", "column", "end_column", "end_line", "file", "help", "labels", "line", "message", "note", "severity"];
    assert_eq!(keys, wanted);
    let at = |name: &str| lines[0][name].clone();
    assert_eq!([at("code"), at("severity"), at("file")], [json!("E0101"), json!("error"), json!("a.mmf")]);
    assert_eq!([at("line"), at("column"), at("end_line"), at("end_column")], [3, 30, 3, 35].map(|n| json!(n)));
}

#[test]
fn a_mistake_is_drawn_and_counted() {
    let place = Place::new();
    place.write("a.mmf", WRONG);
    let out = place.mmf(&["check", "a.mmf", "--no-data"]).ends(1).out();
    assert!(out.starts_with("error[E0101]: nothing is named `wrods`\n"), "{out}");
    assert!(out.contains("a.mmf:3:"), "{out}");
    assert!(out.ends_with("1 error in a.mmf\n"), "{out}");
    let chinese = place.command().args(["check", "a.mmf", "--no-data"]).env("LANG", "zh_CN.UTF-8").output().unwrap();
    let chinese = String::from_utf8(chinese.stdout).unwrap();
    assert!(chinese.starts_with("错误[E0101]: 没有名为 `wrods` 的声明\n"), "{chinese}");
}

#[test]
fn labels_in_another_file_are_drawn_there() {
    let place = Place::new();
    place.write("shared.mmf", "param size = 3\n");
    place.write("a.mmf", "use \"shared.mmf\"\nparam size = 4\n");
    let out = place.mmf(&["check", "a.mmf", "--no-data"]).ends(1).out();
    assert!(out.contains("a.mmf:2:") && out.contains("shared.mmf:1:"), "{out}");
}

#[test]
fn a_file_that_cannot_be_read_is_a_wrong_command() {
    let place = Place::new();
    let err = place.mmf(&["check", "no.mmf"]).ends(2).err();
    assert_eq!(err, "error: there is no file `no.mmf`\n");
    place.write("a.mmf", b"param a = 1\nparam b = \xC3(\n");
    let err = place.mmf(&["check", "a.mmf"]).ends(2).err();
    assert!(err.starts_with("error: `a.mmf` is not UTF-8: byte 23 is 0xC3, in line 2\n"), "{err}");
    place.mmf(&["check"]).ends(2);
    place.mmf(&["check", "a.mmf", "-p", "dim"]).ends(2);
    place.write("b.mmf", "param a = 1\n");
    place.mmf(&["check", "b.mmf", "-p", "a=2"]).ends(0);
    place.mmf(&["check", "b.mmf", "-p", "seed=x"]).ends(2);
    let err = place.mmf(&["check", "b.mmf", "-p", "ab=2"]).ends(2).err();
    assert!(err.contains("b.mmf: the file has no param `ab` to set"), "{err}");
}

/// A declared file that is missing is a mistake of the pipeline; without data it is not looked for.
#[test]
fn a_missing_table_is_a_mistake_of_the_pipeline() {
    let place = Place::new();
    place.write("a.mmf", "source a = table(\"a.csv\") { id: key }\nfuse b = concat(a.id |> one_hot)\n");
    let out = place.mmf(&["check", "a.mmf"]).ends(1).out();
    assert!(out.contains("a.csv"), "{out}");
}

#[test]
fn folders_are_searched_and_run_folders_left_out() {
    let place = Place::new();
    place.write("a/one.mmf", "");
    place.write("a/b/two.mmf", "");
    place.write("a/.hidden/three.mmf", "nonsense");
    place.write("a/runs/x/run.json", "{}");
    place.write("a/runs/x/pipeline.mmf", "nonsense");
    let out = place.mmf(&["check", "a"]).ends(0).out();
    assert_eq!(out, "a/b/two.mmf is sound\na/one.mmf is sound\n");
    place.write("empty/x", "");
    place.mmf(&["check", "empty"]).ends(2);
}

#[test]
fn warnings_are_errors_only_if_strict() {
    let place = Place::new();
    place.write("a.mmf", "param dim = 3\n");
    let ran = place.mmf(&["check", "a.mmf"]).ends(0);
    assert!(ran.out().contains("warning[W09"), "{}", ran.out());
    place.mmf(&["check", "a.mmf", "--strict"]).ends(1);
}

#[test]
fn fmt_changes_the_file_once() {
    let place = Place::new();
    place.write("a.mmf", "param   dim=3   # kept\n");
    assert_eq!(place.mmf(&["fmt", "--check", "a.mmf"]).ends(1).out(), "a.mmf would change\n");
    assert_eq!(place.mmf(&["fmt", "a.mmf"]).ends(0).out(), "a.mmf is formatted\n");
    assert!(place.read("a.mmf").contains("param dim = 3") && place.read("a.mmf").contains("# kept"));
    assert_eq!(place.mmf(&["fmt", "--check", "a.mmf"]).ends(0).out(), "");
    assert_eq!(place.mmf(&["fmt", "a.mmf"]).ends(0).out(), "");
}

#[test]
fn fmt_leaves_a_broken_file_alone() {
    let place = Place::new();
    place.write("a.mmf", "param = = 3\n");
    let ran = place.mmf(&["fmt", "a.mmf"]).ends(1);
    assert!(ran.err().contains("error[E00"), "{}", ran.err());
    assert_eq!(place.read("a.mmf"), "param = = 3\n");
}

use std::path::Path;
use std::sync::Arc;

use mmf_data::stage::Quiet;
use mmf_data::values::{Values, Vocabulary};

use mmf_data::table::Rows;

use super::*;

/// Rows of a user, a time and a mark, as they come.
fn table(rows: &[(&str, i64, &str)]) -> Table {
    let code = |names: Vec<&str>| {
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let codes = names.iter().map(|n| sorted.iter().position(|s| s == n).unwrap() as u32).collect();
        Values::Code {
            codes: Arc::new(codes),
            names: Arc::new(Vocabulary::new(sorted.iter().map(|s| s.to_string()).collect())),
        }
    };
    let all = Rows::all(rows.len());
    let columns = [
        ("user", code(rows.iter().map(|r| r.0).collect())),
        ("at", Values::Time(Arc::new(rows.iter().map(|r| r.1).collect()))),
        ("mark", code(rows.iter().map(|r| r.2).collect())),
    ];
    Table { columns: columns.map(|(n, v)| (n.to_string(), Column::new(all.clone(), v))).to_vec(), rows: all }
}

fn split(seed: u64, table: &Table, args: &[(&str, ArgValue)]) -> Result<Parts> {
    let args = Args(args.iter().map(|(n, v)| (n.to_string(), v.clone())).collect());
    run(&Context { seed, base: Path::new("."), host: &Quiet }, &args, &[Value::Table(table.clone())])
}

fn column(name: &str) -> ArgValue {
    ArgValue::Column(name.into())
}

fn share(x: f64) -> ArgValue {
    ArgValue::Float(x)
}

fn text(t: &str) -> ArgValue {
    ArgValue::Text(t.into())
}

fn ids(split: &Parts, part: Part) -> Vec<u32> {
    split.part(part).unwrap().ids()
}

fn many(n: i64) -> Vec<(String, i64, &'static str)> {
    (0..n).map(|i| (format!("u{}", i % 7), i * 37 % 101, if i % 3 == 0 { "a" } else { "b" })).collect()
}

fn borrowed<'a>(rows: &'a [(String, i64, &'static str)]) -> Vec<(&'a str, i64, &'a str)> {
    rows.iter().map(|(u, t, m)| (u.as_str(), *t, *m)).collect()
}

#[test]
fn the_place_in_the_file_never_matters() {
    let rows = many(200);
    let (forth, back) = (borrowed(&rows), borrowed(&rows).into_iter().rev().collect::<Vec<_>>());
    let cases: [&[(&str, ArgValue)]; 6] = [
        &[("test", share(0.2)), ("validation", share(0.1))],
        &[("by", column("at")), ("test", share(0.2))],
        &[("group", column("user")), ("test", share(0.3))],
        &[("group", column("user")), ("by", column("at")), ("test", share(0.3))],
        &[("stratify", column("mark")), ("test", share(0.2))],
        &[("per", column("user")), ("by", column("at")), ("validation", ArgValue::Int(1)), ("test", ArgValue::Int(1))],
    ];
    for args in cases {
        let content = |rows: &[(&str, i64, &str)], part| {
            let split = split(7, &table(rows), args).unwrap();
            let mut found: Vec<_> = ids(&split, part).iter().map(|&i| format!("{:?}", rows[i as usize])).collect();
            found.sort();
            found
        };
        for part in [Part::Train, Part::Test] {
            assert_eq!(content(&forth, part), content(&back, part), "{args:?}");
        }
    }
}

#[test]
fn chance_depends_on_the_seed_and_has_the_shares() {
    let rows = many(200);
    let table = table(&borrowed(&rows));
    let args = [("train", share(0.8)), ("validation", share(0.1)), ("test", share(0.1))];
    let one = split(1, &table, &args).unwrap();
    assert_eq!(Part::ALL.map(|p| ids(&one, p).len()), [160, 20, 20]);
    assert_eq!(one, split(1, &table, &args).unwrap());
    assert_ne!(ids(&one, Part::Test), ids(&split(2, &table, &args).unwrap(), Part::Test));
}

#[test]
fn rows_alike_are_still_apart() {
    let same = vec![("u", 1, "a"); 100];
    let split = split(3, &table(&same), &[("test", share(0.5))]).unwrap();
    let test = ids(&split, Part::Test);
    assert_eq!(test.len(), 50);
    assert!(test.windows(2).any(|w| w[1] > w[0] + 1), "not one block: {test:?}");
}

#[test]
fn the_last_are_test() {
    let table = table(&[("u", 5, "a"), ("u", 1, "a"), ("v", 9, "a"), ("v", 2, "a"), ("v", 4, "a")]);
    let whole = split(1, &table, &[("by", column("at")), ("test", share(0.4))]).unwrap();
    assert_eq!(ids(&whole, Part::Test), [0, 2]);
    let last =
        [("per", column("user")), ("by", column("at")), ("validation", ArgValue::Int(1)), ("test", ArgValue::Int(1))];
    let per = split(1, &table, &last).unwrap();
    assert_eq!(Part::ALL.map(|p| ids(&per, p)), [vec![1, 3], vec![4], vec![0, 2]]);
}

#[test]
fn groups_stay_whole_and_strata_keep_their_shares() {
    let rows = many(210);
    let table = table(&borrowed(&rows));
    let group = split(1, &table, &[("group", column("user")), ("test", share(0.3))]).unwrap();
    let users = |part| {
        let mut users: Vec<_> = ids(&group, part).iter().map(|&i| rows[i as usize].0.clone()).collect();
        users.sort();
        users.dedup();
        users
    };
    assert_eq!((users(Part::Train).len(), users(Part::Test).len()), (5, 2));
    assert!(users(Part::Train).iter().all(|u| !users(Part::Test).contains(u)));
    let strata = split(1, &table, &[("stratify", column("mark")), ("test", share(0.1))]).unwrap();
    let marks = ids(&strata, Part::Test).iter().filter(|&&i| rows[i as usize].2 == "a").count();
    assert_eq!((ids(&strata, Part::Test).len(), marks), (21, 7));
}

#[test]
fn marks_are_read_and_a_share_is_taken_from_train() {
    let rows: Vec<_> = (0..30).map(|i| ("u", i, ["train", "train", "test"][i as usize % 3])).collect();
    let table = table(&rows);
    let given =
        [("given", column("mark")), ("train", text("train")), ("test", text("test")), ("validation", share(0.1))];
    let split_ = split(1, &table, &given).unwrap();
    assert_eq!(Part::ALL.map(|p| ids(&split_, p).len()), [18, 2, 10]);
    assert!(ids(&split_, Part::Test).iter().all(|i| i % 3 == 2));
    let lists = [("given", column("mark")), ("test", ArgValue::List(vec![text("train")]))];
    assert_eq!(ids(&split(1, &table, &lists).unwrap(), Part::Train).len(), 10);
    let wrong = [("given", column("mark")), ("test", text("tset"))];
    let error = split(1, &table, &wrong).unwrap_err();
    assert_eq!(error.message.en, "no row is marked `tset` in `mark` (for `test`)");
    assert_eq!(error.help.unwrap().en, "the marks there are `test`, `train`");
}

#[test]
fn an_empty_table_and_an_empty_part_are_said() {
    assert!(split(1, &table(&[]), &[("test", share(0.1))]).unwrap_err().message.en.contains("no rows"));
    let one = table(&[("u", 1, "a")]);
    assert!(split(1, &one, &[("test", ArgValue::Int(1))]).unwrap_err().message.en.contains("no row for the part"));
}

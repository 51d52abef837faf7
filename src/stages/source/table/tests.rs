use mmf_data::stage::Quiet;
use mmf_data::values::Values;
use mmf_lang::args::{PathTemplate, TimeFormat, Within};
use mmf_lang::types::Language;

use super::*;

fn spec(name: &str, kind: ColumnKind) -> ColumnSpec {
    ColumnSpec { name: name.into(), header: None, kind, missing: false, within: None }
}

fn may_miss(spec: ColumnSpec) -> ColumnSpec {
    ColumnSpec { missing: true, ..spec }
}

fn load(base: &Path, more: &[(&str, ArgValue)], specs: Vec<ColumnSpec>, inputs: &[Value]) -> Result<Table> {
    let mut args = Args(more.iter().map(|(n, v)| (n.to_string(), v.clone())).collect());
    args.0.push(("columns".into(), ArgValue::Columns(specs)));
    run(&Context { seed: 0, base, host: &Quiet }, &args, inputs)
}

fn path(name: &str) -> (&'static str, ArgValue) {
    ("path", ArgValue::Text(name.into()))
}

fn bad(name: &str, missing: bool) -> Result<Table> {
    let base = format!("{}/../../tests/fixtures/bad", env!("CARGO_MANIFEST_DIR"));
    let stars = ColumnSpec { missing, ..spec("stars", ColumnKind::Int) };
    let specs = vec![spec("id", ColumnKind::Key), spec("text", ColumnKind::Text(Language::English)), stars];
    load(Path::new(&base), &[path(name)], specs, &[])
}

fn message(result: Result<Table>) -> String {
    let error = result.unwrap_err();
    assert!(!error.message.zh.is_ascii(), "{:?}", error.message);
    error.message.en
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn bad_tables_are_refused_by_file_and_line() {
    for (name, says) in [
        ("empty.csv", "empty.csv: is empty: it has no header"),
        ("ragged-long.csv", "ragged-long.csv: line 3 has 4 cells, the header has 3"),
        ("wrong-header.csv", "wrong-header.csv has no column `id`"),
        ("duplicate-header.csv", "duplicate-header.csv: has two columns `text`"),
        ("duplicate-keys.csv", "duplicate-keys.csv, line 4: the key `r1` of `id` comes a second time"),
        ("missing-key.csv", "missing-key.csv: `id` is missing in 1 rows, first on line 3"),
        ("not-a-number.csv", "not-a-number.csv, line 3: `many` in `stars` is not a whole number"),
        ("not-finite.csv", "not-finite.csv, line 2: `NaN` in `stars` is not a whole number (and 2 more)"),
        ("all-missing.csv", "all-missing.csv: `stars` is missing in 3 rows, first on line 2, 3, 4"),
        ("no-such.csv", "cannot read"),
    ] {
        let said = message(bad(name, false));
        assert!(said.contains(says), "{name}: {said}");
    }
    for name in ["bom.csv", "crlf.csv", "newline-in-quotes.csv"] {
        assert_eq!(bad(name, false).unwrap().rows.total, 2, "{name}");
    }
    assert_eq!(bad("header-only.csv", false).unwrap().rows.total, 0);
    let all = bad("all-missing.csv", true).unwrap();
    assert_eq!(all.column("stars").unwrap().count_missing(), 3);
}

#[test]
fn columns_are_typed() {
    let folder = folder(&[(
        "a.csv",
        "id,n,x,b,c,at,v,s_1,s_2\n007,5,0.5,yes,red,1641040200,[1 2],1,2\n7,-1,1e3,0,blue,0,\"3,4\",3,4\n",
    )]);
    let vector = ColumnSpec { header: Some("s_*".into()), ..spec("s", ColumnKind::Vector(Some(2))) };
    let table = load(
        folder.path(),
        &[path("a.csv")],
        vec![
            spec("id", ColumnKind::Key),
            spec("n", ColumnKind::Int),
            spec("x", ColumnKind::Float),
            spec("b", ColumnKind::Bool),
            spec("c", ColumnKind::Category),
            spec("at", ColumnKind::Time(TimeFormat::Unix)),
            spec("v", ColumnKind::Vector(None)),
            vector,
        ],
        &[],
    )
    .unwrap();
    let values = |name: &str| table.column(name).unwrap().values.clone();
    assert_eq!(values("n"), Values::Int(vec![5, -1].into()));
    assert_eq!(values("x"), Values::Float(vec![0.5, 1000.0].into()));
    assert_eq!(values("b"), Values::Bool(vec![true, false].into()));
    assert_eq!(values("at"), Values::Time(vec![1_641_040_200_000_000, 0].into()));
    assert_eq!(values("v"), Values::vector(2, vec![1.0, 2.0, 3.0, 4.0]));
    assert_eq!(values("s"), values("v"));
    let Values::Code { codes, names } = values("id") else { panic!() };
    assert_eq!((codes.as_slice(), names.names().iter().collect::<Vec<_>>()), (&[0, 1][..], vec!["007", "7"]));
    let Values::Code { codes, names } = values("c") else { panic!() };
    assert_eq!((codes.as_slice(), names.names().iter().collect::<Vec<_>>()), (&[1, 0][..], vec!["blue", "red"]));
}

#[test]
fn refs_and_rows_of_another_table() {
    let folder = folder(&[
        ("items.csv", "item\nb\na\nc\n"),
        ("likes.csv", "item\na\nb\nb\n"),
        ("more.csv", "item,n\nc,3\nb,1\n"),
        ("odd.csv", "item,n\nx,3\nb,1\nb,2\n"),
    ]);
    let items = load(folder.path(), &[path("items.csv")], vec![spec("item", ColumnKind::Key)], &[]).unwrap();
    let inputs = [Value::Table(items.clone())];
    let likes = load(folder.path(), &[path("likes.csv")], vec![spec("item", ColumnKind::Ref(0))], &inputs).unwrap();
    let Values::Code { codes, .. } = &likes.column("item").unwrap().values else { panic!() };
    assert_eq!(codes.as_slice(), [1, 0, 0]);

    let specs = || vec![spec("item", ColumnKind::KeyOf(0)), may_miss(spec("n", ColumnKind::Int))];
    let more = load(folder.path(), &[path("more.csv")], specs(), &inputs).unwrap();
    let n = more.column("n").unwrap();
    assert_eq!(
        (n.values.clone(), n.missing.as_deref()),
        (Values::Int(vec![1, 3, 3].into()), Some(&vec![false, true, false]))
    );
    let strict = vec![spec("item", ColumnKind::KeyOf(0)), spec("n", ColumnKind::Int)];
    assert!(message(load(folder.path(), &[path("more.csv")], strict, &inputs)).contains("`n` is missing in 1 rows"));
    assert!(message(load(folder.path(), &[path("odd.csv")], specs(), &inputs)).contains("line 4: the key `b`"));
    let unknown = vec![spec("item", ColumnKind::Ref(0))];
    assert!(message(load(folder.path(), &[path("odd.csv")], unknown, &inputs)).contains("line 2: `item` names `x`"));
    // A category's values are rows too.
    let column = Value::Column(items.column("item").unwrap().clone());
    let optional = vec![may_miss(spec("item", ColumnKind::Ref(0)))];
    assert_eq!(load(folder.path(), &[path("odd.csv")], optional, &[column]).unwrap().columns[0].1.count_missing(), 1);
}

#[test]
fn files_are_stacked_and_named() {
    let folder = folder(&[("d/train.tsv", "a\tb\n1\t2\n"), ("d/test.tsv", "b\ta\n4\t3\n"), ("c.tsv", "a\n1\n")]);
    let list = |names: &[&str]| ("path", ArgValue::List(names.iter().map(|n| ArgValue::Text(n.to_string())).collect()));
    let specs = || vec![spec("a", ColumnKind::Int), spec("b", ColumnKind::Int), spec("part", ColumnKind::Category)];
    let file = ("file", ArgValue::Column("part".into()));
    let table = load(folder.path(), &[list(&["d/train.tsv", "d/test.tsv"]), file.clone()], specs(), &[]).unwrap();
    assert_eq!(table.column("a").unwrap().values, Values::Int(vec![1, 3].into()));
    assert_eq!(table.column("b").unwrap().values, Values::Int(vec![2, 4].into()));
    let Values::Code { codes, names } = &table.column("part").unwrap().values else { panic!() };
    assert_eq!((codes.as_slice(), names.names().iter().collect::<Vec<_>>()), (&[1, 0][..], vec!["test", "train"]));
    let said = message(load(folder.path(), &[list(&["d/train.tsv", "c.tsv"]), file], specs(), &[]));
    assert_eq!(said, "c.tsv: has no column `b`, which d/train.tsv has");
}

#[test]
fn pictures_and_texts_are_files_a_row() {
    let folder =
        folder(&[("a.csv", "f\nx\ny\nz\n"), ("p/x.jpg", ""), ("p/z.jpg", ""), ("t/x.txt", "hi"), ("t/y.txt", "ho")]);
    let template = |texts: [&str; 2], root: Option<&str>| PathTemplate {
        texts: texts.iter().map(|t| t.to_string()).collect(),
        headers: vec!["f".into()],
        root: root.map(str::to_string),
    };
    let image = spec("image", ColumnKind::Image(template(["", ".jpg"], Some("p"))));
    let text = spec("text", ColumnKind::TextFile(Language::English, template(["t/", ".txt"], None)));
    let load = |specs| load(folder.path(), &[path("a.csv")], specs, &[]);
    assert_eq!(message(load(vec![image.clone()])), "a.csv, line 3: the file p/y.jpg of `image` is not there");
    let table = load(vec![may_miss(image), may_miss(text)]).unwrap();
    let image = table.column("image").unwrap();
    assert_eq!(image.missing.as_deref(), Some(&vec![false, true, false]));
    let Values::Files(files) = &image.values else { panic!() };
    assert_eq!(files.get(2), Path::new("p/z.jpg"));
    let Values::Text(texts) = &table.column("text").unwrap().values else { panic!() };
    assert_eq!(texts.iter().collect::<Vec<_>>(), ["hi", "ho", ""]);
}

#[test]
fn what_is_outside_is_refused_and_other_words_may_be_missing() {
    let folder = folder(&[("a.csv", "x,c\n0.5,a\n7,b\nNA,a\n")]);
    let float = may_miss(ColumnSpec {
        within: Some(Within::Range { low: Some(0.5), high: Some(5.0) }),
        ..spec("x", ColumnKind::Float)
    });
    let missing = ("missing", ArgValue::List(vec![ArgValue::Text("NA".into())]));
    let said = message(load(folder.path(), &[path("a.csv"), missing], vec![float], &[]));
    assert_eq!(said, "a.csv, line 3: `7` in `x` is not in 0.5..=5");
    let within = Some(Within::Values(vec!["a".into(), "b".into(), "z".into()]));
    let table =
        load(folder.path(), &[path("a.csv")], vec![ColumnSpec { within, ..spec("c", ColumnKind::Category) }], &[]);
    let Values::Code { names, .. } = &table.unwrap().columns[0].1.values else { panic!() };
    assert_eq!(names.len(), 3);
}

#[test]
fn without_a_header_the_block_names_the_columns() {
    let folder = folder(&[("a.txt", "1::x\n2::y\n"), ("b.dat", "1|x\n2|y\n")]);
    let more = [path("b.dat"), ("separator", ArgValue::Text("|".into())), ("header", ArgValue::Bool(false))];
    let specs = vec![spec("n", ColumnKind::Int), spec("t", ColumnKind::Text(Language::English))];
    let table = load(folder.path(), &more, specs, &[]).unwrap();
    assert_eq!(table.column("n").unwrap().values, Values::Int(vec![1, 2].into()));
}

#[test]
fn the_films_are_read_where_the_data_is() {
    let base = format!("{}/../../../shared/data/rec-movielens-100k", env!("CARGO_MANIFEST_DIR"));
    if !Path::new(&base).exists() {
        eprintln!("skipped: ../shared/data/rec-movielens-100k is absent");
        return;
    }
    let base = Path::new(&base);
    let key = ColumnSpec { header: Some("item_id".into()), ..spec("film", ColumnKind::Key) };
    let films = load(base, &[path("items.csv")], vec![key], &[]).unwrap();
    assert_eq!(films.rows.total, 1682);
    let film = ColumnSpec { header: Some("item_id".into()), ..spec("film", ColumnKind::Ref(0)) };
    let user = ColumnSpec { header: Some("user_id".into()), ..spec("user", ColumnKind::Category) };
    let ratings = load(base, &[path("ratings.tsv")], vec![user, film], &[Value::Table(films)]).unwrap();
    assert_eq!(ratings.rows.total, 100_000);
    let Values::Code { names, .. } = &ratings.column("user").unwrap().values else { panic!() };
    assert_eq!(names.len(), 943);
}

/// Asked for each text file, also where none is, the host can tell when one comes.
#[test]
fn a_text_file_that_is_not_there_is_asked_for() {
    #[derive(Default)]
    struct Asked(std::sync::Mutex<Vec<String>>);
    impl mmf_data::stage::Host for Asked {
        fn cancelled(&self) -> bool {
            false
        }
        fn report(&self, _: mmf_data::stage::Report) {}
        fn read(&self, path: &Path) -> Result<Vec<u8>> {
            self.0.lock().unwrap().push(path.file_name().unwrap().to_string_lossy().into_owned());
            Quiet.read(path)
        }
        fn load_checkpoint(&self) -> Option<Vec<u8>> {
            None
        }
        fn save_checkpoint(&self, _: &[u8]) {}
    }
    let folder = folder(&[("a.csv", "id\nx\ny\n"), ("notes/x.txt", "seen")]);
    let template = PathTemplate { texts: vec!["notes/".into(), ".txt".into()], headers: vec!["id".into()], root: None };
    let note = may_miss(spec("note", ColumnKind::TextFile(Language::English, template)));
    let args = Args(
        vec![path("a.csv"), ("columns", ArgValue::Columns(vec![spec("id", ColumnKind::Key), note]))]
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect(),
    );
    let host = Asked::default();
    let table = run(&Context { seed: 0, base: folder.path(), host: &host }, &args, &[]).unwrap();
    assert_eq!(table.column("note").unwrap().missing.as_deref(), Some(&vec![false, true]));
    let mut asked = host.0.into_inner().unwrap();
    asked.sort();
    assert_eq!(asked, ["a.csv", "x.txt", "y.txt"]);
}

use mmf_lang::args::{ColumnSpec, PathTemplate, Within};
use mmf_lang::types::Language;
use mmf_lang::world::{NumpyKeys, ScanFormat};

use super::*;

use mmf_lang::args::ColumnKind;

fn spec(name: &str, kind: ColumnKind) -> ColumnSpec {
    ColumnSpec { name: name.into(), header: None, kind, missing: false, within: None }
}

fn request(base: &Path, path: &str, columns: Vec<ColumnSpec>) -> ScanRequest {
    ScanRequest {
        paths: vec![path.into()],
        base: base.to_string_lossy().into_owned(),
        format: ScanFormat::Table { separator: None, header: true, missing: vec![], file: None },
        columns,
        keys: vec![],
    }
}

fn bad() -> PathBuf {
    PathBuf::from(format!("{}/../../tests/fixtures/bad", env!("CARGO_MANIFEST_DIR")))
}

fn reviews() -> Vec<ColumnSpec> {
    vec![spec("id", ColumnKind::Key), spec("text", ColumnKind::Text(Language::English)), spec("stars", ColumnKind::Int)]
}

#[test]
fn bad_tables_are_described() {
    let scan = |name: &str| DiskWorld::new().scan(&request(&bad(), name, reviews()));
    let found = scan("duplicate-keys.csv").unwrap();
    assert_eq!((found.rows, found.whole, found.columns[0].twice.clone()), (3, true, vec![(4, "r1".into())]));
    assert_eq!(found.columns[0].keys, Some(vec!["r1".into(), "r2".into()]));
    let found = scan("not-a-number.csv").unwrap();
    assert_eq!((found.columns[2].wrong_count, found.columns[2].wrong.clone()), (1, vec![(3, "many".into())]));
    let found = scan("all-missing.csv").unwrap();
    assert_eq!((found.columns[2].holes, found.columns[2].hole_lines.clone()), (3, vec![2, 3, 4]));
    let found = scan("wrong-header.csv").unwrap();
    assert_eq!(found.headers, ["ID", "words", "star"]);
    assert!(found.columns.iter().all(|c| c.absent && c.holes == 0));
    assert_eq!(scan("header-only.csv").unwrap().rows, 0);
    for (name, says) in [("gbk.csv", "is not UTF-8"), ("ragged-long.csv", "line 3 has 4"), ("empty.csv", "is empty")] {
        let Err((0, WorldError::Broken(text))) = scan(name) else { panic!("{name}") };
        assert!(text.en.contains(says), "{name}: {}", text.en);
    }
    assert_eq!(scan("none.csv").unwrap_err(), (0, WorldError::Missing));
    let mut numpy = request(&bad(), "huge-shape.npy", vec![spec("x", ColumnKind::Vector(None))]);
    numpy.format = ScanFormat::Numpy { keys: NumpyKeys::RowNumber, array: None };
    assert!(matches!(DiskWorld::new().scan(&numpy), Err((0, WorldError::Broken(_)))));
}

#[test]
fn refs_ranges_and_files_are_held_to_the_data() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("p")).unwrap();
    std::fs::write(folder.path().join("p/a.png"), "").unwrap();
    std::fs::write(folder.path().join("a.csv"), "f,x,v_1,v_2\na,1,1,2\nb,9,3,4\n").unwrap();
    let template = PathTemplate { texts: vec!["p/".into(), ".png".into()], headers: vec!["f".into()], root: None };
    let range = Some(Within::Range { low: Some(0.0), high: Some(5.0) });
    let mut request = request(
        folder.path(),
        "a.csv",
        vec![
            spec("f", ColumnKind::Ref(0)),
            ColumnSpec { within: range, ..spec("x", ColumnKind::Float) },
            spec("image", ColumnKind::Image(template)),
            ColumnSpec { header: Some("v_*".into()), ..spec("v", ColumnKind::Vector(Some(3))) },
        ],
    );
    request.keys = vec![(0, Arc::new(vec!["b".into(), "c".into()]))];
    let found = DiskWorld::new().scan(&request).unwrap();
    assert_eq!(found.columns[0].unknown, [(2, "a".to_string())]);
    assert_eq!(found.columns[1].outside, [(3, "9".to_string())]);
    assert_eq!((found.columns[2].holes, found.columns[2].lost.clone()), (1, vec![(3, "p/b.png".to_string())]));
    assert_eq!(found.columns[3].shape, [2]);
    request.columns[0].kind = ColumnKind::KeyOf(0);
    assert_eq!(DiskWorld::new().scan(&request).unwrap().columns[0].uncovered, 1);
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.csv");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let write = |text: &str, at| {
        std::fs::write(&path, text).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
    };
    let request = request(folder.path(), "a.csv", vec![spec("x", ColumnKind::Int)]);
    let rows = || DiskWorld::with_cache(cache.path()).scan(&request).unwrap().rows;
    write("x\n1\n", old);
    assert_eq!(rows(), 1);
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 1);
    // The same length and time, so it must be the same file: this shows that it was not read.
    write("x\n\n\n", old);
    assert_eq!(rows(), 1);
    write("x\n\n\n", old + std::time::Duration::from_secs(1));
    assert_eq!(rows(), 0);
    // What changed just now is read each time.
    write("x\n1\n", std::time::SystemTime::now());
    assert_eq!(rows(), 1);
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 2);
    let entry = std::fs::read_dir(cache.path()).unwrap().next().unwrap().unwrap().path();
    std::fs::write(entry, "{").unwrap();
    write("x\n1\n", old);
    assert_eq!(rows(), 1);
}

#[test]
fn texts_and_folders_are_relative_to_their_file() {
    let world = DiskWorld::new();
    assert_eq!(world.folder("a/b", "../c/x.mmf"), "a/b/../c");
    assert_eq!(world.folder("", "x.mmf"), "");
    let base = bad().to_string_lossy().into_owned();
    assert!(matches!(world.text(&base, "not-utf-8.mmf"), Err(WorldError::Broken(text)) if text.en.contains("line 1")));
    assert_eq!(world.text(&base, "none.mmf"), Err(WorldError::Missing));
    assert_eq!(&*world.text(&base, "empty.mmf").unwrap(), "");
}

#[test]
fn the_ratings_are_scanned_where_the_data_is() {
    let base = PathBuf::from(format!("{}/../../../shared/data/rec-movielens-100k", env!("CARGO_MANIFEST_DIR")));
    if !base.exists() {
        eprintln!("skipped: ../shared/data/rec-movielens-100k is absent");
        return;
    }
    let user = ColumnSpec { header: Some("user_id".into()), ..spec("user", ColumnKind::Category) };
    let found = DiskWorld::new().scan(&request(&base, "ratings.tsv", vec![user])).unwrap();
    assert_eq!((found.rows, found.columns[0].distinct), (100_000, 943));
}

//! `new`: what is guessed from data, and that what is written is sound.

use super::Place;

/// Writes a pipeline and holds it to the checker and the formatter.
#[track_caller]
fn new(place: &Place, args: &[&str], file: &str) -> String {
    place.mmf(&[&["new"], args].concat()).ends(0);
    let text = place.read(file);
    let ran = place.mmf(&["check", file]);
    assert_eq!(ran.code(), 0, "{}\n{text}", ran.out());
    assert_eq!(place.mmf(&["fmt", "--check", file]).ends(0).out(), "", "{text}");
    text
}

/// Returns the declared type of a column, without what stands behind it.
fn declared(text: &str, source: &str, column: &str) -> String {
    let block = text.split(&format!("source {source} = ")).nth(1).unwrap_or_else(|| panic!("no {source} in:\n{text}"));
    let block = block.split("\n}").next().unwrap();
    let line = block.lines().find(|l| l.trim().starts_with(&format!("{column}:")));
    let line = line.unwrap_or_else(|| panic!("no {column} in:\n{block}"));
    line.split_once(':').unwrap().1.split("  #").next().unwrap().split(" # ").next().unwrap().trim().to_string()
}

#[test]
fn tables_of_a_shop_are_typed_and_tied_together() {
    let place = Place::new();
    let (mut films, mut ratings) =
        (String::from("film_id,title,year,genre,plot\n"), String::from("user\tfilm_id\trating\tat\n"));
    for film in 0..40 {
        let year = if film % 9 == 0 { String::new() } else { (1980 + film).to_string() };
        let genre = ["drama", "comedy", "war"][film % 3];
        films.push_str(&format!(
            "f{film:02},Film no {film},{year},{genre},\"A plot, the {film}th of its kind, with {genre}.\"\n"
        ));
        place.picture(&format!("shop/posters/f{film:02}.ppm"), [film as u8, 9, 200]);
    }
    std::fs::remove_file(place.path("shop/posters/f07.ppm")).unwrap();
    for n in 0..400 {
        ratings.push_str(
            &format!("u{},f{:02},{},{}\n", n % 23, n * 7 % 40, n % 5 + 1, 1_700_000_000 + n * 60).replace(',', "\t"),
        );
    }
    place.write("shop/films.csv", &films);
    place.write("shop/ratings.tsv", &ratings);
    let text = new(&place, &["shop", "-o", "first.mmf"], "first.mmf");
    let film = |column: &str| declared(&text, "films", column);
    assert_eq!(film("film_id"), "key");
    assert_eq!(film("title"), "text(language = en)");
    assert_eq!(film("year"), "int?");
    assert_eq!(film("genre"), "category");
    assert_eq!(film("picture"), "image(\"shop/posters/{film_id}.ppm\")?");
    let rating = |column: &str| declared(&text, "ratings", column);
    assert_eq!(rating("film_id"), "ref(films)");
    assert_eq!(
        (rating("user"), rating("rating"), rating("at")),
        ("category".into(), "int".into(), "time(unix)".into())
    );
    assert!(text.contains("5 missing") && text.contains("1 of the files are not there"), "{text}");
    assert!(text.contains("recommend(parts, user = user, item = film_id)"), "{text}");
    place.mmf(&["run", "first.mmf"]).ends(0);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let place = Place::with_items();
    let before = place.read("items.mmf");
    let err = place.mmf(&["new", "items.csv"]).ends(2).err();
    assert!(err.contains("`items.mmf` is there already") && err.contains("-o FILE"), "{err}");
    assert_eq!(place.read("items.mmf"), before);
    place.mmf(&["new", "nothing"]).ends(2);
    place.write("empty/x.md", "");
    place.mmf(&["new", "empty"]).ends(2);
    place.write("y.md", "");
    place.mmf(&["new", "y.md", "-o", "y.mmf"]).ends(2);
}

/// A label, a picture a key and a number: the experiment runs.
#[test]
fn a_label_suggests_an_experiment() {
    let place = Place::with_items();
    let text = new(&place, &["items.csv", "-o", "guess.mmf"], "guess.mmf");
    assert_eq!(declared(&text, "items", "id"), "key");
    assert_eq!((declared(&text, "items", "price"), declared(&text, "items", "liked")), ("float".into(), "bool".into()));
    assert_eq!(declared(&text, "items", "picture"), "image(\"pictures/{id}.ppm\")");
    assert!(text.contains("classify(parts, label = liked)"), "{text}");
    place.mmf(&["run", "guess.mmf"]).ends(0);
}

#[test]
fn odd_headers_are_named_and_told() {
    let place = Place::new();
    place.write(
        "odd.csv",
        "编号,价格 (元),Item Name,in,空,空,nothing,3d,\n\
         a1,3.5,red shoe with a heel,x,1,2,,1.5,q\n\
         a2,4,blue hat of felt,y,3,4,,2.5,q\n\
         a3,NA,green scarf of wool,x,5,6,,3.5,q\n",
    );
    let text = new(&place, &["odd.csv"], "odd.mmf");
    let odd = |column: &str| declared(&text, "odd", column);
    assert_eq!(odd("编号"), "key");
    assert_eq!(odd("价格_元"), "float(column = \"价格 (元)\")?");
    assert_eq!(odd("item_name"), "text(language = en, column = \"Item Name\")");
    assert_eq!(odd("in_"), "text(language = en, column = \"in\")");
    assert_eq!(odd("column_3d"), "float(column = \"3d\")");
    assert!(text.contains("missing = [\"NA\"]"), "{text}");
    assert!(text.contains("left out: `空`, several columns have this header"), "{text}");
    assert!(text.contains("left out: `nothing`, no row has a value"), "{text}");
    assert!(text.contains("left out: ``, a column without a header"), "{text}");
    place.mmf(&["new", "odd.csv", "--lang", "zh", "-o", "zh.mmf"]).ends(0);
    assert!(place.read("zh.mmf").contains("所有行均无值"));
}

#[test]
fn other_separators_json_times_and_vectors() {
    let place = Place::new();
    place.write("a.csv", "id;when;skill_0;skill_1;skill_2;skill_3\nx;2024-01-02;1;2;3;4\ny;2024-02-03 10:00;5;6;7;8\n");
    place.write("b.jsonl", "{\"id\": 1, \"look\": [1, 2, 3], \"born\": \"02.03.2020\"}\n{\"id\": 2, \"look\": [4, 5, 6], \"born\": \"13.03.2020\"}\n");
    place.write("broken.csv", "a,b\n1,2\n3\n");
    let text = new(&place, &["a.csv", "b.jsonl", "broken.csv"], "a.mmf");
    assert!(text.contains("separator = \";\""), "{text}");
    assert_eq!(declared(&text, "a", "when"), "time(iso)");
    assert_eq!(declared(&text, "a", "skill"), "vector[4](column = \"skill_*\")");
    assert_eq!(declared(&text, "b", "look"), "vector[3]");
    assert_eq!(declared(&text, "b", "born"), "time(\"%d.%m.%Y\")");
    assert!(text.contains("Left out: broken.csv, which line 3 has 1 cells"), "{text}");
}

/// The repository's own data.
#[test]
fn the_data_of_the_pipelines_are_guessed() {
    let place = Place::new();
    let data = |name: &str| format!("{}/pipelines/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = new(&place, &[&data("emoji/emoji.csv")], "emoji.mmf");
    let emoji = |column: &str| declared(&text, "emoji", column);
    assert_eq!(emoji("unified"), "key");
    assert!(emoji("image").starts_with("image(\"") && emoji("image").ends_with("emoji/{image}\")"), "{text}");
    assert_eq!(emoji("label"), "category");
    assert!(emoji("keywords_en").starts_with("text(language = en)"), "{text}");
    assert!(emoji("keywords_zh").starts_with("text(language = zh)"), "{text}");
    assert!(text.contains("given = split"), "{text}");
    let text = new(&place, &[&data("digits"), "-o", "digits.mmf"], "digits.mmf");
    assert_eq!(
        (declared(&text, "digits", "row"), declared(&text, "digits", "digit")),
        ("key".into(), "category".into())
    );
    assert_eq!(
        (declared(&text, "pixels", "row"), declared(&text, "pixels", "pixels")),
        ("key(digits)".into(), "vector[64]".into())
    );
    place.mmf(&["run", "digits.mmf"]).ends(0);
}

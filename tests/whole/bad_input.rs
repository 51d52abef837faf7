//! Bad input: each kind gets a clear error, or a counted and reported skip, and loses nothing that was finished.

use super::shell::{Place, SHOP, copy, events, picture, repository, rows_of, run, shop, table};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(repository("tests/fixtures/bad").join(name)).unwrap()
}

/// A pipeline over one of the bad tables.
fn over(table: &str) -> Place {
    let place = Place::new();
    place.write(table, fixture(table));
    place.write(
        "a.mmf",
        format!(
            "source rows = table(\"{table}\") {{ id: key, text: text, stars: int }}\n\
             prepare parts = rows |> split(train = 50%, test = 50%)\n\
             extract words = rows.text |> tokenize |> tf_idf\n\
             train taste = regress(parts, label = stars) {{ output = words |> dense(1), epochs = 2 }}\n\
             metric quality = taste on parts.test {{ mse }}\n"
        ),
    );
    place
}

/// Says that `check` refuses the file with one error in its first line, in these words, and that `run` runs nothing.
#[track_caller]
fn refused(table: &str, code: &str, words: &[&str]) {
    let place = over(table);
    let lines = place.mmf(&["check", "a.mmf", "--format", "json"]).ends(1).lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let found = &lines[0];
    assert_eq!((&found["code"], &found["file"], &found["line"]), (&code.into(), &"a.mmf".into(), &1.into()), "{found}");
    let said = found.to_string();
    assert!(said.contains(table), "it does not name {table}: {said}");
    words.iter().for_each(|word| assert!(said.contains(word), "{word}: {said}"));
    let ran = place.mmf(&["run", "a.mmf"]).ends(1);
    assert!(ran.err().contains(code), "{}", ran.err());
    assert!(!place.path("runs").exists());
}

/// Says that the table is read, whatever it looks like.
#[track_caller]
fn fine(table: &str) {
    let place = over(table);
    assert_eq!(place.mmf(&["check", "a.mmf"]).ends(0).out(), "a.mmf is sound\n");
    let told = run(&place, &["a.mmf"]);
    assert_eq!(rows_of(&told, "table"), 2, "{told:?}");
}

#[test]
fn an_empty_pipeline_is_sound_and_has_nothing_to_run() {
    let place = Place::new();
    place.write("a.mmf", fixture("empty.mmf"));
    assert_eq!(place.mmf(&["check", "a.mmf"]).ends(0).out(), "a.mmf is sound\n");
    assert!(place.mmf(&["run", "a.mmf"]).ends(0).err().contains("nothing to run"));
    assert_eq!(place.mmf(&["fmt", "--check", "a.mmf"]).ends(0).out(), "");
    place.mmf(&["graph", "a.mmf"]).ends(0);
}

#[test]
fn a_pipeline_that_is_not_utf_8_cannot_be_read() {
    let place = Place::new();
    place.write("a.mmf", fixture("not-utf-8.mmf"));
    for verb in ["check", "run", "fmt", "graph"] {
        let err = place.mmf(&[verb, "a.mmf"]).ends(2).err();
        assert!(err.contains("`a.mmf` is not UTF-8: byte 3 is 0xC9, in line 1"), "{verb}: {err}");
        assert!(err.contains("save the file as UTF-8"), "{verb}: {err}");
    }
    place.write("a.mmf", fixture("nul.mmf"));
    let lines = place.mmf(&["check", "a.mmf", "--format", "json"]).ends(1).lines();
    assert_eq!((&lines[0]["code"], &lines[0]["column"]), (&"E0002".into(), &49.into()));
}

#[test]
fn an_empty_table() {
    refused("empty.csv", "E0208", &["is empty: it has no header"]);
    refused("only-newlines.csv", "E0208", &["is empty: it has no header"]);
    // A header alone is a table without rows: there is nothing to split.
    refused("header-only.csv", "E0213", &["`header-only.csv` has no rows", "a header stands there alone"]);
    over("header-only.csv").mmf(&["check", "a.mmf", "--no-data"]).ends(0);
}

#[test]
fn a_table_that_is_not_utf_8() {
    refused("gbk.csv", "E0208", &["is not UTF-8: line 2, column 4; save it as UTF-8"]);
    refused("nul.csv", "E0208", &["zero byte: line 2, column 6"]);
}

#[test]
fn ragged_rows() {
    refused("ragged-short.csv", "E0208", &["line 3 has 2 cells, the header has 3"]);
    refused("ragged-long.csv", "E0208", &["line 3 has 4 cells, the header has 3"]);
    refused("open-quote.csv", "E0208", &["line 2, column 4", "never closes"]);
}

#[test]
fn what_looks_odd_and_is_fine() {
    ["bom.csv", "crlf.csv", "newline-in-quotes.csv"].into_iter().for_each(fine);
}

#[test]
fn a_wrong_header() {
    refused("duplicate-header.csv", "E0208", &["two columns `text`"]);
    let place = over("wrong-header.csv");
    let lines = place.mmf(&["check", "a.mmf", "--format", "json"]).ends(1).lines();
    let said: Vec<String> = lines.iter().map(|l| l.to_string()).collect();
    assert_eq!(lines.len(), 3, "{said:?}");
    assert!(lines.iter().all(|l| l["code"] == "E0202" && l["message"].as_str().unwrap().contains("wrong-header.csv")));
    assert!(said[0].contains("did you mean `ID`?") && said[2].contains("did you mean `star`?"), "{said:?}");
    assert!(said[1].contains("`ID`, `words`, `star`"), "{said:?}");
}

#[test]
fn keys_that_are_no_keys_and_cells_that_are_no_numbers() {
    refused("duplicate-keys.csv", "E0207", &["4: `r1`"]);
    refused(
        "missing-key.csv",
        "E0204",
        &["missing in 1 of 2 rows", "first at line 3", "a key is never missing: write one"],
    );
    refused("not-a-number.csv", "E0203", &["3: `many`"]);
    refused("not-finite.csv", "E0203", &["2: `NaN`", "3: `inf`", "4: `1e999`"]);
}

#[test]
fn a_column_of_only_missing_values() {
    refused("all-missing.csv", "E0204", &["missing in 3 of 3 rows", "mark it `?`"]);
    let place = Place::new();
    let rows: String = (0..20).map(|i| format!("i{i},{i},,{}\n", i % 2)).collect();
    place.write("items.csv", format!("item,price,hole,liked\n{rows}"));
    let text = |policy: &str| {
        format!(
            "source items = table(\"items.csv\") {{ item: key, price: float, hole: float?, liked: bool }}\n\
             prepare parts = items |> split(train = 60%, test = 40%)\n\
             train taste = classify(parts, label = liked) {{\n\
             output = concat(items.price, items.hole |> {policy}) |> dense(1) |> sigmoid\nepochs = 2\n}}\n\
             metric quality = taste on parts.test {{ accuracy }}\n"
        )
    };
    for (policy, words) in [
        ("fill(mean)", ["no value to take the mean of", "`fill(zero)` needs no training rows"]),
        ("standardize |> fill(zero)", ["no value to learn the scale from", "leave it out"]),
    ] {
        place.write("a.mmf", text(policy));
        let err = place.mmf(&["run", "a.mmf"]).ends(3).err();
        assert!(err.contains("error[E1022]") && err.contains("a.mmf:4:"), "{err}");
        words.iter().for_each(|word| assert!(err.contains(word), "{word}: {err}"));
    }
    place.write("a.mmf", text("fill(zero)"));
    run(&place, &["a.mmf"]);
    // Rows with holes left out: none is left, and that is counted.
    place.write(
        "a.mmf",
        "source items = table(\"items.csv\") { item: key, price: float, hole: float?, liked: bool }\n\
         prepare full = items |> drop_missing\n\
         prepare parts = full |> split(train = 60%, test = 40%)\n\
         train taste = classify(parts, label = liked) { output = concat(full.hole) |> dense(1) |> sigmoid }\n\
         metric quality = taste on parts.test { accuracy }\n",
    );
    let err = place.mmf(&["run", "a.mmf"]).ends(3).err();
    assert!(err.contains("left out 20 of 20 rows") && err.contains("no rows to split"), "{err}");
}

#[test]
fn a_key_without_features() {
    let place = Place::new();
    copy(&repository("examples/features"), &place.path("a"));
    let text = place.read("a/features.mmf");
    let check = || place.mmf(&["check", "a/features.mmf"]);
    let out = {
        place.write("a/features.mmf", text.replace("vector[8]?", "vector[8]"));
        check().ends(1).out()
    };
    assert!(out.contains("error[E0204]: `sound` is missing in 1 of 30 rows"), "{out}");
    assert!(out.contains("1 rows have no line in features.npy") && out.contains("mark it `?`"), "{out}");
    place.write("a/features.mmf", &text);
    // An array and its keys that do not belong together.
    let keys = place.read("a/keys.txt");
    let less: Vec<&str> = keys.lines().skip(1).collect();
    place.write("a/keys.txt", less.join("\n") + "\n");
    let out = check().ends(1).out();
    assert!(out.contains("features.npy") && out.contains("there are") && out.contains("keys"), "{out}");
    place.write("a/keys.txt", keys);
    for (name, word) in [("huge-shape.npy", "1000000000x1000000000"), ("truncated.npy", "is cut in its header")] {
        place.write("a/features.npy", fixture(name));
        let out = check().ends(1).out();
        assert!(out.contains("error[E0208]: the file `features.npy`") && out.contains(word), "{out}");
    }
}

const PICTURES: [(&str, &str); 6] = [
    ("truncated.png", "cut off or damaged"),
    ("truncated.jpg", "cut off or damaged"),
    ("truncated-scan.jpg", "cut off or damaged"),
    ("huge-header.png", "it claims 100000 × 100000 pixels"),
    ("empty.png", "the file is empty"),
    ("text-not-picture.png", "not a picture of a known format"),
];

/// Where pictures may be missing, an unusable one is: a skip, counted and reported, and told again from the store.
#[test]
fn an_unusable_picture_that_may_be_missing_is_a_counted_skip() {
    let place = shop(20, 8);
    for (name, words) in PICTURES {
        place.write("pictures/i4.ppm", fixture(name));
        for _ in 0..2 {
            let ran = place.mmf(&["run", "shop.mmf"]).ends(0);
            let told = events(&place.path("runs/latest"));
            let skipped: Vec<_> = told.iter().filter(|e| e["event"] == "skipped").collect();
            assert!(!skipped.is_empty(), "{name}");
            assert!(skipped.iter().all(|s| s["row"] == 4 && s["name"].as_str().unwrap().ends_with("i4.ppm")));
            assert!(ran.err().contains("1 row left out") && ran.err().contains(words), "{name}: {}", ran.err());
            let report = place.read("runs/latest/report.html");
            assert!(report.contains("i4.ppm"), "{name}");
        }
    }
}

/// Where they may not, it stops the run by its file and row; what others have cost is kept.
#[test]
fn an_unusable_picture_that_may_not_be_missing_stops_the_run() {
    let place = shop(200, 8);
    place.write("shop.mmf", SHOP.replace(".ppm\")?", ".ppm\")").replace("|> fill(mean) ", ""));
    for (name, words) in PICTURES {
        place.write("pictures/i150.ppm", fixture(name));
        let err = place.mmf(&["run", "shop.mmf"]).ends(3).err();
        assert!(err.contains("error[E1053]: row 151 of `items.picture`"), "{name}: {err}");
        assert!(err.contains("pictures/i150.ppm") && err.contains(words), "{name}: {err}");
        assert!(err.contains("mend the file, or mark the column `?`"), "{name}: {err}");
    }
    place.write("pictures/i150.ppm", picture(8, 150));
    let told = run(&place, &["shop.mmf"]);
    let made = rows_of(&told, "hsv_histogram");
    assert!((1..=64).contains(&made), "{made} of 200 pictures were read again");
    // One that is not there is known before anything runs.
    std::fs::remove_file(place.path("pictures/i9.ppm")).unwrap();
    let out = place.mmf(&["check", "shop.mmf"]).ends(1).out();
    assert!(out.contains("error[E02") && out.contains("picture"), "{out}");
}

/// One class is no error: all that can be measured is, and what cannot says so.
#[test]
fn one_class_only() {
    let place = shop(20, 8);
    place.write("items.csv", table(20).replace("true", "false"));
    place.write("shop.mmf", SHOP.replace("{ accuracy }", "{ accuracy, auc, log_loss }"));
    let ran = place.mmf(&["run", "shop.mmf"]).ends(0);
    let metrics: Vec<serde_json::Value> = serde_json::from_str(&place.read("runs/latest/metrics.json")).unwrap();
    let value = |name: &str| metrics.iter().find(|m| m["metric"] == name).unwrap()["value"].clone();
    assert!(value("accuracy").is_number(), "{metrics:?}");
    assert!(value("auc").is_null(), "{metrics:?}");
    assert!(value("log_loss").as_f64().unwrap() >= 0.0);
    assert!(ran.err().contains("quality.auc: not defined on these 4 rows"), "{}", ran.err());
}

#[test]
fn a_loss_that_stops_being_finite_stops_the_training_by_name() {
    let place = shop(40, 8);
    let sgd = |rate: &str| {
        let text = SHOP.replace("classify(parts, label = liked)", "regress(parts, label = spare)");
        text.replace(" |> sigmoid", "")
            .replace("adam(lr = 1e-2)", &format!("sgd(lr = {rate})"))
            .replace("accuracy", "mse")
    };
    place.write("shop.mmf", sgd("1e30"));
    let out = place.mmf(&["check", "shop.mmf"]).ends(1).out();
    assert!(out.contains("error[E0109]: `lr` lies in"), "{out}");
    place.write("shop.mmf", sgd("1000").replace("epochs    = 3", "epochs    = 50"));
    let err = place.mmf(&["run", "shop.mmf"]).ends(3).err();
    assert!(err.contains("error[E1030]: the loss stopped being a finite number at step"), "{err}");
    assert!(err.contains("`taste` failed here") && err.contains("a lower learning rate"), "{err}");
    assert_eq!(place.read("runs/latest/metrics.json").trim(), "[]");
    // Its features are kept.
    place.write("shop.mmf", SHOP);
    assert_eq!(rows_of(&run(&place, &["shop.mmf"]), "hsv_histogram"), 0);
}

/// However deep, it is an error in words; nothing overflows.
#[test]
fn deep_nesting() {
    let place = Place::new();
    let deep = 10_000;
    let texts = [
        (format!("param a = {}1{}\n", "(".repeat(deep), ")".repeat(deep)), "E0023"),
        (format!("extract a = {}x{}\n", "f(".repeat(deep), ")".repeat(deep)), "E0023"),
        (format!("extract a = {}{}\n", "[".repeat(deep), "]".repeat(deep)), "E0023"),
        (format!("extract a = {}{}\n", "{ a = ".repeat(deep), "}".repeat(deep)), "E00"),
        (format!("extract a = {}\n", "[".repeat(deep)), "E00"),
        (format!("extract a = {}x\n", "not ".repeat(deep)), "E00"),
        (format!("param a = {}1\n", "-".repeat(deep)), "E00"),
        (format!("param a = 1{}\n", " + 1".repeat(deep)), "E0023"),
        (format!("extract a = x{}\n", " |> relu".repeat(deep)), "E0023"),
        (format!("source a = table(\"a.csv\") {{ a: {}int{} }}\n", "col<".repeat(deep), ">".repeat(deep)), "E0"),
    ];
    for (text, code) in texts {
        place.write("a.mmf", &text);
        let shown: String = text.chars().take(40).collect();
        let lines = place.mmf(&["check", "a.mmf", "--no-data", "--format", "json"]).ends(1).lines();
        assert!(lines[0]["code"].as_str().unwrap().starts_with(code), "{shown}: {}", lines[0]["message"]);
        place.mmf(&["fmt", "a.mmf"]).ends(1);
        assert_eq!(place.read("a.mmf"), text, "{shown}");
    }
}

/// As deep as anyone writes is fine, in every verb; one more than the limit is said, by its place.
#[test]
fn a_hundred_brackets_are_the_limit() {
    let place = Place::new();
    place.write("items.csv", table(20));
    let nested = |deep: usize| {
        format!(
            "source items = table(\"items.csv\") {{ item: key, price: float }}\n\
             prepare cheap = items |> where({}price{} < 1.5)\n\
             extract scaled = {}cheap.price |> min_max{}\n\
             extract lists = {}scaled{}\n",
            "(".repeat(deep - 1),
            ")".repeat(deep - 1),
            "(".repeat(deep),
            ")".repeat(deep),
            "{ ".repeat(deep),
            " }".repeat(deep),
        )
    };
    for deep in [90, 100] {
        place.write("a.mmf", nested(deep));
        place.mmf(&["check", "a.mmf"]).ends(0);
        place.mmf(&["fmt", "a.mmf"]).ends(0);
        place.mmf(&["fmt", "--check", "a.mmf"]).ends(0);
        place.mmf(&["run", "a.mmf"]).ends(0);
    }
    place.write("a.mmf", nested(101));
    for verb in ["check", "run", "graph"] {
        let ran = place.mmf(&[verb, "a.mmf"]).ends(1);
        let said = ran.out() + &ran.err();
        assert_eq!(said.matches("error[E0023]").count(), 3, "{verb}: {said}");
        assert!(said.contains("a.mmf:2:") && said.contains("100 brackets"), "{verb}: {said}");
    }
    let text = place.read("a.mmf");
    place.mmf(&["fmt", "a.mmf"]).ends(1);
    assert_eq!(place.read("a.mmf"), text);
}

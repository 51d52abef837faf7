//! Ready networks and ready vectors of words: rows kept by content, a changed file, a file that is not there.

use super::shell::{Place, pictures, repository, rows_of, run};
use crate::cli::watch::Watch;

const FILE: &str = r#"source items = table("items.csv") {
    item:    key
    picture: image("pictures/{item}.ppm")?
    words:   text(language = en)
    price:   float
}

prepare parts = items |> split(train = 60%, validation = 20%, test = 20%)

extract look  = items.picture |> resize(8x8) |> onnx("models/look.onnx", output = "features", mean = 127, deviation = 128) |> fill(mean)
extract told  = items.words |> onnx("models/words.onnx", tokenizer = "models/tokenizer.json")
extract known = items.words |> tokenize |> word_vectors("models/words.vec") |> mean

train taste = regress(parts, label = price) {
    output = concat(look, told, known) |> dense(1)
    epochs = 2
}

metric quality = taste on parts.test { mse }
"#;

fn table(rows: usize) -> String {
    let words = ["the ship sails", "a storm at night, film", "great robot love-stories", "电影 and the film"];
    let row = |i: usize| format!("i{i},\"{} {i}\",{}\n", words[i % 4], i % 5);
    std::iter::once("item,words,price\n".to_string()).chain((0..rows).map(row)).collect()
}

fn place(rows: usize) -> Place {
    let place = Place::new();
    place.write("a.mmf", FILE);
    place.write("items.csv", table(rows));
    pictures(&place, "pictures", 0..rows, 8);
    for (group, name) in
        [("onnx", "look.onnx"), ("onnx", "words.onnx"), ("onnx", "tokenizer.json"), ("vectors", "words.vec")]
    {
        let bytes = std::fs::read(repository(&format!("tests/fixtures/{group}/{name}"))).unwrap();
        place.write(&format!("models/{name}"), bytes);
    }
    place
}

#[test]
fn a_row_goes_through_a_network_once() {
    let place = place(40);
    let first = run(&place, &["a.mmf", "--threads", "1"]);
    assert_eq!(rows_of(&first, "onnx"), 80);
    // New rows are all that is computed, of pictures and of texts.
    place.write("items.csv", table(50));
    pictures(&place, "pictures", 40..50, 8);
    assert_eq!(rows_of(&run(&place, &["a.mmf"]), "onnx"), 20);
    // A moved folder costs nothing.
    std::fs::rename(place.path("models"), place.path("others")).unwrap();
    place.write("a.mmf", FILE.replace("models/", "others/"));
    let moved = run(&place, &["a.mmf"]);
    assert_eq!((rows_of(&moved, "onnx"), rows_of(&moved, "word_vectors")), (0, 0));
    // A changed network computes all of its rows anew, and no others.
    let last = std::fs::read(repository("tests/fixtures/onnx/last.onnx")).unwrap();
    place.write("others/look.onnx", last);
    assert_eq!(rows_of(&run(&place, &["a.mmf"]), "onnx"), 50);
    // As does a tokenizer.
    let text = place.read("others/tokenizer.json");
    place.write("others/tokenizer.json", text.replace("\"max_length\": 10", "\"max_length\": 5"));
    assert_eq!(rows_of(&run(&place, &["a.mmf"]), "onnx"), 50);
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let digests = |threads: &str| {
        let place = place(70);
        run(&place, &["a.mmf", "--threads", threads]);
        super::shell::results(&place.path("runs/latest"))
    };
    assert_eq!(digests("1"), digests("4"));
}

#[test]
fn what_is_not_there_or_does_not_fit_is_found_by_the_check() {
    let place = place(10);
    place.mmf(&["check", "a.mmf"]).ends(0);
    let says = |text: &str| {
        place.write("b.mmf", text);
        let checked = place.mmf(&["check", "b.mmf"]);
        assert_ne!(checked.code(), 0);
        format!("{}{}", checked.out(), checked.err())
    };
    let said = says(&FILE.replace("models/look.onnx", "models/none.onnx"));
    assert!(said.contains("E0201") && said.contains("torch.onnx.export"), "{said}");
    let said = says(&FILE.replace("models/words.vec", "models/none.vec"));
    assert!(said.contains("E0201") && said.contains("fasttext.cc"), "{said}");
    let said = says(&FILE.replace("resize(8x8)", "resize(9x8)"));
    assert!(said.contains("E0302") && said.contains("8x8") && said.contains("9x8"), "{said}");
    let said = says(&FILE.replace("models/look.onnx", "items.csv"));
    assert!(said.contains("E0208"), "{said}");
    let said = says(&FILE.replace(", tokenizer = \"models/tokenizer.json\"", ""));
    assert!(said.contains("tokenizer = "), "{said}");
    place.mmf(&["check", "a.mmf", "--no-data"]).ends(0);
}

#[test]
fn a_changed_network_is_seen_by_watch() {
    let place = place(20);
    let watch = Watch::of_file(&place, "a.mmf");
    assert_eq!(rows_of(&watch.until_it_waits(), "onnx"), 40);
    place.write("models/look.onnx", std::fs::read(repository("tests/fixtures/onnx/last.onnx")).unwrap());
    assert_eq!(rows_of(&watch.until_it_waits(), "onnx"), 20);
}

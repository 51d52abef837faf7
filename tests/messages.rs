//! What messages say beside their codes: the place, the mend that one can paste, and the same in Chinese.

use mmf_lang::diagnostic::Diagnostic;

use crate::document::Program;

const FILMS: &str = r#"source films = table("films.csv") {
    film:   key
    title:  text(language = en)
    year:   int
    look:   vector[4]
    poster: image("posters/{film}.jpg")
    genre:  category
}
source ratings = table("ratings.csv") { user: category, film: ref(films), rating: int }
"#;

fn only(lines: &str) -> Diagnostic {
    let program = Program { text: format!("{FILMS}{lines}\n"), ..Program::default() };
    let checked = program.check();
    let said: Vec<&str> = checked.diagnostics.iter().map(|d| d.message.en.as_str()).collect();
    assert_eq!(said.len(), 1, "{lines}: {said:?}");
    checked.diagnostics[0].clone()
}

/// Says what the one mistake of these lines says, help and note with it; both languages have the same parts.
#[track_caller]
fn says(lines: &str, code: &str, words: &[&str]) {
    let d = only(lines);
    let texts = [Some(&d.message), Some(&d.label), d.help.as_ref(), d.note.as_ref()];
    let said: Vec<&str> = texts.iter().flatten().map(|t| t.en.as_str()).collect();
    let said = said.join(" | ");
    assert_eq!(d.code, code, "{said}");
    words.iter().for_each(|word| assert!(said.contains(word), "{word}: {said}"));
    for text in texts.iter().flatten() {
        assert_eq!(text.en.is_empty(), text.zh.is_empty(), "{text:?}");
    }
}

#[test]
fn one_equals_sign_is_no_comparison() {
    says(
        "prepare good = ratings |> where(rating = 4)",
        "E0105",
        &["`where` has no argument `rating`", "`==`", "write `where(rating == 4)`"],
    );
}

#[test]
fn a_core_names_the_column_as_it_is_written() {
    says(
        "prepare core = ratings |> k_core(user = \"five\")",
        "E0108",
        &["`k_core` takes the fewest rows that a value of `user` must have", "this is a text", "write `user = 5`"],
    );
    says("prepare core = ratings |> k_core(user = 2.5)", "E0108", &["this is 2.5"]);
    says("prepare core = films |> k_core(look = 2)", "E0301", &["`look` is vector[4]"]);
}

#[test]
fn a_part_in_its_whole_stead_is_mended_by_the_whole() {
    let parts = "prepare new = films |> where(year > 2000)\n";
    says(
        &format!("{parts}prepare old = films |> where(new.year < 2010)"),
        "E0403",
        &["`new` has only some of the rows", "read the whole table's column: `films.year`"],
    );
    says(
        &format!(
            "{parts}extract grey = new.poster |> resize(8x8) |> gray |> grid_density(2x2)\nfuse a = concat(grey, ratings.rating)"
        ),
        "E0403",
        &["compute it from columns of `films`, the whole table"],
    );
}

#[test]
fn small_slips_have_a_mend() {
    says("extract a = films.poster |> resize(32)", "E0108", &["`size` takes 2 sizes", "write `32x32`"]);
    says("prepare new = films |> where(year > \"2000\")", "E0306", &["write the number without quotes: `2000`"]);
    says("extract a = films.look |> mean", "E0301", &["`mean` takes a sequence, this is vector[4]", "`mean`: "]);
    says("def f(x: col<d, 文本>) = x |> tokenize\nextract a = f(films.title)", "E0116", &["the types are int, float"]);
}

/// Cells that are not of their type: what was probably meant.
#[test]
fn cells_say_what_was_probably_meant() {
    let table = "book,year,price,at,seen,stars\nb1,1999,NA,2024-01-31,01.02.2024,5\nb2,2000.5,NA,1700000000,2,3\n";
    let says = |column: &str, words: &str| {
        let text = format!("source books = table(\"books.csv\") {{ book: key, {column} }}\n");
        let data = [("books.csv".to_string(), table.as_bytes().to_vec())].into();
        let program = Program { text, data: Some(data), ..Program::default() };
        let found = program.check().diagnostics;
        let said: Vec<String> =
            found.iter().map(|d| format!("{} {}", d.message.en, d.help.as_ref().map_or("", |h| &h.en))).collect();
        assert!(said.len() == 1 && said[0].contains(words), "{column}: {said:?}");
    };
    says("year: int", "write `year: float`");
    says("price: float", "write `missing = \"NA\"` behind the path, and mark `price` `?`");
    says("at: time(iso)", "write `at: time(unix)`");
    says("seen: time(unix)", "dates are read by `time(iso)`");
    says("stars: int in 1..=4", "1 cell of `stars` is not in `1..=4`");
    says("stars: category in [\"3\"]", "is not in `[\"3\"]`");
}

/// What stands in a train is held to its arguments although its split is broken.
#[test]
fn a_broken_split_hides_no_misspelt_argument() {
    let lines = "prepare parts = films |> split(by = yaer, train = 80%, test = 20%)\n\
                 train t = regress(parts, label = year) { output = films.look |> dense(1), epoch = 5 }\n";
    let program = Program { text: format!("{FILMS}{lines}"), ..Program::default() };
    let said: Vec<String> =
        program.check().diagnostics.iter().map(|d| format!("{} {}", d.code, d.message.en)).collect();
    assert_eq!(said, ["E0206 `films` has no column `yaer`", "E0105 `regress` has no argument `epoch`"]);
}

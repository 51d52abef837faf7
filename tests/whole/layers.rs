//! Layers over pictures and words learn what no layer before them could: planted patterns, in small worlds.

use super::shell::{Place, metric};

/// Numbers from 0 to below `n`, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

/// Runs a pipeline and returns its accuracy on the test rows.
fn accuracy(place: &Place, output: &str) -> f64 {
    let text = std::fs::read_to_string(place.path("world.txt")).unwrap().replace("OUTPUT", output);
    place.write("world.mmf", text);
    place.mmf(&["check", "--strict", "world.mmf"]).ends(0);
    place.mmf(&["run", "world.mmf"]).ends(0);
    metric(&place.path("runs/latest"), "quality.accuracy")
}

/// Pictures of 10×10 with one bar of three points somewhere, lying or standing.
fn bars() -> Place {
    let place = Place::new();
    let (mut chance, mut table) = (Chance(1), String::from("id,lies\n"));
    for id in 0..240 {
        let lies = id % 2 == 0;
        let (down, across) = (chance.below(8) as usize, chance.below(8) as usize);
        let mut picture = b"P5\n10 10\n255\n".to_vec();
        let mut points = vec![0u8; 100];
        for step in 0..3 {
            let place = if lies { down * 10 + across + step } else { (down + step) * 10 + across };
            points[place] = 255;
        }
        picture.extend(points);
        place.write(&format!("bars/{id}.pgm"), picture);
        table.push_str(&format!("{id},{lies}\n"));
    }
    place.write("bars.csv", table);
    place.write(
        "world.txt",
        "source bars = table(\"bars.csv\") { id: key, lies: bool, bar: image(\"bars/{id}.pgm\") }\n\
         prepare parts = bars |> split(stratify = lies, train = 70%, test = 30%)\n\
         extract shape = bars.bar |> resize(10x10) |> gray\n\
         train t = classify(parts, label = lies) {\n\
         output = OUTPUT |> dense(1) |> sigmoid\n optimizer = adam(lr = 2e-2)\n epochs = 12\n batch = 16\n }\n\
         metric quality = t on parts.test { accuracy }\n",
    );
    place
}

#[test]
fn a_convolution_finds_a_pattern_wherever_it_stands() {
    let place = bars();
    let seen = accuracy(&place, "shape |> conv(4, kernel = 3x3) |> relu |> max_pool(8x8) |> flatten");
    assert!(seen > 0.95, "{seen}");
    // The points alone do not tell: each place is as often lit by either.
    let flat = accuracy(&place, "shape |> flatten");
    assert!(flat < 0.8, "{flat}");
    let normed = accuracy(&place, "shape |> conv(4, kernel = 3x3) |> batch_norm |> relu |> max_pool(8x8) |> flatten");
    assert!(normed > 0.9, "{normed}");
}

/// Lines of two to eight words; what counts is the first of them.
fn lines() -> Place {
    let place = Place::new();
    let (mut chance, mut table) = (Chance(5), String::from("id,yes,line\n"));
    for id in 0..300 {
        let words: Vec<&str> = (0..2 + chance.below(7)).map(|_| ["ja", "nein"][chance.below(2) as usize]).collect();
        table.push_str(&format!("{id},{},{}\n", words[0] == "ja", words.join(" ")));
    }
    place.write("lines.csv", table);
    place.write(
        "world.txt",
        "source lines = table(\"lines.csv\") { id: key, yes: bool, line: text(language = en) }\n\
         prepare parts = lines |> split(stratify = yes, train = 70%, test = 30%)\n\
         extract words = lines.line |> tokenize\n\
         train t = classify(parts, label = yes) {\n\
         output = OUTPUT |> dense(1) |> sigmoid\n optimizer = adam(lr = 2e-2)\n epochs = 25\n batch = 16\n }\n\
         metric quality = t on parts.test { accuracy }\n",
    );
    place
}

#[test]
fn layers_over_words_know_their_order() {
    let place = lines();
    let embedded = "words |> embedding(6, words = 10)";
    for layer in [
        "lstm(12)",
        "gru(12)",
        "bidirectional(8, cell = gru)",
        "self_attention(heads = 2, positions = waves) |> attention",
    ] {
        let found = accuracy(&place, &format!("{embedded} |> {layer}"));
        assert!(found > 0.95, "{layer}: {found}");
    }
    // The mean of the words does not.
    let found = accuracy(&place, &format!("{embedded} |> mean"));
    assert!(found < 0.85, "{found}");
}

//! What trains tell beside loss and metric: how stages weigh their inputs, and how discriminators do.

use serde_json::Value;

use super::shell::{Place, run};

const FILE: &str = r#"param seed = 4

source films = table("films.csv") {
    film: key
    look: vector[3](column = "look_*")
    plot: vector[2](column = "plot_*")
    good: bool
}

prepare parts = films |> split(train = 60%, test = 40%)

fuse seen = neural { films.look |> dense(6) }
fuse said = neural { films.plot |> dense(6) }
fuse both = neural { weighted(seen, said) }
fuse same = neural { attention(films.look |> dense(6), films.look |> dense(6) |> relu) }

train liked = classify(parts, label = good) {
    output    = concat(both, same, attention(seen, said)) |> dense(1) |> sigmoid
    loss      = cross_entropy + 0.1 * adversarial_alignment(seen, said, reverse = 0)
    optimizer = adam(lr = 2e-2)
    epochs    = 30
}

metric quality = liked on parts.test { accuracy }
"#;

/// Looks lie far from plots, so that a discriminator tells them apart.
fn place() -> Place {
    let place = Place::new();
    let mut rows = String::from("film,look_0,look_1,look_2,plot_0,plot_1,good\n");
    for film in 0..120u32 {
        let x = |by: u32| f64::from(film * by % 31) / 31.0 - 0.5;
        let good = x(7) > 0.0;
        rows += &format!("f{film},{},{},{},{},{},{good}\n", x(7) + 2.0, x(11) - 2.0, x(13), x(17) - 3.0, x(19) + 3.0);
    }
    place.write("films.csv", rows);
    place.write("a.mmf", FILE);
    place
}

/// Returns the points of a curve.
fn curve(events: &[Value], name: &str) -> Vec<f64> {
    let own = events.iter().filter(|e| e["event"] == "curve" && e["curve"] == name);
    own.map(|e| e["value"].as_f64().unwrap()).collect()
}

#[test]
fn the_report_names_what_each_input_counts() {
    let place = place();
    let events = run(&place, &["a.mmf"]);
    for stage in ["weighted 1", "attention 1", "attention 2"] {
        let [first, second] = [1, 2].map(|input| curve(&events, &format!("{stage}: input {input}")));
        assert_eq!((first.len(), second.len()), (30, 30), "{stage}");
        assert!(first.iter().zip(&second).all(|(a, b)| (a + b - 1.0).abs() < 1e-6));
    }
    let page = place.read("runs/latest/report.html");
    let table = page.split_once("What each input counts").unwrap().1.split("</table>").next().unwrap();
    // Stages without a name are called as their curves, inputs of one name are numbered.
    for words in ["both", "same", "attention 2", "seen", "said", "films.look (1)", "films.look (2)"] {
        assert!(table.contains(&format!(">{words}<")), "{words}: {table}");
    }
    assert_eq!(page.matches("shares of its inputs").count(), 3);
    assert!(!page.contains("<figcaption>weighted 1: input"));
}

#[test]
fn how_a_discriminator_does_is_told_of_each_epoch() {
    let place = place();
    let watched = run(&place, &["a.mmf"]);
    let [loss, right] = ["loss", "accuracy"].map(|what| curve(&watched, &format!("discriminator 1: {what}")));
    assert_eq!((loss.len(), right.len()), (30, 30));
    assert!(right[29] > 0.95 && loss[29] < 0.3, "{right:?}, {loss:?}");
    assert!(place.read("runs/latest/report.html").contains("discriminator 1: accuracy"));
}

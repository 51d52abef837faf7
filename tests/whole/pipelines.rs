//! The pipelines of the repository: sound, formatted, and as good as they say.

use super::shell::{Place, Ran, copy, files, metric, repository};

/// Runs the binary on a file of the repository, the store and the runs in `place`.
fn on(place: &Place, verb: &[&str], file: &str) -> Ran {
    let path = repository(file);
    place.mmf(&[verb, &[path.to_str().unwrap(), "--store", "store", "--runs", "runs"]].concat())
}

fn examples() -> [(&'static str, &'static str, f64); 3] {
    [("label", "quality.accuracy", 0.7), ("ranking", "quality.ndcg@10", 0.4), ("features", "quality.ndcg@10", 0.35)]
}

#[test]
fn every_example_is_sound_formatted_and_runs() {
    for (name, measured, floor) in examples() {
        let place = Place::new();
        copy(&repository(&format!("examples/{name}")), &place.path(name));
        let file = format!("{name}/{name}.mmf");
        place.mmf(&["check", "--strict", &file]).ends(0);
        assert_eq!(place.mmf(&["fmt", "--check", &file]).ends(0).out(), "");
        place.mmf(&["run", &file]).ends(0);
        let latest = place.path(name).join("runs/latest");
        let value = metric(&latest, measured);
        assert!(value >= floor, "{measured} of {name} is {value}, below {floor}");
        if name == "ranking" {
            let popular = metric(&latest, "baseline.ndcg@10");
            assert!(value > popular, "{value} is no better than popularity, {popular}");
        }
    }
}

#[test]
fn every_example_of_the_repository_is_tested() {
    let mut found: Vec<String> = std::fs::read_dir(repository("examples"))
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    let mut tested = examples().map(|(name, ..)| name);
    tested.sort();
    assert_eq!(found, tested);
}

#[test]
fn every_pipeline_is_formatted_and_sound() {
    let place = Place::new();
    let pipelines =
        files(&repository("pipelines")).into_iter().filter(|path| path.extension().is_some_and(|e| e == "mmf"));
    let mut count = 0;
    for path in pipelines.filter(|path| !path.to_string_lossy().contains("runs")) {
        assert_eq!(place.mmf(&["fmt", "--check", path.to_str().unwrap()]).ends(0).out(), "");
        place.mmf(&["check", "--no-data", "--strict", path.to_str().unwrap()]).ends(0);
        count += 1;
    }
    assert!(count >= 10);
}

/// All three together are at least as good as the best alone, in the mean of five seeds.
#[test]
fn fusion_helps_in_the_quickstart() {
    let place = Place::new();
    assert!(on(&place, &["check", "--strict"], "pipelines/quickstart.mmf").ends(0).out().ends_with("is sound\n"));
    let mut sums = [0.0; 4];
    for seed in ["7", "8", "9", "10", "11"] {
        on(&place, &["run", "--seed", seed], "pipelines/quickstart.mmf").ends(0);
        let names = ["picture.accuracy", "text.accuracy", "table.accuracy", "fused.accuracy"];
        for (sum, name) in sums.iter_mut().zip(names) {
            *sum += metric(&place.path("runs/latest"), name);
        }
    }
    let [picture, text, table, fused] = sums.map(|sum| sum / 5.0);
    println!("picture {picture:.4}, text {text:.4}, table {table:.4}, fused {fused:.4}");
    let best = picture.max(text).max(table);
    assert!(fused >= best, "fused {fused}, the best alone {best}");
    // The largest of the nine classes is a fifth of the rows.
    assert!(picture > 0.5 && text > 0.8 && table > 0.3, "{picture} {text} {table}");
}

/// The largest kind is a fifth of the rows; the words alone tell most of them.
#[test]
fn every_way_to_fuse_learns() {
    let place = Place::new();
    assert!(on(&place, &["check", "--strict"], "pipelines/fusions.mmf").ends(0).out().ends_with("is sound\n"));
    on(&place, &["run"], "pipelines/fusions.mmf").ends(0);
    let latest = place.path("runs/latest");
    for way in ["joined", "dropped", "added", "attended", "gated", "shifted", "products", "experts", "tokens"] {
        let accuracy = metric(&latest, &format!("m_{way}.accuracy"));
        assert!(accuracy > 0.78, "{way}: {accuracy}");
    }
}

/// The article's layers tell people from the rest: a fifth of the rows are people.
#[test]
fn the_article_runs() {
    let place = Place::new();
    on(&place, &["check", "--strict"], "pipelines/article.mmf").ends(0);
    on(&place, &["run"], "pipelines/article.mmf").ends(0);
    let latest = place.path("runs/latest");
    let (accuracy, recall) = (metric(&latest, "quality.accuracy"), metric(&latest, "quality.recall"));
    assert!(accuracy > 0.93 && recall > 0.8, "{accuracy} {recall}");
}

#[test]
fn digits_are_read() {
    let place = Place::new();
    on(&place, &["check", "--strict"], "pipelines/digits.mmf").ends(0);
    on(&place, &["run"], "pipelines/digits.mmf").ends(0);
    let accuracy = metric(&place.path("runs/latest"), "quality.accuracy");
    assert!(accuracy > 0.95, "{accuracy}");
}

#[test]
fn films_without_their_data_say_which_file_and_where_from() {
    let place = Place::new();
    std::fs::create_dir(place.path("pipelines")).unwrap();
    std::fs::copy(repository("pipelines/films.mmf"), place.path("pipelines/films.mmf")).unwrap();
    let out = place.mmf(&["check", "pipelines/films.mmf"]).ends(1).out();
    assert!(out.contains("error[E0201]") && out.contains("rec-movielens-100k/items.csv` is not there"), "{out}");
    assert!(out.contains("put it beside") && out.contains("GroupLens"), "{out}");
    place.mmf(&["check", "--no-data", "pipelines/films.mmf"]).ends(0);
    place.mmf(&["run", "pipelines/films.mmf"]).ends(1);
}

#[test]
fn films_with_their_data_are_sound() {
    if !repository("../shared/data/rec-movielens-100k").is_dir() {
        println!("skipped: ../shared/data/rec-movielens-100k is not there");
        return;
    }
    let place = Place::new();
    let out = on(&place, &["check", "--strict"], "pipelines/films.mmf").ends(0).out();
    assert!(out.ends_with("films.mmf is sound\n") && out.lines().count() == 1, "{out}");
}

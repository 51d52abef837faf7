//! What a change makes again: only what hangs on it, counted by the calls of stages' bodies.

use std::collections::BTreeSet;

use super::shell::{Place, SHOP, picture, pictures, rows_of, run, shop, stages, table};

#[test]
fn ten_pictures_among_ten_thousand_are_ten_extractions() {
    let place = shop(9_990, 8);
    let first = run(&place, &["shop.mmf"]);
    assert_eq!((rows_of(&first, "hsv_histogram"), rows_of(&first, "canny")), (9_990, 9_990));
    place.write("items.csv", table(10_000));
    pictures(&place, "pictures", 9_990..10_000, 8);
    let second = run(&place, &["shop.mmf"]);
    assert_eq!((rows_of(&second, "hsv_histogram"), rows_of(&second, "canny")), (10, 10));
    // One picture is another one; a name is not what counts.
    place.write("pictures/i77.ppm", picture(8, 20_000));
    place.write("pictures/i78.ppm", picture(8, 79));
    let third = run(&place, &["shop.mmf"]);
    assert_eq!((rows_of(&third, "hsv_histogram"), rows_of(&third, "canny")), (1, 1));
    assert!(run(&place, &["shop.mmf"]).iter().all(|e| e["event"] != "computed"));
}

/// Memory does not grow with the pictures: they are dropped as soon as their features exist.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_pictures() {
    let peak = |items: usize| {
        let place = shop(items, 96);
        // Without the train: the report keeps small pictures of up to 1,000 measured rows.
        place.write("shop.mmf", SHOP.split("\ntrain").next().unwrap());
        let mut command = place.command();
        command.args(["run", "shop.mmf", "--threads", "2"]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0;
        loop {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
            most = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(most);
            if let Some(done) = child.try_wait().unwrap() {
                assert!(done.success());
                return most;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    };
    // The decoded pictures alone are 14 and 55 MB.
    let (few, many) = (peak(500), peak(2_000));
    assert!(many as f64 <= few as f64 * 1.1, "{few} kB for 500 pictures, {many} kB for 2,000");
}

#[test]
fn words_and_places_change_nothing() {
    let place = Place::new();
    let all = shop(40, 8);
    super::shell::copy(&all.path(""), &place.path("before"));
    run(&place, &["before/shop.mmf"]);
    let renamed = SHOP.replace("colour", "hue").replace("taste", "liking").replace("look", "sight");
    let renamed = renamed.replace("items", "goods").replace("goods.csv", "items.csv").replace("parts", "pieces");
    let texts = [
        format!("# A comment.\n## And words for people.\n{SHOP}"),
        SHOP.replace(
            "extract edges  = items.picture |> gray",
            "extract edges = items.picture  # the same\n    |> gray",
        ),
        renamed,
        SHOP.replace("concat(colour, edges)", "concat(items.picture |> hsv_histogram(bins = 2x2x2), edges)")
            .replace("extract colour = items.picture |> hsv_histogram(bins = 2x2x2)\n", ""),
        SHOP.replace("low = 50, high = 150", "high = 150, low = 50"),
        SHOP.replace("epochs    = 3", "epochs    = rounds").replace("prepare parts", "param rounds = 3\nprepare parts"),
    ];
    for text in texts {
        place.write("before/shop.mmf", &text);
        let made = run(&place, &["before/shop.mmf"]);
        assert!(made.iter().all(|e| e["event"] != "computed"), "{text}\n{:?}", stages(&made));
    }
    // The folder moves as it is, its store in it.
    place.write("before/shop.mmf", SHOP);
    std::fs::rename(place.path("before"), place.path("after")).unwrap();
    let moved = run(&place, &["after/shop.mmf"]);
    assert_eq!(stages(&moved), BTreeSet::new());
    // The same with a store elsewhere.
    run(&place, &["after/shop.mmf", "--store", "kept"]);
    std::fs::rename(place.path("after"), place.path("elsewhere")).unwrap();
    assert_eq!(stages(&run(&place, &["elsewhere/shop.mmf", "--store", "kept", "--runs", "runs"])), BTreeSet::new());
    // Pictures in another folder: the table is read again, and no picture.
    std::fs::rename(place.path("elsewhere/pictures"), place.path("elsewhere/photos")).unwrap();
    place.write("elsewhere/shop.mmf", SHOP.replace("pictures/", "photos/"));
    let made = run(&place, &["elsewhere/shop.mmf"]);
    assert!(stages(&made).is_subset(&["table"].into()), "{:?}", stages(&made));
}

#[test]
fn a_changed_argument_makes_only_what_is_below() {
    let place = shop(60, 8);
    run(&place, &["shop.mmf"]);
    let below: BTreeSet<&str> = ["concat", "fill", "standardize", "classify", "accuracy"].into();
    let after = |from: &str, to: &str| {
        place.write("shop.mmf", SHOP.replace(from, to));
        run(&place, &["shop.mmf"])
    };
    let made = after("epochs    = 3", "epochs    = 4");
    assert_eq!(stages(&made), ["classify", "accuracy"].into());
    let made = after("bins = 2x2x2", "bins = 3x2x2");
    assert_eq!(rows_of(&made, "hsv_histogram"), 60);
    let others: BTreeSet<&str> = &stages(&made) - &below;
    assert_eq!(others, ["hsv_histogram"].into());
    let made = after("low = 50", "low = 60");
    assert_eq!(rows_of(&made, "canny"), 60);
    let others: BTreeSet<&str> = &stages(&made) - &below;
    assert_eq!(others, ["gray", "canny", "grid_density"].into());
    let made = after("{ accuracy }", "{ accuracy, f1 }");
    assert_eq!(stages(&made), ["f1"].into());
    // Back to what was there before.
    assert_eq!(stages(&after("", "")), BTreeSet::new());
    // A seed is read by what draws at random, and by nothing else.
    let made = run(&place, &["shop.mmf", "--seed", "9"]);
    assert!(stages(&made).contains("split") && stages(&made).contains("classify"), "{:?}", stages(&made));
    assert_eq!(rows_of(&made, "hsv_histogram") + rows_of(&made, "canny") + rows_of(&made, "table"), 0);
}

#[test]
fn a_cell_that_nothing_reads_changes_nothing() {
    let place = shop(40, 8);
    run(&place, &["shop.mmf"]);
    // `note` is not declared; `spare` is, and nothing reads it.
    place.write("items.csv", table(40).replace("n7,", "other,"));
    let made = run(&place, &["shop.mmf"]);
    assert_eq!(stages(&made), ["table"].into());
    place.write("items.csv", table(40).replace(",7,n7", ",700,n7"));
    let made = run(&place, &["shop.mmf"]);
    assert!(stages(&made).is_subset(&["table", "split"].into()), "{:?}", stages(&made));
    // A row in another place is the same row.
    let mut lines: Vec<String> = table(40).lines().map(str::to_string).collect();
    let last = lines.pop().unwrap();
    lines.insert(5, last);
    place.write("items.csv", lines.join("\n") + "\n");
    let made = run(&place, &["shop.mmf"]);
    assert_eq!(rows_of(&made, "hsv_histogram") + rows_of(&made, "canny"), 0);
    // And one that is read counts.
    place.write("items.csv", table(40).replace("i7,0.9", "i7,0.8"));
    let made = run(&place, &["shop.mmf"]);
    assert!(stages(&made).contains("classify") && !stages(&made).contains("canny"), "{:?}", stages(&made));
}

#[test]
fn why_names_the_change() {
    let place = shop(30, 8);
    let why = |node: &str| place.mmf(&["why", node, "shop.mmf"]).ends(0).out();
    let says = |node: &str, words: &[&str]| {
        let said = why(node);
        assert!(words.iter().all(|w| said.contains(w)), "{node}: {said}");
    };
    run(&place, &["shop.mmf"]);
    says("quality", &["nothing to do"]);
    place.write("shop.mmf", SHOP.replace("bins = 2x2x2", "bins = 4x2x2"));
    says("colour", &["`hsv_histogram`", "`bins`", "from [2, 2, 2] to [4, 2, 2]"]);
    says("edges", &["nothing to do"]);
    says("look", &["`colour`"]);
    says("taste", &["`look`"]);
    place.write("shop.mmf", SHOP);
    place.write("items.csv", table(30).replace("i7,0.9", "i7,0.8"));
    says("items", &["items.csv"]);
    says("taste", &["`items.price`"]);
    run(&place, &["shop.mmf"]);
    place.write("pictures/i3.ppm", picture(8, 999));
    says("items", &["nothing to do"]);
    says("colour", &["`items.picture` has other contents"]);
    run(&place, &["shop.mmf"]);
    let said = place.mmf(&["why", "taste", "shop.mmf", "--seed", "4"]).ends(0).out();
    assert!(said.contains("seed"), "{said}");
}

//! `watch` beyond single saves, which `tests/cli/watch.rs` shows: bursts, folders, and inputs of every kind.

use super::shell::{Place, copy, pictures, repository, rows_of, shop, table};
use crate::cli::watch::Watch;

/// Pictures that come in a burst, with the rows that name them.
#[test]
fn a_burst_of_new_pictures_is_read_once() {
    let place = shop(40, 8);
    let watch = Watch::of_file(&place, "shop.mmf");
    assert_eq!(rows_of(&watch.until_it_waits(), "canny"), 40);
    pictures(&place, "pictures", 40..60, 8);
    place.write("items.csv", table(60));
    let mut read = 0;
    // A slow machine may see it as more than one burst.
    while read < 20 {
        read += rows_of(&watch.until_it_waits(), "canny");
    }
    assert_eq!(read, 20);
}

/// A folder of pictures that is put in the place of another.
#[test]
fn a_folder_put_in_place_of_another() {
    let place = shop(30, 8);
    let watch = Watch::of_file(&place, "shop.mmf");
    watch.until_it_waits();
    pictures(&place, "others", 100..130, 8);
    for i in 0..30 {
        std::fs::rename(place.path(&format!("others/i{}.ppm", i + 100)), place.path(&format!("others/i{i}.ppm")))
            .unwrap();
    }
    std::fs::rename(place.path("pictures"), place.path("away")).unwrap();
    std::fs::rename(place.path("others"), place.path("pictures")).unwrap();
    let mut read = 0;
    while read < 30 {
        read += rows_of(&watch.until_it_waits(), "canny");
    }
    assert_eq!(read, 30);
    // And it is the new one that is watched.
    place.write("pictures/i4.ppm", super::shell::picture(8, 999));
    assert_eq!(rows_of(&watch.until_it_waits(), "canny"), 1);
}

/// Ready features and their keys are inputs as tables are; so is a file that is used.
#[test]
fn arrays_keys_and_used_files_are_watched() {
    let place = Place::new();
    copy(&repository("examples/features"), &place.path(""));
    let text = place.read("features.mmf");
    place.write("shared/sizes.mmf", "param size = 8\n");
    let text = format!(
        "use \"shared/sizes.mmf\"\n{}",
        text.replace("dense(8)", "dense(size)").replace("user, 8", "user, size")
    );
    place.write("features.mmf", text);
    let watch = Watch::of_file(&place, "features.mmf");
    assert!(watch.until_it_waits().iter().any(|e| e["event"] == "metric"));
    let array = std::fs::read(place.path("features.npy")).unwrap();
    let mut changed = array.clone();
    let last = changed.len() - 3;
    changed[last] ^= 1;
    place.write("features.npy", changed);
    let told = watch.until_it_waits();
    assert!(rows_of(&told, "numpy") > 0 && rows_of(&told, "table") == 0, "{told:?}");
    place.write("shared/sizes.mmf", "param size = 4\n");
    let told = watch.until_it_waits();
    assert!(rows_of(&told, "numpy") == 0 && told.iter().any(|e| e["event"] == "curve"), "{told:?}");
    place.write("shared/sizes.mmf", "param size = \n");
    assert!(watch.until_it_waits().iter().any(|l| l["severity"] == "error"));
    place.write("shared/sizes.mmf", "param size = 8\n");
    place.write("features.npy", array);
    let mut metrics = 0;
    while metrics == 0 {
        metrics = watch.until_it_waits().iter().filter(|e| e["event"] == "metric").count();
    }
}

//! Programs that break rules which chance rarely breaks.

use crate::small::{FILM_SOURCES, POST_SOURCES, RATING_SOURCES};

/// Programs on films and ratings.
const WRONG: &[&str] = &[
    "extract a = nothing |> min_max",
    "extract a = films.look |> min_max\nextract a = films.age |> standardize",
    "extract a = concat(b, films.look)\nextract b = concat(a, films.look)",
];

pub(crate) fn programs() -> Vec<String> {
    WRONG.iter().map(|text| format!("{FILM_SOURCES}{RATING_SOURCES}{POST_SOURCES}{text}\n")).collect()
}

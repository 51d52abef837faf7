//! Stages of the group `extract`, one file each; each is one line of the list.

mod canny;
mod each;
mod gray;
mod grid_density;
mod hsv_histogram;
mod mean;
mod resize;
mod stop_words;
mod term_frequency;
mod terms;
mod tf_idf;
mod tokenize;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[
    &resize::Resize,
    &gray::Gray,
    &hsv_histogram::HsvHistogram,
    &canny::Canny,
    &grid_density::GridDensity,
    &tokenize::Tokenize,
    &term_frequency::TermFrequency,
    &tf_idf::TfIdf,
    &mean::Mean,
];

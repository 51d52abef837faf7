//! Stages of the group `extract`, one file each; each is one line of the list.

mod bag_of_words;
mod canny;
mod channels;
mod colour_moments;
pub(crate) mod each;
mod edge_histogram;
pub(crate) mod fault;
mod gray;
mod grid_density;
mod histogram;
mod hsv_histogram;
mod knn_graph;
mod last;
mod lbp;
mod mean;
mod ngrams;
mod normalize;
pub(crate) mod onnx;
mod resize;
mod stop_words;
mod term_frequency;
mod terms;
mod tf_idf;
mod tokenize;
mod word2vec;
mod word_numbers;
pub(crate) mod word_vectors;

use mmf_data::stage::Stage;

pub(crate) static ALL: &[&dyn Stage] = &[
    &resize::Resize,
    &gray::Gray,
    &hsv_histogram::HsvHistogram,
    &canny::Canny,
    &grid_density::GridDensity,
    &lbp::Lbp,
    &histogram::Histogram,
    &colour_moments::ColourMoments,
    &edge_histogram::EdgeHistogram,
    &normalize::Normalize,
    &onnx::Onnx,
    &tokenize::Tokenize,
    &word2vec::Word2vec,
    &word_vectors::WordVectors,
    &word_numbers::WordNumbers,
    &ngrams::Ngrams,
    &term_frequency::TermFrequency,
    &bag_of_words::BagOfWords,
    &tf_idf::TfIdf,
    &knn_graph::KnnGraph,
    &mean::Mean,
    &last::Last,
];

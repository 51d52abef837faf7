//! The vocabulary: one file a stage, and the list of them.

mod experiment;
mod extract;
mod fuse;
mod metric;
mod prepare;
mod source;
mod train;
pub mod world;

#[cfg(test)]
mod examples;

pub use metric::confusion;
use mmf_data::stage::{Body, Metric, Stage};
use mmf_lang::signature::{Entry, Vocabulary};

/// Returns every stage, in the order of the docs.
pub fn all() -> impl Iterator<Item = &'static dyn Stage> {
    [source::ALL, prepare::ALL, extract::ALL, fuse::ALL, train::ALL, metric::ALL, experiment::ALL]
        .into_iter()
        .flatten()
        .copied()
}

/// Returns the stage of that name.
pub fn find(name: &str) -> Option<&'static dyn Stage> {
    all().find(|s| s.signature().name == name)
}

/// Returns the vocabulary as the checker takes it: how each alternative runs is read off its body.
pub fn vocabulary() -> Vocabulary {
    Vocabulary::new(
        all()
            .map(|stage| {
                let signature = stage.signature();
                Entry { signature, kinds: (0..signature.types.len()).map(|i| stage.body(i).kind()).collect() }
            })
            .collect(),
    )
}

/// Returns the metric of that name, for early stopping.
pub fn measure(name: &str) -> Option<Metric> {
    match find(name)?.body(0) {
        Body::Metric(metric) => Some(metric),
        _ => None,
    }
}

//! How `mmf` ends: every exit code, in one place.

use std::process::ExitCode;

/// The codes, from best to worst; where several files are looked at, the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// The pipeline is sound; what was asked for is done.
    Sound = 0,
    /// The pipeline is wrong: `check` has errors, a declared file is not there, or `fmt --check` found a difference.
    Wrong = 1,
    /// The command line is wrong, or the `.mmf` file cannot be read.
    Usage = 2,
    /// A sound pipeline failed while it ran, or was stopped.
    Failed = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

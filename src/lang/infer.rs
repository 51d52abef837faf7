//! What a stage's own `infer` function sees of a call.

use crate::types::Type;

/// Finds the type of a call; `None` where a mistake was reported.
pub type Infer = fn(&mut Inference<'_>) -> Option<Type>;

pub struct Inference<'a> {
    pub inputs: &'a [Type],
}

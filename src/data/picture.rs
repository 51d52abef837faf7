//! Pictures in memory.

/// A picture: 8-bit samples, row after row, channels together (1 grey, 3 red green blue).
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub samples: Vec<u8>,
}

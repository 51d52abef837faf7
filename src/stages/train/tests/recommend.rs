//! Rankings.

//! The parser and the formatter on whole files.

mod language;

//! What is wrong with a pipeline: facts, both places, and the mend, in English and Chinese side by side.

use crate::span::Span;

/// One sentence in each language that mmf speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub en: String,
    pub zh: String,
}

/// Writes a [`Text`]: the English format string, then the Chinese one. Both may use inline arguments only.
#[macro_export]
macro_rules! say {
    ($en:literal, $zh:literal $(,)?) => {
        $crate::diagnostic::Text { en: format!($en), zh: format!($zh) }
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// A second place that explains the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: Text,
}

/// One mistake. `code` is stable; its first two digits are the guarantee (`E04xx` is row identity).
///
/// The headline is lower case, without a full stop, true by itself in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub severity: Severity,
    pub span: Span,
    pub message: Text,
    /// What is at `span`; empty where the headline says it.
    pub label: Text,
    /// Other places, in the order of the file.
    pub labels: Vec<Label>,
    /// An edit that one can paste, only where we are sure.
    pub help: Option<Text>,
    /// Where a fact comes from.
    pub note: Option<Text>,
}

impl Diagnostic {
    pub fn error(code: &'static str, span: Span, message: Text) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            span,
            message,
            label: Text::default(),
            labels: Vec::new(),
            help: None,
            note: None,
        }
    }

    pub fn warning(code: &'static str, span: Span, message: Text) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    pub fn here(mut self, text: Text) -> Self {
        self.label = text;
        self
    }

    pub fn also(mut self, span: Span, text: Text) -> Self {
        self.labels.push(Label { span, text });
        self
    }

    pub fn help(mut self, text: Text) -> Self {
        self.help = Some(text);
        self
    }

    pub fn note(mut self, text: Text) -> Self {
        self.note = Some(text);
        self
    }
}

//! Diagnostics in words: drawn beside the source for people, a JSON object a line for programs.

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, NamedSource, SourceCode,
    SourceSpan, SpanContents,
};
use mmf_lang::analysis::{Checked, SourceFile};
use mmf_lang::diagnostic::{Diagnostic, Severity, Text};
use mmf_lang::say;
use mmf_lang::span::{FileId, Span, place};
use serde::Serialize;

use super::screen::{Screen, Style};

/// How many mistakes of each kind were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
}

impl Count {
    /// Counts what a check found.
    pub(crate) fn of(checked: &Checked) -> Count {
        let errors = checked.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        Count { errors, warnings: checked.diagnostics.len() - errors }
    }
}

/// Shows all that a check found: to stdout as results, else to stderr. JSON goes to stdout always.
pub(crate) fn show(screen: &Screen, checked: &Checked, stdout: bool) {
    for diagnostic in &checked.diagnostics {
        if screen.is_json() {
            screen.out(&line(screen, &checked.files, diagnostic));
        } else if stdout {
            screen.out(&draw(screen, &checked.files, diagnostic, true));
        } else {
            screen.tell(&draw(screen, &checked.files, diagnostic, false));
        }
    }
}

/// Returns «2 errors, 1 warning in pipeline.mmf».
pub(crate) fn summary(count: Count, path: &str) -> Text {
    let Count { errors, warnings } = count;
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    let (e, w) = (plural(errors), plural(warnings));
    match (errors, warnings) {
        (0, 0) => say!("{path} is sound", "{path} 没有问题"),
        (0, _) => say!("{path} is sound; {warnings} warning{w}", "{path} 没有错误，{warnings} 个警告"),
        (_, 0) => say!("{errors} error{e} in {path}", "{path} 中有 {errors} 个错误"),
        _ => {
            say!("{errors} error{e}, {warnings} warning{w} in {path}", "{path} 中有 {errors} 个错误、{warnings} 个警告")
        }
    }
}

#[derive(Serialize)]
struct Line<'d> {
    code: &'d str,
    severity: &'d str,
    message: &'d str,
    file: &'d str,
    #[serde(flatten)]
    range: Range,
    help: Option<&'d str>,
    note: Option<&'d str>,
    labels: Vec<LineLabel<'d>>,
}

#[derive(Serialize)]
struct LineLabel<'d> {
    file: &'d str,
    #[serde(flatten)]
    range: Range,
    text: &'d str,
}

/// Lines and columns from 1, columns in Unicode scalars; the end is exclusive.
#[derive(Serialize)]
struct Range {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

fn file(files: &[SourceFile], id: FileId) -> (&str, &str) {
    files.get(id.0 as usize).map_or(("", ""), |f| (f.path.as_str(), f.text.as_ref()))
}

fn range(files: &[SourceFile], span: Span) -> Range {
    let text = file(files, span.file).1;
    let (start, end) = (place(text, span.start as usize), place(text, span.end as usize));
    Range { line: start.line, column: start.column, end_line: end.line, end_column: end.column }
}

/// Returns a diagnostic as one JSON object. Its labels hold what is at the place itself, too, where there is more to say
/// than the message does.
pub(crate) fn line(screen: &Screen, files: &[SourceFile], diagnostic: &Diagnostic) -> String {
    let label = |span: Span, text| LineLabel { file: file(files, span.file).0, range: range(files, span), text };
    let here = screen.pick(&diagnostic.label);
    let own = (!here.is_empty()).then(|| label(diagnostic.span, here));
    let others = diagnostic.labels.iter().map(|l| label(l.span, screen.pick(&l.text)));
    let line = Line {
        code: diagnostic.code,
        severity: word(diagnostic.severity),
        message: screen.pick(&diagnostic.message),
        file: file(files, diagnostic.span.file).0,
        range: range(files, diagnostic.span),
        help: diagnostic.help.as_ref().map(|t| screen.pick(t)),
        note: diagnostic.note.as_ref().map(|t| screen.pick(t)),
        labels: own.into_iter().chain(others).collect(),
    };
    serde_json::to_string(&line).expect("names and texts are always JSON")
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Draws a diagnostic beside the source: the headline, the places in its file, those in other files, help and note.
pub(crate) fn draw(screen: &Screen, files: &[SourceFile], diagnostic: &Diagnostic, stdout: bool) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => say!("error", "错误"),
        Severity::Warning => say!("warning", "警告"),
    };
    let mut drawing = Drawing {
        head: format!("{}[{}]:", screen.pick(&severity), diagnostic.code),
        message: screen.pick(&diagnostic.message).to_string(),
        severity: match diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        },
        source: source(files, diagnostic.span.file),
        labels: vec![labeled(files, diagnostic.span, screen.pick(&diagnostic.label), true)],
    };
    let mut elsewhere: Vec<(FileId, Vec<LabeledSpan>)> = Vec::new();
    for label in &diagnostic.labels {
        let drawn = labeled(files, label.span, screen.pick(&label.text), false);
        if label.span.file == diagnostic.span.file {
            drawing.labels.push(drawn);
        } else if let Some((_, others)) = elsewhere.iter_mut().find(|(id, _)| *id == label.span.file) {
            others.push(drawn);
        } else {
            elsewhere.push((label.span.file, vec![drawn]));
        }
    }
    let mut out = drawing.render(screen, stdout);
    for (id, labels) in elsewhere {
        let other = file(files, id).0;
        let drawing = Drawing {
            head: "…".into(),
            message: screen.pick(&say!("and in {other}", "以及 {other}")).to_string(),
            severity: miette::Severity::Advice,
            source: source(files, id),
            labels,
        };
        out.push('\n');
        out.push_str(&drawing.render(screen, stdout));
    }
    screen.footers(stdout, diagnostic.help.as_ref(), diagnostic.note.as_ref(), &mut |line| {
        out.push('\n');
        out.push_str(line);
    });
    out.push('\n');
    out
}

fn source(files: &[SourceFile], id: FileId) -> Source {
    let (path, text) = file(files, id);
    Source(NamedSource::new(path, text.to_string()))
}

/// A source that says how many lines a piece of it has. miette's own counts them from the file's beginning, and so draws all lines
/// between places that are far apart.
#[derive(Debug)]
struct Source(NamedSource<String>);

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let piece = self.0.read_span(span, before, after)?;
        let lines = piece.data().iter().filter(|&&byte| byte == b'\n').count();
        Ok(Box::new(MietteSpanContents::new_named(
            self.0.name().to_string(),
            piece.data(),
            *piece.span(),
            piece.line(),
            piece.column(),
            lines,
        )))
    }
}

/// Returns a label whose bytes are within the text and at the bounds of characters.
fn labeled(files: &[SourceFile], span: Span, text: &str, primary: bool) -> LabeledSpan {
    let source = file(files, span.file).1;
    let bound =
        |at: u32| (0..=(at as usize).min(source.len())).rev().find(|&i| source.is_char_boundary(i)).unwrap_or(0);
    let (start, end) = (bound(span.start), bound(span.end));
    let label = (!text.is_empty()).then(|| text.to_string());
    let length = end.saturating_sub(start);
    if primary {
        LabeledSpan::new_primary_with_span(label, (start, length))
    } else {
        LabeledSpan::new_with_span(label, (start, length))
    }
}

/// What miette draws.
#[derive(Debug)]
struct Drawing {
    head: String,
    message: String,
    severity: miette::Severity,
    source: Source,
    labels: Vec<LabeledSpan>,
}

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawing {}

impl miette::Diagnostic for Drawing {
    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

impl Drawing {
    /// Draws it. The headline takes the place of miette's sign for the severity.
    fn render(&self, screen: &Screen, stdout: bool) -> String {
        let mut theme =
            if screen.colors(stdout) { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        for sign in [&mut theme.characters.error, &mut theme.characters.warning, &mut theme.characters.advice] {
            sign.clone_from(&self.head);
        }
        let handler =
            GraphicalReportHandler::new_themed(theme).with_wrap_lines(false).with_links(false).with_context_lines(1);
        let mut drawn = String::new();
        if handler.render_report(&mut drawn, self).is_err() {
            // The headline says enough.
            return format!("{} {}", screen.style(stdout, Style::Red, &self.head), self.message);
        }
        drawn.trim_end().strip_prefix("  ").unwrap_or(&drawn).trim_end().to_string()
    }
}

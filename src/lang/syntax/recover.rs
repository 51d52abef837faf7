//! Lines that stand where a declaration should, and what is kept of broken declarations.

use super::build::normal;
use super::cut::misspelt;
use super::look::Look;
use super::message;
use super::scan::{KEYWORDS, PieceKind, is_name};
use super::tree::{Declaration, DeclarationKind, Keyword, Name};
use super::work::Work;
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// Lines side by side that declare nothing: one mistake.
#[derive(Default)]
pub(crate) struct Strays {
    /// Whether the line before is one of them.
    open: bool,
    /// Where such lines stand; nothing else is said about them.
    pub(crate) places: Vec<Span>,
}

impl Strays {
    pub(crate) fn end(&mut self) {
        self.open = false;
    }
}

/// Looks at a stretch that stands where a declaration should. Returns a broken declaration where it can be mended into one,
/// to be read for its other mistakes; else all is said.
pub(crate) fn begin(work: &mut Work, strays: &mut Strays, errors: &mut Vec<Diagnostic>) -> Option<Declaration> {
    let text = work.text.clone();
    let look = Look::new(&text);
    let first = look.at(0)?;
    let span = |i: usize| work.span(look.pieces[i].start..look.pieces[i].end);
    let (word, piece) = (look.word(first), look.pieces[first]);
    let second = look.after(first).filter(|&s| !look.begins_line(s));
    let keyword = KEYWORDS.contains(&word);
    let name = |i: usize| Name { text: normal(look.word(i)), span: span(i) };
    let whole = work.span(piece.start..text.trim_end().len());
    let broken =
        |name: Name| Declaration { doc: None, span: whole, kind: DeclarationKind::Broken { keyword: None, name } };

    if misspelt(&text, &look.pieces[first..])
        && let Some(second) = second
    {
        let (meant, near) = meant(word);
        errors.push(message::unknown_keyword(span(first), word, meant, near));
        let declaration = broken(name(second));
        let def = look.after(second).is_some_and(|n| look.word(n) == "(");
        let with = match meant {
            _ if def => "def",
            Some("use") | None => "prepare",
            Some(meant) => meant,
        };
        work.replace(piece.start..piece.end, with);
        strays.end();
        return Some(declaration);
    }
    if piece.kind == PieceKind::Word
        && let Some(second) = second
    {
        let kind = look.pieces[second].kind;
        match look.word(second) {
            "=" if keyword => {
                errors.push(message::nameless(span(first), word));
                strays.end();
                return skip(strays, whole);
            }
            "=" if is_name(word) => {
                let value = look.after(second).map(|v| look.pieces[v].kind);
                let literal = matches!(value, Some(PieceKind::Number | PieceKind::Text { .. }));
                errors.push(message::no_keyword(span(first), word, literal));
                let declaration = broken(name(first));
                work.insert(piece.start, "prepare ");
                strays.end();
                return Some(declaration);
            }
            _ if keyword && matches!(kind, PieceKind::Number | PieceKind::Text { .. }) => {
                errors.push(message::no_name_behind(span(second), word));
                strays.end();
                return skip(strays, whole);
            }
            _ if matches!(kind, PieceKind::Text { .. }) && !strays.open => {
                if let (Some("use"), _) = meant(word) {
                    errors.push(message::unknown_keyword(span(first), word, Some("use"), true));
                    strays.end();
                    return None;
                }
            }
            _ => {}
        }
        if word == "use" && !strays.open {
            errors.push(message::use_path(span(second)));
            strays.end();
            return skip(strays, whole);
        }
        let python = matches!(word, "import" | "from") && is_name(look.word(second));
        if python && !strays.open {
            errors.push(message::unknown_keyword(span(first), word, Some("use"), false));
            return skip(strays, whole);
        }
    }
    if keyword && second.is_none() {
        errors.push(message::nameless(span(first), word));
        strays.end();
        return skip(strays, whole);
    }
    if matches!(word, ")" | "]" | "}") {
        errors.push(message::closes_nothing(span(first), word));
    } else if !strays.open {
        let line = look.pieces[first..].iter().take_while(|p| p.is_code()).last().map_or(piece.end, |p| p.end);
        errors.push(message::stray(work.span(piece.start..line)));
    }
    strays.open = true;
    skip(strays, whole)
}

fn skip(strays: &mut Strays, whole: Span) -> Option<Declaration> {
    strays.places.push(whole);
    None
}

/// Returns the keyword that was meant by another word, and whether it is only misspelt.
fn meant(word: &str) -> (Option<&'static str>, bool) {
    let near = KEYWORDS
        .iter()
        .map(|k| (strsim::osa_distance(word, k), *k))
        .filter(|(distance, k)| *distance <= 1 + k.len() / 4)
        .min();
    if let Some((_, keyword)) = near {
        return (Some(keyword), true);
    }
    let carried = match word.to_lowercase().as_str() {
        "let" | "const" | "var" | "val" | "set" | "int" | "float" | "parameter" | "arg" | "hyper" => "param",
        "import" | "include" | "from" | "require" | "load" => "use",
        "fn" | "function" | "func" | "define" | "macro" | "lambda" => "def",
        "data" | "dataset" | "table" | "input" | "csv" => "source",
        "preprocess" | "transform" | "filter" | "split" | "clean" => "prepare",
        "feature" | "features" | "encode" | "encoder" => "extract",
        "model" | "network" | "neural" | "layer" | "fusion" | "combine" => "fuse",
        "fit" | "learn" | "task" | "trainer" => "train",
        "eval" | "evaluate" | "measure" | "score" | "test" => "metric",
        "ablate" | "sweep" | "study" | "run" => "experiment",
        _ => return (None, false),
    };
    (KEYWORDS.into_iter().find(|k| *k == carried), false)
}

/// Takes out what follows from another mistake on the same line: all that is said about lines that declare nothing, about a
/// line with an open string, and behind a mistake of which one can only guess what was meant.
pub(crate) fn thin(text: &str, strays: &Strays, errors: &mut Vec<Diagnostic>) {
    let own = ["E0003", "E0004", "E0009", "E0026", "E0027"];
    let stray = |error: &Diagnostic| {
        !own.contains(&error.code)
            && strays.places.iter().any(|p| p.start <= error.span.start && error.span.start < p.end)
    };
    let line = |at: u32| text[..at as usize].rfind('\n').map_or(0, |i| i + 1);
    let lines = |code: &str| -> Vec<usize> {
        errors.iter().filter(|e| e.code == code && !stray(e)).map(|e| line(e.span.start)).collect()
    };
    let (strange, open) = (lines("E0002"), lines("E0005"));
    let mut last = None;
    let mut guessed = None;
    errors.retain(|error| {
        let here = line(error.span.start);
        let single = SINGLE.contains(&error.code);
        let follows = error.code != "E0005" && open.contains(&here)
            || matches!(error.code, "E0001" | "E0010" | "E0026") && strange.contains(&here)
            || guessed == Some(here) && !single;
        let again = last == Some((error.code, error.span));
        last = Some((error.code, error.span));
        let kept = !stray(error) && !follows && !again;
        if kept && !single && !EXACT.contains(&error.code) {
            guessed = Some(here);
        }
        kept
    });
}

/// Mistakes within one piece: none of them follows from another.
const SINGLE: [&str; 9] = ["E0002", "E0003", "E0005", "E0006", "E0011", "E0012", "E0013", "E0018", "E0025"];

/// Mistakes behind which the text is surely read as it was meant, so that others on the line are true.
const EXACT: [&str; 7] = ["E0014", "E0016", "E0017", "E0020", "E0022", "E0023", "E0031"];

/// Returns the keyword and the name of a declaration that could not be read.
pub(crate) fn head(work: &Work) -> Option<(Option<Keyword>, Name)> {
    let look = Look::new(&work.text);
    let first = look.at(0)?;
    let name = look.after(first)?;
    let text = look.word(name);
    if !KEYWORDS.contains(&look.word(first)) || !is_name(text) {
        return None;
    }
    let keyword = Keyword::ALL.into_iter().find(|k| k.word() == look.word(first));
    Some((keyword, Name { text: normal(text), span: work.span(look.pieces[name].start..look.pieces[name].end) }))
}

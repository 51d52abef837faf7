//! Makes the brackets of a declaration match before the grammar sees it, so that one that is not closed costs one message.

use super::look::Look;
use super::message;
use super::scan::PieceKind;
use super::work::Work;
use crate::diagnostic::Diagnostic;

/// The most brackets that are mended in one declaration.
const MISTAKES: usize = 50;

/// How deep brackets may be nested.
pub(crate) const NESTING: usize = 100;

/// Closes what is not closed, takes out what closes nothing, and says so. Fails where brackets are nested too deep for the
/// grammar.
pub(crate) fn close(work: &mut Work, errors: &mut Vec<Diagnostic>) -> Result<(), Diagnostic> {
    let text = work.text.clone();
    let look = Look::new(&text);
    if let Some(deep) = too_deep(&look) {
        let piece = look.pieces[deep];
        return Err(message::too_deep(work.span(piece.start..piece.end)));
    }
    let mut edits = match_up(&look, false);
    if edits.iter().any(|edit| matches!(edit, Edit::Close { .. })) {
        // Where the lines' indents tell which bracket was forgotten, they are believed.
        let indented = match_up(&look, true);
        if indented.len() <= edits.len() {
            edits = indented;
        }
    }
    let mut puts: Vec<(std::ops::Range<usize>, &str)> = Vec::new();
    for edit in edits.iter().take(MISTAKES) {
        match *edit {
            Edit::Close { open, at } => {
                let piece = look.pieces[open];
                errors.push(message::unclosed(work.span(piece.start..piece.end), look.word(open)));
                puts.push((at..at, closing(look.word(open))));
            }
            Edit::Drop { close } if let Some(header) = missing_open(&look, close) => {
                let end = look.pieces[header].end;
                errors.push(message::no_open(work.span(end..end)));
                puts.push((end..end, " {"));
            }
            Edit::Drop { close } => {
                let piece = look.pieces[close];
                errors.push(message::closes_nothing(work.span(piece.start..piece.end), look.word(close)));
                puts.push((piece.start..piece.end, " "));
            }
            Edit::Swap { open, close } => {
                let (piece, opener) = (look.pieces[close], look.pieces[open]);
                let wanted = closing(look.word(open));
                errors.push(message::closes_other(
                    work.span(piece.start..piece.end),
                    work.span(opener.start..opener.end),
                    look.word(close),
                    wanted,
                ));
                puts.push((piece.start..piece.end, wanted));
            }
        }
    }
    // From the end, so that places stay true; what closes the innermost comes first where several stand at one place.
    puts.sort_by_key(|(range, _)| range.start);
    for (range, with) in puts.into_iter().rev() {
        work.replace(range, with);
    }
    Ok(())
}

/// Returns the piece with which brackets, also those of types, are nested too deep.
fn too_deep(look: &Look) -> Option<usize> {
    // How many `<` are open in each bracket; some are comparisons, which end with their line or at a word between them.
    let mut open = vec![0usize];
    let mut angles = 0usize;
    for (i, piece) in look.pieces.iter().enumerate() {
        let word = look.word(i);
        match word {
            "(" | "[" | "{" => open.push(0),
            ")" | "]" | "}" if open.len() > 1 => angles -= open.pop().unwrap_or(0),
            _ => {}
        }
        let depth = open.len() - 1;
        let innermost = open.last_mut().expect("the outermost level is never closed");
        match word {
            "<" => {
                *innermost += 1;
                angles += 1;
            }
            ">" if *innermost > 0 => {
                *innermost -= 1;
                angles -= 1;
            }
            "=" | "and" | "or" => angles -= std::mem::take(innermost),
            _ if piece.kind == PieceKind::LineEnd
                && look.before(i).is_none_or(|b| !matches!(look.word(b), "<" | ",")) =>
            {
                angles -= std::mem::take(innermost);
            }
            _ => {}
        }
        if depth + angles > NESTING {
            return Some(i);
        }
    }
    None
}

/// Returns the piece behind which a `{` is missing, if the `}` at `close` ends a block of indented lines.
fn missing_open(look: &Look, close: usize) -> Option<usize> {
    if look.word(close) != "}" || !look.begins_line(close) {
        return None;
    }
    let mut depth = 0usize;
    for i in 0..close {
        match look.word(i) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let Some(before) = look.before(i) else { continue };
        let inside =
            depth == 0 && look.pieces[i].is_code() && look.begins_line(i) && indent(look, i) > indent(look, close);
        if inside && look.ends_value(before) && look.word(i) != "|>" {
            return Some(before);
        }
    }
    None
}

enum Edit {
    /// The bracket `open` is closed by nothing; `at` is where it should have been.
    Close { open: usize, at: usize },
    /// The bracket `close` closes nothing.
    Drop { close: usize },
    /// The bracket `close` is of another kind than `open`, which it should close.
    Swap { open: usize, close: usize },
}

fn closing(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

fn match_up(look: &Look, indents: bool) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for i in 0..look.pieces.len() {
        match look.word(i) {
            "(" | "[" | "{" => open.push(i),
            sign @ (")" | "]" | "}") => {
                let fits = |o: usize| closing(look.word(o)) == sign;
                let mut partner = open.iter().rposition(|&o| fits(o) || look.word(o) == "{").filter(|&p| fits(open[p]));
                if indents && sign == "}" && look.begins_line(i) {
                    let mine = indent(look, i);
                    let even = open.iter().rposition(|&o| fits(o) && indent(look, o) == mine);
                    partner = even.or(partner);
                }
                match partner {
                    Some(position) if position + 1 == open.len() => {
                        open.pop();
                    }
                    // `( … ]`: the wrong kind rather than two mistakes, on one line.
                    Some(position)
                        if position + 2 == open.len() && indents && sign != "}" && balanced_by(look, i, &open) =>
                    {
                        edits.push(Edit::Swap { open: open[position + 1], close: i });
                        open.pop();
                    }
                    Some(position) => {
                        for forgotten in open.drain(position + 1..).rev().collect::<Vec<_>>() {
                            edits.push(Edit::Close { open: forgotten, at: end_of(look, forgotten, i) });
                        }
                        open.pop();
                    }
                    None => match open.last() {
                        Some(&last) if sign != "}" && look.word(last) != "{" => {
                            edits.push(Edit::Swap { open: last, close: i });
                            open.pop();
                        }
                        _ => edits.push(Edit::Drop { close: i }),
                    },
                }
            }
            _ => {}
        }
    }
    for forgotten in open.into_iter().rev() {
        edits.push(Edit::Close { open: forgotten, at: end_of(look, forgotten, look.pieces.len()) });
    }
    edits
}

/// Returns whether the bracket `close` is followed, later, by one that closes what stands around the innermost.
fn balanced_by(look: &Look, close: usize, open: &[usize]) -> bool {
    let wanted = closing(look.word(open[open.len() - 2]));
    let line = (close + 1..look.pieces.len()).take_while(|&i| look.pieces[i].is_code());
    line.into_iter().any(|i| look.word(i) == wanted)
}

/// Returns how far the line that `index` stands on is indented.
fn indent(look: &Look, index: usize) -> usize {
    let start = look.text[..look.pieces[index].start].rfind('\n').map_or(0, |i| i + 1);
    let line = &look.text[start..];
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Returns where a bracket that was not closed should have been: at the end of its line, or, where the line goes on inside
/// it, before the piece `limit`.
fn end_of(look: &Look, open: usize, limit: usize) -> usize {
    let before_limit = look.before(limit).map_or(look.text.len(), |b| look.pieces[b].end);
    if look.word(open) == "{" {
        return before_limit;
    }
    let mut last = open;
    let mut depth = 0usize;
    for i in open + 1..limit {
        match look.word(i) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !look.pieces[i].is_code() {
            if depth == 0 {
                break;
            }
            continue;
        }
        // A block opened behind a call belongs to the call: `f(a {` closes before the brace.
        if look.word(i) == "{" && depth == 1 && last != open && look.after(i).is_none_or(|a| look.begins_line(a)) {
            return look.pieces[last].end;
        }
        last = i;
    }
    if last == open || matches!(look.word(last), "," | "(" | "[" | "=" | "|>") {
        before_limit
    } else {
        look.pieces[last].end
    }
}

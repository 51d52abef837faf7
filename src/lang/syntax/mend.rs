//! Mends the text of a declaration where the grammar stopped: says what is wrong there, once, and writes over it something
//! that can be read, so that the grammar goes on to the next mistake.

use super::look::{Look, is_infix};
use super::message;
use super::scan::{HOLE, KEYWORDS, PieceKind, RESERVED, is_name};
use super::work::Work;
use crate::diagnostic::Diagnostic;
use std::ops::Range;

/// A mistake, and what to read instead.
struct Mend {
    error: Diagnostic,
    range: Range<usize>,
    with: String,
}

#[derive(Default)]
pub(crate) struct Mender {
    /// Where the grammar stopped before, in the file.
    stops: Vec<usize>,
}

impl Mender {
    /// Mends `work` where the grammar stopped; returns false where nothing can be made of it.
    pub(crate) fn mend(&mut self, work: &mut Work, at: usize, errors: &mut Vec<Diagnostic>) -> bool {
        let text = work.text.clone();
        let look = Look::new(&text);
        let at_file = work.place(at);
        let seen = self.stops.iter().filter(|&&stop| stop == at_file).count();
        self.stops.push(at_file);
        // The same place again: what was mended did not help, so more is taken out, without another word.
        if seen == 0
            && let Some(mend) = known(work, &look, at)
        {
            errors.push(mend.error);
            work.replace(mend.range, &mend.with);
            return true;
        }
        if seen == 0 {
            errors.push(unexpected(work, &look, at));
        }
        match cover(&look, at, seen.saturating_sub(1)) {
            Some(range) => {
                work.replace(range, &HOLE.to_string());
                true
            }
            None => false,
        }
    }
}

/// Returns what a place in the text says by itself, where no known mistake fits.
fn unexpected(work: &Work, look: &Look, at: usize) -> Diagnostic {
    let Some(index) = look.at(at) else {
        let end = look.text.trim_end().len();
        return message::ends_early(work.span(end..end));
    };
    let piece = look.pieces[index];
    let frame = look.frame(index).map(|f| look.word(f));
    message::unexpected(work.span(piece.start..piece.end), look.word(index), frame)
}

/// Returns the stretch to write a hole over: the value that `at` stands in, else its whole line, argument or element, else
/// the same of the brackets around it.
fn cover(look: &Look, at: usize, outwards: usize) -> Option<Range<usize>> {
    let mut index = look.at(at).unwrap_or(look.pieces.len());
    if index == look.pieces.len() {
        index = look.before(index)?;
    }
    for _ in 0..outwards {
        index = look.frame(index)?;
    }
    loop {
        let unit = look.unit(index);
        let range = value_of(look, unit.clone(), look.frame(index).is_none(), index)?;
        let holds = look.text[range.clone()].trim();
        if !holds.is_empty() && !holds.chars().all(|c| c == HOLE) {
            return Some(range);
        }
        let all = look.bytes(unit);
        let holds = look.text[all.clone()].trim();
        if look.frame(index).is_some() && !holds.is_empty() && !holds.chars().all(|c| c == HOLE) {
            return Some(all);
        }
        index = look.frame(index)?;
    }
}

/// Returns where the value in these pieces stands: behind `=`, or behind `:`, or all.
fn value_of(look: &Look, unit: Range<usize>, top: bool, index: usize) -> Option<Range<usize>> {
    if !top {
        let sign = look.after(unit.start).filter(|&i| i < unit.end && matches!(look.word(i), "=" | ":"));
        let start = match sign {
            Some(sign) if look.pieces[unit.start].kind == PieceKind::Word && sign < index => sign + 1,
            _ => unit.start,
        };
        return Some(look.bytes(start..unit.end));
    }
    // A declaration: its value, or the type before it.
    let mut depth = 0usize;
    let mut equals = None;
    for i in 0..look.pieces.len() {
        match look.word(i) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            "=" if depth == 0 => {
                equals = Some(i);
                break;
            }
            _ => {}
        }
    }
    let equals = equals?;
    let first = look.at(0)?;
    let colon = look.after(first).and_then(|name| look.after(name)).filter(|&c| look.word(c) == ":");
    let metric = look.word(first) == "metric";
    match colon {
        Some(colon) if index <= equals => Some(look.bytes(colon + 1..equals)),
        _ if index <= equals || metric => None,
        _ => {
            let mut end = look.pieces.len();
            while end > equals + 1 && !look.pieces[end - 1].is_code() {
                end -= 1;
            }
            Some(look.bytes(equals + 1..end))
        }
    }
}

/// Returns the mistake that the pieces at `at` show, and what to read instead, if it is one of those we know.
fn known(work: &Work, look: &Look, at: usize) -> Option<Mend> {
    let hole = HOLE.to_string();
    let index = look.at(at).unwrap_or(look.pieces.len());
    let before = look.before(index);
    let word = look.word(index);
    let previous = before.map_or("", |b| look.word(b));
    let span = |i: usize| work.span(look.pieces[i].start..look.pieces[i].end);
    let bytes = |i: usize| look.pieces[i].start..look.pieces[i].end;
    let line = look.begins_line(index);
    let frame_index = look.frame(index);
    let frame = frame_index.map_or("", |f| look.word(f));
    let mend = |error: Diagnostic, range: Range<usize>, with: &str| Some(Mend { error, range, with: with.to_string() });

    // Something is missing before a closing bracket, a comma, or the end.
    let ends = index == look.pieces.len() || matches!(word, ")" | "]" | "}" | "," | ";" | "=");
    if let Some(b) = before
        && (ends || line && !is_infix(word))
    {
        let end = look.pieces[b].end;
        match previous {
            "=" if word != "=" => return mend(message::no_value(span(b), previous), end..end, &hole),
            "|>" => return mend(message::no_stage(span(b)), end..end, &hole),
            ":" => return mend(message::no_type(span(b)), end..end, &hole),
            "." | "@" if ends => return mend(message::no_name(span(b), previous), bytes(b), ""),
            _ if ends && (is_infix(previous) || matches!(previous, "not" | "..=")) => {
                return mend(message::no_value(span(b), previous), end..end, &format!(" {hole}"));
            }
            _ => {}
        }
        let formals = frame_index.and_then(|f| look.before(f)).and_then(|name| look.before(name));
        if ends && frame == "(" && formals.is_some_and(|d| look.word(d) == "def") && is_name(previous) {
            return mend(message::untyped(span(b), previous), end..end, &format!(": {hole}"));
        }
    }
    if index == look.pieces.len() {
        return metric(work, look, index);
    }
    if word == "," && (frame.is_empty() || matches!(previous, "(" | "[" | "{" | ",")) {
        return match frame {
            "" => mend(message::list_wanted(span(index)), look.pieces[index].start..code_end(look), ""),
            _ => mend(message::lone_comma(span(index)), bytes(index), " "),
        };
    }
    if word == "?" {
        return mend(message::question(span(index)), bytes(index), " ");
    }

    // A word of the language where a name is wanted.
    let reserved = look.pieces[index].kind == PieceKind::Word && RESERVED.contains(&word);
    let names = look.after(index).is_some_and(|n| matches!(look.word(n), "=" | ":"));
    if reserved && (matches!(previous, "." | "|>" | "@") || KEYWORDS.contains(&previous) || names) {
        let end = look.pieces[index].end;
        return mend(message::reserved(span(index), word), end..end, "_");
    }

    if let Some(b) = before {
        let gap = look.pieces[b].end..look.pieces[index].start;
        let named = look.pieces[b].kind == PieceKind::Word && is_name(previous);
        // A line cannot begin with an operator.
        if line && (is_infix(word) && look.ends_value(b)) {
            return mend(message::operator_first(span(index), word), gap, " ");
        }
        if word == "-" && (line || matches!(previous, "{" | "," | ";")) {
            return mend(message::minus_first(span(index)), bytes(index), "");
        }
        // What touches its name.
        if word == "@" && !gap.is_empty() && !line && look.ends_value(b) {
            let next =
                look.after(index).filter(|&n| !look.begins_line(n)).map_or(gap.end + 1, |n| look.pieces[n].start);
            return mend(message::touches(work.span(gap.clone()), previous, word), gap.start..next, "@");
        }
        if !gap.is_empty() && !line && named && matches!(word, "(" | "[") {
            return match word {
                "[" if !in_type(look, index) => mend(message::no_index(span(index)), index_range(look, index), ""),
                _ => mend(message::touches(work.span(gap.clone()), previous, word), gap, ""),
            };
        }
        if previous == "@" && !gap.is_empty() && !line && look.begins_value(index) {
            return mend(message::touches(work.span(gap.clone()), previous, word), gap, "");
        }
        if word == "[" && look.ends_value(b) && !in_type(look, index) && !line {
            return mend(message::no_index(span(index)), index_range(look, index), "");
        }
        if word == "%" {
            let number = look.pieces[b].kind == PieceKind::Number;
            let operand = look.after(index).is_some_and(|n| look.begins_value(n) && !look.begins_line(n));
            return match number && !operand {
                true => mend(message::touches(work.span(gap.clone()), previous, word), gap, ""),
                false => mend(message::no_operator(span(index), word), bytes(index), "*"),
            };
        }
        let outer = frame_index.and_then(|f| look.before(f)).and_then(|name| look.before(name));
        if previous == "=" && frame == "(" && outer.is_some_and(|d| look.word(d) == "def") {
            let unit = look.unit(index);
            return mend(message::default(span(index)), look.bytes(index..unit.end), &hole);
        }
        // Ranges.
        if previous == "in" {
            let unit = look.unit(index);
            let end = (index..unit.end).find(|&i| matches!(look.word(i), "and" | "or" | "{" | "?")).unwrap_or(unit.end);
            return mend(message::in_set(span(index)), look.bytes(index..end.max(index + 1)), &hole);
        }
        if previous == ".." && !line && look.begins_value(index) {
            return match look.pieces[index].kind {
                PieceKind::Number => mend(message::half_open(span(b)), bytes(b), "..="),
                _ => mend(message::bounds(span(index)), bytes(index), "1"),
            };
        }
        if previous == "..=" && look.begins_value(index) {
            return mend(message::bounds(span(index)), bytes(index), "1");
        }
        if matches!(word, ".." | "..=") && look.ends_value(b) {
            return mend(message::bounds(span(b)), value_range(look, index), &hole);
        }
        // Signs behind a name.
        let head = head_end(look);
        if frame.is_empty() && head.is_some_and(|name| before == Some(name)) {
            let name = look.pieces[b].end;
            if matches!(word, "==") {
                return mend(message::equals(span(index)), bytes(index), "=");
            }
            if word == ":" && look.word(look.at(0)?) == "param" {
                let equals = (index..look.pieces.len()).find(|&i| look.word(i) == "=")?;
                return mend(
                    message::typed_param(span(index)),
                    look.pieces[index].start..look.pieces[equals].start,
                    "",
                );
            }
            if look.after(index).is_some_and(|n| matches!(look.word(n), "=" | ":")) {
                return mend(message::two_names(span(index), previous), bytes(b), "");
            }
            if look.begins_value(index) && word != "(" || word == "|>" {
                return mend(message::no_equals(work.span(name..name), previous), name..name, " =");
            }
        }
        if frame.is_empty() && previous == ")" && look.begins_value(index) && is_def(look) {
            let equals = (0..index).any(|i| look.word(i) == "=" && look.frame(i).is_none());
            if !equals {
                let end = look.pieces[b].end;
                return mend(message::no_equals(work.span(end..end), previous), end..end, " =");
            }
        }
        if word == "=" {
            let unit = look.unit(index);
            let single = look.before(index).is_some_and(|b| b == unit.start);
            if !single && (look.ends_value(b)) {
                return mend(message::compares(span(index)), bytes(index), "==");
            }
        }
        if word == ":" {
            if frame == "{" && (line || matches!(previous, "{" | "," | ";")) {
                let unit = look.unit(index);
                return mend(message::no_name_before(span(index), word), look.bytes(index..unit.end), &hole);
            }
            // `a:` and on the next line `b: int`.
            if let Some(colon) = look.before(b).filter(|&c| look.word(c) == ":") {
                let end = look.pieces[colon].end;
                return mend(message::no_type(span(colon)), end..end, &hole);
            }
            if frame == "(" && named {
                return mend(message::colon(span(index)), bytes(index), " =");
            }
            if matches!(frame, "{" | "[") {
                let unit = look.unit(index);
                return mend(message::map(span(index)), look.bytes(unit), &hole);
            }
        }
        if previous == ":" && frame == "{" && (look.begins_value(index) || word == "-") {
            return mend(message::colon(span(b)), bytes(b), " =");
        }
        if word == ">" && previous == "<" && gap.is_empty() {
            return mend(
                message::sign_for(work.span(gap.start - 1..look.pieces[index].end), "<>", "!="),
                gap.start - 1..look.pieces[index].end,
                "!=",
            );
        }
        if previous == "|>" {
            let unit = match look.pieces[index].kind {
                PieceKind::Sign if matches!(word, "(" | "[" | "{") => index_range(look, index),
                _ => bytes(index),
            };
            return mend(message::stage_wanted(span(index), word), unit, &hole);
        }
        if previous == "." && word != "." {
            return mend(message::no_name(span(b), previous), bytes(b), " ");
        }
        if let Some(mend) = metric(work, look, index) {
            return Some(mend);
        }
        // Two values side by side.
        if look.ends_value(b) && look.begins_value(index) {
            let end = look.pieces[b].end;
            let place = work.span(end..end);
            if frame == "{" && !line && look.unit(index).start == b && named {
                if look.after(index).is_some_and(|n| matches!(look.word(n), "=" | ":")) {
                    return mend(message::two_names(span(index), previous), bytes(b), "");
                }
                let sign = sign_of_block(look, frame_index?, b);
                if sign != "," {
                    return mend(message::no_sign(place, previous, sign), end..end, sign);
                }
            }
            if matches!(frame, "(" | "[" | "{") && !(frame == "{" && line) {
                return mend(message::no_comma(place, word), end..end, ",");
            }
            if frame.is_empty() && !line {
                return mend(message::second(span(index), word), look.pieces[index].start..code_end(look), "");
            }
        }
    }
    None
}

/// Returns the index of the name that the first declaration in the text declares.
fn head_end(look: &Look) -> Option<usize> {
    let keyword = look.at(0)?;
    let name = look.after(keyword)?;
    (KEYWORDS.contains(&look.word(keyword)) && look.pieces[name].kind == PieceKind::Word).then_some(name)
}

/// Returns where the last piece of code ends.
fn code_end(look: &Look) -> usize {
    look.pieces.iter().rfind(|p| p.is_code()).map_or(0, |p| p.end)
}

fn is_def(look: &Look) -> bool {
    look.at(0).is_some_and(|first| look.word(first) == "def")
}

/// Returns whether the bracket `index` stands where a type does: behind `name:`.
fn in_type(look: &Look, index: usize) -> bool {
    let unit = look.unit(index);
    let mut signs = (unit.start..index).map(|i| look.word(i)).filter(|w| matches!(*w, ":" | "="));
    signs.next() == Some(":") && signs.next().is_none()
}

/// Returns where the bracket `index` and what it holds stand.
fn index_range(look: &Look, index: usize) -> Range<usize> {
    let mut depth = 0usize;
    for i in index..look.pieces.len() {
        match look.word(i) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth -= 1;
                if depth == 0 {
                    return look.pieces[index].start..look.pieces[i].end;
                }
            }
            _ => {}
        }
    }
    look.pieces[index].start..look.pieces[index].end
}

/// Returns where the value stands whose range was cut at `index`.
fn value_range(look: &Look, index: usize) -> Range<usize> {
    let unit = look.unit(index);
    let sign = (unit.start..index).rev().find(|&i| matches!(look.word(i), "=" | "in" | ":"));
    look.bytes(sign.map_or(unit.start, |s| s + 1)..unit.end)
}

/// Returns the sign that stands behind the names in the lines of a block: `:`, `=`, or `,` where neither does.
fn sign_of_block<'t>(look: &Look<'t>, open: usize, but: usize) -> &'t str {
    let mut depth = 0usize;
    for i in open + 1..look.pieces.len() {
        match look.word(i) {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" if depth == 0 => return ",",
            ")" | "]" | "}" => depth -= 1,
            sign @ (":" | "=") if depth == 0 && i != but => return sign,
            _ => {}
        }
    }
    ","
}

/// Returns what is wrong with the parts of a metric.
fn metric(work: &Work, look: &Look, index: usize) -> Option<Mend> {
    let keyword = look.at(0)?;
    if look.word(keyword) != "metric" || look.frame(index).is_some() {
        return None;
    }
    let before = look.before(index)?;
    let span = match look.pieces.get(index) {
        Some(piece) => work.span(piece.start..piece.end),
        None => work.span(look.pieces[before].end..look.pieces[before].end),
    };
    let error = message::metric(span);
    let end = look.pieces[before].end;
    let on = (0..index).any(|i| look.word(i) == "on");
    let equals = (0..index).any(|i| look.word(i) == "=");
    match (equals, on) {
        (true, false) if look.word(before) == "=" => Some(Mend { error, range: end..end, with: format!(" {HOLE}") }),
        (true, false) if look.word(index) == "{" => Some(Mend { error, range: end..end, with: format!(" on {HOLE}") }),
        (true, false) if index == look.pieces.len() => {
            Some(Mend { error, range: end..end, with: format!(" on {HOLE} {{}}") })
        }
        (true, false) if look.word(index) != "on" && look.ends_value(before) && look.begins_value(index) => {
            Some(Mend { error, range: end..end, with: " on".to_string() })
        }
        (true, true) if look.word(before) == "on" && look.word(index) == "{" => {
            Some(Mend { error, range: end..end, with: format!(" {HOLE}") })
        }
        (true, true) if index == look.pieces.len() => Some(Mend { error, range: end..end, with: " {}".to_string() }),
        _ => None,
    }
}

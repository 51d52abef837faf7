//! Aligns what stands side by side: the `=` of declarations and settings, the types of columns, the comments behind code.

use super::layout::Row;
use unicode_width::UnicodeWidthStr;

/// Where comments behind code stand, if nothing before them is longer.
const COMMENTS: usize = 54;

/// Pads the rows.
pub(crate) fn align(rows: &mut [Row]) {
    let mut start = 0;
    while start < rows.len() {
        let end = group(rows, start);
        let width = |row: &Row| row.mark.as_ref().map_or(0, |(_, at)| row.text[..*at].width());
        let marked = rows[start].mark.is_some() && rows[start].whole;
        if marked {
            let widest = rows[start..end].iter().filter(|r| !r.text.is_empty()).map(width).max().unwrap_or(0);
            for row in rows[start..end].iter_mut().filter(|r| !r.text.is_empty()) {
                let missing = widest - width(row);
                if let Some((_, at)) = row.mark {
                    row.text.insert_str(at, &" ".repeat(missing));
                }
            }
        }
        start = end;
    }
}

/// Returns where the rows end that are aligned with the row `start`; comments between them do not count.
fn group(rows: &[Row], start: usize) -> usize {
    let first = &rows[start];
    let Some((key, _)) = first.mark.as_ref().filter(|_| first.whole) else { return start + 1 };
    let mut end = start + 1;
    for (i, row) in rows.iter().enumerate().skip(start + 1) {
        if row.apart || row.indent != first.indent {
            break;
        }
        if row.text.is_empty() {
            continue;
        }
        if !row.whole || row.mark.as_ref().is_none_or(|(k, _)| k != key) {
            break;
        }
        end = i + 1;
    }
    end
}

/// Returns the width of a row without its comment.
pub(crate) fn width(row: &Row) -> usize {
    row.indent + row.text.width()
}

/// Writes the rows, each comment behind code in the column of its neighbours.
pub(crate) fn write(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut column = COMMENTS;
    let mut end = 0;
    for (i, row) in rows.iter().enumerate() {
        if i >= end {
            let beside = |r: &Row| r.comment.is_some() && !r.text.is_empty();
            end = i + 1;
            while beside(row)
                && end < rows.len()
                && beside(&rows[end])
                && !rows[end].apart
                && rows[end].indent == row.indent
            {
                end += 1;
            }
            let widest = rows[i..end].iter().map(width).max().unwrap_or(0);
            column = if widest + 2 <= COMMENTS { COMMENTS } else { widest + 3 };
        }
        if row.apart {
            text.push('\n');
        }
        text.push_str(&" ".repeat(row.indent));
        text.push_str(&row.text);
        if let Some(comment) = &row.comment {
            if !row.text.is_empty() {
                text.push_str(&" ".repeat(column.saturating_sub(width(row)).max(1)));
            }
            text.push_str(comment);
        }
        text.push('\n');
    }
    text
}

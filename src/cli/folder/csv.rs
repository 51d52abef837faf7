//! CSV as RFC 4180 has it, with line feeds.

/// Appends a line.
pub(super) fn line<S: AsRef<str>>(out: &mut String, cells: impl IntoIterator<Item = S>) {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let cell = cell.as_ref();
        if cell.contains([',', '"', '\n', '\r']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    #[test]
    fn cells_that_would_break_a_line_are_quoted() {
        let mut out = String::new();
        super::line(&mut out, ["a", "b,c", "say \"x\"", ""]);
        assert_eq!(out, "a,\"b,c\",\"say \"\"x\"\"\",\n");
    }
}

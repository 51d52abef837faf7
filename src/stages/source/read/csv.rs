//! CSV and TSV: RFC 4180 with any one-letter separator.
//!
//! Written by hand, since the reader of polars tells neither the line of a ragged row nor that of an open quote, and
//! takes short rows silently. Only wanted cells are copied. A quote means something only at the start of a cell; what
//! follows a closing quote belongs to the cell (as Python's `csv` reads it). Lines end in LF, CR LF or CR. Lines
//! without a letter are passed over.

use mmf_data::values::Texts;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;

use super::{Cells, Format, Frame, Wanted, choose};

pub(super) fn read(text: &str, cut: bool, separator: char, format: &Format, wanted: &Wanted) -> Result<Frame, Text> {
    if !separator.is_ascii() || matches!(separator, '"' | '\n' | '\r') {
        return Err(say!("cannot be separated by `{separator}`", "不能以 `{separator}` 分隔"));
    }
    let mut reader = Reader { text, bytes: text.as_bytes(), separator: separator as u8, at: 0, line: 1, start: 0 };
    let mut headers = Vec::new();
    match &format.headers {
        None => {
            if reader.row(|_, cell| headers.push(cell.trim().to_string()))?.is_none() {
                return Err(say!("is empty: it has no header", "是空文件：没有表头"));
            }
        }
        Some(names) => {
            let mut first = Reader { ..reader };
            let count = first.row(|_, _| ())?.map_or(names.len(), |(_, cells)| cells);
            headers = (0..count).map(|i| names.get(i).cloned().unwrap_or_else(|| format!("#{}", i + 1))).collect();
        }
    }
    let chosen = choose(&headers, wanted)?;
    // Where a header is not wanted, its cells go nowhere.
    let mut slots: Vec<Option<Texts>> = chosen.iter().map(|&c| c.then(Texts::default)).collect();
    let mut lines = Vec::new();
    loop {
        let keep = lines.len();
        let row = reader.row(|i, cell| {
            if let Some(Some(texts)) = slots.get_mut(i) {
                texts.push(if format.missing.iter().any(|m| m == cell) { "" } else { cell });
            }
        });
        match row {
            Ok(None) => break,
            Ok(Some((line, cells))) if cells == headers.len() && !(cut && reader.at == text.len()) => lines.push(line),
            // The sample ends within this row.
            _ if cut && reader.at == text.len() => {
                slots.iter_mut().flatten().for_each(|t| *t = t.iter().take(keep).collect());
                break;
            }
            Err(e) => return Err(e),
            Ok(Some((line, cells))) => {
                let expected = headers.len();
                return Err(if format.headers.is_some() {
                    say!(
                        "line {line} has {cells} cells, the first line has {expected}",
                        "第 {line} 行有 {cells} 个单元格，第一行有 {expected} 个"
                    )
                } else {
                    say!(
                        "line {line} has {cells} cells, the header has {expected}",
                        "第 {line} 行有 {cells} 个单元格，表头有 {expected} 个"
                    )
                });
            }
        }
    }
    let columns = headers
        .iter()
        .zip(slots)
        .filter_map(|(header, texts)| Some(Cells { header: header.clone(), texts: texts?, times: false }))
        .collect();
    Ok(Frame { headers, columns, lines, files: Vec::new() })
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    separator: u8,
    at: usize,
    line: u32,
    /// Where the present line starts.
    start: usize,
}

impl Reader<'_> {
    /// Reads one row and gives each cell with its number; returns the row's line and count of cells.
    fn row(&mut self, mut give: impl FnMut(usize, &str)) -> Result<Option<(u32, usize)>, Text> {
        while matches!(self.bytes.get(self.at), Some(b'\n' | b'\r')) {
            self.line_end();
        }
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let line = self.line;
        let mut cells = 0;
        loop {
            if self.bytes.get(self.at) == Some(&b'"') {
                give(cells, &self.quoted()?);
            } else {
                let from = self.at;
                self.plain();
                give(cells, &self.text[from..self.at]);
            }
            cells += 1;
            match self.bytes.get(self.at) {
                Some(&b) if b == self.separator => self.at += 1,
                Some(_) => {
                    self.line_end();
                    break;
                }
                None => break,
            }
        }
        Ok(Some((line, cells)))
    }

    /// Goes to the end of a cell.
    fn plain(&mut self) {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&b| b == self.separator || b == b'\n' || b == b'\r');
        self.at += end.unwrap_or(rest.len());
    }

    fn quoted(&mut self) -> Result<String, Text> {
        let (line, column) = (self.line, self.text[self.start..self.at].chars().count() + 1);
        let mut cell = String::new();
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let Some(end) = rest.iter().position(|&b| b == b'"') else {
                self.at = self.bytes.len();
                return Err(say!(
                    "line {line}, column {column}: a quote opens and never closes",
                    "第 {line} 行第 {column} 列：引号没有闭合"
                ));
            };
            let part = &self.text[self.at..self.at + end];
            for (i, _) in part.bytes().enumerate().filter(|&(_, b)| b == b'\n') {
                self.line += 1;
                self.start = self.at + i + 1;
            }
            cell.push_str(part);
            self.at += end + 1;
            if self.bytes.get(self.at) != Some(&b'"') {
                break;
            }
            cell.push('"');
            self.at += 1;
        }
        let from = self.at;
        self.plain();
        cell.push_str(&self.text[from..self.at]);
        Ok(cell)
    }

    /// Passes over one line end.
    fn line_end(&mut self) {
        let both = self.bytes[self.at..].starts_with(b"\r\n");
        self.at += if both { 2 } else { 1 };
        self.line += 1;
        self.start = self.at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, cut: bool) -> Result<Vec<String>, Text> {
        let format = Format { separator: None, headers: None, missing: vec!["NA".into()] };
        let frame = read(text, cut, ',', &format, &Wanted(vec!["*".into()]))?;
        Ok((0..frame.rows())
            .map(|i| frame.columns.iter().map(|c| c.texts.get(i)).collect::<Vec<_>>().join("|"))
            .collect())
    }

    #[test]
    fn cells_are_read_as_written() {
        assert_eq!(rows("a,b\n007,\"x\"\"y\"\nNA,\"\"\n", false).unwrap(), ["007|x\"y", "|"]);
        assert_eq!(rows("a,b\r1,\"q\" r\r\n\n2,s\"t", false).unwrap(), ["1|q r", "2|s\"t"]);
    }

    #[test]
    fn a_sample_drops_the_row_it_breaks() {
        assert_eq!(rows("a,b\n1,2\n3,", true).unwrap(), ["1|2"]);
        assert_eq!(rows("a,b\n1,2\n3,\"x\n4", true).unwrap(), ["1|2"]);
        assert_eq!(rows("a,b\n1,2\n3", true).unwrap(), ["1|2"]);
    }

    #[test]
    fn without_a_header_the_block_gives_the_names() {
        let format = Format { separator: None, headers: Some(vec!["x".into()]), missing: vec![] };
        let frame = read("1;2\n3;4\n", false, ';', &format, &Wanted(vec!["x".into()])).unwrap();
        assert_eq!(frame.headers, ["x", "#2"]);
        assert_eq!(frame.columns[0].texts.iter().collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(frame.lines, [1, 2]);
    }
}

//! Reading data files to cells: one form for CSV, TSV, JSON lines and Parquet, shared by the stage and the checker's scan.
//!
//! Cells are texts as written, so that `007` is not `7`; typed formats give numbers in their decimal form. An empty cell
//! is a missing value. Nothing here knows what a column is declared to be; nothing here opens a path.

mod csv;
mod json;
mod parquet;

use mmf_data::foreign::guarded;
use mmf_data::values::Texts;
use mmf_lang::diagnostic::Text;
use mmf_lang::say;

/// How a table file is written, where its ending does not say.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    pub(crate) separator: Option<char>,
    /// The headers that stand for the file's columns, in order, where it has no header line.
    pub(crate) headers: Option<Vec<String>>,
    /// Cells that count as missing beside the empty one.
    pub(crate) missing: Vec<String>,
}

/// The headers to read; all others are passed over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted(pub(crate) Vec<String>);

impl Wanted {
    fn takes(&self, header: &str) -> bool {
        self.0.iter().any(|name| matches(name, header))
    }
}

/// Returns whether a header is meant by a name, in which `*` stands for any letters.
pub(crate) fn matches(name: &str, header: &str) -> bool {
    match name.split_once('*') {
        None => name == header,
        Some((before, after)) => match header.strip_prefix(before) {
            None => false,
            Some(rest) => rest.char_indices().map(|(i, _)| i).chain([rest.len()]).any(|i| matches(after, &rest[i..])),
        },
    }
}

/// The cells of one header.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    pub(crate) header: String,
    pub(crate) texts: Texts,
    /// The file itself knows that these are times: they are written as ISO 8601, whatever the declaration says.
    pub(crate) times: bool,
}

/// The wanted cells of one or more files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// All headers, in the order of the (first) file.
    pub(crate) headers: Vec<String>,
    /// The wanted columns that are there, in the order of the headers.
    pub(crate) columns: Vec<Cells>,
    /// The line of each row in its file, from 1; the number of the row where the format has no lines.
    pub(crate) lines: Vec<u32>,
    /// The path of each file, and how many rows lie before it.
    pub(crate) files: Vec<(String, usize)>,
}

impl Frame {
    pub(crate) fn rows(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn find(&self, header: &str) -> Option<&Cells> {
        self.columns.iter().find(|c| c.header == header)
    }

    /// Returns the path of the file that holds a row.
    pub(crate) fn file(&self, row: usize) -> &str {
        let at = self.files.partition_point(|(_, first)| *first <= row);
        at.checked_sub(1).map_or("", |i| self.files[i].0.as_str())
    }

    /// Puts the rows of another file below; its columns may stand in another order.
    pub(crate) fn stack(&mut self, other: Frame) -> Result<(), Text> {
        for cells in &mut self.columns {
            let header = &cells.header;
            let Some(more) = other.columns.iter().find(|c| c.header == *header) else {
                let first = self.files.first().map_or("", |f| f.0.as_str());
                return Err(say!(
                    "has no column `{header}`, which {first} has",
                    "没有列 `{header}`，而 {first} 有该列"
                ));
            };
            more.texts.iter().for_each(|t| cells.texts.push(t));
            cells.times |= more.times;
        }
        let before = self.rows();
        self.lines.extend(other.lines);
        self.files.extend(other.files.into_iter().map(|(path, first)| (path, first + before)));
        Ok(())
    }
}

/// Reads one file. `cut` says that `bytes` are only its beginning: what the cut broke is left out.
///
/// # Errors
/// Says what is wrong and on which line; the caller names the file.
pub(crate) fn read(path: &str, bytes: &[u8], cut: bool, format: &Format, wanted: &Wanted) -> Result<Frame, Text> {
    let ending = path.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    // The readers below are not ours alone (Parquet); a panic of theirs is a broken file to the user.
    let read = guarded(|| match ending.as_str() {
        "jsonl" | "ndjson" => json::read(text(bytes, cut)?, cut, format, wanted),
        "json" => Err(say!(
            "is JSON; write one object a line and call it `.jsonl`",
            "是 JSON；请每行写一个对象，并以 `.jsonl` 命名"
        )),
        "parquet" => parquet::read(bytes, format, wanted),
        _ => {
            let separator =
                format.separator.unwrap_or(if matches!(ending.as_str(), "tsv" | "tab") { '\t' } else { ',' });
            csv::read(text(bytes, cut)?, cut, separator, format, wanted)
        }
    });
    let mut frame = read.unwrap_or_else(|| Err(say!("is damaged: its reader gave up", "已损坏：读取程序无法继续")))?;
    frame.files = vec![(path.to_string(), 0)];
    Ok(frame)
}

/// Returns the bytes as text, without a byte order mark.
fn text(bytes: &[u8], cut: bool) -> Result<&str, Text> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) if cut && e.error_len().is_none() => {
            std::str::from_utf8(&bytes[..e.valid_up_to()]).expect("valid up to there")
        }
        Err(e) => {
            let (line, column) = place(&bytes[..e.valid_up_to()]);
            return Err(say!(
                "is not UTF-8: line {line}, column {column}; save it as UTF-8",
                "不是 UTF-8 编码：第 {line} 行第 {column} 列；请存为 UTF-8"
            ));
        }
    };
    if let Some(at) = text.bytes().position(|b| b == 0) {
        let (line, column) = place(&text.as_bytes()[..at]);
        return Err(say!("holds a zero byte: line {line}, column {column}", "含有零字节：第 {line} 行第 {column} 列"));
    }
    Ok(text)
}

/// Returns line and column (in letters), from 1, of the place behind `before`.
fn place(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    (line, before[start..].iter().filter(|&&b| b & 0xC0 != 0x80).count() + 1)
}

/// Returns which headers are wanted, in order; a wanted header that comes twice is an error.
fn choose(headers: &[String], wanted: &Wanted) -> Result<Vec<bool>, Text> {
    let chosen: Vec<bool> = headers.iter().map(|h| wanted.takes(h)).collect();
    for (i, header) in headers.iter().enumerate() {
        if chosen[i] && headers[..i].contains(header) {
            return Err(say!("has two columns `{header}`", "有两列同名 `{header}`"));
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str, wanted: &[&str]) -> Result<Frame, Text> {
        let path = format!("{}/../../tests/fixtures/bad/{name}", env!("CARGO_MANIFEST_DIR"));
        let format = Format { separator: None, headers: None, missing: vec![String::new()] };
        let wanted = Wanted(wanted.iter().map(|w| w.to_string()).collect());
        read(name, &std::fs::read(path).unwrap(), false, &format, &wanted)
    }

    fn wrong(name: &str) -> String {
        fixture(name, &["id", "text", "stars"]).unwrap_err().en
    }

    #[test]
    fn what_looks_odd_is_read() {
        let all = ["id", "text", "stars"];
        assert_eq!(fixture("bom.csv", &all).unwrap().headers, all);
        let crlf = fixture("crlf.csv", &all).unwrap();
        assert_eq!(crlf.find("stars").unwrap().texts.iter().collect::<Vec<_>>(), ["5", "1"]);
        let quoted = fixture("newline-in-quotes.csv", &all).unwrap();
        assert_eq!(quoted.find("text").unwrap().texts.get(0), "good,\nbut \"loud\"");
        assert_eq!(quoted.lines, [2, 4]);
        assert_eq!(fixture("header-only.csv", &all).unwrap().rows(), 0);
        assert_eq!(fixture("duplicate-header.csv", &["id"]).unwrap().rows(), 2);
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        assert_eq!(wrong("empty.csv"), "is empty: it has no header");
        assert_eq!(wrong("only-newlines.csv"), "is empty: it has no header");
        assert_eq!(wrong("gbk.csv"), "is not UTF-8: line 2, column 4; save it as UTF-8");
        assert_eq!(wrong("ragged-short.csv"), "line 3 has 2 cells, the header has 3");
        assert_eq!(wrong("ragged-long.csv"), "line 3 has 4 cells, the header has 3");
        assert_eq!(wrong("open-quote.csv"), "line 2, column 4: a quote opens and never closes");
        assert_eq!(wrong("nul.csv"), "holds a zero byte: line 2, column 6");
        assert_eq!(wrong("duplicate-header.csv"), "has two columns `text`");
    }

    #[test]
    fn stars_stand_for_any_letters() {
        assert!(matches("skill_*", "skill_12") && matches("*", "") && matches("a*b*c", "axbbxc"));
        assert!(!matches("skill_*", "skill") && !matches("a*b", "abc"));
    }
}

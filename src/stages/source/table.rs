//! `table`: rows from CSV, TSV, JSON lines or Parquet, as typed columns.

use std::path::Path;

use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Stage};
use mmf_data::table::{Table, Value};
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, ColumnKind, ColumnSpec, Literal};
use mmf_lang::diagnostic::Text;
use mmf_lang::infer::Inference;
use mmf_lang::signature::{BlockKind, Example, Group, Signature};
use mmf_lang::types::Type;
use mmf_lang::world::{ScanFormat, ScanRequest};

use super::assemble::{assemble, keys};
use super::column::{Around, headers, make};
use super::files::Folders;
use super::read::{Format, Frame, Wanted, read};

/// Rows from a file.
pub(crate) struct TableSource;

const PATH: Arg<Vec<String>> = Arg::new("path", ArgKind::Paths, texts)
    .doc("The file, or a list of files whose rows are stacked: `.csv`, `.tsv`, `.jsonl` or `.parquet`; other endings are read as CSV.");
const SEPARATOR: Arg<Option<String>> =
    Arg::some_text("separator").doc("The letter between cells; `,` or, for `.tsv`, a tab where it is left out.");
const HEADER: Arg<bool> = Arg::bool("header")
    .default(Literal::Bool(true))
    .doc("Whether the first line names the columns; without it the block's columns stand in the order of the file.");
const FILE: Arg<Option<String>> = Arg::some_column("file")
    .doc("The column of the block that takes the name, without folder and ending, of the file that a row is from.");
const MISSING: Arg<Vec<String>> = Arg::new("missing", ArgKind::Values, texts)
    .optional()
    .doc("Cells that count as missing, beside the empty one: `missing = [\"NA\", \"-\"]`.");
pub(crate) const COLUMNS: Arg<Vec<ColumnSpec>> = Arg::new("columns", ArgKind::Declarations, |v| match v {
    Some(ArgValue::Columns(columns)) => columns.clone(),
    _ => Vec::new(),
})
.doc("The columns to read, each with its type; others are left alone.");

/// Reads a text, or a list of texts, numbers and bools as they are written.
pub(crate) fn texts(value: Option<&ArgValue>) -> Vec<String> {
    match value {
        None => Vec::new(),
        Some(ArgValue::List(list)) => list.iter().flat_map(|v| texts(Some(v))).collect(),
        Some(ArgValue::Int(n)) => vec![n.to_string()],
        Some(ArgValue::Float(x)) => vec![x.to_string()],
        Some(ArgValue::Bool(b)) => vec![b.to_string()],
        Some(other) => other.as_text().map(str::to_string).into_iter().collect(),
    }
}

static SIGNATURE: Signature = Signature::new(Group::Source, "table", &["-> table"])
    .version(1)
    .args(&[PATH.spec(), SEPARATOR.spec(), HEADER.spec(), FILE.spec(), MISSING.spec(), COLUMNS.spec()])
    .doc(
        "Reads rows from CSV, TSV, JSON lines or Parquet. Cells are read as they are written: the key \
         `007` is not `7`. An empty cell is a missing value. Times without a zone are UTC; `bool` reads \
         0/1, yes/no and true/false.",
    )
    .reference("RFC 4180 for CSV; lines end in LF, CR LF or CR, a byte order mark is skipped")
    .block(BlockKind::Columns)
    .infer(columns)
    .examples(&[
        Example::new(
            "Films with a year and a plot that may be missing; `NA` counts as missing too.",
            "source films = table(\"films.csv\", missing = \"NA\") {\n    \
             film: key(column = \"item_id\")\n    \
             year: int?\n    \
             plot: text(language = en)?\n\
             }",
            "table",
        ),
        Example::new(
            "A picture a film, and ratings that lead to their films.",
            "source films = table(\"films.csv\") { film: key, poster: image(\"posters/{film}.jpg\")? }\n\
             source ratings = table(\"ratings.tsv\") {\n    \
             user:   category\n    \
             film:   ref(films)\n    \
             rating: float in 0.5..=5\n    \
             at:     time(unix)\n\
             }",
            "table",
        ),
    ]);

/// The declared columns, after a look at the files.
fn columns(call: &mut Inference<'_, '_>) -> Option<Type> {
    let file = call.args.find(FILE.name()).and_then(ArgValue::as_text).map(str::to_string);
    let request = ScanRequest {
        paths: texts(call.args.find(PATH.name())),
        base: call.base(),
        format: ScanFormat::Table {
            separator: call.args.find(SEPARATOR.name()).and_then(ArgValue::as_text).and_then(|s| s.chars().next()),
            header: call.args.get(HEADER),
            missing: texts(call.args.find(MISSING.name())),
            file,
        },
        columns: Vec::new(),
        keys: Vec::new(),
    };
    call.source(request)
}

impl Stage for TableSource {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Source(run)
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let (paths, specs, file) = (args.get(PATH), args.get(COLUMNS), args.get(FILE));
    let separator = args.get(SEPARATOR).and_then(|s| s.chars().next());
    let format = format(separator, args.get(HEADER), args.get(MISSING), &specs, file.as_deref());
    let wanted = wanted(&specs, file.as_deref());
    let mut frame: Option<Frame> = None;
    for path in &paths {
        context.check()?;
        let bytes = context.host.read(&context.base.join(path))?;
        stack(&mut frame, path, &bytes, false, &format, &wanted).map_err(|text| refused(path, &text))?;
    }
    let frame = frame.ok_or_else(|| Error::bug("a table was given no path"))?;
    let mut folders = Folders::new(context.base);
    let mut made = Vec::with_capacity(specs.len());
    for spec in &specs {
        let mut around =
            Around { folders: &mut folders, keys: keys(spec, inputs)?, file: file.as_deref(), listing: false };
        made.push((spec, make(spec, &frame, &mut around)));
    }
    assemble(context, &paths.join(", "), frame.rows(), made)
}

/// Reads a file and puts its rows below those of the files before.
pub(crate) fn stack(
    frame: &mut Option<Frame>,
    path: &str,
    bytes: &[u8],
    cut: bool,
    format: &Format,
    wanted: &Wanted,
) -> std::result::Result<(), Text> {
    let more = read(path, bytes, cut, format, wanted)?;
    match frame {
        None => *frame = Some(more),
        Some(frame) => frame.stack(more)?,
    }
    Ok(())
}

/// Returns the way a file is written. Where it has no header line, the block's columns name those of the file.
pub(crate) fn format(
    separator: Option<char>,
    header: bool,
    missing: Vec<String>,
    specs: &[ColumnSpec],
    file: Option<&str>,
) -> Format {
    let plain = |spec: &&ColumnSpec| !matches!(spec.kind, ColumnKind::Image(_) | ColumnKind::TextFile(..));
    let names = || specs.iter().filter(plain).flat_map(|s| headers(s, file)).collect();
    Format { separator, headers: (!header).then(names), missing }
}

pub(crate) fn wanted(specs: &[ColumnSpec], file: Option<&str>) -> Wanted {
    Wanted(specs.iter().flat_map(|s| headers(s, file)).collect())
}

/// Returns the error of a file that is not what it should be.
pub(crate) fn refused(path: &str, text: &Text) -> Error {
    let folder = Path::new(path).display();
    Error::new("E1002", Text { en: format!("{folder}: {}", text.en), zh: format!("{folder}：{}", text.zh) })
}

#[cfg(test)]
mod tests;

//! `mmf fmt`: writes files in the one style that mmf has.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use mmf_lang::analysis::{Checked, SourceFile};
use mmf_lang::say;
use mmf_lang::syntax::format::format;

use super::diagnose::{self, Count};
use super::exit::Exit;
use super::screen::Screen;
use super::trouble::Trouble;
use super::{check, load};

/// Write files in the one style that mmf has; comments stay, and what a file means never changes
#[derive(Debug, Args)]
#[command(after_help = "A file with a mistake of syntax is left as it is, and the mistake is shown.

Examples:
  mmf fmt films.mmf             rewrite it in place
  mmf fmt --check pipelines     only say which files would change; exit code 1 if any
  mmf fmt - < films.mmf         from stdin to stdout, for editors")]
pub(crate) struct Fmt {
    /// Files, and folders whose *.mmf files are meant; - is stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change nothing, and fail if something would change
    #[arg(long)]
    check: bool,
}

pub(crate) fn fmt(verb: &Fmt, screen: &Screen) -> Result<Exit, Trouble> {
    if verb.files == [PathBuf::from("-")] {
        return stdin(verb, screen);
    }
    let mut worst = Exit::Sound;
    for path in check::pipelines(&verb.files)? {
        let exit = match load::text(&path) {
            Ok(text) => one(verb, screen, &path, &text),
            Err(trouble) => Err(trouble),
        };
        worst = worst.max(exit.unwrap_or_else(|trouble| {
            screen.trouble(&trouble);
            trouble.exit
        }));
    }
    Ok(worst)
}

fn one(verb: &Fmt, screen: &Screen, path: &Path, text: &str) -> Result<Exit, Trouble> {
    let shown = path.display();
    let Some(written) = written(screen, path, text) else { return Ok(Exit::Wrong) };
    // A byte-order mark is no text, so a file with one changes too.
    let marked = std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"\xEF\xBB\xBF"));
    if written == text && !marked {
        return Ok(Exit::Sound);
    }
    if verb.check {
        screen.out(screen.pick(&say!("{shown} would change", "{shown} 需要重新排版")));
        return Ok(Exit::Wrong);
    }
    replace(path, written.as_bytes())
        .map_err(|error| Trouble::usage(say!("`{shown}` cannot be written: {error}", "无法写入 `{shown}`：{error}")))?;
    screen.out(screen.pick(&say!("{shown} is formatted", "{shown} 已排版")));
    Ok(Exit::Sound)
}

fn stdin(verb: &Fmt, screen: &Screen) -> Result<Exit, Trouble> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    let text = read.ok().and_then(|_| String::from_utf8(bytes).ok());
    let Some(text) = text else {
        return Err(Trouble::usage(say!("what comes from stdin is not UTF-8", "标准输入不是 UTF-8 编码")));
    };
    let Some(written) = written(screen, Path::new("-"), &text) else { return Ok(Exit::Wrong) };
    if verb.check {
        return Ok(if written == text { Exit::Sound } else { Exit::Wrong });
    }
    let _ = std::io::stdout().write_all(written.as_bytes());
    Ok(Exit::Sound)
}

/// Returns the formatted text, or shows why there is none.
fn written(screen: &Screen, path: &Path, text: &str) -> Option<String> {
    let path = path.to_string_lossy();
    match format(text) {
        Ok(written) => Some(written),
        Err(diagnostics) => {
            let file = SourceFile { path: path.to_string(), text: text.into(), base: String::new() };
            let checked = Checked { files: vec![file], diagnostics, graph: None };
            diagnose::show(screen, &checked, false);
            if !screen.is_json() {
                screen.tell(screen.pick(&diagnose::summary(Count::of(&checked), &path)));
            }
            None
        }
    }
}

/// Writes a file whole or not at all: beside it first, then in its place, with its permissions.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let permissions = std::fs::metadata(&path)?.permissions();
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::set_permissions(&beside, permissions))
        .and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

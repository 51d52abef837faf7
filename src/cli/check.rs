//! `mmf check`: proves files sound, or says where they are not.

use std::path::{Path, PathBuf};

use clap::Args;
use mmf_lang::say;

use super::diagnose::{self, Count};
use super::exit::Exit;
use super::screen::{Screen, Style};
use super::trouble::Trouble;
use super::{Global, load};

/// Prove files sound before anything runs: all mistakes at once, each with its place, its code and the mend
#[derive(Debug, Args)]
#[command(
    after_help = "It looks at names, arguments, types, row identity, missing values, leaks, heads and cost, and at the data's
headers and cells. What passes does not fail later for a reason that could be known now.

Examples:
  mmf check films.mmf
  mmf check pipelines examples              all *.mmf files below these folders
  mmf check films.mmf --no-data             on a machine without the data
  mmf check films.mmf --format json         one object a line, for editors and CI"
)]
pub(crate) struct Check {
    /// Files, and folders whose *.mmf files are meant
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Do not look at the data, only at the files themselves
    #[arg(long)]
    no_data: bool,
    /// Warnings count as errors
    #[arg(long)]
    strict: bool,
}

pub(crate) fn check(verb: &Check, global: &Global, screen: &Screen) -> Result<Exit, Trouble> {
    let mut worst = Exit::Sound;
    for path in pipelines(&verb.files)? {
        let checked = match load::load(&path, global, !verb.no_data) {
            Ok(checked) => checked,
            Err(trouble) => {
                screen.trouble(&trouble);
                worst = worst.max(trouble.exit);
                continue;
            }
        };
        diagnose::show(screen, &checked, true);
        let count = Count::of(&checked);
        let wrong = count.errors > 0 || (verb.strict && count.warnings > 0);
        if wrong {
            worst = worst.max(Exit::Wrong);
        }
        if !screen.is_json() {
            let text = diagnose::summary(count, &path.to_string_lossy());
            let style = match (wrong, count.warnings) {
                (true, _) => Style::Red,
                (false, 0) => Style::Green,
                _ => Style::Yellow,
            };
            screen.out(&screen.style(true, style, screen.pick(&text)));
        }
    }
    Ok(worst)
}

/// Returns the files that are meant: those named, and the `*.mmf` files below the folders named, in order.
///
/// Hidden folders are left out, and those of runs, which hold copies.
pub(crate) fn pipelines(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Trouble> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            below(path, &mut found);
            if found.len() == before {
                let shown = path.display();
                return Err(Trouble::usage(say!(
                    "there is no .mmf file below `{shown}`",
                    "`{shown}` 下没有 .mmf 文件"
                )));
            }
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // A link may lead in a circle.
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            if !hidden && !path.join("run.json").is_file() {
                below(&path, found);
            }
        } else if path.extension().is_some_and(|e| e == "mmf") && path.is_file() {
            found.push(path);
        }
    }
}

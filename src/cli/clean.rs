//! `mmf clean`: gives back the space of results that no recent run needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use mmf_engine::store::{Digest, Store};
use mmf_lang::say;

use super::exit::Exit;
use super::screen::Screen;
use super::trouble::Trouble;
use super::{Global, folder, runs};

/// Drop from the store what the last runs do not need; run folders stay
#[derive(Debug, Args)]
#[command(
    after_help = "For each pipeline the newest run that was done counts, and those after it that failed or were stopped.

Examples:
  mmf clean                      the store ./.mmf, by the runs in ./runs
  mmf clean pipelines            the store pipelines/.mmf, by the runs in pipelines/runs
  mmf clean --all                everything; what is run next runs whole"
)]
pub(crate) struct Clean {
    /// The folder that the store and the runs are in [default: .]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Drop everything
    #[arg(long)]
    all: bool,
}

pub(crate) fn clean(verb: &Clean, global: &Global, screen: &Screen) -> Result<Exit, Trouble> {
    let folder = verb.folder.clone().unwrap_or_else(|| ".".into());
    let folder = if folder.is_file() { folder.parent().map(Path::to_path_buf).unwrap_or_default() } else { folder };
    let place = global.store.clone().unwrap_or_else(|| folder.join(".mmf"));
    let shown = place.display();
    if !place.is_dir() {
        return Err(Trouble::usage(say!("there is no store `{shown}`", "存储 `{shown}` 不存在")));
    }
    let store = Store::open(&place)?;
    let freed = if verb.all {
        // What checks found in data files is small, but it is the store's too.
        let scans = place.join("scans");
        let bytes = size(&scans);
        let gone = std::fs::remove_dir_all(&scans).is_ok();
        store.clear()? + if gone { bytes } else { 0 }
    } else {
        let kept = kept(&runs::place(Some(&folder), global), global);
        store.collect(&|key| kept.contains(key))?
    };
    let left = store.usage().bytes();
    if screen.is_json() {
        screen.out(&serde_json::json!({ "freed": freed, "left": left }).to_string());
    } else {
        let (freed, left) = (bytes(freed), bytes(left));
        screen.out(
            screen.pick(&say!("freed {freed}; {left} are left in {shown}", "已释放 {freed}；{shown} 中还有 {left}")),
        );
    }
    Ok(Exit::Sound)
}

/// Returns the keys that the last runs used.
fn kept(place: &Path, global: &Global) -> BTreeSet<Digest> {
    let place = global.runs.as_deref().unwrap_or(place);
    let mut settled: BTreeSet<String> = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for (_, run) in folder::all(place).into_iter().rev() {
        if settled.contains(&run.pipeline) {
            continue;
        }
        kept.extend(run.keys.iter().filter_map(|key| key.parse::<Digest>().ok()));
        if run.status == "done" {
            settled.insert(run.pipeline);
        }
    }
    kept
}

fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|e| e.metadata().ok()).filter(std::fs::Metadata::is_file).map(|m| m.len()).sum()
}

/// Returns a count of bytes a person can take in.
fn bytes(n: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut amount = n as f64;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < units.len() {
        amount /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} bytes") } else { format!("{amount:.1} {}", units[unit]) }
}

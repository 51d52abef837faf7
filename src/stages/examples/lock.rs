//! `stages.lock`: what the examples of each version of a stage gave. Results that change without a raised version would
//! be taken from stores that hold the old ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A line of the lock: a stage's version, and by example what it gave, both as short hashes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) version: u32,
    pub(super) results: BTreeMap<String, String>,
}

pub(super) type Lock = BTreeMap<String, Entry>;

/// Returns a short hash.
pub(super) fn short(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..12].to_string()
}

pub(super) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("stages.lock")
}

pub(super) fn read(text: &str) -> Lock {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (name, version) = (words.next()?.to_string(), words.next()?.parse().ok()?);
        let pair = |word: &str| word.split_once(':').map(|(a, b)| (a.to_string(), b.to_string()));
        Some((name, Entry { version, results: words.filter_map(pair).collect() }))
    };
    text.lines().filter(|l| !l.starts_with('#')).filter_map(line).collect()
}

pub(super) fn write(lock: &Lock) -> String {
    let mut text =
        "# A stage a line: its name, its version, and for each example that runs a hash of it and of what it gives,\n\
                    # numbers rounded to five digits. UPDATE_STAGES_LOCK=1 cargo nextest run -p mmf-stages lock\n"
            .to_string();
    for (name, entry) in lock {
        let results: Vec<String> = entry.results.iter().map(|(a, b)| format!(" {a}:{b}")).collect();
        text += &format!("{name} {}{}\n", entry.version, results.concat());
    }
    text
}

/// Returns the stages whose results changed though their version did not.
pub(super) fn unraised(old: &Lock, new: &Lock) -> Vec<String> {
    new.iter()
        .filter(|(name, new)| {
            old.get(*name).is_some_and(|old| {
                old.version >= new.version
                    && new.results.iter().any(|(code, result)| old.results.get(code).is_some_and(|was| was != result))
            })
        })
        .map(|(name, _)| name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_result_asks_for_another_version() {
        let old = read("# about\nmean 1 aa:bb cc:dd\nsum 3\n");
        assert_eq!(read(&write(&old)), old);
        assert!(unraised(&old, &old).is_empty());
        assert!(unraised(&old, &read("mean 1 aa:bb ee:ff\nsum 3 aa:cc\n")).is_empty());
        assert_eq!(unraised(&old, &read("mean 1 aa:bb cc:ee\n")), ["mean"]);
        assert!(unraised(&old, &read("mean 2 aa:bb cc:ee\n")).is_empty());
    }
}

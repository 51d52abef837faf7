//! The codes of what only a run can find, `E10xx`: one meaning a code, one code a meaning.

/// What a code means in one line, and the files and folders of the rooms that raise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub code: &'static str,
    pub meaning: &'static str,
    /// Relative to the rooms' folder. Where another file raises the code, it must mean the same.
    pub raised_by: &'static [&'static str],
}

const fn code(code: &'static str, meaning: &'static str, raised_by: &'static [&'static str]) -> Code {
    Code { code, meaning, raised_by }
}

/// All of them, in order.
pub static CODES: &[Code] = &[
    code("E1000", "the run was asked to stop", &["data/error.rs"]),
    code("E1002", "a data file cannot be read as what it is", &["stages/source"]),
    code("E1011", "a file is no picture of a known format", &["data/picture.rs"]),
    code("E1012", "a picture is cut off or damaged", &["data/picture.rs"]),
    code("E1013", "a picture is larger than the limits", &["data/picture.rs"]),
    code("E1020", "a column of a source is not what it is declared to be", &["stages/source"]),
    code(
        "E1021",
        "a number of a row cannot be computed: a division by zero, a result too large",
        &["stages/prepare/expression.rs", "stages/fuse/arithmetic.rs"],
    ),
    code(
        "E1022",
        "the training rows have no value to learn from",
        &[
            "stages/extract/bag_of_words.rs",
            "stages/extract/normalize.rs",
            "stages/extract/terms.rs",
            "stages/extract/word2vec/mod.rs",
            "stages/experiment/imputation.rs",
            "stages/fuse/fill.rs",
            "stages/fuse/gan/learn.rs",
            "stages/fuse/nearest.rs",
            "stages/prepare/fill_missing.rs",
            "stages/prepare/one_hot.rs",
            "stages/prepare/scaling.rs",
        ],
    ),
    code("E1023", "the rows cannot be split as asked", &["stages/prepare/split.rs"]),
    code("E1024", "cells cannot be read as what they are to become", &["stages/prepare/repair"]),
    code(
        "E1030",
        "a training is no longer finite: its loss, a prediction or a score",
        &["stages/train", "tensor/slices.rs"],
    ),
    code(
        "E1031",
        "widths that only the data tell do not fit together",
        &["stages/fuse/arithmetic.rs", "stages/fuse/slice.rs", "stages/fuse/sum.rs", "stages/train", "tensor/ops"],
    ),
    code("E1032", "a weight has other sizes than the network wants", &["tensor/parameters.rs"]),
    code("E1033", "saved weights lack one that the network wants", &["tensor/session.rs"]),
    code("E1034", "saved weights cannot be read", &["tensor/checkpoint.rs"]),
    code("E1036", "a row leads to no row of what a network reads", &["stages/train/network"]),
    code("E1037", "a network reads a value that is missing", &["stages/train/network"]),
    code(
        "E1038",
        "a label has no such class",
        &["stages/train/adversarial_presence.rs", "stages/train/supervised/label.rs"],
    ),
    code("E1040", "the store cannot be opened", &["engine/store"]),
    code("E1041", "the disk is full", &["engine/store"]),
    code("E1042", "the store may not be written", &["engine/store"]),
    code("E1043", "the store is of another version of mmf", &["engine/store"]),
    code("E1044", "a file of the store cannot be used", &["engine/store"]),
    code("E1045", "another process uses the store", &["engine/store"]),
    code(
        "E1046",
        "a file cannot be read",
        &["data/stage.rs", "engine/host.rs", "engine/store", "engine/stream.rs", "stages/extract/fault.rs"],
    ),
    code("E1047", "a file keeps changing while it is read", &["engine/store"]),
    code("E1048", "a stored result is not readable", &["data/arrays.rs", "engine/output.rs"]),
    code("E1050", "threads cannot be started", &["engine/lib.rs"]),
    code("E1051", "a picture of an earlier run is no longer among the files", &["engine/pictures.rs"]),
    code("E1052", "a row's file is not there", &["engine/source.rs"]),
    code("E1053", "a row's file is unusable", &["engine/stream.rs"]),
    code("E1054", "a stage gives a number that is not finite", &["engine/region.rs"]),
    code("E1060", "a file of word vectors is not sound", &["stages/extract/word_vectors/mod.rs"]),
    code("E1061", "a network's file cannot be run", &["stages/extract/onnx/model.rs"]),
    code(
        "E1062",
        "a network fails on a row",
        &["stages/extract/onnx/mod.rs", "stages/extract/onnx/model.rs", "stages/extract/onnx/text.rs"],
    ),
    code("E1063", "a tokenizer cannot be used", &["stages/extract/onnx/tokenizer.rs"]),
    code("E1099", "a mistake in mmf, not in the file", &["data/error.rs"]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::*;

    fn files(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["tests", "examples"].contains(&name.as_str()) {
                files(&path, found);
            } else if name.ends_with(".rs") && !name.contains("tests") && name != "codes.rs" {
                found.push(path);
            }
        }
    }

    /// Returns the codes that the rooms' code raises, each with its files.
    fn raised() -> BTreeMap<String, Vec<String>> {
        let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut sources = Vec::new();
        ["data", "tensor", "engine", "stages"].iter().for_each(|room| files(&rooms.join(room), &mut sources));
        let mut raised: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in sources {
            let text = std::fs::read_to_string(&path).unwrap();
            let file = path.strip_prefix(rooms).unwrap().to_string_lossy().replace('\\', "/");
            for line in text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines() {
                // Comparisons with a code raise nothing.
                if line.trim_start().starts_with("//") || line.contains(".code") {
                    continue;
                }
                for part in line.split("\"E10").skip(1).filter(|part| part.get(2..3) == Some("\"")) {
                    raised.entry(format!("E10{}", &part[..2])).or_default().push(file.clone());
                }
            }
        }
        raised
    }

    #[test]
    fn each_code_has_one_meaning() {
        let mut wrong = Vec::new();
        let raised = raised();
        for (code, files) in &raised {
            let Some(known) = CODES.iter().find(|c| c.code == code) else {
                wrong.push(format!("{code} is raised by {files:?} and has no meaning in codes.rs"));
                continue;
            };
            for file in files {
                if !known.raised_by.iter().any(|place| file.starts_with(place)) {
                    wrong.push(format!(
                        "{code} means «{}»; does {file} mean that? List it, or take a code that is free",
                        known.meaning
                    ));
                }
            }
        }
        for known in CODES {
            for place in known.raised_by {
                if !raised.get(known.code).is_some_and(|files| files.iter().any(|file| file.starts_with(place))) {
                    wrong.push(format!("{} is not raised by {place}", known.code));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(CODES.is_sorted_by(|a, b| a.code < b.code), "a code is there twice, or out of order");
        let mut meanings: Vec<&str> = CODES.iter().map(|c| c.meaning).collect();
        meanings.sort_unstable();
        assert!(meanings.windows(2).all(|w| w[0] != w[1]), "two codes mean the same");
    }
}

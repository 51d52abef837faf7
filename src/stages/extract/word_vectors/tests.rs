use std::path::{Path, PathBuf};

use mmf_data::stage::Quiet;
use mmf_data::values::{TokenLists, Values};
use mmf_lang::args::ArgValue;

use super::*;
use crate::extract::each::tests::{batch, fixture};

fn stored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/vectors")
}

fn args(path: &str) -> Args {
    Args(vec![("path".into(), ArgValue::Text(path.into()))])
}

fn opened_at(base: &Path, path: &str) -> Result<Opened> {
    open(&Context { seed: 1, base, host: &Quiet }, &args(path))
}

/// Every word, number by number, as gensim reads the same file.
#[test]
fn files_are_read_as_gensim_reads_them() {
    let all = fixture("vectors/gensim.json");
    let files = all["files"].as_object().unwrap();
    assert_eq!(files.len(), 4);
    for (name, words) in files {
        assert_eq!(width(&stored().join(name)).unwrap(), 4, "{name}");
        let given = opened_at(&stored(), name).unwrap();
        let vectors: &Vectors = opened(&given).unwrap();
        let words = words.as_object().unwrap();
        assert_eq!(vectors.numbers.len(), 4 * words.len(), "{name}");
        for (word, numbers) in words {
            let place = vectors.place(word).unwrap_or_else(|| panic!("{name}: {word}"));
            let theirs: Vec<f32> = numbers.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
            assert_eq!(vectors.numbers[4 * place..][..4], theirs, "{name}: {word}");
        }
    }
}

#[test]
fn unknown_words_are_passed_over() {
    let given = opened_at(&stored(), "words.vec").unwrap();
    let mut lists = TokenLists::default();
    lists.push(["电影", "never", "the"]);
    lists.push(["never"]);
    lists.push(Vec::<&str>::new());
    let context = Context { seed: 1, base: Path::new("."), host: &Quiet };
    let made = rows(&context, &args(""), &given, &batch(Values::Tokens(Arc::new(lists)))).unwrap();
    let Values::Sequence(made) = made else { panic!("sequences") };
    let vectors: &Vectors = opened(&given).unwrap();
    assert_eq!((made.width, &made.ends[..]), (4, &[2usize, 2, 2][..]));
    assert_eq!(made.row(0)[4..], vectors.numbers[4 * vectors.place("the").unwrap()..][..4]);
}

/// What the error says of a file with these bytes, and whether the check sees it in the head.
fn says(bytes: &[u8]) -> (String, bool) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("v"), bytes).unwrap();
    let error = opened_at(folder.path(), "v").err().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(bytes)));
    assert_eq!(error.code, "E1060");
    (error.message.en, width(&folder.path().join("v")).is_err())
}

#[test]
fn broken_files_are_described() {
    let binary = std::fs::read(stored().join("words.bin")).unwrap();
    let mut not_finite = binary.clone();
    let at = not_finite.windows(4).position(|w| w == b"the ").unwrap() + 4;
    not_finite[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    let mut not_utf8 = binary.clone();
    let at = not_utf8.windows(5).position(|w| w == b"film ").unwrap();
    not_utf8[at] = 0xff;
    let cases: &[(&[u8], &str, bool)] = &[
        (b"", "is empty", true),
        (&[0x1f, 0x8b, 8, 0], "packed", true),
        (b"hello\n", "holds no word vectors", true),
        (b"3 0\na\n", "no width", true),
        (b"2 2\na 1 2\n", "ends after 1", false),
        (b"1 2\na 1 2\nb 3 4\n", "but more follow", false),
        (b"2 2\na 1 2\nb 3\n", "line 3 has 1 numbers, not 2", false),
        (b"a 1 2\nb 3 x\n", "line 2 has 0 numbers behind `x`, not 2", false),
        (b"a 1 2\nb 3 4 5\n", "line 2 has more than 2 numbers", false),
        (b"a 1 2\nb nan 4\n", "`nan` in line 2 is not finite", false),
        (b"a 1 2\n\xff 3 4\n", "line 2 is not UTF-8", false),
        (&binary[..binary.len() - 3], "in the middle of a vector", false),
        (&binary[..60], "", false),
        (&not_finite, "of `the` is not finite", false),
        (&not_utf8, "word 2 is not UTF-8", false),
    ];
    for (bytes, wanted, in_head) in cases {
        let (said, head) = says(bytes);
        assert!(said.contains(wanted), "{said}, not {wanted}");
        assert_eq!(head, *in_head, "{said}");
    }
}

#[test]
fn words_may_hold_blanks_and_the_first_of_two_counts() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("v"), "a 1 2\r\n. . . 3 4\r\na 5 6\r\n\r\n").unwrap();
    let given = opened_at(folder.path(), "v").unwrap();
    let vectors: &Vectors = opened(&given).unwrap();
    assert_eq!(vectors.numbers, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!((vectors.place("a"), vectors.place(". . ."), vectors.place("b")), (Some(0), Some(1), None));
}

/// Any bytes are read or refused, never a panic.
#[test]
fn torn_files_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["words.txt", "words.bin", "words.vec", "glove.txt"] {
        let bytes = std::fs::read(stored().join(name)).unwrap();
        for cut in 0..bytes.len() {
            let mut torn = bytes[..cut].to_vec();
            if let Some(last) = torn.last_mut() {
                *last ^= 0x55;
            }
            std::fs::write(folder.path().join("v"), &torn).unwrap();
            let _ = opened_at(folder.path(), "v");
        }
    }
}

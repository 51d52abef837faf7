use std::path::{Path, PathBuf};

use mmf_data::picture::Picture;
use mmf_data::stage::Quiet;
use mmf_data::values::Texts;

use super::*;
use crate::extract::each::tests::{batch, fixture, stored_picture};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/onnx")
}

fn text(value: &str) -> ArgValue {
    ArgValue::Text(value.into())
}

fn args(list: &[(&str, ArgValue)]) -> Args {
    Args(list.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
}

fn list(numbers: &[f64]) -> ArgValue {
    ArgValue::List(numbers.iter().map(|&x| ArgValue::Float(x)).collect())
}

/// Opens what the stage opens, and runs it over the rows.
fn run(base: &Path, alternative: usize, list: &[(&str, ArgValue)], values: Values) -> Result<Values> {
    let context = Context { seed: 1, base, host: &Quiet };
    let Body::Opened { open, rows, dear: true } = Onnx.body(alternative) else { panic!("opened") };
    let args = args(list);
    rows(&context, &args, &open(&context, &args)?, &batch(values))
}

fn vectors(values: &Values) -> (usize, &[f32]) {
    let Values::Vector { width, numbers } = values else { panic!("vectors, not {}", values.kind()) };
    (*width, numbers)
}

fn floats(json: &serde_json::Value) -> Vec<f32> {
    match json.as_array() {
        Some(all) => all.iter().flat_map(floats).collect(),
        None => vec![json.as_f64().unwrap() as f32],
    }
}

fn close(ours: &[f32], theirs: &[f32], within: f32) {
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() <= within * b.abs().max(1.0), "{a}, not {b}");
    }
}

fn picture() -> Picture {
    let stored = fixture("onnx/onnx.json");
    let samples = stored["samples"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as u8);
    Picture { height: 8, width: 8, channels: 3, samples: samples.collect() }
}

fn pictures(all: Vec<Picture>) -> Values {
    Values::Pictures(Arc::new(all.into_iter().map(Arc::new).collect()))
}

fn texts_of(all: &[&str]) -> Values {
    Values::Text(Arc::new(all.iter().collect::<Texts>()))
}

const SCALE: ([f64; 3], [f64; 3]) = ([127.0, 120.0, 110.0], [128.0, 100.0, 90.0]);

fn look(path: &str, output: &str, all: Vec<Picture>) -> Result<Values> {
    let scale = [("mean", list(&SCALE.0)), ("deviation", list(&SCALE.1))];
    run(&folder(), 0, &[&scale[..], &[("path", text(path)), ("output", text(output))]].concat(), pictures(all))
}

#[test]
fn pictures_become_what_onnx_runtime_makes_of_them() {
    let stored = fixture("onnx/onnx.json");
    for (path, output, theirs) in [
        ("look.onnx", "features", &stored["look"][0]),
        ("look.onnx", "logits", &stored["look"][1]),
        ("last.onnx", "features", &stored["last"]),
    ] {
        let made = look(path, output, vec![picture()]).unwrap();
        close(vectors(&made).1, &floats(theirs), 1e-5);
    }
}

/// The bytes of a row are the same alone and among others.
#[test]
fn a_row_does_not_hang_on_its_neighbours() {
    let other = |by: u8| Picture { samples: picture().samples.iter().map(|x| x ^ by).collect(), ..picture() };
    let many = look("look.onnx", "features", vec![other(3), picture(), other(80), other(200)]).unwrap();
    let alone = look("look.onnx", "features", vec![picture()]).unwrap();
    assert_eq!(vectors(&many).1[4..8], *vectors(&alone).1);

    let stored = fixture("onnx/onnx.json");
    let all: Vec<&str> = stored["texts"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    let many = words("words.onnx", "mean", &all).unwrap();
    for (at, one) in all.iter().enumerate() {
        let alone = words("words.onnx", "mean", &[one]).unwrap();
        assert_eq!(vectors(&many).1[4 * at..][..4], *vectors(&alone).1, "{one}");
    }
}

fn words(path: &str, pool: &str, all: &[&str]) -> Result<Values> {
    let list =
        [("path", text(path)), ("tokenizer", text("tokenizer.json")), ("pool", ArgValue::Word(pool.to_string()))];
    run(&folder(), 1, &list, texts_of(all))
}

/// They padded all texts to one batch; the mask is what makes them alike.
#[test]
fn texts_become_what_onnx_runtime_makes_of_them() {
    let stored = fixture("onnx/onnx.json");
    let all: Vec<&str> = stored["texts"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
    for (pool, path) in
        [("mean", "words.onnx"), ("first", "words.onnx"), ("mean", "fixed.onnx"), ("first", "fixed.onnx")]
    {
        let made = words(path, pool, &all).unwrap();
        close(vectors(&made).1, &floats(&stored[pool]), 1e-5);
    }
    let Values::Sequence(steps) = words("words.onnx", "none", &all[..2]).unwrap() else { panic!("sequences") };
    assert_eq!((steps.width, &steps.ends[..]), (4, &[8usize, 18][..]));
    close(&steps.row(1)[..4], &floats(&stored["first"][1]), 1e-5);
}

/// Chinese, accents, control characters, special tokens, cutting: number by number as Hugging Face's.
#[test]
fn tokens_are_those_of_hugging_face() {
    let stored = fixture("onnx/onnx.json");
    for (name, file) in [("word_piece", "tokenizer.json"), ("bpe", "bpe.json"), ("unigram", "unigram.json")] {
        let tokenizer = Tokenizer::read(file, &std::fs::read(folder().join(file)).unwrap(), None).unwrap();
        for (text, theirs) in stored["texts"].as_array().unwrap().iter().zip(stored[name].as_array().unwrap()) {
            let text = text.as_str().unwrap();
            let ours: Vec<i64> = tokenizer.encode(text, None).unwrap().iter().map(|(id, _)| i64::from(*id)).collect();
            let theirs: Vec<i64> = theirs.as_array().unwrap().iter().map(|id| id.as_i64().unwrap()).collect();
            assert_eq!(ours, theirs, "{name}: {text}");
        }
    }
}

#[test]
fn a_text_is_cut_where_it_is_too_long() {
    let bytes = std::fs::read(folder().join("tokenizer.json")).unwrap();
    let tokenizer = Tokenizer::read("", &bytes, Some(4)).unwrap();
    let ids =
        |fixed| tokenizer.encode("the ship sails at night", fixed).unwrap().iter().map(|t| t.0).collect::<Vec<_>>();
    assert_eq!(ids(None), [2, 4, 5, 3]);
    assert_eq!(ids(Some(3)), [2, 4, 3]);
}

#[test]
fn shapes_are_read_from_the_head() {
    let found = ports(&folder().join("look.onnx")).unwrap();
    let shapes = |ports: &[mmf_lang::world::Port]| -> Vec<(String, Vec<Option<u64>>)> {
        ports.iter().map(|p| (p.name.clone(), p.shape.clone())).collect()
    };
    // The weights that stand among the inputs are left out.
    assert_eq!(shapes(&found.inputs), [("image".into(), vec![None, Some(3), Some(8), Some(8)])]);
    assert_eq!(
        shapes(&found.outputs),
        [("logits".into(), vec![None, Some(2)]), ("features".into(), vec![None, Some(4)])]
    );
}

fn wanted(picture: Option<[Option<usize>; 3]>) -> Wanted {
    Wanted { path: "m.onnx".into(), picture, pool: "mean".into(), output: None }
}

#[test]
fn what_does_not_fit_is_told_with_both_sizes() {
    let look = ports(&folder().join("look.onnx")).unwrap();
    let refused = |of: &Wanted, ports| {
        let misfit = fit::fit(ports, of).err().unwrap();
        (misfit.code, misfit.message.en, misfit.help.map_or(String::new(), |h| h.en))
    };
    let (code, said, help) = refused(&wanted(Some([Some(9), Some(8), Some(3)])), &look);
    assert_eq!(
        (code, said.contains("8x8") && said.contains("9x8"), help.contains("resize(8x8)")),
        ("E0302", true, true)
    );
    assert_eq!(refused(&wanted(Some([None, None, Some(3)])), &look).0, "E0302");
    assert!(refused(&wanted(Some([Some(8), Some(8), Some(1)])), &look).1.contains("1 channels"));
    assert!(refused(&wanted(None), &look).1.contains("`image` [_, 3, 8, 8]"));
    let words = ports(&folder().join("words.onnx")).unwrap();
    assert!(refused(&wanted(Some([Some(8), Some(8), Some(3)])), &words).1.contains("not one array of pictures"));
    let named = Wanted { output: Some("nothing".into()), ..wanted(None) };
    assert!(refused(&named, &words).1.contains("has no output `nothing`, but `pooler_output` [_, 4]"));
    let fit = fit::fit(&words, &wanted(None)).unwrap();
    assert_eq!((fit.output, fit.width), ("last_hidden_state", Some(4)));
    let fit = fit::fit(&look, &wanted(Some([Some(8), Some(8), Some(3)]))).unwrap();
    assert_eq!((fit.output, fit.width, fit.last), ("logits", Some(2), false));
    let last = ports(&folder().join("last.onnx")).unwrap();
    assert!(fit::fit(&last, &wanted(Some([Some(8), Some(8), Some(3)]))).unwrap().last);
    let seven = [Some(7.0f32); 1].map(|x| x.unwrap());
    assert!(fit::scale("deviation", Some(&[0.229]), &wanted(Some([None; 3]))).unwrap().help.is_some());
    assert!(fit::scale("deviation", Some(&seven), &wanted(Some([None; 3]))).is_none());
}

#[test]
fn broken_files_are_errors() {
    let error = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        run(path.parent().unwrap(), 0, &[("path", text(name))], pictures(vec![picture()])).err().unwrap()
    };
    let strange = error(&folder().join("unknown_operator.onnx"));
    assert_eq!(strange.code, "E1061");
    assert!(strange.message.en.contains("Strange"), "{}", strange.message.en);
    assert_eq!(error(&folder().join("none.onnx")).code, "E1046");
    let whole = std::fs::read(folder().join("look.onnx")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    for bytes in [&b""[..], b"hello", &[0xff; 64], &whole[..whole.len() / 2], &whole[..whole.len() - 9]] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(error(&path).code, "E1061", "{} bytes", bytes.len());
        assert!(ports(&path).is_err());
    }
    // No cut and no flipped byte panics the head's reader.
    for at in 0..whole.len() {
        let mut torn = whole.clone();
        torn[at] ^= 0x5a;
        std::fs::write(&path, &torn).unwrap();
        let _ = ports(&path);
        std::fs::write(&path, &whole[..at]).unwrap();
        let _ = ports(&path);
    }
}

/// A file that is torn or changed is refused, or reads as another; nothing panics.
#[test]
fn tokenizers_that_are_not_sound_are_refused() {
    let read = |bytes: &[u8]| Tokenizer::read("t.json", bytes, None);
    for name in ["tokenizer.json", "bpe.json", "unigram.json"] {
        let whole = std::fs::read(folder().join(name)).unwrap();
        for end in (0..whole.len()).step_by(97) {
            let error = read(&whole[..end]).err().unwrap();
            assert!(error.code == "E1063" && error.help.is_some(), "{name} cut at {end}");
        }
        for at in (0..whole.len()).step_by(41) {
            let mut other = whole.clone();
            other[at] = if other[at].is_ascii_digit() { b'9' } else { b'x' };
            let texts = ["the ship", "我喜欢这部电影", ""];
            let _ = read(&other).and_then(|t| texts.iter().try_for_each(|text| t.encode(text, Some(5)).map(|_| ())));
        }
    }
    let whole = String::from_utf8(std::fs::read(folder().join("unigram.json")).unwrap()).unwrap();
    let error = read(whole.replace("\"Unigram\"", "\"Other\"").as_bytes()).err().unwrap();
    assert_eq!(error.code, "E1063");
}

/// BPE that leaves out merges by chance is for training: a text has the same tokens each time.
#[test]
fn tokens_are_not_drawn() {
    let whole = String::from_utf8(std::fs::read(folder().join("bpe.json")).unwrap()).unwrap();
    let drawn = whole.replace("\"dropout\":null", "\"dropout\":0.9").replace("\"dropout\": null", "\"dropout\": 0.9");
    assert_ne!(whole, drawn);
    let encode =
        |json: &str| Tokenizer::read("", json.as_bytes(), None).unwrap().encode("a storm, a robot", None).unwrap();
    assert_eq!(encode(&whole), encode(&drawn));
}

/// A real network on a real picture, against ONNX Runtime.
#[test]
fn efficientnet_sees_what_onnx_runtime_sees() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/models");
    if !models.join("efficientnet-lite0.onnx").exists() {
        eprintln!("skipped: ../shared/data/models is not here");
        return;
    }
    let stored = fixture("onnx/efficientnet.json");
    let small = stored_picture(stored["picture"].as_str().unwrap());
    let mut samples = Vec::with_capacity(224 * 224 * 3);
    for (y, x) in (0..224).flat_map(|y| (0..224).map(move |x| (y, x))) {
        let at = (y % small.height * small.width + x % small.width) * 3;
        samples.extend_from_slice(&small.samples[at..at + 3]);
    }
    let picture = Picture { height: 224, width: 224, channels: 3, samples };
    for output in ["features", "logits"] {
        let list = [
            ("path", text("efficientnet-lite0.onnx")),
            ("output", text(output)),
            ("mean", ArgValue::List(vec![ArgValue::Int(127)])),
            ("deviation", ArgValue::Int(128)),
        ];
        let made = run(&models, 0, &list, pictures(vec![picture.clone()])).unwrap();
        close(vectors(&made).1, &floats(&stored[output]), 1e-4);
    }
    let begun = std::time::Instant::now();
    ports(&models.join("efficientnet-lite0.onnx")).unwrap();
    assert!(begun.elapsed().as_millis() < 50, "the head takes {:?}", begun.elapsed());
}

//! Times the work on pictures, one after the other on one thread. Prints of each kind of work the median pass over all pictures, the
//! least, and the mean CPU time, in milliseconds a picture. Arguments: a folder of pictures, the count of passes, and names of
//! what is wanted (all).
//!
//! - `decode`: a file's bytes in memory to red, green and blue;
//! - `resize`: to 224×224, the mean of areas;
//! - `gray`: of the whole picture;
//! - `canny`: of the whole picture in grey, bounds 100 and 200;
//! - `canny-small`: of the grey picture of 224×224;
//! - `lbp`: of the grey picture of 224×224, 8 points at radius 1;
//! - `hsv_histogram`: of the whole picture, 8×4×4 bins;
//! - `hsv_histogram-small`: of the picture of 224×224.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mmf_data::picture::{Limits, Picture, decode};
use mmf_data::stage::{Batch, Body, Context, Input, Quiet};
use mmf_data::values::Values;
use mmf_lang::args::{ArgValue, Args};

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("a folder of pictures is wanted")?;
    let passes: usize = args.next().map_or(Ok(10), |passes| passes.parse())?;
    let names: Vec<String> = args.collect();

    let mut paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Failure>>()?;
    paths.sort();
    let files = paths.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>()?;
    let limits = Limits::default();
    let read = files.iter().map(|bytes| Ok(Arc::new(decode(bytes, &limits)?))).collect::<Result<Vec<_>, Failure>>()?;

    let side = ArgValue::List(vec![ArgValue::Int(224); 2]);
    let resize = Args(vec![("size".into(), side)]);
    let plain = Args::default();
    let ring = Args(vec![("points".into(), ArgValue::Int(8)), ("radius".into(), ArgValue::Float(1.0))]);
    let small = read.iter().map(|picture| one(&run("resize", &resize, picture)?)).collect::<Result<Vec<_>, _>>()?;
    let gray = read.iter().map(|picture| one(&run("gray", &plain, picture)?)).collect::<Result<Vec<_>, _>>()?;
    let small_gray = small.iter().map(|picture| one(&run("gray", &plain, picture)?)).collect::<Result<Vec<_>, _>>()?;

    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    if wanted("decode") {
        time("decode", passes, &files, |bytes| Ok(decode(bytes, &limits).map(drop)?))?;
    }
    for (name, stage, args, pictures) in [
        ("resize", "resize", &resize, &read),
        ("gray", "gray", &plain, &read),
        ("canny", "canny", &plain, &gray),
        ("canny-small", "canny", &plain, &small_gray),
        ("lbp", "lbp", &ring, &small_gray),
        ("hsv_histogram", "hsv_histogram", &plain, &read),
        ("hsv_histogram-small", "hsv_histogram", &plain, &small),
    ] {
        if wanted(name) {
            time(name, passes, pictures, |picture| run(stage, args, picture).map(drop))?;
        }
    }
    Ok(())
}

/// Runs a stage of rows on a batch of one picture.
fn run(stage: &str, args: &Args, picture: &Arc<Picture>) -> Result<Values, Failure> {
    let stage = mmf_stages::find(stage).ok_or("no such stage")?;
    let Body::Rows(rows) = stage.body(0) else { return Err("not a stage of rows".into()) };
    let input = Input { values: Values::Pictures(Arc::new(vec![picture.clone()])), missing: None };
    let context = Context { seed: 0, base: Path::new("."), host: &Quiet };
    Ok(rows(&context, args, &Batch { rows: 1, inputs: vec![input] })?)
}

fn one(values: &Values) -> Result<Arc<Picture>, Failure> {
    match values {
        Values::Pictures(pictures) => Ok(pictures[0].clone()),
        other => Err(format!("a picture was expected, found {}", other.kind()).into()),
    }
}

/// Does the work on all of them, again and again, and prints what it took.
fn time<T>(name: &str, passes: usize, all: &[T], work: impl Fn(&T) -> Result<(), Failure>) -> Result<(), Failure> {
    all.iter().try_for_each(&work)?;
    let mut walls = Vec::with_capacity(passes);
    let before = cpu();
    for _ in 0..passes {
        let start = Instant::now();
        all.iter().try_for_each(&work)?;
        walls.push(start.elapsed().as_secs_f64() * 1e3 / all.len() as f64);
    }
    let cpu = (cpu() - before) / (passes * all.len()) as f64;
    walls.sort_by(f64::total_cmp);
    let (median, least) = (walls[walls.len() / 2], walls[0]);
    println!("{name} median {median:.4} ms least {least:.4} ms cpu {cpu:.4} ms");
    Ok(())
}

/// Returns the CPU time of this thread so far, in milliseconds; not a number where the system does not tell.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|spent| spent.parse::<f64>().ok()).map_or(f64::NAN, |spent| spent / 1e6)
}

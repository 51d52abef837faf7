//! Toy stages, one of each body.

use std::sync::Arc;

use mmf_data::arrays::{Array, Arrays};
use mmf_data::error::{Error, Result};
use mmf_data::picture::Picture;
use mmf_data::plan::PlanKind;
use mmf_data::stage::{Batch, Body, Context, Measure, Opened, Predictions, Report, Stage, Train, TrainCall};
use mmf_data::table::{Column, Rows, Split, Table, Value};
use mmf_data::values::{Map, Values, Vocabulary};
use mmf_lang::args::{Arg, ArgKind, Args};
use mmf_lang::say;
use mmf_lang::signature::{Group, Signature};
use mmf_lang::types::Part;

const PATH: Arg<String> = Arg::new("path", ArgKind::Path, |v| match v {
    Some(v) => v.as_text().unwrap().to_string(),
    None => panic!("a path"),
});
const LEAST: Arg<f64> = Arg::float("least");
const BY: Arg<f64> = Arg::float("by").default(mmf_lang::args::Literal::Float(2.0));
const EPOCHS: Arg<f64> = Arg::float("epochs").default(mmf_lang::args::Literal::Float(3.0));
const GATE: Arg<Option<String>> = Arg::some_text("gate");

struct Toy {
    signature: Signature,
    body: fn() -> Body,
}

impl Stage for Toy {
    fn signature(&self) -> &'static Signature {
        // Signatures are values of statics below.
        TOYS.iter().find(|t| t.signature.name == self.signature.name).map(|t| &t.signature).unwrap()
    }

    fn body(&self, _: usize) -> Body {
        (self.body)()
    }
}

const fn toy(name: &'static str, types: &'static [&'static str], body: fn() -> Body) -> Toy {
    Toy { signature: Signature::new(Group::Extract, name, types), body }
}

const fn with(toy: Toy, args: &'static [mmf_lang::args::ArgSpec]) -> Toy {
    Toy { signature: toy.signature.args(args), body: toy.body }
}

static TOYS: [Toy; 20] = [
    with(toy("lines", &["-> table"], || Body::Source(lines)), &[PATH.spec()]),
    with(toy("pairs", &["table -> table"], || Body::Source(pairs)), &[PATH.spec()]),
    with(toy("at_least", &["table -> part"], || Body::Table(at_least)), &[LEAST.spec()]),
    toy("parity", &["table -> split"], || Body::Split(parity)),
    with(toy("times", &["col<d, number> -> col<d, vector[1]>"], || Body::Rows(times)), &[BY.spec()]),
    toy("zero", &["col<d, vector[1]?> -> col<d, vector[1]>"], || Body::Rows(zero)),
    toy("add", &["col<d, vector[1]>... -> col<d, vector[1]>"], || Body::Rows(add)),
    toy("halves", &["col<d, image[h, w, c]> -> col<d, map[h, w, c]>"], || Body::Rows(halves)),
    with(toy("brightness", &["col<d, any> -> col<d, vector[1]>"], || Body::Rows(brightness)), &[BY.spec()]),
    toy("inverse", &["col<d, vector[1]> -> col<d, vector[1]>"], || Body::Rows(inverse)),
    with(toy("gated", &["col<d, number> -> col<d, vector[1]>"], || Body::Rows(gated)), &[GATE.spec(), BY.spec()]),
    toy("center", &["col<d, number> -> col<d, vector[1]>"], || Body::Fit { fit: mean, apply: subtract }),
    toy("exposure", &["col<d, image[h, w, c]> -> col<d, vector[1]>"], || Body::Fit { fit: expose, apply: exposed }),
    toy("wide", &["col<d, map[h, w, c]> -> col<d, vector[n]>"], || Body::Rows(wide)),
    with(
        toy("scaled", &["col<d, number> -> col<d, vector[1]>"], || Body::Opened {
            open: scale,
            rows: scaled,
            dear: true,
        }),
        &[PATH.spec()],
    ),
    with(
        toy("stretched", &["col<d, map[h, w, c]> -> col<d, vector[1]>"], || Body::Opened {
            open: scale,
            rows: stretched,
            dear: false,
        }),
        &[PATH.spec()],
    ),
    toy("shift", &["split -> split"], || Body::FitTable { fit: table_mean, apply: shift }),
    toy("layer", &["col<d, vector[n]> -> col<d, vector[1]>"], || Body::Joint(|_, _, inputs| Ok(inputs[0].clone()))),
    with(toy("average", &["split -> train"], || Body::Train(&Average)), &[EPOCHS.spec()]),
    toy("distance", &["predictions -> metric"], || Body::Metric(distance)),
];

pub(crate) fn find(name: &str) -> Option<&'static dyn Stage> {
    TOYS.iter().find(|t| t.signature.name == name).map(|t| t as &dyn Stage)
}

/// Reads a toy picture: `P`, then samples.
pub(crate) fn decode(bytes: &[u8]) -> Result<Picture> {
    match bytes.split_first() {
        Some((b'P', samples)) if !samples.is_empty() => {
            Ok(Picture { height: 1, width: samples.len(), channels: 1, samples: samples.to_vec() })
        }
        _ => Err(Error::new("E1012", say!("no picture", "不是图片"))),
    }
}

/// `key,value,label,file` a line; an empty value is missing. Asks for a second file, which need not be there.
fn lines(context: &Context<'_>, args: &Args, _: &[Value]) -> Result<Table> {
    let _ = context.host.read(&context.base.join(format!("{}.more", args.get(PATH))));
    let text = String::from_utf8(context.host.read(&context.base.join(args.get(PATH)))?).unwrap();
    let cells: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
    let rows = Rows::all(cells.len());
    let key = keys(cells.iter().map(|c| c[0].to_string()).collect());
    let number = |at: usize| cells.iter().map(|c| c[at].parse().unwrap_or(0.0)).collect();
    let value = Column::new(rows.clone(), Values::Float(Arc::new(number(1))))
        .with_missing(cells.iter().map(|c| c[1].is_empty()).collect());
    let label = Column::new(rows.clone(), Values::Float(Arc::new(number(2))));
    let files = Values::Files(cells.iter().map(|c| c[3]).collect());
    let file = Column::new(rows.clone(), files).with_missing(cells.iter().map(|c| c[3].is_empty()).collect());
    let columns = [("key", Column::new(rows.clone(), key)), ("value", value), ("label", label), ("file", file)];
    Ok(Table { rows, columns: columns.map(|(n, c)| (n.to_string(), c)).into() })
}

fn keys(names: Vec<String>) -> Values {
    Values::Code { codes: Arc::new((0..names.len() as u32).collect()), names: Arc::new(Vocabulary::new(names.into())) }
}

/// `key,to` a line.
fn pairs(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let text = String::from_utf8(context.host.read(&context.base.join(args.get(PATH)))?).unwrap();
    let cells: Vec<(&str, &str)> = text.lines().map(|l| l.split_once(',').unwrap()).collect();
    let Values::Code { names, .. } = &inputs[0].table()?.column("key")?.values else { panic!("keys") };
    let rows = Rows::all(cells.len());
    let codes = cells.iter().map(|(_, to)| names.code(to).unwrap()).collect();
    let to = Values::Code { codes: Arc::new(codes), names: names.clone() };
    let key = keys(cells.iter().map(|(k, _)| (*k).to_string()).collect());
    let columns = vec![("key".into(), Column::new(rows.clone(), key)), ("to".into(), Column::new(rows.clone(), to))];
    Ok(Table { rows, columns })
}

fn at_least(_: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Table> {
    let table = inputs[0].table()?;
    let (_, numbers) = table.column("value")?.values.as_vectors()?;
    let least = args.get(LEAST) as f32;
    let places: Vec<u32> = (0..numbers.len() as u32).filter(|&i| numbers[i as usize] >= least).collect();
    Ok(table.keep(&places))
}

fn parity(_: &Context<'_>, _: &Args, inputs: &[Value]) -> Result<Split> {
    let table = inputs[0].table()?.clone();
    let part = |of: &dyn Fn(u32) -> bool| {
        let ids = table.rows.ids();
        Rows::some(table.rows.total, ids.into_iter().filter(|&id| of(id)).collect())
    };
    let parts = vec![
        (Part::Train, part(&|id| id % 2 == 0)),
        (Part::Validation, part(&|id| id % 8 == 1)),
        (Part::Test, part(&|id| id % 2 == 1 && id % 8 != 1)),
    ];
    Ok(Split { table, parts })
}

fn one(batch: &Batch, f: impl Fn(f32) -> f32) -> Result<Values> {
    let (_, numbers) = batch.values(0)?.as_vectors()?;
    Ok(Values::vector(1, numbers.iter().map(|&x| f(x)).collect()))
}

fn times(_: &Context<'_>, args: &Args, batch: &Batch) -> Result<Values> {
    let by = args.get(BY) as f32;
    one(batch, |x| x * by)
}

fn zero(_: &Context<'_>, _: &Args, batch: &Batch) -> Result<Values> {
    let (_, numbers) = batch.values(0)?.as_vectors()?;
    let at = |i: usize| if batch.is_missing(i) { 0.0 } else { numbers[i] };
    Ok(Values::vector(1, (0..batch.rows).map(at).collect()))
}

fn add(_: &Context<'_>, _: &Args, batch: &Batch) -> Result<Values> {
    let mut sum = vec![0.0; batch.rows];
    for input in &batch.inputs {
        input.values.as_vectors()?.1.iter().zip(&mut sum).for_each(|(x, s)| *s += x);
    }
    Ok(Values::vector(1, sum))
}

fn halves(_: &Context<'_>, _: &Args, batch: &Batch) -> Result<Values> {
    let Values::Pictures(pictures) = batch.values(0)? else { return Err(Error::bug("no pictures")) };
    let half = |p: &Arc<Picture>| {
        let numbers = p.samples.iter().map(|&s| f32::from(s) / 2.0).collect();
        Arc::new(Map { height: p.height, width: p.width, channels: p.channels, numbers })
    };
    Ok(Values::Maps(Arc::new(pictures.iter().map(half).collect())))
}

fn brightness(_: &Context<'_>, args: &Args, batch: &Batch) -> Result<Values> {
    let Values::Maps(maps) = batch.values(0)? else { return Err(Error::bug("no maps")) };
    let by = args.get(BY) as f32;
    Ok(Values::vector(1, maps.iter().map(|m| by * m.numbers.iter().sum::<f32>() / m.numbers.len() as f32).collect()))
}

fn inverse(_: &Context<'_>, _: &Args, batch: &Batch) -> Result<Values> {
    one(batch, |x| 1.0 / x)
}

/// A kilonumber a picture.
fn wide(_: &Context<'_>, _: &Args, batch: &Batch) -> Result<Values> {
    let Values::Maps(maps) = batch.values(0)? else { return Err(Error::bug("no maps")) };
    Ok(Values::vector(1024, maps.iter().flat_map(|m| vec![m.numbers[0]; 1024]).collect()))
}

/// Reads a number from a file; leaves a byte beside it each time.
fn scale(context: &Context<'_>, args: &Args) -> Result<Opened> {
    let path = context.base.join(args.get(PATH));
    let text = String::from_utf8(context.host.read(&path)?).unwrap();
    let number: f32 = text.trim().parse().map_err(|_| Error::new("E1060", say!("no number", "不是数字")))?;
    let opened = std::fs::File::options().create(true).append(true).open(path.with_extension("opened"));
    std::io::Write::write_all(&mut opened.unwrap(), b".").unwrap();
    Ok(Arc::new(number))
}

fn scaled(_: &Context<'_>, _: &Args, opened: &Opened, batch: &Batch) -> Result<Values> {
    let by = *mmf_data::stage::opened::<f32>(opened)?;
    one(batch, |x| x * by)
}

fn stretched(_: &Context<'_>, _: &Args, opened: &Opened, batch: &Batch) -> Result<Values> {
    let by = *mmf_data::stage::opened::<f32>(opened)?;
    let Values::Maps(maps) = batch.values(0)? else { return Err(Error::bug("no maps")) };
    Ok(Values::vector(1, maps.iter().map(|m| m.numbers[0] * by).collect()))
}

/// Learns of how many pictures it was told, and reads them itself.
fn expose(context: &Context<'_>, _: &Args, columns: &[Column]) -> Result<Arrays> {
    let Values::Files(files) = &columns[0].values else { return Err(Error::bug("no files")) };
    files.iter().try_for_each(|file| decode(&context.host.read(&file)?).map(|_| ()))?;
    Ok(Arrays::new().with("count", Array::F64(vec![files.len() as f64])))
}

fn exposed(_: &Context<'_>, _: &Args, state: &Arrays, batch: &Batch) -> Result<Values> {
    let Values::Pictures(pictures) = batch.values(0)? else { return Err(Error::bug("no pictures")) };
    let count = state.f64s("count")?[0] as f32;
    Ok(Values::vector(1, pictures.iter().map(|p| count + f32::from(p.samples[0])).collect()))
}

/// Waits for a file to be there; leaves a byte in another while it does.
fn gated(context: &Context<'_>, args: &Args, batch: &Batch) -> Result<Values> {
    if let Some(gate) = args.get(GATE) {
        let waiting =
            std::fs::File::options().create(true).append(true).open(context.base.join(format!("{gate}.waits")));
        std::io::Write::write_all(&mut waiting.unwrap(), b".").unwrap();
    }
    while args.get(GATE).is_some_and(|gate| !context.base.join(gate).exists()) {
        context.check()?;
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    times(context, args, batch)
}

fn mean(_: &Context<'_>, _: &Args, columns: &[Column]) -> Result<Arrays> {
    let (_, numbers) = columns[0].values.as_vectors()?;
    let mean = numbers.iter().map(|&x| f64::from(x)).sum::<f64>() / numbers.len().max(1) as f64;
    Ok(Arrays::new().with("mean", Array::F64(vec![mean])).with("count", Array::I64(vec![numbers.len() as i64])))
}

fn subtract(_: &Context<'_>, _: &Args, state: &Arrays, batch: &Batch) -> Result<Values> {
    let mean = state.f64s("mean")?[0] as f32;
    one(batch, |x| x - mean)
}

fn table_mean(context: &Context<'_>, args: &Args, table: &Table) -> Result<Arrays> {
    mean(context, args, &[table.column("label")?.clone()])
}

fn shift(_: &Context<'_>, _: &Args, state: &Arrays, table: &Table) -> Result<Table> {
    let mean = state.f64s("mean")?[0];
    let mut table = table.clone();
    for (name, column) in &mut table.columns {
        if let ("label", Values::Float(v)) = (name.as_str(), &column.values) {
            column.values = Values::Float(Arc::new(v.iter().map(|x| x - mean).collect()));
        }
    }
    Ok(table)
}

/// Learns how much larger the label is than the first leaf, in the mean over training rows; sums up slowly, an epoch a
/// step, so that it can be stopped between.
struct Average;

impl Average {
    fn leaf(call: &TrainCall) -> Result<&Column> {
        let leaf = call.plan.nodes.iter().find_map(|n| match &n.kind {
            PlanKind::Leaf(column) => Some(column),
            _ => None,
        });
        leaf.ok_or_else(|| Error::bug("no leaf"))
    }

    /// Leaf and label of a part's rows, along the output's way.
    fn rows(call: &TrainCall, part: Part) -> Result<Vec<(u32, f64, f64)>> {
        let leaf = Self::leaf(call)?;
        let numbers = match &leaf.values {
            Values::Pictures(pictures) => Arc::new(pictures.iter().map(|p| f32::from(p.samples[0])).collect()),
            other => other.as_vectors()?.1,
        };
        let (_, labels) = call.split.table.column("label")?.values.as_vectors()?;
        let ids = call.split.part(part).unwrap().ids();
        let of = |id: u32| {
            let place = call.split.table.rows.place(id).unwrap();
            (id, f64::from(numbers[leaf.rows.place(id).unwrap()]), f64::from(labels[place]))
        };
        Ok(ids.into_iter().map(of).collect())
    }
}

impl Train for Average {
    fn train(&self, context: &Context, args: &Args, call: &TrainCall) -> Result<Arrays> {
        let rows = Self::rows(call, Part::Train)?;
        let saved = context.host.load_checkpoint();
        let (mut epoch, mut offset) = match &saved {
            Some(bytes) => {
                let state = Arrays::from_bytes(bytes)?;
                (state.i64s("epoch")?[0], state.f64s("offset")?[0])
            }
            None => (0, 0.0),
        };
        if saved.is_some() {
            context.host.report(Report::Note(say!("resumed at {epoch}", "从 {epoch} 继续")));
        }
        while (epoch as f64) < args.get(EPOCHS) {
            context.check()?;
            let error: f64 = rows.iter().map(|(_, x, y)| y - x - offset).sum::<f64>() / rows.len() as f64;
            offset += 0.5 * error;
            epoch += 1;
            let state = Arrays::new().with("epoch", Array::I64(vec![epoch])).with("offset", Array::F64(vec![offset]));
            context.host.save_checkpoint(&state.to_bytes());
            context.host.report(Report::Curve { curve: "loss".into(), step: epoch as u64, value: error });
        }
        let mut out =
            Arrays::new().with("offset", Array::F64(vec![offset])).with("seed", Array::I64(vec![context.seed as i64]));
        for (name, at) in &call.plan.fields {
            let total = call.plan.domains[call.plan.nodes[*at].domain].total;
            out.put(format!("field.{name}.width"), Array::I64(vec![1]));
            out.put(format!("field.{name}.values"), Array::F32(vec![offset as f32; total]));
        }
        Ok(out)
    }

    fn predict(
        &self,
        _: &Context,
        _: &Args,
        call: &TrainCall,
        trained: &Arrays,
        part: Part,
        _: usize,
    ) -> Result<Predictions> {
        let offset = trained.f64s("offset")?[0];
        let rows = Self::rows(call, part)?;
        Ok(Arrays::new()
            .with("units", Array::U32(rows.iter().map(|r| r.0).collect()))
            .with("label", Array::F64(rows.iter().map(|r| r.2).collect()))
            .with("predicted", Array::F64(rows.iter().map(|r| r.1 + offset).collect())))
    }
}

fn distance(_: &Args, predictions: &Predictions) -> Result<Measure> {
    let label = predictions.f64s("label")?.to_vec();
    let predicted = predictions.f64s("predicted")?.to_vec();
    Ok(Box::new(move |units| {
        let total: f64 = units.iter().map(|&u| (label[u as usize] - predicted[u as usize]).abs()).sum();
        (!units.is_empty()).then(|| total / units.len() as f64)
    }))
}

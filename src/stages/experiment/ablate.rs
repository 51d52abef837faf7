//! Whether each modality helps: the same train without it, alone with it, with noise and with other rows' values in its place.

use std::collections::{BTreeMap, BTreeSet};

use mmf_data::ablation::{Ablation, Variant};
use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::stage::{Body, Context, Measure, Stage};
use mmf_data::table::Value;
use mmf_lang::args::{Arg, ArgKind, ArgValue, Args, Literal, Recipe};
use mmf_lang::graph::NodeId;
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::signature::{Example, Group, Interval, Signature};
use mmf_lang::types::{Elem, Task, Type};

use super::muted;
use super::paired::{Compared, by_leaving_out, by_unit, holm, together};
use crate::metric::lower_is_better;
use crate::train::predictions::task;

pub(crate) struct Ablate;

const TRAIN: Arg<()> = Arg::new("train", ArgKind::Train, |_| ()).doc("The train whose modalities are in question.");
const METRIC: Arg<()> = Arg::new("metric", ArgKind::Metric, |_| ())
    .doc("What tells how good it is: a declared metric of this train, such as `quality.ndcg@20`.");
const OF: Arg<bool> = Arg::new("of", ArgKind::Inputs, |value| value.is_some()).optional().doc(
    "The modalities: columns that the network reads, or is led to. Unsaid, the source columns that its inputs come from: a poster is \
     one, however many extractors look at it.",
);
const REPEAT: Arg<usize> = Arg::int("repeat")
    .default(Literal::Int(3))
    .range(1.0, 100.0)
    .doc(
        "How often each variant is trained, each time from other starting weights. Once tells of these very weights, not of the \
         modality.",
    );

/// What becomes of a modality, as the variant is called and as `muted` calls it.
const HOWS: [(&str, &str); 4] = [("without", "zero"), ("alone", "zero"), ("noise", "noise"), ("shuffled", "shuffle")];

static SIGNATURE: Signature = Signature::new(Group::Experiment, "ablate", &["-> experiment"])
    .args(&[TRAIN.spec(), METRIC.spec(), OF.spec(), REPEAT.spec()])
    .infer(variants)
    .doc(
        "Trains the same network again and again, of each modality: without it (zeros in its place, so that no weight is gone), alone \
         with it, with noise in its place, and with its values exchanged among rows; and says whether the whole is better than without \
         it: how much on the same users or rows, with a 95 % interval over other trainings and other rows, an effect size, and the chance \
         of that by a paired permutation test, corrected for the count of modalities (Holm). A modality helps where that is below \
         0.05 and the interval lies above nothing, without it and also with noise or its values exchanged in its place: zeros alone may \
         change how fast a network learns. Ids are never left out. What comes before the network is shared through the store. It may read the \
         test part: nothing is chosen by it.",
    )
    .reference("paired tests as Demšar 2006 asks for; Holm 1979; the effect size is Cohen's d of paired differences")
    .examples(&[Example::new(
        "Do looks help, do plots?",
        "source films = table(\"films.csv\") { film: key, look: vector[8], plot: vector[4], good: bool }\n\
         prepare parts = films |> split(train = 60%, test = 40%)\n\
         train liked = classify(parts, label = good) {\n    \
         output = concat(films.look, films.plot) |> dense(1) |> sigmoid\n\
         }\n\
         metric quality = liked on parts.test { accuracy }\n\
         experiment worth = ablate(liked, metric = quality.accuracy, repeat = 2)",
        "experiment",
    )]);

/// Puts the variants into the graph: the experiment reads what each predicts.
fn variants(call: &mut Inference<'_, '_>) -> Option<Type> {
    let place = |call: &Inference<'_, '_>, name: &str| match call.args.find(name) {
        Some(ArgValue::Input(at)) => call.inputs.get(at - 1).copied(),
        _ => None,
    };
    let (train, metric) = (place(call, TRAIN.name())?, place(call, METRIC.name())?);
    let (measured, Some((name, settings))) = call.made_of(metric) else { return None };
    let (asked, (train, task)) = (train, call.whole_train(train));
    let (of, head) = call.predicted_by(*measured.first()?)?;
    if of != train || task.is_some_and(|task| task != head) {
        let train = asked;
        let (wanted, span) = (call.label_of(train), call.arg_span(METRIC.name()));
        return call.refuse(
            "E0608",
            span,
            say!("this metric measures another train than `{wanted}`", "该指标衡量的不是训练 `{wanted}`"),
            None,
        );
    }
    let (modalities, all) = (modalities(call, train)?, read(call, train));
    let repeats = call.args.get(REPEAT);
    let (whole, mut inputs) = (call.label_of(train), Vec::new());
    for repeat in 0..repeats {
        let again =
            if repeat == 0 { train } else { call.again(train, &BTreeMap::new(), repeat, numbered(&whole, repeat)) };
        inputs.push(call.predicted(again, metric)?);
    }
    let mut names = Vec::new();
    for (modality, leaves) in &modalities {
        for (how, word) in HOWS {
            let silent: BTreeSet<NodeId> = match how {
                // All else that the network reads is silent, named or not.
                "alone" => {
                    let others: BTreeSet<NodeId> = all.iter().copied().filter(|leaf| !leaves.contains(leaf)).collect();
                    if others.is_empty() || others.iter().any(|&leaf| !may_be_silent(call, leaf)) {
                        continue;
                    }
                    others
                }
                _ => leaves.iter().copied().collect(),
            };
            for repeat in 0..repeats {
                let mut changed = BTreeMap::new();
                for &leaf in &silent {
                    let draw = if word == "zero" { 0 } else { repeat as i64 };
                    let args = Args(vec![
                        (muted::HOW.name().into(), ArgValue::Word(word.into())),
                        (muted::DRAW.name().into(), ArgValue::Int(draw)),
                    ]);
                    let label = format!("{} {how}", call.label_of(leaf));
                    let sequence =
                        matches!(call.type_of(leaf), Type::Column(c) if matches!(c.elem, Elem::Sequence(..)));
                    changed.insert(leaf, call.over(leaf, "muted", usize::from(sequence), args, label)?);
                }
                let label = numbered(&format!("{whole}: {modality} {how}"), repeat);
                let again = call.again(train, &changed, repeat, label);
                inputs.push(call.predicted(again, metric)?);
            }
            names.push(ArgValue::List(vec![ArgValue::Text(modality.clone()), ArgValue::Text(how.into())]));
        }
    }
    call.inputs = inputs;
    let written = call.label_of(metric);
    let own = vec![
        (REPEAT.name().into(), ArgValue::Int(repeats as i64)),
        ("about".into(), ArgValue::List(vec![ArgValue::Text(whole), ArgValue::Text(written)])),
        ("measure".into(), ArgValue::Recipe(Recipe { stage: name.into(), args: settings })),
        ("variants".into(), ArgValue::List(names)),
    ];
    call.args = Args(own);
    Some(Type::Experiment)
}

fn numbered(name: &str, repeat: usize) -> String {
    if repeat == 0 { name.into() } else { format!("{name} ({})", repeat + 1) }
}

/// Returns the columns that a train's network reads, ids left out.
fn read(call: &Inference<'_, '_>, train: NodeId) -> Vec<NodeId> {
    let is_id = |leaf: &NodeId| matches!(call.type_of(*leaf), Type::Column(c) if matches!(c.elem, Elem::Category(_) | Elem::Ref(_) | Elem::Key));
    call.leaves(train).into_iter().filter(|leaf| !is_id(leaf)).collect()
}

/// Whether a column can be muted.
fn may_be_silent(call: &Inference<'_, '_>, leaf: NodeId) -> bool {
    let Type::Column(column) = call.type_of(leaf) else { return false };
    column.elem.as_vector().is_some() || matches!(column.elem, Elem::Sequence(..))
}

/// Returns the modalities by name, each with the columns of the network that carry it.
fn modalities(call: &mut Inference<'_, '_>, train: NodeId) -> Option<Vec<(String, Vec<NodeId>)>> {
    let leaves = read(call, train);
    let given: Vec<NodeId> = match call.args.find(OF.name()) {
        Some(ArgValue::List(list)) => {
            let number = |value: &ArgValue| match value {
                ArgValue::Input(at) => call.inputs.get(at - 1).copied(),
                _ => None,
            };
            list.iter().filter_map(number).collect()
        }
        _ => Vec::new(),
    };
    let mut found: Vec<(String, Vec<NodeId>)> = Vec::new();
    if given.is_empty() {
        let mut carried: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
        for &leaf in &leaves {
            let Type::Column(column) = call.type_of(leaf) else { continue };
            for source in &column.marks.columns {
                carried.entry(source.to_string()).or_default().push(leaf);
            }
        }
        // Columns that are never apart are one modality.
        for (name, leaves) in carried {
            match found.iter_mut().find(|(_, own)| *own == leaves) {
                Some((names, _)) => *names = format!("{names} + {name}"),
                None => found.push((name, leaves)),
            }
        }
    } else {
        for node in given {
            let own: Vec<NodeId> = leaves.iter().copied().filter(|&leaf| call.comes_from(leaf, node)).collect();
            let (name, span) = (call.label_of(node), call.arg_span(OF.name()));
            if own.is_empty() {
                return call
                    .refuse(
                        "E0404",
                        span,
                        say!("the network of this train reads nothing of `{name}`", "该训练的网络没有读取 `{name}`"),
                        Some(say!("name a column that it reads", "请写网络所读取的列")),
                    )
                    .map(|_| Vec::new());
            }
            found.push((name, own));
        }
    }
    let span = call.arg_span(TRAIN.name());
    if found.is_empty() {
        return call
            .refuse(
                "E0404",
                span,
                say!(
                    "the network reads no column that could be left out, but ids alone",
                    "除编号外，网络没有读取任何可去掉的列"
                ),
                None,
            )
            .map(|_| Vec::new());
    }
    let loud = found.iter().flat_map(|(_, leaves)| leaves).copied().find(|&leaf| !may_be_silent(call, leaf));
    if let Some(leaf) = loud {
        let name = call.label_of(leaf);
        return call
            .refuse(
                "E0301",
                span,
                say!(
                    "`{name}` cannot be left out: of a network's inputs, vectors, numbers and sequences can",
                    "无法去掉 `{name}`：网络输入中只有向量、数与序列可以去掉"
                ),
                Some(say!(
                    "make a vector of it before the network, or name others by `of = […]`",
                    "请在网络之前将其变为向量，或用 `of = […]` 指明其他列"
                )),
            )
            .map(|_| Vec::new());
    }
    // Where one column carries two modalities, neither can be left out by itself.
    for (at, (name, leaves)) in found.iter().enumerate() {
        let other = found[at + 1..].iter().find(|(_, others)| others.iter().any(|leaf| leaves.contains(leaf)));
        if let Some((other, others)) = other {
            let both = others.iter().find(|leaf| leaves.contains(leaf)).map(|&leaf| call.label_of(leaf));
            let both = both.unwrap_or_default();
            return call
                .refuse(
                    "E0404",
                    span,
                    say!(
                        "`{both}` carries both `{name}` and `{other}`, so neither can be left out alone",
                        "`{both}` 同时含有 `{name}` 与 `{other}`，无法只去掉其一"
                    ),
                    Some(say!(
                        "join them within the network, or name what is apart: `of = […]`",
                        "请在网络之内拼接，或用 `of = […]` 指明可分开的列"
                    )),
                )
                .map(|_| Vec::new());
        }
    }
    Some(found)
}

impl Stage for Ablate {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Experiment(run)
    }
}

fn texts(value: Option<&ArgValue>) -> Option<[String; 2]> {
    let Some(ArgValue::List(list)) = value else { return None };
    match &list[..] {
        [ArgValue::Text(a), ArgValue::Text(b)] => Some([a.clone(), b.clone()]),
        _ => None,
    }
}

/// The trainings of one variant, ready to be asked.
struct Trained {
    repeats: Vec<Measure>,
}

impl Trained {
    fn over(&self, trainings: &[usize], units: &[u32]) -> Option<f64> {
        let values: Option<Vec<f64>> = trainings.iter().map(|&training| self.repeats[training](units)).collect();
        values.map(|values| values.iter().sum::<f64>() / values.len().max(1) as f64)
    }

    /// Returns the mean over repeats, and their standard deviation.
    fn spread(&self, units: &[u32]) -> (f64, f64) {
        let values: Vec<f64> = self.repeats.iter().map(|measure| measure(units).unwrap_or(f64::NAN)).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let square = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
        (mean, square.sqrt())
    }

    /// Returns of each training a value a unit, where the metric is their mean.
    fn each(&self, all: &[u32]) -> Option<Vec<Vec<f64>>> {
        let of = |measure: &Measure| {
            let values: Vec<f64> = all.iter().map(|&unit| measure(&[unit])).collect::<Option<_>>()?;
            let (mean, whole) = (values.iter().sum::<f64>() / values.len().max(1) as f64, measure(all)?);
            ((mean - whole).abs() <= 1e-9 * whole.abs().max(1.0)).then_some(values)
        };
        self.repeats.iter().map(of).collect()
    }
}

fn run(context: &Context<'_>, args: &Args, inputs: &[Value]) -> Result<Arrays> {
    let odd = || Error::bug("an experiment without its variants");
    let [train, metric] = texts(args.find("about")).ok_or_else(odd)?;
    let (Some(ArgValue::Recipe(asked)), Some(ArgValue::List(names))) = (args.find("measure"), args.find("variants"))
    else {
        return Err(odd());
    };
    let measure = crate::measure(&asked.stage).ok_or_else(odd)?;
    let repeats = args.get(REPEAT);
    if inputs.len() != (names.len() + 1) * repeats {
        return Err(odd());
    }
    let mut units: Option<Vec<u32>> = None;
    let mut ranks = false;
    let mut trained = Vec::new();
    for group in inputs.chunks(repeats) {
        let mut measures = Vec::new();
        for predictions in group {
            context.check()?;
            let predictions = predictions.state()?;
            let own = predictions.u32s("units")?;
            if *units.get_or_insert_with(|| own.to_vec()) != own {
                return Err(Error::bug("variants are measured on other units"));
            }
            ranks = task(predictions)? == Task::Recommend;
            measures.push(measure(&asked.args, predictions)?);
        }
        trained.push(Trained { repeats: measures });
    }
    let (whole, others) = trained.split_first().ok_or_else(odd)?;
    let all: Vec<u32> = (0..units.map_or(0, |units| units.len()) as u32).collect();
    let sign = if lower_is_better(&asked.stage) { -1.0 } else { 1.0 };
    let interval = crate::find(&asked.stage).map_or(Interval::Bootstrap, |stage| stage.signature().interval);
    let (every, mut paired): (Vec<usize>, bool) = ((0..repeats).collect(), false);
    let own = whole.each(&all);
    let (value, deviation) = whole.spread(&all);
    let mut variants = Vec::new();
    for (variant, name) in others.iter().zip(names) {
        context.check()?;
        let [modality, how] = texts(Some(name)).ok_or_else(odd)?;
        let gain = |trainings: &[usize], units: &[u32]| {
            Some(sign * (whole.over(trainings, units)? - variant.over(trainings, units)?))
        };
        let found: Compared = match (interval, &own, variant.each(&all)) {
            (Interval::Jackknife, ..) => by_leaving_out(all.len(), |units| gain(&every, units)),
            (_, Some(own), Some(theirs)) => {
                let of = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| sign * (a - b)).collect();
                paired = true;
                by_unit(&own.iter().zip(&theirs).map(of).collect::<Vec<_>>(), context.seed)
            }
            _ => together(all.len(), repeats, context.seed, gain),
        };
        let (value, deviation) = variant.spread(&all);
        let Compared { gain, low, high, p, effect } = found;
        variants.push(Variant { modality, how, value, deviation, gain, low, high, p, holm: p, effect });
    }
    for (how, _) in HOWS {
        let places: Vec<usize> = (0..variants.len()).filter(|&at| variants[at].how == how).collect();
        let corrected = holm(&places.iter().map(|&at| variants[at].p).collect::<Vec<_>>());
        places.iter().zip(corrected).for_each(|(&at, p)| variants[at].holm = p);
    }
    let lower_is_better = sign < 0.0;
    let (units, of_users) = (all.len(), ranks);
    Ok(Ablation { train, metric, units, of_users, paired, repeats, value, deviation, lower_is_better, variants }
        .to_arrays())
}

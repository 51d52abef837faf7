//! Training on rows with a label: what `classify` and `regress` share.

use std::ops::Range;
use std::sync::Arc;

use mmf_data::arrays::Arrays;
use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use mmf_data::plan::Edge;
use mmf_data::stage::{Context, Predictions, TrainCall};
use mmf_data::values::Values;
use mmf_lang::args::{Args, Recipe};
use mmf_lang::say;
use mmf_lang::types::Part;
use mmf_tensor::{Loss, Parameters, Session};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::learn::{Course, Work, learn};
use super::network::{AT_ONCE, Circuit, TaskRows};
use super::predictions::{Classified, Regressed};
use super::recipe::{self, Stop};
use super::space::Space;
use super::terms::{Asked, Found, Terms};
use super::trained::{self, part};

/// What rows are told apart by, row by row of the split's table.
pub(crate) enum Label {
    Classes { codes: Vec<u32>, names: Vec<String>, positive: u32 },
    Numbers(Vec<f64>),
}

/// What the arguments of both say.
pub(crate) struct Settings<'a> {
    pub(crate) label: Label,
    /// The column, to know which labels are missing.
    pub(crate) column: &'a str,
    /// The loss, and what it is called that reads the label.
    pub(crate) loss: Vec<(f64, Recipe)>,
    pub(crate) name: &'a str,
    pub(crate) epochs: usize,
    pub(crate) batch: usize,
}

/// Returns the classes of a label column: `false` and `true`, or the values of a category.
pub(crate) fn classes(call: &TrainCall, column: &str, positive: Option<&str>) -> Result<Label> {
    let (codes, names) = match &call.split.table.column(column)?.values {
        Values::Bool(v) => (v.iter().map(|&b| u32::from(b)).collect(), vec!["false".to_string(), "true".to_string()]),
        Values::Code { codes, names } => (codes.to_vec(), names.names().iter().map(str::to_string).collect()),
        other => return Err(Error::bug(format!("a label of classes was expected, found {}", other.kind()))),
    };
    let positive = match positive {
        None => names.len().saturating_sub(1),
        Some(name) => names.iter().position(|n| n == name).ok_or_else(|| {
            let known = names.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            Error::new("E1038", say!("`{column}` has no class `{name}`", "`{column}` 中没有类别 `{name}`"))
                .note(say!("its classes are {known}", "其类别为：{known}"))
        })?,
    };
    Ok(Label::Classes { codes, names, positive: positive as u32 })
}

/// Trains and returns the weights and fields.
pub(crate) fn train(context: &Context, args: &Args, call: &TrainCall, settings: &Settings<'_>) -> Result<Arrays> {
    let weights = args.get(recipe::WEIGHT).map(|column| trained::numbers(call, &column)).transpose()?;
    let mut work = Rowwise::new(call, settings)?;
    work.weights = weights;
    let (rule, whole) = recipe::rule(args)?;
    let course = Course {
        epochs: settings.epochs,
        batch: if whole { work.places.len().max(1) } else { settings.batch },
        rule,
        stop: Stop::of(args, call)?,
    };
    if let Some(weights) = &work.weights {
        work.places.retain(|&place| weights[place as usize].is_finite());
    }
    let learned = learn(context, &course, &work)?;
    let mut arrays = learned.store()?;
    trained::store_fields(&call.plan, &work.circuit, &learned.parameters, &mut arrays)?;
    Ok(arrays)
}

/// Predicts a part.
pub(crate) fn predict(call: &TrainCall, settings: &Settings<'_>, trained: &Arrays, part: Part) -> Result<Predictions> {
    let (work, parameters) = (Rowwise::new(call, settings)?, trained::weights(trained)?);
    work.predict(&parameters, part, true)
}

/// A training whose rows are those of the split's table.
struct Rowwise<'a> {
    call: &'a TrainCall,
    settings: &'a Settings<'a>,
    circuit: Circuit<'a>,
    output: &'a Edge,
    /// How much the losses count that read the label, by their numbers.
    factors: Vec<(usize, f32)>,
    /// The parts of the loss that compare two values, or ask for the worst.
    pulls: Terms<'a>,
    /// Places in the table of the training rows that have a label, ascending.
    places: Vec<u32>,
    weights: Option<Vec<f64>>,
}

impl<'a> Rowwise<'a> {
    fn new(call: &'a TrainCall, settings: &'a Settings<'a>) -> Result<Self> {
        let mut circuit = Circuit::new(&call.plan)?;
        let output = circuit.output("output")?;
        let (pulls, others) = Terms::of(&settings.loss, &circuit)?;
        others.iter().try_for_each(|(_, _, recipe)| recipe::is(recipe, settings.name))?;
        let factors = others.iter().map(|(number, factor, _)| (*number, *factor)).collect();
        let places = labelled(call, settings, Part::Train)?;
        let all: Vec<&Edge> = std::iter::once(output).chain(pulls.values()).collect();
        circuit.know(TaskRows::Table(&ids(call, &places)), &all)?;
        Ok(Rowwise { call, settings, circuit, output, factors, pulls, places, weights: None })
    }

    /// Predicts a part; with `spaced`, what enters the last layer is kept too.
    fn predict(&self, parameters: &Parameters, part: Part, spaced: bool) -> Result<Predictions> {
        let places = labelled(self.call, self.settings, part)?;
        let units = ids(self.call, &places);
        let entrance = if spaced { self.circuit.entrance(self.output) } else { None };
        let settled = self.circuit.settled(parameters)?;
        let over = settled.as_ref().map(|plan| self.circuit.over(plan)).transpose()?;
        let circuit = over.as_ref().unwrap_or(&self.circuit);
        let outputs: Vec<&Edge> = std::iter::once(self.output).chain(&entrance).collect();
        let forward = |rows: &[u32]| -> Result<(Vec<f64>, usize, Vec<f32>)> {
            let mut session = Session::reading(parameters);
            let pass = circuit.forward(&mut session, TaskRows::Table(rows), &outputs)?;
            let (width, inner) = match pass.values.get(1) {
                Some(inner) => (inner.width(), session.values(inner)?.to_vec()),
                None => (0, Vec::new()),
            };
            Ok((self.read(&session, &pass.values[0])?, width, inner))
        };
        let mut space = Space::default();
        let mut numbers = Vec::new();
        // In rounds: what enters the last layer is wide, and only some of it is kept.
        for round in units.chunks(AT_ONCE * AT_ONCE) {
            let found: Vec<Result<_>> = round.par_chunks(AT_ONCE).map(&forward).collect();
            for block in found {
                let (own, width, inner) = block?;
                numbers.extend(own);
                space.take(units.len(), width, &inner);
            }
        }
        if numbers.iter().any(|x| !x.is_finite()) {
            return Err(not_finite());
        }
        let mut predictions = match &self.settings.label {
            Label::Classes { codes, names, positive } => Classified {
                units,
                label: places.iter().map(|&p| codes[p as usize]).collect(),
                scores: numbers.into_iter().map(|x| x as f32).collect(),
                classes: names.clone(),
                positive: *positive,
            }
            .write(),
            Label::Numbers(truth) => {
                Regressed { units, label: places.iter().map(|&p| truth[p as usize]).collect(), predicted: numbers }
                    .write()
            }
        };
        space.put(&mut predictions)?;
        Ok(predictions)
    }

    /// Returns probabilities of all classes, or numbers. Probabilities are told from what was before the head, in 64 bits.
    fn read(&self, session: &Session<'_>, output: &Var) -> Result<Vec<f64>> {
        let plain =
            |var: &Var| -> Result<Vec<f64>> { Ok(session.values(var)?.iter().map(|&x| f64::from(x)).collect()) };
        let Label::Classes { names, .. } = &self.settings.label else {
            one_wide(output, "regress")?;
            return plain(output);
        };
        let before = session.before(output)?;
        if output.width() == 1 && names.len() == 2 {
            return Ok(match before {
                Some(logits) => {
                    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
                    plain(&logits)?.into_iter().flat_map(|z| [sigmoid(-z), sigmoid(z)]).collect()
                }
                None => plain(output)?.into_iter().flat_map(|p| [1.0 - p, p]).collect(),
            });
        }
        if output.width() != names.len() {
            return Err(misfit(output.width(), names.len()));
        }
        let Some(logits) = before else { return plain(output) };
        let mut out = plain(&logits)?;
        for row in out.chunks_exact_mut(names.len().max(1)) {
            let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.iter_mut().for_each(|z| *z = (*z - greatest).exp());
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|p| *p /= sum);
        }
        Ok(out)
    }
}

impl Rowwise<'_> {
    /// Returns the parts of the loss over a range of the batch's rows.
    fn parts(
        &self,
        session: &mut Session<'_>,
        batch: &Examples,
        range: Range<usize>,
        asked: &Asked<'_>,
    ) -> Result<Found> {
        let rows = Arc::new(batch.rows[range.clone()].to_vec());
        let mut targets = vec![(rows.clone(), self.output.clone())];
        targets.extend(self.pulls.targets(&rows));
        let pass = self.circuit.run_shifted(session, TaskRows::Table(&rows), &targets, asked.shift)?;
        let output = &pass.values[0];
        let weights = batch.weights.as_ref().map(|w| &w[range.clone()]);
        let loss = match &self.settings.label {
            Label::Numbers(_) => {
                one_wide(output, "regress")?;
                session.squared_error(output, &batch.numbers[range], weights)?
            }
            Label::Classes { names, .. } if output.width() == 1 && names.len() == 2 => {
                session.binary_cross_entropy(output, &batch.numbers[range], weights)?
            }
            Label::Classes { names, .. } => {
                if output.width() != names.len() {
                    return Err(misfit(output.width(), names.len()));
                }
                session.cross_entropy(output, &batch.classes[range], weights)?
            }
        };
        let factor: f32 = self.factors.iter().filter(|(number, _)| asked.has(*number)).map(|(_, factor)| factor).sum();
        let mut losses = vec![(loss, factor)];
        losses.extend(self.pulls.compared(session, &pass, asked, weights)?);
        Ok((losses, pass))
    }
}

/// Some rows with what is known of them.
pub(crate) struct Examples {
    rows: Vec<u32>,
    classes: Vec<u32>,
    numbers: Vec<f32>,
    weights: Option<Vec<f32>>,
}

impl Work for Rowwise<'_> {
    type Batch = Examples;

    fn rows(&self) -> usize {
        self.places.len()
    }

    fn is_whole(&self) -> bool {
        self.circuit.is_whole()
    }

    fn make(&self, seed: u64) -> Result<Parameters> {
        let some = &self.places[..self.places.len().min(2)];
        let all: Vec<&Edge> = std::iter::once(self.output).chain(self.pulls.values()).collect();
        self.circuit.make(seed, TaskRows::Table(&ids(self.call, some)), &all)
    }

    fn batch(&self, places: &[u32], _: &mut ChaCha8Rng) -> Result<Examples> {
        // Ascending rows need no gathering; which rows are in a batch is random, their order within is not.
        let mut places: Vec<u32> = places.iter().map(|&p| self.places[p as usize]).collect();
        places.sort_unstable();
        let (classes, numbers) = match &self.settings.label {
            Label::Classes { codes, .. } => {
                let classes: Vec<u32> = places.iter().map(|&p| codes[p as usize]).collect();
                let numbers = classes.iter().map(|&c| if c == 1 { 1.0 } else { 0.0 }).collect();
                (classes, numbers)
            }
            Label::Numbers(truth) => (Vec::new(), places.iter().map(|&p| truth[p as usize] as f32).collect()),
        };
        let weights = self.weights.as_ref().map(|w| places.iter().map(|&p| w[p as usize] as f32).collect());
        Ok(Examples { rows: ids(self.call, &places), classes, numbers, weights })
    }

    fn loss(&self, session: &mut Session<'_>, batch: &Examples, range: Range<usize>) -> Result<Loss> {
        self.pulls.sum(session, |session, asked| self.parts(session, batch, range.clone(), asked))
    }

    fn watch(&self, parameters: &Parameters, _: usize) -> Result<Predictions> {
        self.predict(parameters, Part::Validation, false)
    }
}

/// Returns the places in the table of a part's rows that have a label.
fn labelled(call: &TrainCall, settings: &Settings<'_>, of: Part) -> Result<Vec<u32>> {
    let mut places = call.split.table.rows.places(part(&call.split, of)?)?;
    let column = call.split.table.column(settings.column)?;
    let known = |place: usize| match &settings.label {
        Label::Classes { names, codes, .. } => (codes[place] as usize) < names.len(),
        Label::Numbers(numbers) => numbers[place].is_finite(),
    };
    places.retain(|&place| !column.is_missing(place as usize) && known(place as usize));
    Ok(places)
}

/// Returns the numbers of the rows at these places of the table.
fn ids(call: &TrainCall, places: &[u32]) -> Vec<u32> {
    places.iter().map(|&place| call.split.table.rows.id(place as usize)).collect()
}

fn one_wide(output: &Var, task: &str) -> Result<()> {
    let width = output.width();
    if width == 1 {
        return Ok(());
    }
    Err(Error::new(
        "E1031",
        say!("`{task}` needs one number a row, not {width}", "`{task}` 每行需要一个数，而不是 {width} 个"),
    ))
}

fn misfit(width: usize, classes: usize) -> Error {
    Error::new(
        "E1031",
        say!(
            "the output is {width} wide, but the label has {classes} classes",
            "输出宽度为 {width}，但标签有 {classes} 个类别"
        ),
    )
}

fn not_finite() -> Error {
    Error::new("E1030", say!("a prediction is not a finite number", "预测值不是有限的数"))
        .help(say!("a lower learning rate often mends this", "降低学习率通常可以解决"))
}

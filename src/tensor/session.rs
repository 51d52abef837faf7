//! One forward pass over the rows of a slice, and the way back.

use crate::flow::{Back, Flow, Weight};
use crate::gradients::{Gradients, Moved};
use crate::losses::Loss;
use crate::ops;
use crate::parameters::{Kind, Parameters, other_sizes};
use crate::value::{self, Dense, Matrix, Tape, device_error};
use dfdx::prelude::{Backward, CpuError, PutTape, SplitTape, Tape as _, Trace};
use mmf_data::error::{Error, Result};
use mmf_data::graph::Spread;
use mmf_data::network::{Init, Network, Op, Parameter, Var};
use mmf_lang::say;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// When a pass happens: what random choices in it depend on, besides their place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    pub seed: u64,
    pub step: u64,
    /// The number of the slice within its batch.
    pub slice: u64,
}

/// A network under way over some rows. Made, used and spent by one thread.
pub struct Session<'p> {
    store: Store<'p>,
    moment: Moment,
    training: bool,
    tape: Option<Tape>,
    flow: Rc<RefCell<Flow>>,
    nodes: Vec<Node>,
    place: u64,
    label: String,
    /// The places that were entered from: their numbers, and how long their labels are.
    around: Vec<(u64, usize)>,
    /// How many random choices were made so far: two at one place differ.
    choices: u64,
    /// Where asked for, how stages weigh their inputs, with the stages' places.
    weighing: Option<Vec<(u64, Var)>>,
    /// What went wrong where no result could say so; the next operation says it.
    failed: Option<Error>,
}

enum Store<'p> {
    Making(&'p mut Parameters),
    Using(&'p Parameters),
}

/// A value, and what the way back must know of it.
pub(crate) struct Node {
    pub(crate) value: Matrix,
    /// Whether a weight has a part in it.
    pub(crate) grad: bool,
    pub(crate) origin: Origin,
    /// Of a sequence how many steps of each row count.
    pub(crate) lengths: Option<Rc<[u32]>>,
}

/// Where a value comes from, for losses that are exact only before the last function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Other,
    Softmax(usize),
    Sigmoid(usize),
}

impl<'p> Session<'p> {
    /// Begins a first pass, which makes the weights that it meets. It reads; dropout does not act.
    pub fn making(parameters: &'p mut Parameters) -> Self {
        Session::begin(Store::Making(parameters), Moment::default(), false, None)
    }

    /// Begins a pass for learning.
    pub fn training(parameters: &'p Parameters, moment: Moment) -> Self {
        Session::training_in(parameters, moment, Gradients::default())
    }

    /// Begins a pass for learning in memory that an earlier one left.
    pub(crate) fn training_in(parameters: &'p Parameters, moment: Moment, mut gradients: Gradients) -> Self {
        gradients.clear(parameters.len());
        let dense = std::mem::replace(&mut gradients.dense, Dense::leaky());
        let (_, tape) = parameters.start.clone().traced(dense).split_tape();
        let session = Session::begin(Store::Using(parameters), moment, true, Some(tape));
        session.flow.borrow_mut().gradients = gradients;
        session
    }

    /// Begins a pass for reading: no dropout, no way back.
    pub fn reading(parameters: &'p Parameters) -> Self {
        Session::begin(Store::Using(parameters), Moment::default(), false, None)
    }

    /// Begins a pass for reading that asks how stages weigh their inputs.
    pub fn asking_for_weights(parameters: &'p Parameters) -> Self {
        Session { weighing: Some(Vec::new()), ..Session::reading(parameters) }
    }

    /// Begins another pass for learning over the same weights, at the same moment: its random choices are those of this one's start.
    ///
    /// # Errors
    /// A bug in a pass that makes weights.
    pub fn beside(&self) -> Result<Session<'p>> {
        match self.store {
            Store::Using(parameters) => Ok(Session::training(parameters, self.moment)),
            Store::Making(_) => Err(Error::bug("a pass that makes weights has no way back")),
        }
    }

    /// Returns how many random choices were made so far, for [`Session::rewind`].
    pub fn choices(&self) -> u64 {
        self.choices
    }

    /// Makes the random choices since then once more: what follows is dropped as it was there.
    pub fn rewind(&mut self, choices: u64) {
        self.choices = choices;
    }

    /// Puts numbers in whose gradient [`Session::slope`] tells.
    pub fn watched(&mut self, rows: usize, dims: &[usize], data: Vec<f32>) -> Result<Var> {
        let still = self.constant(rows, dims, data)?;
        self.nodes[still.id].grad = true;
        Ok(still)
    }

    /// Goes back from a loss and returns the gradient of its sum with regard to numbers that were put in by [`Session::watched`].
    pub fn slope(self, loss: &Loss, of: &Var) -> Result<Vec<f32>> {
        let length = self.values(of)?.len();
        let mut found = None;
        self.back(loss, 1.0, |flow| found = flow.arrived.get_mut(of.id).and_then(Option::take))?;
        Ok(found.unwrap_or_else(|| vec![0.0; length]))
    }

    fn begin(store: Store<'p>, moment: Moment, training: bool, tape: Option<Tape>) -> Self {
        Session {
            store,
            moment,
            training,
            tape,
            flow: Rc::default(),
            nodes: Vec::new(),
            place: 0,
            label: String::new(),
            around: Vec::new(),
            choices: 0,
            weighing: None,
            failed: None,
        }
    }

    /// Says where in the pipeline the next operations stand: `number` decides first values and random choices, `label` only names the
    /// weights for people, as in `taste/item/dense-0`.
    pub fn at(&mut self, number: u64, label: &str) {
        self.place = number;
        if let Store::Making(_) = self.store {
            label.clone_into(&mut self.label);
        }
    }

    /// Returns how the stage at this place weighs its inputs, in a pass that asks for it.
    pub fn weighing(&self, place: u64) -> Option<&Var> {
        self.weighing.iter().flatten().find(|(at, _)| *at == place).map(|(_, weights)| weights)
    }

    /// Returns the numbers of a value, row by row.
    pub fn values(&self, value: &Var) -> Result<&[f32]> {
        Ok(value::read(&self.node(value)?.value))
    }

    /// Returns the numbers of a value that the network's last softmax or sigmoid was applied to, where `value` came from one.
    pub fn before(&self, value: &Var) -> Result<Option<Var>> {
        Ok(match self.node(value)?.origin {
            Origin::Softmax(id) | Origin::Sigmoid(id) => Some(Var { id, ..value.clone() }),
            Origin::Other => None,
        })
    }

    /// Goes back from a loss and returns the gradients of its sum, multiplied by `factor`.
    pub fn backward(self, loss: &Loss, factor: f32) -> Result<Gradients> {
        self.back(loss, factor, |_| ())
    }

    fn back(mut self, loss: &Loss, factor: f32, read: impl FnOnce(&mut Flow)) -> Result<Gradients> {
        self.check()?;
        self.node(&loss.sum)?;
        let mut tape = self.tape.take().ok_or_else(|| Error::bug("there is no way back from a pass for reading"))?;
        let (flow, id) = (self.flow.clone(), loss.sum.id);
        let start = self.parameters().start.clone();
        let ghost = start.ghost();
        tape.add_backward_op(move |dense| {
            let one = dense.get_or_alloc_mut(&ghost)?[0];
            Back { dense, flow: &mut flow.borrow_mut() }.give(id, vec![one * factor]);
            Ok(())
        });
        let dense = start.put_tape(tape).try_backward().map_err(device_error)?;
        let mut flow = std::mem::take(&mut *self.flow.borrow_mut());
        read(&mut flow);
        Ok(Gradients { dense, ..flow.gradients })
    }

    /// Returns an error that an operation without a result has met.
    pub fn check(&mut self) -> Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    pub fn parameters(&self) -> &Parameters {
        match &self.store {
            Store::Making(parameters) => parameters,
            Store::Using(parameters) => parameters,
        }
    }

    pub(crate) fn node(&self, value: &Var) -> Result<&Node> {
        let node = self.nodes.get(value.id).ok_or_else(|| Error::bug("a value of another pass is used"))?;
        if *shape(&node.value) != (value.rows, value.width()) {
            return Err(Error::bug("a value of another pass is used"));
        }
        Ok(node)
    }

    pub(crate) fn weight(&self, parameter: Parameter) -> Result<Weight> {
        Ok(Weight { parameter, value: self.parameters().entry(parameter)?.value.clone() })
    }

    /// Puts a result in. `grad` tells whether a weight has a part in it.
    pub(crate) fn put(&mut self, data: Vec<f32>, rows: usize, dims: Vec<usize>, grad: bool) -> Result<Var> {
        let value = value::matrix(&self.parameters().device, data, rows, dims.iter().product())?;
        self.nodes.push(Node { value, grad, origin: Origin::Other, lengths: None });
        Ok(Var { id: self.nodes.len() - 1, rows, dims })
    }

    /// Puts a value in once more, as `rows` rows of `dims`, without copying it.
    pub(crate) fn put_again(&mut self, value: &Var, rows: usize, dims: &[usize]) -> Result<Var> {
        let node = self.node(value)?;
        let (grad, shared) = (node.grad, value::seen(&node.value, rows, dims.iter().product())?);
        self.nodes.push(Node { value: shared, grad, origin: Origin::Other, lengths: None });
        Ok(Var { id: self.nodes.len() - 1, rows, dims: dims.to_vec() })
    }

    pub(crate) fn set_lengths(&mut self, value: &Var, lengths: Option<Rc<[u32]>>) {
        if let Some(node) = self.nodes.get_mut(value.id) {
            node.lengths = lengths;
        }
    }

    /// Returns the lengths of a value of `steps` steps: those of its rows, or all.
    pub(crate) fn lengths_of(&self, value: &Var, steps: usize) -> Result<Rc<[u32]>> {
        Ok(match &self.node(value)?.lengths {
            Some(lengths) => lengths.clone(),
            None => vec![steps as u32; value.rows].into(),
        })
    }

    /// Keeps what an operation has learned of running statistics, to be moved there when the step is made.
    pub(crate) fn observe(&mut self, moved: Moved) {
        self.flow.borrow_mut().gradients.moved.push(moved);
    }

    pub(crate) fn set_origin(&mut self, value: &Var, origin: Origin) {
        if let Some(node) = self.nodes.get_mut(value.id) {
            node.origin = origin;
        }
    }

    /// Tells whether operations must be recorded for the way back.
    pub(crate) fn records(&self, grad: bool) -> bool {
        grad && self.tape.is_some()
    }

    /// Records the way back of a result on dfdx's tape. `back` gets the gradient of the result, which is its own to use up.
    pub(crate) fn record(
        &mut self,
        result: &Var,
        back: impl FnOnce(&mut Back, Vec<f32>) -> std::result::Result<(), CpuError> + 'static,
    ) {
        if let Some(tape) = &mut self.tape {
            let (flow, id) = (self.flow.clone(), result.id);
            tape.add_backward_op(move |dense| {
                let mut back_hand = Back { dense, flow: &mut flow.borrow_mut() };
                match back_hand.take(id) {
                    Some(gradient) => back(&mut back_hand, gradient),
                    None => Ok(()),
                }
            });
        }
    }

    /// Returns numbers that the next random choice here is made from.
    pub(crate) fn choice(&mut self) -> [u64; 5] {
        self.choices += 1;
        [self.moment.seed, self.moment.step, self.moment.slice, self.place, self.choices]
    }

    fn get(&mut self, name: &'static str, dims: &[usize], kind: Kind, init: Init) -> Parameter {
        let place = self.place;
        let found = self.parameters().at(place, name);
        let result = match (found, &mut self.store) {
            (Some(parameter), _) => self.parameters().entry(parameter).and_then(|entry| {
                if entry.dims == dims && entry.kind == kind {
                    Ok(parameter)
                } else {
                    Err(other_sizes(&entry.label, &entry.dims, dims))
                }
            }),
            (None, Store::Making(parameters)) => {
                let made = Parameter(parameters.len());
                parameters.make((place, &self.label), name, dims, kind, init).map(|()| made)
            }
            (None, Store::Using(_)) => Err(Error::new(
                "E1033",
                say!(
                    "these weights lack `{name}`, which this network wants with the sizes {dims:?}",
                    "权重中缺少 `{name}`，此网络需要它，大小为 {dims:?}"
                ),
            )),
        };
        result.unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            Parameter(usize::MAX)
        })
    }
}

/// Returns the number of a place within another: spread so widely that no two meet.
pub fn inner(place: u64, part: u64) -> u64 {
    (place ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9).rotate_left(31).wrapping_add(part + 1)
}

fn shape(value: &Matrix) -> &(usize, usize) {
    use dfdx::prelude::HasShape;
    value.shape()
}

impl Network for Session<'_> {
    fn parameter(&mut self, name: &'static str, dims: &[usize], init: Init) -> Parameter {
        self.get(name, dims, Kind::Dense, init)
    }

    fn enter(&mut self, part: u64, label: &str) {
        self.around.push((self.place, self.label.len()));
        self.place = inner(self.place, part);
        if let Store::Making(_) = self.store {
            self.label.push('/');
            self.label.push_str(label);
        }
    }

    fn leave(&mut self) {
        if let Some((place, length)) = self.around.pop() {
            self.place = place;
            self.label.truncate(length);
        }
    }

    fn weights(&self, parameter: Parameter) -> Result<&[f32]> {
        self.parameters().values(parameter)
    }

    fn table(&mut self, name: &'static str, rows: usize, width: usize, init: Init) -> Parameter {
        self.get(name, &[rows, width], Kind::Table, init)
    }

    fn lookup(&mut self, table: Parameter, index: &[u32]) -> Result<Var> {
        self.check()?;
        ops::embedding::embedding(self, table, index)
    }

    fn gather(&mut self, value: &Var, index: &[u32]) -> Result<Var> {
        self.check()?;
        ops::gather::gather(self, value, index)
    }

    fn constant(&mut self, rows: usize, dims: &[usize], data: Vec<f32>) -> Result<Var> {
        self.check()?;
        let width: usize = dims.iter().product();
        if data.len() != rows * width {
            return Err(Error::bug(format!("{} numbers were given for {rows} rows of {width}", data.len())));
        }
        self.put(data, rows, dims.to_vec(), false)
    }

    fn state(&mut self, name: &'static str, dims: &[usize], init: Init) -> Parameter {
        self.get(name, dims, Kind::State, init)
    }

    fn view(&mut self, value: &Var, rows: usize, dims: &[usize]) -> Result<Var> {
        self.check()?;
        ops::view::view(self, value, rows, dims)
    }

    fn sequence(&mut self, value: &Var, lengths: &[u32]) -> Result<Var> {
        self.check()?;
        ops::view::sequence(self, value, lengths)
    }

    fn numbers(&self, value: &Var) -> Result<&[f32]> {
        self.values(value)
    }

    fn lengths(&self, value: &Var) -> Option<&[u32]> {
        self.nodes.get(value.id)?.lengths.as_deref()
    }

    fn lookup_steps(&mut self, table: Parameter, index: &[u32], lengths: &[u32], steps: usize) -> Result<Var> {
        self.check()?;
        ops::embedding::embedding_of_steps(self, table, index, lengths, steps)
    }

    fn gather_steps(&mut self, value: &Var, index: &[u32], lengths: &[u32], steps: usize) -> Result<Var> {
        self.check()?;
        ops::gather::gather_steps(self, value, index, lengths, steps)
    }

    fn join_rows(&mut self, values: &[&Var]) -> Result<Var> {
        self.check()?;
        ops::propagate::join_rows(self, values)
    }

    fn propagate(&mut self, value: &Var, over: &Arc<Spread>) -> Result<Var> {
        self.check()?;
        ops::propagate::propagate(self, value, over)
    }

    fn draws(&mut self) -> Box<dyn Iterator<Item = f64>> {
        Box::new(ops::dropout::draws(self.choice()))
    }

    fn apply(&mut self, op: Op, inputs: &[&Var], parameters: &[Parameter]) -> Result<Var> {
        self.check()?;
        ops::apply(self, op, inputs, parameters)
    }

    fn asks_for_weights(&self) -> bool {
        self.weighing.is_some()
    }

    fn weighs(&mut self, weights: &Var) {
        if let Some(weighing) = &mut self.weighing {
            weighing.push((self.place, weights.clone()));
        }
    }

    fn training(&self) -> bool {
        self.training
    }
}

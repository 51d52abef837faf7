//! The weights of a network, by place and name.

use crate::initial;
use crate::value::{self, Matrix};
use dfdx::prelude::{Cpu, Rank0, Tensor, TensorFrom};
use mmf_data::error::{Error, Result};
use mmf_data::network::{Init, Parameter};
use mmf_lang::say;
use std::collections::BTreeMap;

/// The weights of a network. A clone is cheap until one of the two is changed, so keeping the best of several epochs is a clone.
#[derive(Clone)]
pub struct Parameters {
    pub(crate) seed: u64,
    pub(crate) entries: Vec<Entry>,
    /// The weights of each place, in the order in which they were made.
    by_place: BTreeMap<u64, Vec<usize>>,
    pub(crate) device: Cpu,
    /// Where dfdx begins to go backwards; always the same, so that its gradient finds its old buffer.
    pub(crate) start: Tensor<Rank0, f32, Cpu>,
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) place: u64,
    pub(crate) name: String,
    /// The name for people, unique among all: `taste/item/dense-0/w`.
    pub(crate) label: String,
    pub(crate) dims: Vec<usize>,
    pub(crate) kind: Kind,
    pub(crate) value: Matrix,
}

/// What a weight is learned by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Dense,
    /// Its gradient is sparse.
    Table,
    /// Nothing: it follows what the network sees.
    State,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Dense, Kind::Table, Kind::State];

    /// Returns the name that checkpoints have for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Dense => "dense",
            Kind::Table => "table",
            Kind::State => "state",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Parameters {
    /// Returns an empty store; `seed` decides all first values.
    pub fn new(seed: u64) -> Self {
        let device = Cpu::default();
        let start = device.tensor(0.0);
        Parameters { seed, entries: Vec::new(), by_place: BTreeMap::new(), device, start }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns all weights, in the order in which they were made.
    pub fn all(&self) -> impl Iterator<Item = Parameter> + use<> {
        (0..self.entries.len()).map(Parameter)
    }

    /// Returns the weight's name for people, unique within the store.
    pub fn label(&self, parameter: Parameter) -> Result<&str> {
        Ok(&self.entry(parameter)?.label)
    }

    pub fn dims(&self, parameter: Parameter) -> Result<&[usize]> {
        Ok(&self.entry(parameter)?.dims)
    }

    /// Returns where in the network a weight stands.
    pub fn place(&self, parameter: Parameter) -> Result<u64> {
        Ok(self.entry(parameter)?.place)
    }

    /// Tells whether the weight is a table, whose gradient is sparse.
    pub fn is_table(&self, parameter: Parameter) -> Result<bool> {
        Ok(self.entry(parameter)?.kind == Kind::Table)
    }

    /// Tells whether the weight is not trained, as running statistics are not.
    pub fn is_state(&self, parameter: Parameter) -> Result<bool> {
        Ok(self.entry(parameter)?.kind == Kind::State)
    }

    /// Tells whether an operation looks at all rows of a batch at once, so that the batch must not be cut.
    pub(crate) fn whole_batches(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind == Kind::State)
    }

    pub fn values(&self, parameter: Parameter) -> Result<&[f32]> {
        Ok(value::read(&self.entry(parameter)?.value))
    }

    /// Replaces a weight's values; their count must be the product of its dims.
    pub fn set_values(&mut self, parameter: Parameter, data: &[f32]) -> Result<()> {
        let entry = self.entries.get_mut(parameter.0).ok_or_else(|| unknown(parameter))?;
        let to = value::write(&mut entry.value);
        if to.len() != data.len() {
            return Err(Error::bug(format!("`{}` has {} values, not {}", entry.label, to.len(), data.len())));
        }
        to.copy_from_slice(data);
        Ok(())
    }

    /// Returns the weight with that name for people.
    pub fn find(&self, label: &str) -> Option<Parameter> {
        self.entries.iter().position(|entry| entry.label == label).map(Parameter)
    }

    /// Returns the weight of that name at a place of the network.
    pub fn named(&self, place: u64, name: &str) -> Option<Parameter> {
        self.at(place, name)
    }

    /// Returns the count of all numbers.
    pub fn count(&self) -> usize {
        self.entries.iter().map(|entry| entry.dims.iter().product::<usize>()).sum()
    }

    pub(crate) fn entry(&self, parameter: Parameter) -> Result<&Entry> {
        self.entries.get(parameter.0).ok_or_else(|| unknown(parameter))
    }

    /// Returns the weight of that name at that place.
    pub(crate) fn at(&self, place: u64, name: &str) -> Option<Parameter> {
        let here = self.by_place.get(&place)?;
        here.iter().find(|&&i| self.entries[i].name == name).map(|&i| Parameter(i))
    }

    /// Makes a weight with first values. There is none of that name at that place yet.
    pub(crate) fn make(&mut self, at: (u64, &str), name: &str, dims: &[usize], kind: Kind, init: Init) -> Result<()> {
        let (place, prefix) = at;
        let data = initial::values(self.seed, place, name, init, dims.iter().product());
        let label = self.free_label(prefix, name);
        self.push(place, name.to_owned(), label, dims.to_vec(), kind, data)
    }

    pub(crate) fn push(
        &mut self,
        place: u64,
        name: String,
        label: String,
        dims: Vec<usize>,
        kind: Kind,
        data: Vec<f32>,
    ) -> Result<()> {
        let width = dims.last().copied().unwrap_or(1);
        let rows = dims.iter().rev().skip(1).product();
        let value = value::matrix(&self.device, data, rows, width)?;
        self.by_place.entry(place).or_default().push(self.entries.len());
        self.entries.push(Entry { place, name, label, dims, kind, value });
        Ok(())
    }

    /// Two places may be labelled alike; the second then says which it is.
    fn free_label(&self, prefix: &str, name: &str) -> String {
        let plain = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
        let mut label = plain.clone();
        let mut count = 1;
        while self.find(&label).is_some() {
            count += 1;
            label = format!("{plain}~{count}");
        }
        label
    }
}

fn unknown(parameter: Parameter) -> Error {
    Error::bug(format!("there is no weight {}", parameter.0))
}

/// Says that a weight has other sizes than the network wants, as after loading weights of another file.
pub(crate) fn other_sizes(label: &str, has: &[usize], wanted: &[usize]) -> Error {
    Error::new(
        "E1032",
        say!(
            "the weight `{label}` has the sizes {has:?}, but this network wants {wanted:?}",
            "权重 `{label}` 的大小是 {has:?}，而此网络需要 {wanted:?}"
        ),
    )
}

//! Networks that waited for their input, run on one.

use mmf_data::error::{Error, Result};
use mmf_data::network::{Activation, Network, Var};
use mmf_data::stage::{Body, JointCall};
use mmf_lang::args::{Args, Recipe};
use mmf_lang::notation::{Notation, Pattern};

use super::dense::layer;

type Joint = fn(&JointCall<'_>, &mut dyn Network, &[Var]) -> Result<Var>;

/// Layers, one behind the other.
pub(crate) struct Layers {
    layers: Vec<(&'static str, Joint, Args)>,
}

impl Layers {
    pub(crate) fn of(recipes: &[Recipe]) -> Result<Self> {
        let layers = recipes.iter().map(|recipe| {
            let stage = crate::find(&recipe.stage).ok_or_else(|| Error::bug("a layer of no stage"))?;
            let signature = stage.signature();
            // The checker has found the same: what treats vectors in a network.
            let takes = |text: &str| match Notation::parse(text).map(|notation| notation.inputs.into_iter().next()) {
                Ok(Some(Pattern::Column { elem, .. })) => elem.name == "vector",
                _ => false,
            };
            let mut bodies = (0..signature.types.len()).filter(|&i| takes(signature.types[i])).map(|i| stage.body(i));
            let run = bodies.find_map(|body| if let Body::Joint(run) = body { Some(run) } else { None });
            let run = run.ok_or_else(|| Error::bug(format!("`{}` is no layer", signature.name)))?;
            Ok((signature.name, run, recipe.args.clone()))
        });
        Ok(Layers { layers: layers.collect::<Result<_>>()? })
    }

    /// Runs all layers, each at a place within the present one: the first at part 0.
    pub(crate) fn through(&self, network: &mut dyn Network, input: &Var) -> Result<Var> {
        let mut value = input.clone();
        for (at, (name, run, args)) in self.layers.iter().enumerate() {
            network.enter(at as u64, &format!("{at}-{name}"));
            let call = JointCall { args, rows: &[], total: 0, trained: None, steps: None, graph: None, chosen: None };
            let found = run(&call, network, std::slice::from_ref(&value));
            network.leave();
            value = found?;
        }
        Ok(value)
    }

    /// Runs all layers, then a linear one to `outputs` numbers at the present place itself.
    pub(crate) fn to(&self, network: &mut dyn Network, input: &Var, outputs: usize) -> Result<Var> {
        let value = self.through(network, input)?;
        layer(network, &value, ("w", Some("b")), outputs, Activation::None)
    }
}

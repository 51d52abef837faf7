//! The gated multimodal unit.

use mmf_data::error::Result;
use mmf_data::network::{Activation, Init, Network, Op, Parameter, Var};
use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::two;
use crate::fuse::concat::join;

pub(crate) struct Gate;

static SIGNATURE: Signature =
    Signature::new(Group::Fuse, "gate", &["col<d, vector[n]>, col<d, vector[n]> -> col<d, vector[n]>"])
        .weights()
        .weighs()
        .cost("4 * n * n")
        .doc(
            "z·tanh(W₁a + b₁) + (1 − z)·tanh(W₂b + b₂) with z = σ(W₃[a, b] + b₃): learns how much to trust \
         each of two inputs. The report shows the mean of z and of 1 − z over rows and numbers, from epoch to epoch.",
        )
        .reference("Arevalo et al. 2017, gated multimodal units (GMU)")
        .examples(&[Example::new(
            "Colours and sound of a film, each trusted as far as it helps.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4] }\n\
             fuse item = neural { gate(films.look |> dense(16), films.sound |> dense(16)) }",
            "col<films, vector[16]>",
        )]);

impl Stage for Gate {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| {
            let [a, b] = two(inputs)?;
            let n = a.width();
            let weights = [
                network.parameter("w1", &[n, n], Init::Uniform { fan_in: n }),
                network.parameter("b1", &[n], Init::Uniform { fan_in: n }),
                network.parameter("w2", &[n, n], Init::Uniform { fan_in: n }),
                network.parameter("b2", &[n], Init::Uniform { fan_in: n }),
                network.parameter("w3", &[2 * n, n], Init::Uniform { fan_in: 2 * n }),
                network.parameter("b3", &[n], Init::Uniform { fan_in: 2 * n }),
            ];
            if network.asks_for_weights() {
                note(network, inputs, &weights[4..])?;
            }
            network.apply(Op::Gate, &[a, b], &weights)
        })
    }
}

/// Notes the mean of z over the numbers of a row, and what is left of 1.
fn note(network: &mut dyn Network, inputs: &[Var], gate: &[Parameter]) -> Result<()> {
    let both = join(network, inputs)?;
    let z = network.apply(Op::Dense(Activation::Sigmoid), &[&both], gate)?;
    let n = z.width();
    let even = network.constant(z.rows, &[n], vec![1.0 / n as f32; z.rows * n])?;
    let first = network.apply(Op::Dot, &[&z, &even], &[])?;
    let second = network.apply(Op::Affine { factor: -1.0, offset: 1.0 }, &[&first], &[])?;
    let weights = join(network, &[first, second])?;
    network.weighs(&weights);
    Ok(())
}

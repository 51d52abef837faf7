//! A value that training does not change through here.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{Example, Group, Signature};

use crate::fuse::activation::one;

pub(crate) struct StopGradient;

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "stop_gradient",
    &["col<d, vector[n]> -> col<d, vector[n]>", "col<d, sequence[t, n]> -> col<d, sequence[t, n]>"],
)
.doc("The same numbers, through which no gradient flows back: one side of `cosine_gap` that the other is pulled to.")
.reference("torch.Tensor.detach")
.examples(&[
    Example::new("Numbers stay as they are.", "neural { [[1, 2], [3, 4]] |> stop_gradient }", "[[1, 2], [3, 4]]"),
    Example::new(
        "So do sequences.",
        "neural { sequence([[[1], [2]], [[3]]]) |> stop_gradient |> mean }",
        "[[1.5], [3]]",
    ),
]);

impl Stage for StopGradient {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, network, inputs| {
            let x = one(inputs)?;
            let (numbers, lengths) = (network.numbers(x)?.to_vec(), network.lengths(x).map(<[u32]>::to_vec));
            let still = network.constant(x.rows, &x.dims, numbers)?;
            match lengths {
                Some(lengths) => network.sequence(&still, &lengths),
                None => Ok(still),
            }
        })
    }
}

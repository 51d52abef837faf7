//! How far two values of a network point apart, as a part of a loss.

use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Args;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_tensor::{Loss, Session};

pub(crate) struct CosineGap;

static SIGNATURE: Signature = Signature::new(Group::Train, "cosine_gap", &["col<d, vector[n]>, col<d, vector[n]> -> loss"])
    .doc(
        "1 − cos(x, y) of two values of the network, the mean over rows: as a part of a loss it pulls them to one direction, \
         without negatives. Let one side go through `stop_gradient`, and the other through something of its own, or all collapse to one \
         point. Of a recommender, the rows are the pairs that were met.",
    )
    .reference("torch.nn.CosineEmbeddingLoss of target 1; the losses of BM3, Zhou et al. 2023")
    .examples(&[Example::new(
        "What a film looks like is pulled to what its plot says.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], plot: vector[4], good: bool }\n\
         prepare parts = films |> split(train = 80%, test = 20%)\n\
         fuse seen = neural { films.look |> dense(16) }\n\
         fuse told = neural { films.plot |> dense(16) }\n\
         train liked = classify(parts, label = good) {\n    \
         output = concat(seen, told) |> dense(1) |> sigmoid\n    \
         loss   = cross_entropy + 0.1 * cosine_gap(seen |> dense(16), told |> stop_gradient)\n\
         }",
        "train",
    )]);

impl Stage for CosineGap {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}

pub(crate) fn loss(session: &mut Session<'_>, _: &Args, values: &[Var], weights: Option<&[f32]>) -> Result<Loss> {
    let [x, y] = values else { return Err(Error::bug("two values were to be compared")) };
    session.cosine_gap(x, y, weights)
}

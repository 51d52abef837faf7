//! Which of many values belongs to which, as a part of a loss.

use mmf_data::error::{Error, Result};
use mmf_data::network::Var;
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Args, Literal};
use mmf_lang::signature::{Example, Group, Signature};
use mmf_tensor::{Loss, Session};

pub(crate) struct InfoNce;

const TEMPERATURE: Arg<f64> = Arg::float("temperature")
    .default(Literal::Float(0.1))
    .range(1e-3, 100.0)
    .doc("What cosines are divided by: the smaller, the more the nearest of the others count.");
const SYMMETRIC: Arg<bool> = Arg::bool("symmetric")
    .default(Literal::Bool(true))
    .doc("The mean of both directions, as CLIP; else only: which `y` belongs to `x`.");

static SIGNATURE: Signature = Signature::new(Group::Train, "info_nce", &["col<d, vector[n]>, col<d, vector[n]> -> loss"])
    .args(&[TEMPERATURE.spec(), SYMMETRIC.spec()])
    .doc(
        "−ln softmax(cos(x, y) / temperature) at a row's own y, against those of the other rows that are computed with it (128 to 255 \
         of a step; the whole step, where a graph or a `batch_norm` stands in the network); the mean over rows. As a part of a loss it \
         aligns two modalities: a row's own are nearer than others'. Of a recommender, the rows are the pairs that were met, and an item \
         that comes twice counts as two.",
    )
    .reference("van den Oord et al. 2018; CLIP, Radford et al. 2021")
    .examples(&[Example::new(
        "Picture and plot of one film find each other.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], plot: vector[4], good: bool }\n\
         prepare parts = films |> split(train = 80%, test = 20%)\n\
         fuse seen = neural { films.look |> dense(16) }\n\
         fuse told = neural { films.plot |> dense(16) }\n\
         train liked = classify(parts, label = good) {\n    \
         output = concat(seen, told) |> dense(1) |> sigmoid\n    \
         loss   = cross_entropy + 0.2 * info_nce(seen, told, temperature = 0.2)\n    \
         batch  = 128\n\
         }",
        "train",
    )]);

impl Stage for InfoNce {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Recipe
    }
}

pub(crate) fn loss(session: &mut Session<'_>, args: &Args, values: &[Var], weights: Option<&[f32]>) -> Result<Loss> {
    let [x, y] = values else { return Err(Error::bug("two values were to be compared")) };
    session.info_nce((x, y), args.get(TEMPERATURE) as f32, args.get(SYMMETRIC), weights)
}

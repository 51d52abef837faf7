//! Several joint stages under one name.

use mmf_data::stage::{Body, Stage};
use mmf_lang::signature::{BlockKind, Example, Group, Signature};

use crate::fuse::activation::one;

pub(crate) struct Neural;

static SIGNATURE: Signature = Signature::new(Group::Fuse, "neural", &["col<d, any> -> col<d, any>"])
    .block(BlockKind::Value)
    .doc(
        "A block whose last line is its value: layers with names between them. It is a plan; each train \
         that uses it makes and trains its own copy, which is then `train.name`.",
    )
    .examples(&[Example::new(
        "Two layers with a name, and the value that comes of them.",
        "source films = table(\"films.csv\") { film: key, look: vector[8], sound: vector[4] }\n\
             fuse item = neural {\n    \
             seen  = films.look |> dense(16) |> relu\n    \
             heard = films.sound |> dense(16) |> relu\n    \
             concat(seen, heard) |> layer_norm\n\
             }",
        "col<films, vector[32]>",
    )]);

impl Stage for Neural {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|_, _, inputs| Ok(one(inputs)?.clone()))
    }
}

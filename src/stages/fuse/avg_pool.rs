//! The mean of each window of a map.

use mmf_data::network::Op;
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Elem, Size, Type};

use crate::fuse::activation::one;
use crate::fuse::window::{self, PADDING, STRIDE};

pub(crate) struct AvgPool;

const SIZE: Arg<Vec<usize>> =
    Arg::sizes("size", 2).default(Literal::Sizes(&[2, 2])).range(1.0, 4096.0).doc("The window, down and across.");

static SIGNATURE: Signature = Signature::new(Group::Fuse, "avg_pool", &["col<d, map[h, w, c]> -> col<d, map[_, _, c]>"])
    .args(&[SIZE.spec(), STRIDE.spec(), PADDING.spec()])
    .infer(places)
    .doc("The mean of each window, channel by channel; padding counts as zeros. Windows stand side by side unless `stride` says otherwise; what is left at the end is passed over.")
    .reference("torch.nn.AvgPool2d, channels last")
    .examples(&[Example::new(
        "One window of four places.",
        "neural { map([[1, 2], [3, 4]]) |> avg_pool |> flatten }",
        "[[2.5]]",
    )]);

fn places(call: &mut Inference<'_, '_>) -> Option<Type> {
    let size = window::sizes(call, "size").unwrap_or(vec![2, 2]);
    let channels = match call.column(0)?.elem {
        Elem::Map([_, _, c]) | Elem::Image([_, _, c]) => c,
        _ => Size::Unknown,
    };
    let own = [size.first().copied().unwrap_or(2), size.last().copied().unwrap_or(2)];
    let window = window::window(&call.args, size, own);
    window::places(call, window, "size", channels)
}

impl Stage for AvgPool {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let size = call.args.get(SIZE);
            let own = [size.first().copied().unwrap_or(2), size.last().copied().unwrap_or(2)];
            network.apply(Op::AveragePool(window::window(call.args, size, own)), &[one(inputs)?], &[])
        })
    }
}

//! A layer that looks at a map through a window.

use mmf_data::network::{Init, Op};
use mmf_data::stage::{Body, Stage};
use mmf_lang::args::{Arg, ArgValue, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::{Size, Type};

use crate::fuse::activation::one;
use crate::fuse::window::{self, PADDING, STRIDE};

pub(crate) struct Conv;

const CHANNELS: Arg<usize> = Arg::int("channels").range(1.0, 1e5).doc("Count of output channels.");
const KERNEL: Arg<Vec<usize>> =
    Arg::sizes("kernel", 2).default(Literal::Sizes(&[3, 3])).range(1.0, 255.0).doc("The window, down and across.");
const BIAS: Arg<bool> =
    Arg::bool("bias").default(Literal::Bool(true)).doc("Whether a learned number is added to each output channel.");

static SIGNATURE: Signature = Signature::new(
    Group::Fuse,
    "conv",
    &["col<d, map[h, w, c]> -> col<d, map[_, _, channels]>"],
)
.args(&[CHANNELS.spec(), KERNEL.spec(), STRIDE.spec(), PADDING.spec(), BIAS.spec()])
.weights()
.infer(places)
.doc(
    "Each place of the result is a weighted sum over a window of the map and all its channels, the same weights at \
         every place. There are ⌊(h + 2·padding − kernel) / stride⌋ + 1 places down, and so across. The weights start \
         uniform within ±1 / √(kernel · c). A picture is read as x / 255.",
)
.reference("torch.nn.Conv2d, channels last")
.examples(&[Example::new(
    "Sixteen channels from three, half as high and wide.",
    "source films = table(\"films.csv\") { film: key, poster: image(\"{film}.jpg\") }\n\
             extract poster = films.poster |> resize(64x64)\n\
             fuse look = neural { poster |> conv(16, stride = 2x2, padding = 1x1) |> relu }",
    "col<films, map[32, 32, 16]>",
)]);

fn places(call: &mut Inference<'_, '_>) -> Option<Type> {
    let kernel = window::sizes(call, "kernel").unwrap_or(vec![3, 3]);
    let channels = match call.args.find("channels") {
        Some(ArgValue::Int(n)) => u64::try_from(*n).map_or(Size::Unknown, Size::Known),
        _ => Size::Unknown,
    };
    let window = window::window(&call.args, kernel, [1, 1]);
    window::places(call, window, "kernel", channels)
}

impl Stage for Conv {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Joint(|call, network, inputs| {
            let input = one(inputs)?;
            let window = window::window(call.args, call.args.get(KERNEL), [1, 1]);
            let ([down, across], channels) = (window.kernel, call.args.get(CHANNELS));
            let before = input.dims.last().copied().unwrap_or(1);
            let init = Init::Uniform { fan_in: down * across * before };
            let mut weights = vec![network.parameter("w", &[down, across, before, channels], init)];
            if call.args.get(BIAS) {
                weights.push(network.parameter("b", &[channels], init));
            }
            network.apply(Op::Conv(window), &[input], &weights)
        })
    }
}

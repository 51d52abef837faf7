//! What `conv`, `max_pool` and `avg_pool` share: a window that is moved over a map, and how large its result is.

use mmf_data::network::Window;
use mmf_lang::args::{Arg, ArgValue, Args, Literal};
use mmf_lang::infer::Inference;
use mmf_lang::say;
use mmf_lang::types::{Elem, Size, Type};

pub(crate) const STRIDE: Arg<Option<Vec<usize>>> = Arg::some_sizes("stride", 2)
    .range(1.0, 4096.0)
    .doc("How far the window is moved, down and across. Left out: 1x1 for `conv`, the window's own size for pooling.");
pub(crate) const PADDING: Arg<Vec<usize>> = Arg::sizes("padding", 2)
    .default(Literal::Sizes(&[0, 0]))
    .range(0.0, 4096.0)
    .doc("Places added at each side, down and across: zeros, of a maximum nothing. Less than the window.");

/// Returns the window that the arguments describe.
pub(crate) fn window(args: &Args, kernel: Vec<usize>, stride: [usize; 2]) -> Window {
    let pair = |list: Vec<usize>, otherwise: [usize; 2]| <[usize; 2]>::try_from(list).unwrap_or(otherwise);
    let stride = args.get(STRIDE).map_or(stride, |list| pair(list, stride));
    Window { kernel: pair(kernel, [1, 1]), stride, padding: pair(args.get(PADDING), [0, 0]) }
}

/// Finds the type of a window's result: as many places as the window takes, with so many channels.
pub(crate) fn places(call: &mut Inference<'_, '_>, window: Window, kernel: &str, channels: Size) -> Option<Type> {
    let (Elem::Map([height, width, _]) | Elem::Image([height, width, _])) = call.column(0)?.elem else {
        return call.out(Elem::Unknown);
    };
    if (0..2).any(|axis| window.padding[axis] >= window.kernel[axis]) {
        let ([down, across], [here, there]) = (window.kernel, window.padding);
        let span = call.arg_span("padding");
        return call.refuse(
            "E0302",
            span,
            say!(
                "a padding of {here}x{there} leaves windows of {down}x{across} nothing to look at",
                "填充 {here}x{there} 会使 {down}x{across} 的窗口看不到任何内容"
            ),
            Some(say!("the padding must be less than `{kernel}`", "填充必须小于 `{kernel}`")),
        );
    }
    let (Some(h), Some(w)) = (height.known(), width.known()) else {
        return call.out(Elem::Map([Size::Unknown, Size::Unknown, channels]));
    };
    match window.places([h as usize, w as usize]) {
        Some([down, across]) => call.out(Elem::Map([Size::Known(down as u64), Size::Known(across as u64), channels])),
        None => {
            let [down, across] = window.kernel;
            let span = call.arg_span(kernel);
            call.refuse(
                "E0302",
                span,
                say!(
                    "a window of {down}x{across} does not fit into a map of {h}x{w}",
                    "{down}x{across} 的窗口大于 {h}x{w} 的图"
                ),
                Some(say!("make the window smaller, or the map larger", "请缩小窗口或放大该图")),
            )
        }
    }
}

/// Returns the sizes that an argument gives while a call is checked.
pub(crate) fn sizes(call: &Inference<'_, '_>, name: &str) -> Option<Vec<usize>> {
    let ArgValue::List(list) = call.args.find(name)? else { return None };
    list.iter().map(|v| if let ArgValue::Int(n) = v { usize::try_from(*n).ok() } else { None }).collect()
}

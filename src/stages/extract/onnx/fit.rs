//! Whether a network takes what it is given, and which of its outputs is meant: the same words at the check and in a run.

use mmf_lang::diagnostic::Text;
use mmf_lang::say;
use mmf_lang::world::{Port, Ports};

/// What is asked of a network.
pub(super) struct Wanted {
    /// As written in the pipeline.
    pub(super) path: String,
    /// Height, width and channels of the pictures, as far as they are known; `None` for texts.
    pub(super) picture: Option<[Option<usize>; 3]>,
    pub(super) pool: String,
    pub(super) output: Option<String>,
}

impl Wanted {
    pub(super) fn is_text(&self) -> bool {
        self.picture.is_none()
    }
}

/// How a network is fed and read.
pub(super) struct Fit<'p> {
    pub(super) ports: &'p Ports,
    pub(super) output: &'p str,
    /// Numbers of the output, where they are known.
    pub(super) width: Option<usize>,
    /// Of pictures: whether channels come last.
    pub(super) last: bool,
}

/// Why a network does not fit.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) code: &'static str,
    /// The argument that it hangs on.
    pub(super) argument: Option<&'static str>,
    pub(super) message: Text,
    pub(super) help: Option<Text>,
}

impl Misfit {
    fn new(code: &'static str, message: Text) -> Misfit {
        Misfit { code, argument: None, message, help: None }
    }

    fn help(self, help: Text) -> Misfit {
        Misfit { help: Some(help), ..self }
    }

    fn at(self, argument: &'static str) -> Misfit {
        Misfit { argument: Some(argument), ..self }
    }
}

/// Writes the shape of an array: `[_, 3, 224, 224]`.
fn shape(port: &Port) -> String {
    let sides: Vec<String> = port.shape.iter().map(|side| side.map_or("_".into(), |n| n.to_string())).collect();
    format!("[{}]", sides.join(", "))
}

fn names(ports: &[Port]) -> String {
    ports.iter().map(|port| format!("`{}` {}", port.name, shape(port))).collect::<Vec<_>>().join(", ")
}

/// Finds how a network is fed and read.
pub(super) fn fit<'p>(ports: &'p Ports, wanted: &Wanted) -> Result<Fit<'p>, Misfit> {
    let path = &wanted.path;
    let last = match &wanted.picture {
        Some(sides) => picture(&ports.inputs, sides, path)?,
        None => text(&ports.inputs, path).map(|()| false)?,
    };
    let output = output(&ports.outputs, wanted)?;
    let sides = &output.shape;
    if wanted.pool == "none" && !matches!(sides.len(), 0 | 3) {
        let (name, shape) = (&output.name, shape(output));
        let message = say!(
            "`{name}` of `{path}` is {shape}: there are no steps for a sequence",
            "`{path}` 的 `{name}` 为 {shape}：没有可构成序列的步"
        );
        return Err(Misfit::new("E0301", message).at("pool"));
    }
    let width = match sides.len() {
        0 | 1 => None,
        // A vector for each step.
        3 => sides[2],
        _ => sides[1..].iter().try_fold(1u64, |all, side| side.and_then(|n| all.checked_mul(n))),
    };
    let width = width.and_then(|n| usize::try_from(n).ok());
    Ok(Fit { ports, output: &output.name, width, last })
}

/// Holds pictures to a network's input; returns whether channels come last.
fn picture(inputs: &[Port], &[height, width, channels]: &[Option<usize>; 3], path: &str) -> Result<bool, Misfit> {
    let [input] = inputs else {
        let found = names(inputs);
        return Err(Misfit::new(
            "E0301",
            say!("`{path}` takes {found}, not one array of pictures", "`{path}` 接受 {found}，而不是一个图片数组"),
        ));
    };
    let (name, found) = (&input.name, shape(input));
    if !input.float || input.shape.len() != 4 {
        let kind = if input.float { "" } else { " (no float32)" };
        return Err(Misfit::new(
            "E0301",
            say!(
                "`{name}` of `{path}` is {found}{kind}: it takes no pictures as 32-bit floats, batch first",
                "`{path}` 的 `{name}` 为 {found}{kind}：它不接受以批为首的 32 位浮点图片"
            ),
        ));
    }
    if input.shape[0].is_some_and(|n| n != 1) {
        return Err(Misfit::new(
            "E0302",
            say!(
                "`{path}` takes pictures in batches of a fixed size, {found}",
                "`{path}` 只接受固定批大小的图片：{found}"
            ),
        )
        .help(say!("export it with a batch of 1, or with `dynamic_axes`", "请以批大小 1 或使用 `dynamic_axes` 导出")));
    }
    let side = |at: usize| input.shape[at].map(|n| n as usize);
    let fits = |found: Option<usize>, wanted: Option<usize>| found.is_none() || wanted.is_none() || found == wanted;
    let channels_fit = |at: usize| match channels {
        Some(_) => fits(side(at), channels),
        None => side(at).is_none_or(|n| n == 1 || n == 3),
    };
    let known_last = side(3).is_some() && channels_fit(3);
    let last = !channels_fit(1) || (side(1).is_none() && known_last);
    if last && !channels_fit(3) {
        let own = channels.map_or("_".into(), |n| n.to_string());
        return Err(Misfit::new(
            "E0302",
            say!(
                "`{path}` takes {found}, but the pictures have {own} channels",
                "`{path}` 接受 {found}，而图片有 {own} 个通道"
            ),
        )
        .help(say!("`gray` makes one channel of three", "`gray` 可将三个通道变为一个")));
    }
    let [h, w] = if last { [side(1), side(2)] } else { [side(2), side(3)] };
    let unsized_by = (h.is_some() && height.is_none()) || (w.is_some() && width.is_none());
    if !fits(h, height) || !fits(w, width) || unsized_by {
        let show = |n: Option<usize>| n.map_or("_".to_string(), |n| n.to_string());
        let (own, theirs) = (format!("{}x{}", show(height), show(width)), format!("{}x{}", show(h), show(w)));
        let message =
            say!("`{path}` takes pictures of {theirs}, these are {own}", "`{path}` 接受 {theirs} 的图片，这里是 {own}");
        let misfit = Misfit::new("E0302", message);
        return Err(match (h, w) {
            (Some(h), Some(w)) => {
                misfit.help(say!("write `resize({h}x{w})` before it", "请在其前写 `resize({h}x{w})`"))
            }
            _ => misfit,
        });
    }
    Ok(last)
}

/// Holds a network's inputs to what a tokenizer gives.
fn text(inputs: &[Port], path: &str) -> Result<(), Misfit> {
    let sound = |port: &Port| !port.float && port.shape.len() == 2 && port.shape[0].is_none_or(|n| n == 1);
    if inputs.iter().all(sound) && inputs.iter().filter(|port| Use::of(&port.name) == Use::Words).count() == 1 {
        return Ok(());
    }
    let found = names(inputs);
    Err(Misfit::new(
        "E0301",
        say!(
            "`{path}` takes {found}: no numbers of words, a text at a time",
            "`{path}` 接受 {found}：不是逐条文本的词编号"
        ),
    ))
}

/// What an input over the words of a text is for, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Words,
    Mask,
    Kinds,
    Places,
}

impl Use {
    pub(super) fn of(name: &str) -> Use {
        match name {
            _ if name.contains("mask") => Use::Mask,
            _ if name.contains("type") || name.contains("segment") => Use::Kinds,
            _ if name.contains("position") => Use::Places,
            _ => Use::Words,
        }
    }
}

/// Finds the output that is meant.
fn output<'p>(outputs: &'p [Port], wanted: &Wanted) -> Result<&'p Port, Misfit> {
    let path = &wanted.path;
    if let Some(name) = &wanted.output {
        return outputs.iter().find(|port| port.name == *name).ok_or_else(|| {
            let found = names(outputs);
            Misfit::new(
                "E0301",
                say!("`{path}` has no output `{name}`, but {found}", "`{path}` 没有输出 `{name}`，只有 {found}"),
            )
            .at("output")
        });
    }
    let of_rank = |rank: usize| outputs.iter().find(|port| port.float && port.shape.len() == rank);
    let found = if wanted.is_text() || wanted.pool == "none" { of_rank(3).or_else(|| of_rank(2)) } else { of_rank(2) };
    let first = outputs.iter().find(|port| port.float);
    found.or(first).ok_or_else(|| {
        let found = names(outputs);
        Misfit::new(
            "E0301",
            say!("`{path}` gives no 32-bit floats, but {found}", "`{path}` 不输出 32 位浮点数，只有 {found}"),
        )
    })
}

/// Says what is wrong with a mean or deviation.
pub(super) fn scale(name: &'static str, numbers: Option<&[f32]>, wanted: &Wanted) -> Option<Misfit> {
    let numbers = numbers?;
    let Some([_, _, channels]) = wanted.picture else {
        let message = say!("`{name}` is for pictures, these are texts", "`{name}` 用于图片，而这里是文本");
        return Some(Misfit::new("E0301", message).at(name));
    };
    let count = numbers.len();
    if count != 1 && channels.is_some_and(|channels| channels != count) {
        let channels = channels.unwrap_or_default();
        let message = say!(
            "`{name}` has {count} numbers for {channels} channels",
            "`{name}` 有 {count} 个数，而通道有 {channels} 个"
        );
        return Some(Misfit::new("E0302", message).at(name));
    }
    if name == "deviation" && numbers.iter().any(|x| *x < 1.0 || x.is_nan()) {
        let message = say!(
            "samples are 0 to 255, and are divided by `deviation`: it is 1 or more",
            "样本为 0 到 255，并除以 `deviation`：它应不小于 1"
        );
        let help = say!("multiply a deviation of samples of 0 to 1 by 255", "请将 0 到 1 样本的标准差乘以 255");
        return Some(Misfit::new("E0301", message).at(name).help(help));
    }
    None
}

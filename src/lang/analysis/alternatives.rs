//! Alternatives of a signature: which one the inputs choose, and what does not fit.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Checker, Scope};
use crate::args::{ArgValue, Args};
use crate::diagnostic::{Diagnostic, Text};
use crate::graph::NodeId;
use crate::notation::{Bindings, Misfit, Notation, Pattern, SizePattern, bind, build};
use crate::say;
use crate::signature::{BodyKind, Signature};
use crate::span::Span;
use crate::types::{ColumnType, Type};

impl Checker<'_> {
    /// Chooses the alternative by the inputs, or by the argument that says.
    pub(super) fn choose(
        &mut self,
        signature: &'static Signature,
        kinds: &[BodyKind],
        inputs: &[(NodeId, Span)],
        args: &Args,
        name_span: Span,
        scope: &Scope,
    ) -> Option<(usize, Notation)> {
        let name = signature.name;
        let notations = self.notations(signature);
        if let Some((argument, words)) = signature.by {
            let word = args.find(argument).and_then(ArgValue::as_text).unwrap_or_default();
            // Of several alternatives of one word, the inputs choose.
            let takes = |i: &usize| {
                let kind = |(k, (n, _)): (usize, &(NodeId, Span))| {
                    let pattern = notations[*i].input(k)?;
                    let misfit = bind(pattern, self.ty(*n), args, &mut Bindings::default());
                    (misfit != Err(Misfit::Kind)).then_some(())
                };
                inputs.iter().enumerate().all(|input| kind(input).is_some())
            };
            let said: Vec<usize> = (0..words.len()).filter(|&i| words[i] == word).collect();
            let behind = inputs.iter().find(|(n, _)| self.untrained(*n)).map(|(_, place)| *place);
            let suits = |i: &usize| behind.is_some() == (kinds.get(*i) == Some(&BodyKind::Joint));
            let i = said.iter().copied().find(|i| suits(i) && takes(i));
            let i = i.or_else(|| said.iter().copied().find(takes)).or(said.first().copied()).unwrap_or(0);
            let notation = notations.get(i)?.clone();
            if let Some(place) = behind
                && kinds.get(i) != Some(&BodyKind::Joint)
            {
                self.refuse_behind_network(name, place);
                return None;
            }
            if kinds.get(i) == Some(&BodyKind::Joint) && !scope.network && !signature.is_network {
                self.refuse_outside(name, name_span);
                return None;
            }
            return self.fits(signature, &notation, inputs, args, name_span).then_some((i, notation));
        }
        let joint = inputs.iter().any(|(n, _)| self.untrained(*n));
        let of_kind = |n: &Notation, k: usize, node: NodeId| {
            let found = n.input(k).map(|pattern| bind(pattern, self.ty(node), args, &mut Bindings::default()));
            found.is_some_and(|found| !matches!(found, Err(Misfit::Kind)))
        };
        let matching: Vec<usize> = (0..notations.len())
            .filter(|&i| notations[i].takes(inputs.len()))
            .filter(|&i| inputs.iter().enumerate().all(|(k, (node, _))| of_kind(&notations[i], k, *node)))
            .collect();
        let Some(&first) = matching.first() else {
            // The form that suits the most of the first inputs: the next one is the mistake.
            let suits =
                |n: &Notation| inputs.iter().enumerate().take_while(|(k, (node, _))| of_kind(n, *k, *node)).count();
            let forms = notations.iter().filter(|n| n.takes(inputs.len()));
            let nearest = forms.rev().max_by_key(|n| suits(n)).or(notations.first())?.clone();
            self.fits(signature, &nearest, inputs, args, name_span);
            return None;
        };
        let is_joint = |i: &&usize| kinds.get(**i) == Some(&BodyKind::Joint);
        let chosen = if joint || (signature.held_in_networks && scope.network) {
            matching.iter().find(is_joint).copied()
        } else {
            matching.iter().find(|i| !is_joint(i)).copied().or(Some(first))
        };
        let Some(chosen) = chosen else {
            let place = inputs.iter().find(|(n, _)| self.untrained(*n)).map_or(name_span, |(_, s)| *s);
            self.refuse_behind_network(name, place);
            return None;
        };
        if kinds.get(chosen) == Some(&BodyKind::Joint) && !scope.network && !signature.is_network {
            self.refuse_outside(name, name_span);
            return None;
        }
        let notation = notations[chosen].clone();
        self.fits(signature, &notation, inputs, args, name_span).then_some((chosen, notation))
    }

    /// Returns the alternatives of a signature, read once.
    pub(crate) fn notations(&mut self, signature: &'static Signature) -> Rc<[Notation]> {
        let read = || signature.types.iter().filter_map(|t| Notation::parse(t).ok()).collect();
        self.notations.entry(signature.name).or_insert_with(read).clone()
    }

    /// Refuses a layer where no network stands.
    fn refuse_outside(&mut self, name: &str, place: Span) {
        self.report(
            Diagnostic::error(
                "E0303",
                place,
                say!(
                    "`{name}` is a part of a network, and no network stands here",
                    "`{name}` 是网络的一部分，而此处没有网络"
                ),
            )
            .help(say!(
                "put it in `fuse … = neural {{ … }}`, or in a score or an output",
                "请放入 `fuse … = neural {{ … }}`，或放入 score、output 中"
            )),
        );
    }

    /// Refuses a stage that is no layer behind layers.
    fn refuse_behind_network(&mut self, name: &str, place: Span) {
        self.report(
            Diagnostic::error(
                "E0309",
                place,
                say!(
                    "`{name}` cannot stand behind a network that is not trained yet",
                    "`{name}` 不能接在尚未训练的网络之后"
                ),
            )
            .here(say!("its weights are found inside the `train` that uses it", "其权重在使用它的 `train` 中得到"))
            .help(say!("put `{name}` before the first layer with weights", "请将 `{name}` 放在第一个带权重的层之前")),
        );
    }

    /// Tells whether a network without weights of its time is inside.
    pub(super) fn untrained(&self, node: NodeId) -> bool {
        matches!(self.ty(node), Type::Column(c) if c.marks.joint)
    }

    /// Checks the inputs against a notation, and reports where they do not fit.
    pub(super) fn fits(
        &mut self,
        signature: &'static Signature,
        notation: &Notation,
        inputs: &[(NodeId, Span)],
        args: &Args,
        name_span: Span,
    ) -> bool {
        let name = signature.name;
        if !notation.takes(inputs.len()) {
            let (wanted, found) = (notation.inputs.len(), inputs.len());
            let least = if notation.repeats { ("at least ", "至少 ") } else { ("", " ") };
            let (few, zh) = least;
            let inputs = if wanted == 1 { "input" } else { "inputs" };
            let mut d = Diagnostic::error(
                "E0307",
                name_span,
                say!(
                    "`{name}` takes {few}{wanted} {inputs}, not {found}",
                    "`{name}` 需要{zh}{wanted} 个输入，而不是 {found} 个"
                ),
            );
            if wanted > 0 && found == 0 {
                d = d.help(say!("let something flow into it: `x |> {name}`", "请让数据流入：`x |> {name}`"));
            }
            self.report(d);
            return false;
        }
        let mut bindings = Bindings::default();
        let mut places: Vec<(String, Span)> = Vec::new();
        for (k, (node, place)) in inputs.iter().enumerate() {
            let Some(pattern) = notation.input(k) else { continue };
            // Repeated inputs need not be of one size, where the result has another.
            let mut fresh = Bindings::default();
            let column = matches!(notation.output, Pattern::Column { .. });
            let last = notation.repeats && k + 1 >= notation.inputs.len();
            let repeated = last && column && !same_sizes(pattern, &notation.output);
            let into = if repeated { &mut fresh } else { &mut bindings };
            match bind(pattern, self.ty(*node), args, into) {
                Ok(()) => places.push((format!("{pattern:?}"), *place)),
                Err(Misfit::Kind) => {
                    self.misfit(signature, k, *node, *place);
                    return false;
                }
                Err(Misfit::Size { .. }) if !is_vector(self.ty(*node)) => {
                    let (found, wanted) = (self.describe(*node), sized_words(pattern));
                    let mut d = Diagnostic::error(
                        "E0302",
                        *place,
                        say!("`{name}` takes {wanted}, this is {found}", "`{name}` 接受 {wanted}，这里是 {found}"),
                    );
                    if let Some(bridge) = self.bridge(*node, signature) {
                        d = d.help(say!(
                            "put a stage between: `… |> {bridge} |> {name}`",
                            "请在中间加一个阶段：`… |> {bridge} |> {name}`"
                        ));
                    }
                    self.report(d);
                    return false;
                }
                Err(Misfit::Size { before, here, .. }) => {
                    let mut d = Diagnostic::error(
                        "E0302",
                        *place,
                        say!("the sizes differ: {before} and {here}", "大小不同：{before} 与 {here}"),
                    )
                    .here(say!("{here} numbers wide", "宽度为 {here}"));
                    if let Some((_, other)) = inputs.first().filter(|(_, s)| s != place) {
                        d = d.also(*other, say!("{before} numbers wide", "宽度为 {before}"));
                    }
                    let help = match before.known() {
                        Some(n) => say!(
                            "bring it to the same size first: `… |> dense({n})` in a network",
                            "请先使两者大小相同：在网络中用 `… |> dense({n})`"
                        ),
                        None => say!("bring both to one size first", "请先使两者大小相同"),
                    };
                    self.report(d.help(help));
                    return false;
                }
            }
        }
        true
    }

    /// Reports that the input at that place is of the wrong kind for a stage, with the stage that would mend it where one does.
    fn misfit(&mut self, signature: &'static Signature, at: usize, node: NodeId, place: Span) {
        let name = signature.operator.map_or(signature.name, |op| op.symbol());
        let Text { en: found, zh: found_zh } = self.words_of(node);
        let wanted: Vec<String> = signature
            .types
            .iter()
            .filter_map(|t| Notation::parse(t).ok())
            .filter_map(|n| n.input(at).map(pattern_words))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let zh: Vec<&str> = wanted.iter().map(|w| pattern_chinese(w)).collect();
        let (en, zh) = (wanted.join(" or "), zh.join("或"));
        let mut d = Diagnostic::error(
            "E0301",
            place,
            say!("`{name}` takes {en}, this is {found}", "`{name}` 接受{zh}，这里是{found_zh}"),
        )
        .here(say!("{found}", "{found_zh}"));
        if let Some(bridge) = self.bridge(node, signature) {
            d = d.help(say!(
                "put a stage between: `… |> {bridge} |> {name}`",
                "请在中间加一个阶段：`… |> {bridge} |> {name}`"
            ));
        } else if matches!(self.ty(node), Type::Table(_) | Type::Split(_))
            && wanted.iter().all(|w| w != "a table" && w != "a split")
        {
            d = d.help(say!("name one of its columns: `table.column`", "请指明它的某一列：`表.列`"));
        } else if matches!(self.ty(node), Type::Split(_)) && wanted.iter().any(|w| w == "a table") {
            let split = self.graph.dag[node].label.clone();
            d = d.help(say!("take one of its parts: `{split}.train`", "请取其某一部分：`{split}.train`"));
        } else if let Some(does) = signature.doc.split(". ").next().filter(|does| !does.is_empty()) {
            let does = does.trim_end_matches('.');
            d = d.note(say!("`{name}`: {does}", "`{name}`：{does}"));
        }
        self.report(d);
    }

    /// Finds a stage that turns what is here into what is wanted, with no argument to give.
    pub(super) fn bridge(&self, node: NodeId, wanted: &'static Signature) -> Option<&'static str> {
        let ty = self.ty(node).clone();
        if !matches!(ty, Type::Column(_)) {
            return None;
        }
        self.vocabulary.iter().map(|e| (e.signature, &e.kinds)).find_map(|(s, kinds)| {
            let free = s.args.iter().all(|a| a.optional || a.default.is_some());
            let rowwise = kinds.first() == Some(&BodyKind::Rows) || kinds.first() == Some(&BodyKind::Fit);
            if !free || !rowwise || s.infer.is_some() {
                return None;
            }
            let notation = Notation::parse(s.types.first()?).ok()?;
            if !notation.takes(1) || notation.repeats {
                return None;
            }
            let mut bindings = Bindings::default();
            let args = Args::default();
            bind(notation.input(0)?, &ty, &args, &mut bindings).ok()?;
            let Pattern::Column { elem, .. } = &notation.output else { return None };
            let Type::Column(column) = &ty else { return None };
            let elem = build(elem, &bindings, &args);
            if elem == column.elem {
                return None;
            }
            let out = Type::Column(ColumnType { elem, ..column.clone() });
            let fits =
                wanted.types.iter().filter_map(|t| Notation::parse(t).ok()).any(|n| {
                    n.input(0).is_some_and(|p| bind(p, &out, &Args::default(), &mut Bindings::default()).is_ok())
                });
            fits.then_some(s.name)
        })
    }

    /// Returns words for what a node gives: `image[_, _, 3]?`, `table`.
    pub(crate) fn describe(&self, node: NodeId) -> String {
        match self.ty(node) {
            Type::Column(c) => {
                let what = match &c.elem {
                    crate::types::Elem::Ref(d) => format!("ref({})", self.domain_name(*d)),
                    e => e.to_string(),
                };
                if c.missing.is_empty() { what } else { format!("{what}?") }
            }
            other => other.word().to_string(),
        }
    }

    /// Returns words for what a node gives, in both languages.
    pub(crate) fn words_of(&self, node: NodeId) -> Text {
        let en = self.describe(node);
        let zh = super::types::chinese(&en).to_string();
        let en = if matches!(self.ty(node), Type::Column(_)) { en } else { format!("a {en}") };
        Text { en, zh }
    }
}

/// Returns words for what a pattern takes.
fn pattern_words(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Table | Pattern::Part => "a table".into(),
        Pattern::Split => "a split".into(),
        Pattern::Graph => "a graph".into(),
        Pattern::Loss => "a loss".into(),
        Pattern::Rows => "an end of a graph".into(),
        Pattern::Other(word) => word.clone(),
        Pattern::Column { elem, .. } => match elem.name.as_str() {
            "any" => "a column".into(),
            "number" => "a number".into(),
            "vector" => "a vector".into(),
            "sequence" => "a sequence".into(),
            "map" => "a map".into(),
            "image" => "a picture (image)".into(),
            other => other.to_string(),
        },
    }
}

fn is_vector(ty: &Type) -> bool {
    matches!(ty, Type::Column(c) if c.elem.as_vector().is_some())
}

/// Returns a pattern as signatures write it: `image[h, w, 1]`.
fn sized_words(pattern: &Pattern) -> String {
    let Pattern::Column { elem, .. } = pattern else { return String::new() };
    let sizes: Vec<String> = elem
        .sizes
        .iter()
        .map(|s| match s {
            SizePattern::Number(n) => n.to_string(),
            SizePattern::Name(n) => n.clone(),
            _ => "_".into(),
        })
        .collect();
    format!("{}[{}]", elem.name, sizes.join(", "))
}

fn pattern_chinese(words: &str) -> &str {
    match words {
        "a table" => "表",
        "a split" => "划分",
        "a column" => "列",
        "a number" => "数字",
        "a vector" => "向量",
        "a sequence" => "序列",
        "a map" => "特征图",
        "a graph" => "图",
        "a loss" => "损失",
        "a picture (image)" => "图片（image）",
        other => other,
    }
}

/// Tells whether two columns have the same sizes, by name.
fn same_sizes(a: &Pattern, b: &Pattern) -> bool {
    matches!((a, b), (Pattern::Column { elem: a, .. }, Pattern::Column { elem: b, .. }) if a.sizes == b.sizes)
}

//! Random changes of a program, token by token, with a memory of brackets. A change may leave the program sound, break
//! its meaning or break its syntax.

use crate::small::Random;

#[derive(Clone, Debug)]
struct Token {
    /// Blanks before it.
    space: String,
    text: String,
}

const KEYWORDS: [&str; 8] = ["source", "prepare", "extract", "fuse", "train", "metric", "param", "def"];
const TYPES: [&str; 16] = [
    "int",
    "float",
    "bool",
    "category",
    "key",
    "text",
    "time(unix)",
    "time(iso)",
    "vector[4]",
    "vector[3]",
    "vector",
    "ref(films)",
    "ref(studios)",
    "text(language = zh)",
    "image(\"stills/{film}.ppm\")",
    "key(films)",
];
const STAGES: [&str; 40] = [
    "where(year > 1980)",
    "k_core(user = 2)",
    "drop_missing",
    "fill_missing(zero)",
    "fill_missing(mean)",
    "split(train = 80%, test = 20%)",
    "min_max",
    "standardize",
    "one_hot",
    "per(films, mean)",
    "through(ratings.film)",
    "resize(8x8)",
    "gray",
    "hsv_histogram(bins = 2x2x2)",
    "canny",
    "grid_density(2x2)",
    "tokenize",
    "tf_idf(terms = 4)",
    "term_frequency(terms = 4)",
    "mean",
    "fill(zero)",
    "fill(mean)",
    "concat",
    "sum",
    "dense(1)",
    "dense(3)",
    "dense(4)",
    "relu",
    "tanh",
    "sigmoid",
    "softmax",
    "dropout(20%)",
    "layer_norm",
    "neural",
    "embedding(4)",
    "popularity",
    "table",
    "accuracy",
    "classes",
    "gate(films.look)",
];
const METRICS: [&str; 12] = [
    "accuracy",
    "f1",
    "precision",
    "recall",
    "auc",
    "log_loss",
    "mae",
    "mse",
    "ndcg@5",
    "recall@3",
    "mrr",
    "coverage@2",
];
const NUMBERS: [&str; 20] = [
    "0", "1", "2", "3", "4", "5", "8", "17", "60", "0.5", "1e-3", "20%", "80%", "100%", "120%", "2x2", "4x2x2", "10s",
    "5Hz", "1000000",
];

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let start = at;
        while at < chars.len() && chars[at] == ' ' {
            at += 1;
        }
        let space: String = chars[start..at].iter().collect();
        let Some(&c) = chars.get(at) else { break };
        let begin = at;
        let run = |mut at: usize, keep: &dyn Fn(usize) -> bool| {
            while at < chars.len() && keep(at) {
                at += 1;
            }
            at
        };
        if c == '#' {
            at = run(at, &|i| chars[i] != '\n');
            continue;
        } else if c.is_alphabetic() || c == '_' {
            at = run(at, &|i| chars[i].is_alphanumeric() || chars[i] == '_');
        } else if c.is_ascii_digit() {
            let digit = |i: usize| chars.get(i).is_some_and(char::is_ascii_digit);
            at = run(at, &|i| {
                chars[i].is_alphanumeric()
                    || chars[i] == '%'
                    || chars[i] == '.' && digit(i + 1)
                    || chars[i] == '-' && chars[i - 1] == 'e'
            });
        } else if c == '"' {
            at = run(at + 1, &|i| chars[i] != '"' && chars[i] != '\n') + 1;
        } else {
            let pair: String = chars[at..(at + 2).min(chars.len())].iter().collect();
            let triple: String = chars[at..(at + 3).min(chars.len())].iter().collect();
            at += if triple == "..=" {
                3
            } else if ["|>", "==", "!=", ">=", "<=", ".."].contains(&pair.as_str()) {
                2
            } else {
                1
            };
        }
        let text = chars[begin..at.min(chars.len())].iter().collect();
        found.push(Token { space, text });
    }
    found
}

fn write(tokens: &[Token]) -> String {
    tokens.iter().map(|t| format!("{}{}", t.space, t.text)).collect()
}

struct Tree {
    tokens: Vec<Token>,
    /// Brackets that are open before each token.
    depth: Vec<usize>,
}

impl Tree {
    fn new(text: &str) -> Tree {
        let tokens = tokens(text);
        let mut depth = Vec::new();
        let mut open = 0usize;
        for token in &tokens {
            if matches!(token.text.as_str(), ")" | "]" | "}") {
                open = open.saturating_sub(1);
            }
            depth.push(open);
            if matches!(token.text.as_str(), "(" | "[" | "{") {
                open += 1;
            }
        }
        Tree { tokens, depth }
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |t| &t.text)
    }

    fn where_(&self, which: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.tokens.len()).filter(|&i| which(i)).collect()
    }

    /// Stretches of declarations.
    fn declarations(&self) -> Vec<(usize, usize)> {
        let starts = self.where_(|i| {
            self.depth[i] == 0
                && (i == 0 || self.text(i - 1) == "\n")
                && KEYWORDS.contains(&self.text(i))
                && is_word(self.text(i + 1))
        });
        let ends = starts.iter().skip(1).copied().chain([self.tokens.len()]);
        starts.iter().copied().zip(ends).collect()
    }

    /// Lines within brackets.
    fn lines(&self) -> Vec<(usize, usize)> {
        let breaks = self.where_(|i| self.text(i) == "\n");
        breaks.windows(2).map(|w| (w[0], w[1])).filter(|(a, b)| self.depth[*a] > 0 && b - a > 1).collect()
    }

    /// Items between commas of one bracket, without the commas.
    fn items(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for open in self.where_(|i| matches!(self.text(i), "(" | "[" | "{")) {
            let inside = self.depth[open] + 1;
            let mut start = open + 1;
            let mut at = open + 1;
            while at < self.tokens.len() {
                let ends = self.depth[at] < inside;
                if ends || self.depth[at] == inside && self.text(at) == "," {
                    if at > start {
                        found.push((start, at));
                    }
                    start = at + 1;
                }
                if ends {
                    break;
                }
                at += 1;
            }
        }
        found
    }

    /// Steps of pipes, with their `|>`.
    fn steps(&self) -> Vec<(usize, usize)> {
        self.where_(|i| self.text(i) == "|>")
            .into_iter()
            .map(|start| {
                let depth = self.depth[start];
                let mut end = start + 1;
                while end < self.tokens.len()
                    && self.depth[end] >= depth
                    && !(self.depth[end] == depth
                        && matches!(self.text(end), "|>" | "\n" | "," | "+" | "-" | "*" | "/"))
                {
                    end += 1;
                }
                (start, end)
            })
            .collect()
    }

    fn without(&self, (start, end): (usize, usize)) -> String {
        write(&self.tokens[..start]) + &write(&self.tokens[end..])
    }

    fn with(&self, at: usize, text: &str) -> String {
        let mut tokens = self.tokens.clone();
        tokens[at].text = text.to_string();
        write(&tokens)
    }

    fn exchanged(&self, a: (usize, usize), b: (usize, usize)) -> String {
        let (a, b) = if a.0 <= b.0 { (a, b) } else { (b, a) };
        if a.1 > b.0 {
            return write(&self.tokens);
        }
        let part = |range: std::ops::Range<usize>| write(&self.tokens[range]);
        part(0..a.0) + &part(b.0..b.1) + &part(a.1..b.0) + &part(a.0..a.1) + &part(b.1..self.tokens.len())
    }
}

fn some<T: Copy>(random: &mut Random, of: &[T]) -> Option<T> {
    if of.is_empty() { None } else { Some(of[random.below(of.len())]) }
}

/// Returns what was done, and the changed program.
pub(crate) fn mutate(program: &str, random: &mut Random) -> Option<(&'static str, String)> {
    let tree = Tree::new(program);
    let words = tree.where_(|i| is_word(tree.text(i)));
    let names: Vec<String> = words.iter().map(|&i| tree.text(i).to_string()).collect();
    match random.below(20) {
        0 => Some(("drop a declaration", tree.without(some(random, &tree.declarations())?))),
        1 => Some(("drop a line", tree.without(some(random, &tree.lines())?))),
        2 | 3 => {
            let (start, mut end) = some(random, &tree.items())?;
            if tree.text(end) == "," {
                end += 1;
            }
            Some(("drop an argument", tree.without((start, end))))
        }
        4 | 5 => Some(("drop a step", tree.without(some(random, &tree.steps())?))),
        6 => {
            let at = some(random, &words)?;
            let mut name = tree.text(at).to_string();
            name.insert(random.below(2), 'z');
            Some(("misspell", tree.with(at, &name)))
        }
        7 | 8 => {
            let at = some(random, &words)?;
            Some(("rename", tree.with(at, &names[random.below(names.len())])))
        }
        9 => {
            let types = tree.where_(|i| i > 1 && tree.text(i - 1) == ":" && is_word(tree.text(i)));
            let at = some(random, &types)?;
            let mut end = at + 1;
            if matches!(tree.text(end), "(" | "[") {
                end = (end + 1..tree.tokens.len()).find(|&i| tree.depth[i] == tree.depth[at])?;
                end += 1;
            }
            let ty = TYPES[random.below(TYPES.len())];
            let text = write(&tree.tokens[..at]) + " " + ty + &write(&tree.tokens[end..]);
            Some(("retype", text))
        }
        10 | 11 => {
            let at = some(random, &tree.where_(|i| is_number(tree.text(i))))?;
            let epochs = at > 1 && tree.text(at - 2) == "epochs";
            Some((
                "resize",
                tree.with(
                    at,
                    if epochs { ["0", "2", "3", "50%"][random.below(4)] } else { NUMBERS[random.below(NUMBERS.len())] },
                ),
            ))
        }
        12 => {
            let all = tree.declarations();
            let (a, b) = (some(random, &all)?, some(random, &all)?);
            Some(("reorder declarations", tree.exchanged(a, b)))
        }
        13 => {
            let all = tree.items();
            let a = some(random, &all)?;
            let near: Vec<_> = all.iter().copied().filter(|b| tree.depth[b.0] == tree.depth[a.0] && *b != a).collect();
            Some(("exchange arguments", tree.exchanged(a, some(random, &near)?)))
        }
        14 => {
            let all = tree.steps();
            Some(("exchange steps", tree.exchanged(some(random, &all)?, some(random, &all)?)))
        }
        15 | 16 => {
            let columns = tree.where_(|i| i > 1 && tree.text(i - 1) == "." && is_word(tree.text(i)));
            let at = some(random, &columns)?;
            let from = some(random, &columns)?;
            let declared = tree.where_(|i| tree.text(i + 1) == ":" && is_word(tree.text(i)));
            let mut tokens = tree.tokens.clone();
            if random.chance(40) {
                tokens[at].text = tree.text(some(random, &declared)?).to_string();
            } else {
                tokens[at].text = tree.text(from).to_string();
                tokens[at - 2].text = tree.text(from - 2).to_string();
            }
            Some(("swap a column", write(&tokens)))
        }
        17 => {
            let marks = tree.where_(|i| tree.text(i) == "?");
            if random.chance(50) {
                let at = some(random, &marks)?;
                return Some(("remove a `?`", tree.without((at, at + 1))));
            }
            let lines = tree.where_(|i| tree.text(i) == ":");
            let at = some(random, &lines)?;
            let end = (at..tree.tokens.len()).find(|&i| tree.depth[i] <= tree.depth[at] && tree.text(i) == "\n")?;
            Some(("add a `?`", write(&tree.tokens[..end]) + "?" + &write(&tree.tokens[end..])))
        }
        18 => {
            if random.chance(25) {
                let metrics = tree.where_(|i| METRICS.iter().any(|m| m.split('@').next() == Some(tree.text(i))));
                let at = some(random, &metrics)?;
                return Some(("swap a metric", tree.with(at, METRICS[random.below(METRICS.len())])));
            }
            let (start, end) = some(random, &tree.steps())?;
            let stage = STAGES[random.below(STAGES.len())];
            let end = if random.chance(30) { start } else { end };
            Some(("swap a stage", format!("{} |> {stage}{}", write(&tree.tokens[..start]), write(&tree.tokens[end..]))))
        }
        _ => {
            let all = if random.chance(50) { tree.items() } else { tree.steps() };
            if random.chance(25) {
                let at = random.below(tree.tokens.len());
                return Some(("drop a token", tree.without((at, at + 1))));
            }
            let (start, end) = some(random, &all)?;
            let comma = if tree.text(start) == "|>" { "" } else { ", " };
            let twice = write(&tree.tokens[..end]) + comma + &write(&tree.tokens[start..]);
            Some(("say it twice", twice))
        }
    }
}

//! Makes sound files of every form that the grammar has, laid out as no person would.

/// Reads decisions from a list; where the list ends, the first and smallest is taken, so that failures shrink.
pub(super) struct Maker<'c> {
    choices: &'c [u16],
    at: usize,
    depth: usize,
    comments: usize,
    text: String,
}

const NAMES: &[&str] = &[
    "a", "look", "train", "source", "标题", "é", "x1", "metric", "ms", "use", "ndcg", "on", "param", "film_id", "def",
];
const NUMBERS: &[&str] =
    &["1", "0", "1e-3", "80%", "224x224", "10s", "16kHz", "2.5", "10_000", "7x7x3", "250ms", "0.5"];
const BOUNDS: &[&str] = &["1", "0.5", "5", "10s", "80%", "-1", "- 2"];
const STRINGS: &[&str] =
    &["\"\"", "\"a # b\"", "\"p/{film}.jpg\"", "\"{{x}}\"", "\"\\\"\\n\"", "\"文字\"", "\"{_id}{in}\""];
const INFIX: &[&str] = &["+", "-", "*", "/", "and", "or"];

impl<'c> Maker<'c> {
    pub(super) fn file(choices: &'c [u16]) -> String {
        let mut maker = Maker { choices, at: 0, depth: 0, comments: 0, text: String::new() };
        maker.lines();
        for i in 0..1 + maker.pick(6) {
            maker.declaration(i);
            match maker.pick(4) {
                0 => maker.text.push('\n'),
                1 => maker.put(" ;"),
                _ => maker.comment(),
            }
            maker.lines();
        }
        maker.text
    }

    fn pick(&mut self, below: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(choice) % below
    }

    fn one(&mut self, of: &[&str]) {
        let chosen = of[self.pick(of.len())];
        self.put(chosen);
    }

    /// Puts a word down, and a blank or two before it or not where none is needed.
    fn put(&mut self, word: &str) {
        let joins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '%' | '"' | '.');
        let needs = self.text.ends_with(joins) && word.starts_with(joins);
        let gap = ["", " ", "  ", "\t"][self.pick(4)];
        let signs = self.text.ends_with(['<', '>', '=', '.', '|', '!', '-', '/', '*', ':', '&'])
            && word.starts_with(['<', '>', '=', '.', '|', '-', '/', '*', ':']);
        self.text.push_str(if needs && gap.is_empty() || signs && gap.is_empty() { " " } else { gap });
        self.text.push_str(word);
    }

    fn touch(&mut self, word: &str) {
        self.text.push_str(word);
    }

    fn comment(&mut self) {
        self.comments += 1;
        let sign = ["#", "##", "###", "#!"][self.pick(4)];
        self.text.push_str(&format!(" {sign} note {}  \n", self.comments));
    }

    /// Line ends and comments, where the grammar takes any number of them.
    fn lines(&mut self) {
        for _ in 0..self.pick(4) {
            match self.pick(3) {
                0 => self.text.push('\n'),
                1 => self.text.push_str("\r\n   "),
                _ => self.comment(),
            }
        }
    }

    fn name(&mut self) {
        self.one(NAMES);
    }

    fn declaration(&mut self, index: usize) {
        let keyword = ["param", "source", "prepare", "extract", "fuse", "train", "experiment", "use", "def", "metric"]
            [self.pick(10)];
        self.put(keyword);
        if keyword == "use" {
            return self.put("\"a.mmf\"");
        }
        let ending = ["", "_long_name", "新闻"][self.pick(3)];
        self.put(&format!("n{index}{ending}"));
        match keyword {
            "def" => {
                self.sequence("(", ")", |m| {
                    m.name();
                    m.put(":");
                    m.lines();
                    m.ty();
                    if m.pick(3) == 1 {
                        m.put("=");
                        m.lines();
                        m.one(&["1", "- 2", "\"x\"", "true"]);
                    }
                });
            }
            "metric" => {
                self.put("=");
                self.lines();
                self.put("a.b");
                self.put("on ");
                self.put("parts . test");
                return self.block();
            }
            "param" => {}
            _ if self.pick(3) == 1 => {
                self.put(":");
                self.lines();
                self.ty();
            }
            _ => {}
        }
        self.put("=");
        self.lines();
        self.expr();
    }

    /// A list in brackets, with a comma at its end or without.
    fn sequence(&mut self, open: &str, close: &str, one: impl Fn(&mut Self)) {
        self.touch(open);
        self.lines();
        let count = self.pick(4);
        for i in 0..count {
            if i > 0 {
                self.lines();
                self.put(",");
                self.lines();
            }
            one(self);
        }
        if count > 0 && self.pick(4) == 1 {
            self.lines();
            self.put(",");
        }
        self.lines();
        self.put(close);
    }

    fn expr(&mut self) {
        self.depth += 1;
        self.value();
        let mut compared = false;
        for _ in 0..self.pick(3) {
            if !compared && self.pick(4) == 1 {
                compared = true;
                if self.pick(2) == 0 {
                    self.one(&["==", "!=", "<", "<=", ">", ">="]);
                    self.lines();
                    self.value();
                } else {
                    self.put("in ");
                    self.lines();
                    self.set();
                }
                // Another comparison could follow only behind `and` or `or`.
                self.one(&["and", "or"]);
                self.lines();
                self.value();
                continue;
            }
            self.one(INFIX);
            self.lines();
            self.value();
        }
        for _ in 0..self.pick(3) {
            self.lines();
            self.put("|>");
            self.lines();
            self.stage();
        }
        self.depth -= 1;
    }

    fn value(&mut self) {
        // A line of a block cannot begin with a minus, so it stands in parentheses.
        let kinds = if self.depth > 4 { 4 } else { 10 };
        match self.pick(kinds) {
            0 => self.name(),
            1 => self.one(NUMBERS),
            2 => self.one(STRINGS),
            3 => self.one(&["true", "false"]),
            4 => self.stage(),
            5 => {
                self.put("");
                self.sequence("[", "]", Self::expr);
            }
            6 => {
                self.put("(");
                self.lines();
                if self.pick(2) == 1 {
                    self.one(&["not ", "-"]);
                }
                self.expr();
                self.lines();
                self.put(")");
            }
            7 => {
                self.name();
                self.put(".");
                self.name();
            }
            8 => self.block(),
            _ => {
                self.name();
                self.touch("@20");
            }
        }
    }

    fn stage(&mut self) {
        self.name();
        if self.pick(6) == 1 {
            self.touch("@top");
        }
        if self.pick(3) > 0 && self.depth < 6 {
            self.depth += 1;
            self.sequence("(", ")", Self::argument);
            self.depth -= 1;
        }
        if self.pick(8) == 1 && self.depth < 5 {
            self.block();
        }
    }

    fn argument(&mut self) {
        if self.pick(2) == 1 {
            self.name();
            self.put("=");
            self.lines();
        }
        if self.pick(6) == 1 { self.range() } else { self.expr() }
    }

    fn block(&mut self) {
        self.depth += 1;
        self.put("{");
        self.lines();
        let count = self.pick(4);
        let columns = self.pick(3) == 1;
        for i in 0..count {
            if i > 0 {
                self.separator();
            }
            if columns {
                self.name();
                self.put(":");
                self.lines();
                self.ty();
            } else if self.pick(3) > 0 {
                self.name();
                self.put("=");
                self.lines();
                if self.pick(8) == 1 { self.range() } else { self.expr() }
            } else {
                self.expr();
            }
        }
        if count > 0 && self.pick(3) == 1 {
            self.separator();
        }
        self.lines();
        self.put("}");
        self.depth -= 1;
    }

    fn separator(&mut self) {
        match self.pick(4) {
            0 => self.put(","),
            1 => self.text.push('\n'),
            2 => self.put(";"),
            _ => self.comment(),
        }
        self.lines();
    }

    fn ty(&mut self) {
        self.depth += 1;
        self.name();
        if self.pick(4) == 1 && self.depth < 6 {
            self.put("<");
            for i in 0..self.pick(3) {
                if i > 0 {
                    self.put(",");
                    self.lines();
                }
                self.ty();
            }
            self.put(">");
        }
        if self.pick(4) == 1 {
            self.sequence("[", "]", |m| if m.pick(2) == 0 { m.put("_") } else { m.expr() });
        }
        if self.pick(4) == 1 && self.depth < 6 {
            self.sequence("(", ")", Self::argument);
        }
        if self.pick(5) == 1 {
            self.put("in ");
            self.lines();
            self.set();
        }
        if self.pick(3) == 1 {
            self.put("?");
        }
        self.depth -= 1;
    }

    fn set(&mut self) {
        if self.pick(2) == 0 {
            self.range();
        } else {
            self.put("");
            self.sequence("[", "]", Self::expr);
        }
    }

    fn range(&mut self) {
        match self.pick(3) {
            0 => {
                self.one(BOUNDS);
                self.touch("..=");
                self.one(BOUNDS);
            }
            1 => {
                self.one(BOUNDS);
                self.touch("..");
            }
            _ => {
                self.put("..=");
                self.one(BOUNDS);
            }
        }
    }
}

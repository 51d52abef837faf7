//! Pipelines from templates, with random choices: sound ones, and ones with a leak in them.

use crate::small::{FILM_SOURCES, LOOK_SOURCES, POST_SOURCES, RATING_SOURCES, Random};

/// The rows that are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Posts,
    Films,
    Ratings,
}

impl Base {
    pub(crate) fn file(self) -> &'static str {
        match self {
            Base::Posts => "posts.csv",
            Base::Films => "films.csv",
            Base::Ratings => "ratings.csv",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) text: String,
    pub(crate) base: Base,
    /// Columns of the split rows that decide a filter, a core, an order or a split.
    pub(crate) frozen: Vec<&'static str>,
    /// The source column that the label is made of.
    pub(crate) label: &'static str,
    /// Something gathers the label from training rows.
    pub(crate) gathers: bool,
    /// Items are ranked, those of test rows among the negatives.
    pub(crate) ranks: bool,
    /// The rule that refuses it, and what must be changed for the leak to show.
    pub(crate) leak: Option<Leak>,
}

#[derive(Clone, Debug)]
pub(crate) struct Leak {
    pub(crate) code: &'static str,
    pub(crate) shown_by: Shown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Cells of a test row move what is learned.
    TestCells,
    /// A row's label moves its own inputs.
    Label,
}

struct Draft {
    base: Base,
    lines: Vec<String>,
    frozen: Vec<&'static str>,
    random: Random,
    count: usize,
    gathers: bool,
}

impl Draft {
    fn name(&mut self) -> String {
        self.count += 1;
        format!("x{}", self.count)
    }

    fn extract(&mut self, value: &str) -> String {
        let name = self.name();
        self.lines.push(format!("extract {name} = {value}"));
        name
    }

    fn freeze(&mut self, columns: &[&'static str]) {
        self.frozen.extend(columns);
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.random.below(from.len())]
    }

    /// Scales a column, mostly on training rows.
    fn scaled(&mut self, value: &str) -> String {
        let scale = self.pick(&["", " |> min_max", " |> standardize"]);
        format!("{value}{scale}")
    }

    fn filtered(&mut self, table: &str) -> String {
        let (condition, columns): (&str, &[&'static str]) = match (self.base, self.random.below(5)) {
            (Base::Posts, 0) => ("where(seen > 1.5)", &["seen"]),
            (Base::Posts, 1) => ("drop_missing(columns = [extra])", &["extra"]),
            (Base::Posts, 2) => ("where(not missing(likes))", &["likes"]),
            (Base::Films, 0) => ("where(year > 1955)", &["year"]),
            (Base::Films, 1) => ("where(genre != \"crime\")", &["genre"]),
            (Base::Ratings, 0) => ("where(minutes > 5)", &["minutes"]),
            (Base::Ratings, 1) => ("k_core(user = 2, film = 2)", &[]),
            (Base::Ratings, 2) => ("where(films.year > 1955)", &[]),
            _ => return table.to_string(),
        };
        self.freeze(columns);
        let name = self.name();
        self.lines.push(format!("prepare {name} = {table} |> {condition}"));
        name
    }

    /// Returns the arguments of a split, with or without a validation part.
    fn cut(&mut self, validation: bool, label: &'static str) -> String {
        let sizes = if validation { "train = 60%, validation = 20%, test = 20%" } else { "train = 75%, test = 25%" };
        let (how, columns): (String, &[&'static str]) = match (self.base, self.random.below(4)) {
            (Base::Posts, 0) => ("by = at, ".into(), &["at"]),
            (Base::Posts, 1) => {
                self.freeze(&["part"]);
                let marks = if validation {
                    "given = part, train = \"train\", validation = \"dev\", test = \"test\""
                } else {
                    "given = part, train = \"train\", test = [\"dev\", \"test\"]"
                };
                return marks.into();
            }
            (Base::Posts, 2) if label != "kind" => ("stratify = kind, ".into(), &["kind"]),
            (Base::Films, 0) => ("by = year, ".into(), &["year"]),
            (Base::Films, 1) if label != "genre" => ("stratify = genre, ".into(), &["genre"]),
            (Base::Films, 2) => ("group = tone, ".into(), &["tone"]),
            (Base::Ratings, 0) => {
                self.freeze(&["at"]);
                let parts = if validation { "validation = 1, test = 1" } else { "test = 2" };
                return format!("per = user, by = at, {parts}");
            }
            (Base::Ratings, 1) => ("group = user, ".into(), &[]),
            (Base::Ratings, _) => ("by = at, ".into(), &["at"]),
            _ => (String::new(), &[]),
        };
        self.freeze(columns);
        format!("{how}{sizes}")
    }

    /// Returns one number or vector a row, without holes, that is made of no source column of the label's.
    fn feature(&mut self, label: &'static str) -> String {
        let fill = self.pick(&["zero", "mean"]);
        loop {
            let (value, source): (String, &str) = match (self.base, self.random.below(10)) {
                (Base::Posts, 0 | 1) => (format!("posts.likes |> fill({fill})"), "likes"),
                (Base::Posts, 2) => (format!("posts.extra |> standardize |> fill({fill})"), "extra"),
                (Base::Posts, 3) => (self.scaled("posts.seen"), "seen"),
                (Base::Posts, 4 | 5) => (self.scaled("posts.weights"), "weights"),
                (Base::Posts, 6) => ("posts.kind |> one_hot".into(), "kind"),
                (Base::Posts, 7) => ("posts.text |> tokenize |> tf_idf(terms = 6)".into(), "text"),
                (Base::Posts, _) => ("posts.text |> tokenize |> term_frequency(terms = 5) |> min_max".into(), "text"),
                (_, 0) => (self.scaled("films.look"), "look"),
                (_, 1) => {
                    (format!("films.poster |> resize(8x8) |> hsv_histogram(bins = 2x2x2) |> fill({fill})"), "poster")
                }
                (_, 2) => ("films.still |> gray |> canny |> grid_density(2x2) |> standardize".into(), "still"),
                (_, 3) => ("films.title |> tokenize |> tf_idf(terms = 6)".into(), "title"),
                (_, 4) => (format!("films.plot |> tokenize |> term_frequency(terms = 5) |> fill({fill})"), "plot"),
                (_, 5) => (format!("films.length |> fill({fill}) |> min_max"), "length"),
                (_, 6) => ("films.tone |> one_hot".into(), "tone"),
                (_, 7) => (format!("looks.gaze |> fill({fill}) |> standardize"), "gaze"),
                (_, 8) => (self.scaled("films.age"), "age"),
                _ => (format!("films.note |> tokenize |> tf_idf(terms = 4) |> fill({fill})"), "note"),
            };
            if source != label {
                return self.extract(&value);
            }
        }
    }

    fn features(&mut self, label: &'static str) -> String {
        let count = 1 + self.random.below(3);
        let names: Vec<String> = (0..count).map(|_| self.feature(label)).collect();
        if names.len() == 1 { names[0].clone() } else { format!("concat({})", names.join(", ")) }
    }

    fn settings(&mut self) -> String {
        let optimizer = self.pick(&["", "    optimizer = sgd(lr = 0.005)\n", "    optimizer = adam(lr = 0.01)\n"]);
        let batch = self.pick(&["", "    batch = 16\n"]);
        format!("{optimizer}{batch}    epochs = 2\n")
    }
}

fn sources(base: Base) -> String {
    match base {
        Base::Posts => POST_SOURCES.to_string(),
        Base::Films => format!("{FILM_SOURCES}{LOOK_SOURCES}"),
        Base::Ratings => format!("{FILM_SOURCES}{LOOK_SOURCES}{RATING_SOURCES}"),
    }
}

/// Returns a pipeline; with `leak`, one that gives something away.
pub(crate) fn pipeline(seed: u64, leak: bool) -> Pipeline {
    let mut random = Random(seed);
    let base = [Base::Posts, Base::Films, Base::Ratings][random.below(3)];
    let mut draft = Draft { base, lines: Vec::new(), frozen: Vec::new(), random, count: 0, gathers: false };
    let table = match base {
        Base::Posts => "posts",
        Base::Films => "films",
        Base::Ratings => "ratings",
    };
    let ranks = base == Base::Ratings && draft.random.chance(50);
    let label = match base {
        Base::Posts => draft.pick(&["label", "kind", "seen"]),
        Base::Films => draft.pick(&["good", "genre", "age"]),
        Base::Ratings => draft.pick(&["rating", "like"]),
    };
    let validation = draft.random.chance(60);
    let kind = leak.then(|| draft.random.below(7));
    let kind = if leak && base == Base::Ratings && !ranks && draft.random.chance(40) { Some(7) } else { kind };
    let mut table = draft.filtered(table);
    let mut found = None;
    let mut trains = true;
    let number = match base {
        Base::Posts => "seen",
        Base::Films => "age",
        Base::Ratings => "minutes",
    };
    if kind == Some(0) {
        // Scaling, or filling, before the split.
        let how = if base == Base::Ratings {
            "fill_missing(mean, columns = [minutes])".into()
        } else {
            format!("min_max(columns = [{number}])")
        };
        draft.lines.push(format!("prepare early = {table} |> {how}"));
        table = "early".into();
        found = Some(Leak { code: "E0601", shown_by: Shown::TestCells });
    }
    let past = kind == Some(7);
    let validation = validation && !past;
    let cut = if past { "train = 75%, test = 25%".into() } else { draft.cut(validation, label) };
    draft.lines.push(format!("prepare cut = {table} |> split({cut})"));
    let mut split = "cut";
    let mut bare = Vec::new();
    // A table's own fits, behind the split.
    if !leak && draft.random.chance(30) {
        let columns = match base {
            Base::Posts => "likes, extra",
            Base::Films => "length",
            Base::Ratings => "minutes",
        };
        let how = draft.pick(&["fill_missing(mean", "fill_missing(median"]);
        draft.lines.push(format!("prepare whole = cut |> {how}, columns = [{columns}])"));
        split = "whole";
        if draft.random.chance(50) {
            draft.lines.push(format!("prepare scaled = whole |> standardize(columns = [{columns}])"));
            split = "scaled";
        }
        if !ranks {
            bare.push(columns.split(", ").next().unwrap_or_default().to_string());
        }
    }
    let mut inputs = draft.features(label);
    if base == Base::Ratings && !leak && draft.random.chance(40) {
        let gathered = draft.extract("cut.train.rating |> per(films, mean)");
        inputs = format!("concat({inputs}, {gathered} |> fill(mean))");
        draft.gathers = true;
    }
    if base == Base::Ratings && !leak && !ranks && draft.random.chance(40) {
        let gathered = draft.extract("cut.train.minutes |> per(ratings.user, mean)");
        inputs = format!("concat({inputs}, {gathered} |> fill(zero))");
    }
    // What each user did before.
    let history = "history(by = ratings.user, order = ratings.at, last = 3)";
    if base == Base::Ratings && !leak && !ranks && draft.random.chance(30) {
        let before = draft.extract(&format!("ratings.minutes |> fill(zero) |> {history} |> mean |> fill(zero)"));
        inputs = format!("concat({inputs}, {before})");
    }
    // What gives something away.
    let vector = if base == Base::Posts { "posts.weights" } else { "films.look" };
    let own = match base {
        Base::Posts => "posts.weights",
        Base::Films => "films.look",
        Base::Ratings => "ratings.minutes",
    };
    match kind {
        Some(0) if !ranks => bare.push(if base == Base::Ratings { "minutes".into() } else { number.into() }),
        Some(1) => {
            // No train uses it, so it stands in a file of its own.
            let part = if validation && draft.random.chance(50) { "validation" } else { "test" };
            let column = own.split('.').nth(1).unwrap_or_default();
            let learned = draft.extract(&format!("cut.{part}.{column} |> standardize"));
            draft.lines.push(format!("extract beside = {learned} |> fill(zero)"));
            trains = false;
            found = Some(Leak { code: "E0603", shown_by: Shown::TestCells });
        }
        Some(2) if !ranks => {
            let learned = draft.extract(&format!("{own} |> standardize(fit = cut.test) |> fill(zero)"));
            inputs = format!("concat({inputs}, {learned})");
            found = Some(Leak { code: "E0603", shown_by: Shown::TestCells });
        }
        Some(3) if base == Base::Ratings => {
            let gathered = draft.extract("ratings.rating |> per(films, mean)");
            inputs = format!("concat({inputs}, {gathered} |> fill(zero))");
            found = Some(Leak { code: "E0607", shown_by: Shown::TestCells });
        }
        Some(4) if base == Base::Ratings => {
            let gathered = draft.extract("cut.test.rating |> per(films, sum)");
            inputs = format!("concat({inputs}, {gathered} |> fill(zero))");
            found = Some(Leak { code: "E0603", shown_by: Shown::TestCells });
        }
        Some(5) if !ranks => {
            draft.lines.push(format!("prepare other = {table} |> split(train = 90%, test = 10%)"));
            let learned = draft.extract(&format!("{own} |> standardize(fit = other.train) |> fill(zero)"));
            inputs = format!("concat({inputs}, {learned})");
            found = Some(Leak { code: "E0604", shown_by: Shown::TestCells });
        }
        Some(6) if !ranks => {
            draft.lines.push(format!("prepare other = {table} |> split(train = 90%, test = 10%)"));
            draft.lines.push(format!("fuse deep = neural {{ {vector} |> dense(2) }}"));
            let (task, output, truth) = match base {
                Base::Posts => ("classify", "deep |> dense(1) |> sigmoid", "label"),
                Base::Films => ("regress", "deep |> dense(1)", "year"),
                Base::Ratings => ("regress", "deep |> dense(1)", "rating"),
            };
            draft
                .lines
                .push(format!("train first = {task}(other, label = {truth}) {{ output = {output}, epochs = 1 }}"));
            inputs = format!("concat({inputs}, first.deep)");
            found = Some(Leak { code: "E0604", shown_by: Shown::TestCells });
        }
        Some(7) => {
            let before = draft.extract(&format!("ratings.minutes |> fill(zero) |> {history} |> mean |> fill(zero)"));
            inputs = format!("concat({inputs}, {before})");
            found = Some(Leak { code: "E0609", shown_by: Shown::TestCells });
        }
        Some(_) if found.is_none() && !ranks && label != "genre" && label != "kind" => {
            let made = draft.extract(&format!("{table}.{label} |> min_max"));
            inputs = format!("concat({inputs}, {made})");
            found = Some(Leak { code: "E0602", shown_by: Shown::Label });
        }
        _ => {}
    }
    if leak && found.is_none() {
        return pipeline(seed.wrapping_mul(31).wrapping_add(7), leak);
    }
    if !bare.is_empty() {
        bare.retain(|b| b != label);
        if !bare.is_empty() {
            inputs = format!("concat({inputs}, {})", bare.join(", "));
        }
    }
    let settings = draft.settings();
    let joint = !leak && draft.random.chance(40);
    if !trains {
        // The leaves are what the file makes.
    } else if ranks {
        let item = if joint || draft.random.chance(50) {
            draft.lines.push(format!("fuse item = neural {{ {inputs} |> dense(4) |> relu |> dense(3) }}"));
            "embedding(film, 3) + item".to_string()
        } else {
            format!("{inputs} |> dense(3)")
        };
        let stop = if validation { "    stop = early(ndcg@5, patience = 1)\n" } else { "" };
        let user = if !leak && draft.random.chance(40) {
            let layer =
                draft.pick(&["gru(3)", "mean |> dense(3)", "self_attention(causal = true) |> last |> dense(3)"]);
            draft.lines.push(format!("fuse before = neural {{ films.look |> {history} |> fill(zero) |> {layer} }}"));
            "embedding(user, 3) + before"
        } else {
            "embedding(user, 3)"
        };
        draft.lines.push(format!(
            "train t = recommend({split}, user = user, item = film) {{\n    score = dot({user}, {item})\n{settings}{stop}}}"
        ));
        draft.lines.push(format!("metric m = t on {split}.test {{ ndcg@5, recall@5 }}"));
    } else {
        let (task, head, metric) = match label {
            "label" | "good" | "like" => ("classify", "dense(1) |> sigmoid".to_string(), "accuracy"),
            "kind" => ("classify", "dense(classes(posts.kind)) |> softmax".into(), "accuracy"),
            "genre" => ("classify", "dense(3) |> softmax".into(), "f1"),
            _ => ("regress", "dense(1)".into(), "mae"),
        };
        let body = if joint {
            let width = 2 + draft.random.below(3);
            let layer = draft.pick(&["relu", "tanh", "layer_norm", "dropout(20%)"]);
            format!("{inputs} |> dense({width}) |> {layer}")
        } else {
            inputs
        };
        let body = if base == Base::Ratings && draft.random.chance(40) {
            format!("concat({}, embedding(user, 2))", if joint { format!("({body})") } else { body })
        } else {
            body
        };
        let stop = if validation { format!("    stop = early({metric})\n") } else { String::new() };
        draft.lines.push(format!(
            "train t = {task}({split}, label = {label}) {{\n    output = {body} |> {head}\n{settings}{stop}}}"
        ));
        draft.lines.push(format!("metric m = t on {split}.test {{ {metric} }}"));
    }
    Pipeline {
        text: format!("{}\n{}\n", sources(base), draft.lines.join("\n")),
        base,
        frozen: draft.frozen,
        label: if ranks { "rating" } else { label },
        gathers: draft.gathers,
        ranks,
        leak: found,
    }
}

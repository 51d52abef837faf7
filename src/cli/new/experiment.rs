//! A first experiment, where the columns suggest one: what a user will want next, or which class a row is of.

use mmf_lang::say;

use super::plan::{Line, Source, Type};
use super::table::Kind;
use super::write::comment;
use crate::report::Speech;

/// Returns the declarations of a first experiment; `None` where the columns suggest none.
pub(super) fn experiment(s: Speech, all: &[Source]) -> Option<String> {
    recommend(s, all).or_else(|| classify(s, all))
}

const USERS: [&str; 12] = [
    "user", "reader", "customer", "member", "viewer", "person", "buyer", "account", "student", "client", "uid", "用户",
];
const LABELS: [&str; 16] = [
    "label",
    "class",
    "target",
    "kind",
    "category",
    "genre",
    "positive",
    "liked",
    "spam",
    "sentiment",
    "digit",
    "topic",
    "type",
    "标签",
    "类别",
    "分类",
];

fn said(name: &str, words: &[&str]) -> Option<usize> {
    let lower = name.to_lowercase();
    words.iter().position(|w| lower.split('_').any(|part| part == *w) || (!w.is_ascii() && lower.contains(w)))
}

/// Returns a call of `concat`, a line an input where it would be long.
fn concat(inputs: &[String]) -> String {
    let row = inputs.join(", ");
    if row.chars().count() <= 90 {
        format!("concat({row})")
    } else {
        format!("concat(\n    {}\n)", inputs.join(",\n    "))
    }
}

/// What is made of the columns of some rows: declarations, and the names of what may be joined.
#[derive(Default)]
struct Features {
    text: String,
    names: Vec<String>,
}

/// Returns the features of a source's rows, but of these columns.
fn features(all: &[Source], source: usize, without: &[&str]) -> Features {
    let mut found = Features::default();
    let mut numbers = Vec::new();
    for (at, own) in all.iter().enumerate() {
        let of_rows = at == source || own.lines.iter().any(|l| l.ty == Type::KeyOf(source));
        for line in own.lines.iter().filter(|l| of_rows && !without.contains(&l.name.as_str())) {
            let column = format!("{}.{}", own.name, line.name);
            let fill = |with: &str| if line.missing { format!(" |> fill({with})") } else { String::new() };
            let chain = match &line.ty {
                Type::Image(_) => format!("{column} |> hsv_histogram(bins = 8x4x4){}", fill("mean")),
                Type::TextFile(..) | Type::Plain(Kind::Text(_)) => {
                    format!("{column} |> tokenize |> tf_idf(terms = 500){}", fill("zero"))
                }
                Type::Plain(Kind::Vector(_)) => format!("{column}{} |> standardize", fill("mean")),
                // The number of a thing is no measure of it.
                Type::Plain(Kind::Int) if said(&line.name, &["id", "code", "zip", "编号"]).is_some() => continue,
                Type::Plain(Kind::Int | Kind::Float | Kind::Bool) => {
                    numbers.push(format!("{column}{}", fill("mean")));
                    continue;
                }
                Type::Plain(Kind::Category) if (2..=50).contains(&line.distinct) && !line.missing => {
                    format!("{column} |> one_hot")
                }
                _ => continue,
            };
            let name = format!("{}_of_{}", line.name, own.name);
            found.text.push_str(&format!("extract {name} = {chain}\n"));
            found.names.push(name);
        }
    }
    if !numbers.is_empty() {
        let name = format!("numbers_of_{}", all[source].name);
        found.text.push_str(&format!("fuse {name} = {} |> standardize\n", concat(&numbers)));
        found.names.push(name);
    }
    found
}

fn recommend(s: Speech, all: &[Source]) -> Option<String> {
    let (own, item, to, user) = all.iter().find_map(|own| {
        let (item, to) = own.lines.iter().find_map(|l| match l.ty {
            Type::Ref(to) if !l.missing && said(&l.name, &USERS).is_none() => Some((l, to)),
            _ => None,
        })?;
        let may = |l: &&Line| {
            l.name != item.name && !l.missing && matches!(l.ty, Type::Ref(_) | Type::Plain(Kind::Category | Kind::Int))
        };
        let user = own.lines.iter().filter(may).find(|l| said(&l.name, &USERS).is_some());
        // Many users have several rows each.
        user.filter(|u| u.distinct >= 2 && u.distinct * 2 <= own.rows).map(|user| (own, item, to, user))
    })?;
    // A whole number names a user only as a category.
    if matches!(user.ty, Type::Plain(Kind::Int)) {
        return None;
    }
    let at = own.lines.iter().find(|l| matches!(l.ty, Type::Plain(Kind::Time(_))) && !l.missing);
    let by = at.map(|l| format!("by = {}, ", l.name)).unwrap_or_default();
    let (name, user, item) = (&own.name, &user.name, &item.name);
    let content = features(all, to, &[]);
    let mut out = comment(&s.say(say!(
        "What will a {user} want next? Every row counts as wanted; `where` keeps some of them.",
        "{user} 接下来会想要什么？每一行都算作想要；可用 `where` 只保留一部分。"
    )));
    let rating = own.lines.iter().find(|l| said(&l.name, &["rating", "stars", "score", "评分"]).is_some());
    if let Some(rating) = rating {
        let rating = &rating.name;
        out.push_str(&comment(&format!("prepare liked = {name} |> where({rating} >= 4)")));
    }
    out.push_str(&format!(
        "prepare parts = {name} |> split(per = {user}, {by}train = 80%, validation = 10%, test = 10%)\n\n{}",
        content.text
    ));
    let sum = if content.names.is_empty() {
        format!("embedding({item}, dim)")
    } else {
        out.push_str(&format!("fuse content = neural {{ {} |> dense(dim) }}\n", concat(&content.names)));
        format!("embedding({item}, dim) + content")
    };
    out.push_str(&format!(
        "\ntrain taste = recommend(parts, user = {user}, item = {item}) {{
    score     = dot(embedding({user}, dim), {sum}) + embedding({item}, 1)
    optimizer = adam(lr = 1e-3)
    epochs    = 30
    stop      = early(ndcg@10, patience = 5)
}}
train popular = recommend(parts, user = {user}, item = {item}) {{ score = popularity({item}) }}

metric quality  = taste on parts.test {{ recall@10, ndcg@10 }}
metric baseline = popular on parts.test {{ recall@10, ndcg@10 }}\n"
    ));
    Some(format!("param dim = 32\n\n{out}"))
}

fn classify(s: Speech, all: &[Source]) -> Option<String> {
    let (source, label) = all.iter().enumerate().find_map(|(at, own)| {
        let may = |l: &&Line| {
            let class = matches!(l.ty, Type::Plain(Kind::Category)) && (2..=50).contains(&l.distinct);
            !l.missing && (class || matches!(l.ty, Type::Plain(Kind::Bool)))
        };
        let best = own
            .lines
            .iter()
            .filter(may)
            .filter_map(|l| Some((said(&l.name, &LABELS)?, l)))
            .min_by_key(|(place, _)| *place);
        best.map(|(_, line)| (at, line))
    })?;
    let own = &all[source];
    let marks = own.lines.iter().find(|l| l.values == ["test", "train"] && !l.missing);
    let mut without = vec![label.name.as_str()];
    without.extend(marks.map(|m| m.name.as_str()));
    let found = features(all, source, &without);
    if found.names.is_empty() {
        return None;
    }
    let (name, label_name) = (&own.name, &label.name);
    let split = match marks {
        Some(marks) => format!("split(given = {}, train = \"train\", validation = 10%, test = \"test\")", marks.name),
        None => format!("split(stratify = {label_name}, train = 80%, validation = 10%, test = 10%)"),
    };
    let head = match label.ty {
        Type::Plain(Kind::Bool) => "dense(1) |> sigmoid".to_string(),
        _ => format!("dense(classes({name}.{label_name})) |> softmax"),
    };
    let about = comment(&s.say(say!(
        "Which {label_name} is a row of? Take columns out that give it away.",
        "每一行的 {label_name} 是什么？请去掉会泄露答案的列。"
    )));
    Some(format!(
        "{about}prepare parts = {name} |> {split}

{}fuse all_features = {}

train guess = classify(parts, label = {label_name}) {{
    output    = all_features |> dense(32) |> relu |> {head}
    optimizer = adam(lr = 1e-3)
    epochs    = 30
    stop      = early(log_loss, patience = 5)
}}

metric quality = guess on parts.test {{ accuracy, f1, log_loss }}\n",
        found.text,
        concat(&found.names)
    ))
}

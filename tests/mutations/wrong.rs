//! Programs that break rules which chance rarely breaks, in a place that a run reaches.

use crate::small::{FILM_SOURCES, LOOK_SOURCES, POST_SOURCES, RATING_SOURCES};

/// A split of films and one of ratings, for what follows.
const SPLITS: &str = r#"
prepare parts = films |> split(train = 60%, validation = 20%, test = 20%)
prepare seen  = ratings |> split(by = at, train = 80%, test = 20%)
"#;

const WRONG: &[&str] = &[
    // E0102: two measurements by one name.
    r#"
train t = regress(parts, label = age) { output = films.look |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
metric m = t on parts.train { mae }
"#,
    // E0106.
    r#"
train t = regress(parts, label = age, epochs = 1) { output = films.look |> dense(1), epochs = 2 }
metric m = t on parts.test { mae }
"#,
    // E0112.
    r#"
train t = regress(parts, label = age) { output = films.look |> dense(3) |> relu(7) |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0304.
    r#"
extract a: col<films, vector[7]> = films.look |> min_max(fit = parts.train)
train t = regress(parts, label = age) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0119: a table comes out.
    r#"
extract old = films |> where(year > 1980)
prepare cut = old |> split(train = 60%, test = 40%)
train t = regress(cut, label = age) { output = films.look |> dense(1), epochs = 1 }
metric m = t on cut.test { mae }
"#,
    // E0213.
    r#"
source none = table("none.csv") { id: key, size: float }
prepare cut = none |> split(train = 60%, test = 40%)
train t = regress(cut, label = size) { output = embedding(id, 1), epochs = 1 }
metric m = t on cut.test { mae }
"#,
    // E0302.
    r#"
fuse a = films.look + (looks.gaze |> fill(zero))
train t = regress(parts, label = age) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0303: a layer that nobody trains.
    r#"
extract bent = films.look |> relu
train t = regress(parts, label = age) { output = bent |> min_max(fit = parts.train) |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0306.
    r#"
prepare old = films |> where(genre > 3)
prepare cut = old |> split(train = 60%, test = 40%)
train t = regress(cut, label = age) { output = films.look |> dense(1), epochs = 1 }
metric m = t on cut.test { mae }
"#,
    // E0309.
    r#"
fuse a = neural { films.look |> dense(3) }
fuse b = a |> min_max(fit = parts.train)
train t = regress(parts, label = age) { output = b |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0310.
    r#"
fuse a = neural { b = films.look |> dense(3) }
train t = regress(parts, label = age) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0401.
    r#"
fuse a = concat(films.look, posts.weights)
train t = regress(parts, label = age) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0502: where the length is missing, the look is lost.
    r#"
fuse a = concat(films.look, films.length)
fuse b = a |> fill(zero)
train t = regress(parts, label = age) { output = b |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0103: a param and a column.
    r#"
param age = 3
prepare old = films |> where(age > 2) |> split(train = 60%, test = 40%)
train t = regress(old, label = year) { output = films.look |> dense(1), epochs = 1 }
metric m = t on old.test { mae }
"#,
    // E0111.
    r#"
extract a = concat(b, films.look)
extract b = concat(a, films.look)
train t = regress(parts, label = year) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0115.
    r#"
use "nowhere.mmf"
train t = regress(parts, label = year) { output = films.look |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0117.
    r#"
param dim = 8
fuse a = neural {
    dim = films.look |> dense(8)
    dim |> relu
}
train t = regress(parts, label = age) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0118.
    r#"
def again(x: col<d, vector[n]>) = again(x)
train t = regress(parts, label = age) { output = again(films.look) |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0201.
    r#"
source more = table("nowhere.csv") { id: key, size: float }
prepare cut = more |> split(train = 80%, test = 20%)
train t = regress(cut, label = size) { output = embedding(id, 1), epochs = 1 }
metric m = t on cut.test { mae }
"#,
    // E0120.
    r#"
def words(x: col<d, text>, k: int = 3) = x |> tokenize |> tf_idf(terms = k)
train t = regress(parts, label = age) { output = words(films.look) |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0208: a picture is no table.
    r#"
source odd = table("stills/f00.ppm") { id: key, size: float }
prepare cut = odd |> split(train = 80%, test = 20%)
train t = regress(cut, label = size) { output = embedding(id, 1), epochs = 1 }
metric m = t on cut.test { mae }
"#,
    // E0209.
    r#"
source odd = table("films.csv") { film: key, tone: ref(studios), age: float }
prepare cut = odd |> split(train = 80%, test = 20%)
train t = regress(cut, label = age) { output = studios.size |> dense(1), epochs = 1 }
metric m = t on cut.test { mae }
"#,
    // E0501.
    r#"
train t = regress(parts, label = age) { output = films.length |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0207.
    r#"
source tones = table("films.csv") { tone: key, age: float }
extract a = tones.age |> min_max
"#,
    // E0305: what stands in a condition's place, and a condition elsewhere.
    r#"
prepare old = films |> where(age + year) |> split(train = 60%, test = 40%)
train t = regress(old, label = year) { output = films.look |> dense(1), epochs = 1 }
metric m = t on old.test { mae }
"#,
    r#"
train t = regress(parts, label = year) { output = concat(films.look, films.age > 3) |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0308.
    r#"
fuse a = films.look@3
train t = regress(parts, label = year) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0402: both ends of a remake are films.
    r#"
source twins = table("ratings.csv") {
    film:  ref(films)
    other: ref(films, column = "film")
    score: float(column = "rating")
}
prepare pairs = twins |> split(train = 80%, test = 20%)
train t = regress(pairs, label = score) { output = films.look |> dense(1), epochs = 1 }
metric m = t on pairs.test { mae }
"#,
    // E0403.
    r#"
fuse a = concat(parts.train.look, films.age)
train t = regress(parts, label = year) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    r#"
extract a = parts.train.look |> min_max
train t = regress(parts, label = year) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    r#"
prepare good = films |> where(good)
train t = regress(seen, label = rating) { output = good.look |> dense(1), epochs = 1 }
metric m = t on seen.test { mae }
"#,
    // E0404.
    r#"
extract a = films.look |> through(ratings.minutes)
train t = regress(seen, label = rating) { output = a |> dense(1), epochs = 1 }
metric m = t on seen.test { mae }
"#,
    r#"
prepare cut = posts |> split(train = 80%, test = 20%)
extract a = films.look |> min_max(fit = cut.train)
train t = regress(parts, label = age) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    r#"
extract a = films.age |> through(ratings.user)
train t = regress(seen, label = rating) { output = a |> dense(1), epochs = 1 }
metric m = t on seen.test { mae }
"#,
    // E0502.
    r#"
fuse a = concat(films.look, films.length)
train t = regress(parts, label = age) { output = a |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    r#"
fuse a = concat(films.look, films.length, looks.gaze)
train t = regress(parts, label = age) { output = sum(a, a) |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0504.
    r#"
train t = recommend(parts, user = mark, item = studio) { score = dot(embedding(mark, 2), embedding(studio, 2)), epochs = 1 }
metric m = t on parts.test { recall@5 }
"#,
    // E0503.
    r#"
train t = regress(parts, label = length) { output = films.look |> dense(1), epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0701, E0706.
    r#"
train t = classify(parts, label = genre) { output = films.look |> dense(2) |> softmax, epochs = 1 }
metric m = t on parts.test { accuracy }
"#,
    r#"
train t = classify(parts, label = good) { output = films.look |> dense(2) |> softmax, epochs = 1 }
metric m = t on parts.test { accuracy }
"#,
    r#"
train t = recommend(seen, user = user, item = film) { score = embedding(user, 3) + embedding(film, 3), epochs = 1 }
metric m = t on seen.test { ndcg@3 }
"#,
    // E0702.
    r#"
train t = classify(parts, label = good) { output = films.look |> dense(1) |> sigmoid, loss = mse, epochs = 1 }
metric m = t on parts.test { accuracy }
"#,
    r#"
train t = regress(parts, label = age) { output = films.look |> dense(1), loss = bpr, epochs = 1 }
metric m = t on parts.test { mae }
"#,
    // E0703.
    r#"
train t = regress(parts, label = age) { output = films.look |> dense(1), epochs = 1 }
metric m = t on parts.test { f1 }
"#,
    // E0704.
    r#"
train t = recommend(seen, user = user, item = film) { score = popularity(film) }
metric m = t on seen.test { recall }
"#,
    r#"
train t = regress(parts, label = age) { output = films.look |> dense(1), epochs = 1 }
metric m = t on parts.test { mae@3 }
"#,
    // E0705.
    r#"
train t = classify(parts, label = age) { output = films.look |> dense(1) |> sigmoid, epochs = 1 }
metric m = t on parts.test { accuracy }
"#,
    // E0707.
    r#"
train t = recommend(seen, user = rating, item = film) { score = popularity(film) }
metric m = t on seen.test { recall@3 }
"#,
    r#"
train t = recommend(seen, user = user, item = minutes) { score = embedding(user, 1), epochs = 1 }
metric m = t on seen.test { recall@3 }
"#,
    // E0708.
    r#"
prepare cut = films |> split(train = 80%, test = 40%)
train t = regress(cut, label = age) { output = films.look |> dense(1), epochs = 1 }
metric m = t on cut.test { mae }
"#,
];

pub(crate) fn programs() -> Vec<String> {
    let sources = [FILM_SOURCES, LOOK_SOURCES, RATING_SOURCES, POST_SOURCES, SPLITS].concat();
    WRONG.iter().map(|text| format!("{sources}{text}")).collect()
}

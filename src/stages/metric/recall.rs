//! Share of the true, or of the relevant, that is found.

use mmf_data::stage::{Body, Stage};
use mmf_lang::args::Arg;
use mmf_lang::signature::{Example, Group, Signature};
use mmf_lang::types::Task;

use crate::metric::confusion::{self, Average, Counts};
use crate::metric::ranking;
use crate::train::predictions;

pub(crate) struct Recall;

const AVERAGE: Arg<Option<String>> = Arg::some_words("average", &["macro", "micro"]).doc(
    "`macro` is the mean over the classes that occur, `micro` counts all decisions together; unsaid, it is the positive class of two and \
     `macro` of more.",
);
const K: Arg<Option<usize>> = Arg::some_int("k").range(1.0, 1e6).doc("Length of the ranking that counts.");

static SIGNATURE: Signature = Signature::new(Group::Metric, "recall", &["predictions -> metric"])
    .tasks(&[Task::Classify, Task::Recommend])
    .args(&[K.spec(), AVERAGE.spec()])
    .doc(
        "For classes, the share of the rows of a class that are guessed to be. For rankings (`recall@k`), \
         the share of a user's relevant items that are among the first k; the mean over users. 0 of 0 is \
         0.",
    )
    .reference("scikit-learn, metrics.recall_score; RecBole, recbole.evaluator.metrics.Recall")
    .examples(&[
        Example::new(
            "Of the good films, how many are guessed.",
            "source films = table(\"films.csv\") { film: key, look: vector[8], good: bool }\n\
             prepare parts = films |> split(train = 80%, test = 20%)\n\
             train liked = classify(parts, label = good) {\n    \
             output = films.look |> dense(16) |> relu |> dense(1) |> sigmoid\n\
             }\n\
             metric quality = liked on parts.test { recall }",
            "metric",
        ),
        Example::new(
            "Of the films liked later, how many are among twenty recommended.",
            "source films = table(\"films.csv\") { film: key, look: vector[8] }\n\
             source likes = table(\"likes.csv\") { user: category, film: ref(films), at: time(unix) }\n\
             prepare parts = likes |> split(per = user, by = at, validation = 1, test = 1)\n\
             train taste = recommend(parts, user = user, item = film) {\n    \
             score = dot(embedding(user, 16), embedding(film, 16))\n\
             }\n\
             metric quality = taste on parts.test { recall@20 }",
            "metric",
        ),
    ]);

impl Stage for Recall {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn body(&self, _: usize) -> Body {
        Body::Metric(|args, from| match predictions::task(from)? {
            Task::Recommend => {
                let k = ranking::cut(args.get(K), "recall")?;
                ranking::measure(from, k, |user| confusion::share(user.ranks.len() as f64, user.relevant as f64))
            }
            _ => {
                let average = Average::of(args.get(AVERAGE).as_deref());
                confusion::measure(from, average, Counts::recall)
            }
        })
    }
}

//! The formatter on whole files.

use super::language::pipelines;
use crate::span::FileId;
use crate::syntax::dump::dump;
use crate::syntax::format::format;
use crate::syntax::parser::parse;

/// Formats a sound text, and checks what must hold for each: the meaning and the comments stay, and a second time changes
/// nothing.
pub(super) fn formatted(text: &str) -> String {
    let once = format(text).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"));
    let again = format(&once).unwrap_or_else(|errors| panic!("{text}\n--- became\n{once}\n{errors:?}"));
    assert_eq!(once, again, "formatted twice:\n{text}");
    let (before, _) = parse(FileId(0), text);
    let (after, _) = parse(FileId(0), &once);
    assert_eq!(dump(&before), dump(&after), "{text}\n--- became\n{once}");
    let comments =
        |file: &crate::syntax::tree::File| -> Vec<String> { file.comments.iter().map(|c| c.text.clone()).collect() };
    assert_eq!(comments(&before), comments(&after), "{text}");
    once
}

#[test]
fn pipelines_keep_their_meaning() {
    for (_, text) in pipelines() {
        formatted(&text);
    }
}

#[test]
fn pipelines_are_in_the_style_already() {
    // What the formatter changes in them: `=` in line with neighbours, comments in line, pipes and blocks that are too wide.
    let changed = |text: &str| {
        let formatted = format(text).unwrap();
        text.lines().filter(|line| !formatted.lines().any(|other| other == *line)).count()
    };
    let lines: usize = pipelines().iter().map(|(_, text)| text.lines().count()).sum();
    let changed: usize = pipelines().iter().map(|(_, text)| changed(text)).sum();
    assert!(changed * 20 < lines, "{changed} of {lines}");
}

#[test]
fn blanks_lines_and_columns_are_set_right() {
    let text = "

## The file.


param dim=64   # a size
param   learning_rate =1e-3 ;param 尺寸 = [ 1,2, ]
source films=table( \"f.csv\" ){film:key

  # a note
  title :text( language=en )?  # may be missing
  rating: float in 0.5 ..= 5?

}
fuse x=concat( a ,b )|>
  relu|>dense( 3,bias=false )
def pull(x:col< d,vector[ n ] >,k:int=- 3)=-x+k*( -2 )
train t=recommend(parts){loss=mse;epochs=50,stop = early(a@20) }
metric q=t on parts . test{a,b@20}";
    insta::assert_snapshot!(formatted(text), @r#"
    ## The file.

    param dim           = 64                              # a size
    param learning_rate = 1e-3
    param 尺寸          = [1, 2]
    source films = table("f.csv") {
        film: key

        # a note
        title:  text(language = en)?                      # may be missing
        rating: float in 0.5..=5 ?
    }
    fuse x = concat(a, b)
        |> relu
        |> dense(3, bias = false)
    def pull(x: col<d, vector[n]>, k: int = -3) = -x + k * (-2)
    train t = recommend(parts) { loss = mse, epochs = 50, stop = early(a@20) }
    metric q = t on parts.test { a, b@20 }
    "#);
}

#[test]
fn what_is_too_wide_is_broken() {
    let text = "\
fuse shared = gan(look, words) { latent = 32, generator = mlp(128, 128), discriminator = mlp(64), loss = wasserstein(penalty = 10), steps = 2000 }
extract edges = films.poster |> resize(224x224) |> gray |> canny(low = 100, high = 200) |> grid_density(7x7) |> fill(mean) |> min_max
fuse y = f(
        a,   # the first

    # the second
    b |> g
)
";
    insta::assert_snapshot!(formatted(text), @r#"
    fuse shared = gan(look, words) {
        latent        = 32
        generator     = mlp(128, 128)
        discriminator = mlp(64)
        loss          = wasserstein(penalty = 10)
        steps         = 2000
    }
    extract edges = films.poster
        |> resize(224x224)
        |> gray
        |> canny(low = 100, high = 200)
        |> grid_density(7x7)
        |> fill(mean)
        |> min_max
    fuse y = f(
        a,                                                # the first

        # the second
        b |> g
    )
    "#);
}

#[test]
fn a_mistake_is_told_and_not_formatted() {
    let errors = format("param x 3").unwrap_err();
    assert_eq!(errors.iter().map(|e| e.code).collect::<Vec<_>>(), ["E0007"]);
    assert_eq!(format("").unwrap(), "");
    assert_eq!(format("\n\n").unwrap(), "");
    assert_eq!(format("\u{feff}param a=1\r\n").unwrap(), "param a = 1\r\n");
}

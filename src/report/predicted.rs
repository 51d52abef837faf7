//! `predictions.csv` and `rankings.csv`, read again.

/// What a train guessed for the rows of a part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Guesses {
    pub(crate) train: String,
    pub(crate) part: String,
    pub(crate) rows: Vec<Guess>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Guess {
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) predicted: String,
    /// The probability of the class that was guessed; `None` for a number.
    pub(crate) score: Option<f64>,
}

impl Guess {
    /// Returns how far a guessed number is from the true one.
    pub(crate) fn distance(&self) -> Option<f64> {
        Some((self.label.parse::<f64>().ok()? - self.predicted.parse::<f64>().ok()?).abs())
    }
}

/// The rankings of a train, user by user.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rankings {
    pub(crate) train: String,
    pub(crate) rows: Vec<Place>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Place {
    pub(crate) user: String,
    pub(crate) rank: u32,
    pub(crate) item: String,
    /// Whether the user really had it, in the part that was held back.
    pub(crate) held_out: bool,
}

/// Reads `predictions.csv`, by train and part in the order of the file.
pub(crate) fn guesses(text: &str) -> Vec<Guesses> {
    let mut found: Vec<Guesses> = Vec::new();
    for line in cells(text).skip(1) {
        let [train, key, part, label, predicted, score] = &line[..] else { continue };
        if found.last().is_none_or(|last| last.train != *train || last.part != *part) {
            found.push(Guesses { train: train.clone(), part: part.clone(), rows: Vec::new() });
        }
        let row =
            Guess { key: key.clone(), label: label.clone(), predicted: predicted.clone(), score: score.parse().ok() };
        found.last_mut().expect("one was put").rows.push(row);
    }
    found
}

/// Reads `rankings.csv`, by train in the order of the file.
pub(crate) fn rankings(text: &str) -> Vec<Rankings> {
    let mut found: Vec<Rankings> = Vec::new();
    for line in cells(text).skip(1) {
        let [train, user, rank, item, _, rest @ ..] = &line[..] else { continue };
        if found.last().is_none_or(|last| last.train != *train) {
            found.push(Rankings { train: train.clone(), rows: Vec::new() });
        }
        let row = Place {
            user: user.clone(),
            rank: rank.parse().unwrap_or(0),
            item: item.clone(),
            held_out: rest.first().is_some_and(|cell| cell == "true"),
        };
        found.last_mut().expect("one was put").rows.push(row);
    }
    found
}

/// Returns the cells of each line of a CSV as run folders have it.
pub(super) fn cells(text: &str) -> impl Iterator<Item = Vec<String>> {
    let mut rest = text.chars().peekable();
    std::iter::from_fn(move || {
        rest.peek()?;
        let (mut line, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        while let Some(c) = rest.next() {
            match c {
                '"' if quoted && rest.peek() == Some(&'"') => {
                    cell.push('"');
                    rest.next();
                }
                '"' => quoted = !quoted,
                ',' if !quoted => line.push(std::mem::take(&mut cell)),
                '\n' if !quoted => break,
                c => cell.push(c),
            }
        }
        line.push(cell);
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_they_are_written() {
        let text = "train,key,part,label,predicted,score\na,\"x, \"\"y\"\"\",test,1,2,\na,z,validation,b,b,0.5\n";
        let found = guesses(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].rows[0].key, "x, \"y\"");
        assert_eq!((found[0].rows[0].distance(), found[0].rows[0].score), (Some(1.0), None));
        assert_eq!((found[1].part.as_str(), found[1].rows[0].score), ("validation", Some(0.5)));
        let found = rankings("train,user,rank,item,score,held_out\nt,u,1,i,0.5,true\nt,u,2,\"j\nk\",0.5,false\n");
        assert_eq!(found[0].rows.iter().map(|r| r.held_out).collect::<Vec<_>>(), [true, false]);
        assert_eq!(found[0].rows[1].item, "j\nk");
    }
}

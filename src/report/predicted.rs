//! `predictions.csv` and `rankings.csv`, read again.

use std::sync::Arc;

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

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// Shared by the rows of a user.
    pub(crate) user: Arc<str>,
    pub(crate) rank: u32,
    pub(crate) item: String,
    /// Whether the user really had it, in the part that was held back.
    pub(crate) held_out: bool,
}

/// Reads `predictions.csv`, by train and part in the order of the file.
pub(crate) fn guesses(text: &str) -> Vec<Guesses> {
    let mut found: Vec<Guesses> = Vec::new();
    lines(text, |line| {
        let [Some(train), Some(key), Some(part), Some(label), Some(predicted), Some(score)] =
            [0, 1, 2, 3, 4, 5].map(|at| line.get(at))
        else {
            return;
        };
        if found.last().is_none_or(|last| last.train != train || last.part != part) {
            found.push(Guesses { train: train.into(), part: part.into(), rows: Vec::new() });
        }
        let row =
            Guess { key: key.into(), label: label.into(), predicted: predicted.into(), score: score.parse().ok() };
        found.last_mut().expect("one was put").rows.push(row);
    });
    found
}

/// Reads `rankings.csv`, by train in the order of the file.
pub(crate) fn rankings(text: &str) -> Vec<Rankings> {
    let mut found: Vec<Rankings> = Vec::new();
    lines(text, |line| {
        let [Some(train), Some(user), Some(rank), Some(item)] = [0, 1, 2, 3].map(|at| line.get(at)) else { return };
        if found.last().is_none_or(|last| last.train != train) {
            found.push(Rankings { train: train.into(), rows: Vec::new() });
        }
        let own = found.last_mut().expect("one was put");
        let last = own.rows.last().filter(|place| *place.user == *user);
        let row = Place {
            user: last.map_or_else(|| user.into(), |place| place.user.clone()),
            rank: rank.parse().unwrap_or(0),
            item: item.into(),
            held_out: line.get(5) == Some("true"),
        };
        own.rows.push(row);
    });
    found
}

/// Visits the lines of a CSV below its header, which is returned.
pub(super) fn lines(text: &str, mut visit: impl FnMut(&csv::StringRecord)) -> csv::StringRecord {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().cloned().unwrap_or_default();
    let mut line = csv::StringRecord::new();
    while reader.read_record(&mut line).unwrap_or(false) {
        visit(&line);
    }
    header
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

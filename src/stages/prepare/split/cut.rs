//! How many rows go to each part.

use mmf_lang::args::ArgValue;

/// How much of the rows a part takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    Share(f64),
    Count(usize),
}

impl Amount {
    /// Returns `None` for marks.
    pub(super) fn read(value: Option<&ArgValue>) -> Option<Self> {
        match value? {
            ArgValue::Float(share) => Some(Amount::Share(*share)),
            ArgValue::Int(count) => Some(Amount::Count(usize::try_from(*count).unwrap_or(0))),
            _ => None,
        }
    }

    /// Rounds down; shares like 29 % of 100 must not lose a row to the binary form of 0.29.
    fn of(self, rows: usize) -> usize {
        match self {
            Amount::Share(share) => (share * rows as f64 + 1e-9).floor() as usize,
            Amount::Count(count) => count,
        }
    }
}

/// Returns train, validation and test, given validation and test; what is too much is taken from validation first.
pub(super) fn whole(rows: usize, [validation, test]: [Amount; 2]) -> [usize; 3] {
    let test = test.of(rows).min(rows);
    let validation = validation.of(rows).min(rows - test);
    [rows - test - validation, validation, test]
}

/// The same for the rows of one value of `per`, as RecBole rounds: a share between 0 and 1 row counts as one, test
/// first, while training keeps a row; counts leave training at least one row.
pub(super) fn per(rows: usize, [validation, test]: [Amount; 2]) -> [usize; 3] {
    let exact = |amount: Amount| match amount {
        Amount::Share(share) => (share * rows as f64) as usize,
        Amount::Count(_) => 0,
    };
    let mut out = [0, exact(validation), exact(test)];
    out[2] = out[2].min(rows);
    out[1] = out[1].min(rows - out[2]);
    out[0] = rows - out[1] - out[2];
    for (part, amount) in [(2, test), (1, validation)] {
        let more = match amount {
            Amount::Share(share) => usize::from((0.0..1.0).contains(&(share * rows as f64)) && share > 0.0),
            Amount::Count(count) => count,
        };
        let more = more.min(out[0].saturating_sub(1));
        out[part] += more;
        out[0] -= more;
    }
    out
}

/// The same for strata of these sizes: together they have what all rows would have, and each its share within a row.
pub(super) fn strata(counts: &[usize], sizes: [Amount; 2]) -> Vec<[usize; 3]> {
    let all: usize = counts.iter().sum();
    let [_, validation, test] = whole(all, sizes);
    let mut out: Vec<[usize; 3]> = counts.iter().map(|&n| [n, 0, 0]).collect();
    for (part, total) in [(2, test), (1, validation)] {
        // Whole numbers alone, so that no machine rounds otherwise: the remainders decide who gets one more.
        let mut left = total;
        let mut remainders = Vec::with_capacity(counts.len());
        for (i, &n) in counts.iter().enumerate() {
            let exact = n as u128 * total as u128;
            let whole = ((exact / all.max(1) as u128) as usize).min(out[i][0]);
            out[i][part] += whole;
            out[i][0] -= whole;
            left -= whole;
            remainders.push((std::cmp::Reverse(exact % all.max(1) as u128), i));
        }
        remainders.sort_unstable();
        while left > 0 {
            let before = left;
            for &(_, i) in &remainders {
                if left > 0 && out[i][0] > 0 {
                    out[i][part] += 1;
                    out[i][0] -= 1;
                    left -= 1;
                }
            }
            if left == before {
                break;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn recbole() -> Value {
        let path = format!("{}/../../tests/fixtures/splits/recbole.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn parts(case: &Value) -> [usize; 3] {
        [0, 1, 2].map(|i| case["parts"][i].as_u64().unwrap() as usize)
    }

    #[test]
    fn shares_and_counts_per_user_are_recboles() {
        let recbole = recbole();
        let mut cases = 0;
        for case in recbole["shares"].as_array().unwrap() {
            let share = |i: usize| Amount::Share(case["ratios"][i].as_f64().unwrap());
            assert_eq!(per(case["n"].as_u64().unwrap() as usize, [share(1), share(2)]), parts(case), "{case}");
            cases += 1;
        }
        for (name, validation) in [("leave_one_out", 1), ("leave_one_out_test_only", 0)] {
            for case in recbole[name].as_array().unwrap() {
                let sizes = [Amount::Count(validation), Amount::Count(1)];
                assert_eq!(per(case["n"].as_u64().unwrap() as usize, sizes), parts(case), "{name} {case}");
                cases += 1;
            }
        }
        assert_eq!(cases, 150);
    }

    #[test]
    fn shares_round_down_and_the_rest_is_training() {
        let shares = |v, t| [Amount::Share(v), Amount::Share(t)];
        assert_eq!(whole(9, shares(0.1, 0.2)), [8, 0, 1]);
        assert_eq!(whole(100, shares(0.0, 0.29)), [71, 0, 29]);
        assert_eq!(whole(3, [Amount::Count(2), Amount::Count(2)]), [0, 1, 2]);
        assert_eq!(strata(&[50, 30, 15, 5], shares(0.1, 0.1)).iter().map(|c| c[2]).collect::<Vec<_>>(), [5, 3, 2, 0]);
        let cut = strata(&[3, 3, 4], shares(0.2, 0.3));
        assert_eq!(cut.iter().map(|c| c.iter().sum()).collect::<Vec<usize>>(), [3, 3, 4]);
        assert_eq!([1, 2].map(|p| cut.iter().map(|c| c[p]).sum::<usize>()), [2, 3]);
    }
}

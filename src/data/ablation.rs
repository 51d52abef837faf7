//! Whether each modality helps: what an experiment finds, and its form in the store.

use crate::arrays::{Array, Arrays};
use crate::error::{Error, Result};

/// What a train is worth without, and with, each of its modalities.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ablation {
    /// The train, and the metric as it is written: `quality.ndcg@20`.
    pub train: String,
    pub metric: String,
    /// Rows or users that were measured.
    pub units: usize,
    pub of_users: bool,
    /// Whether each unit has a value of its own, so that gains are paired by unit.
    pub paired: bool,
    /// How often each variant was trained, each time from other starting weights.
    pub repeats: usize,
    /// With all modalities: the mean over repeats, and its standard deviation.
    pub value: f64,
    pub deviation: f64,
    /// Whether less of the metric is better.
    pub lower_is_better: bool,
    pub variants: Vec<Variant>,
}

/// The train with something changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    pub modality: String,
    /// `without`, `alone`, `noise` or `shuffled`.
    pub how: String,
    pub value: f64,
    pub deviation: f64,
    /// How much better the whole train is, on the same units; its 95 % interval.
    pub gain: f64,
    pub low: f64,
    pub high: f64,
    /// Of no gain: by itself, and after Holm's correction over the modalities.
    pub p: f64,
    pub holm: f64,
    /// The gain over its standard deviation among units; not a number where units have no values of their own.
    pub effect: f64,
}

impl Ablation {
    pub fn to_arrays(&self) -> Arrays {
        let texts = |of: fn(&Variant) -> &str| Array::Texts(self.variants.iter().map(of).collect());
        let numbers = |of: fn(&Variant) -> f64| Array::F64(self.variants.iter().map(of).collect());
        Arrays::new()
            .with("about", Array::Texts([self.train.as_str(), self.metric.as_str()].iter().collect()))
            .with(
                "counts",
                Array::I64(
                    [self.units as i64, self.repeats as i64]
                        .into_iter()
                        .chain([self.of_users, self.paired, self.lower_is_better].map(i64::from))
                        .collect(),
                ),
            )
            .with("whole", Array::F64(vec![self.value, self.deviation]))
            .with("modality", texts(|v| &v.modality))
            .with("how", texts(|v| &v.how))
            .with("value", numbers(|v| v.value))
            .with("deviation", numbers(|v| v.deviation))
            .with("gain", numbers(|v| v.gain))
            .with("low", numbers(|v| v.low))
            .with("high", numbers(|v| v.high))
            .with("p", numbers(|v| v.p))
            .with("holm", numbers(|v| v.holm))
            .with("effect", numbers(|v| v.effect))
    }

    /// # Errors
    /// A bug where the arrays are not those of an ablation.
    pub fn from_arrays(from: &Arrays) -> Result<Ablation> {
        let odd = || Error::bug("a stored experiment is not whole");
        let about: Vec<String> = from.texts("about")?.iter().map(str::to_string).collect();
        let [train, metric] = &about[..] else { return Err(odd()) };
        let &[units, repeats, users, paired, lower] = from.i64s("counts")? else { return Err(odd()) };
        let &[value, deviation] = from.f64s("whole")? else { return Err(odd()) };
        let (modalities, hows) = (from.texts("modality")?, from.texts("how")?);
        let names = ["value", "deviation", "gain", "low", "high", "p", "holm", "effect"];
        let columns = names.iter().map(|name| from.f64s(name)).collect::<Result<Vec<_>>>()?;
        let count = modalities.iter().count();
        if hows.iter().count() != count || columns.iter().any(|c| c.len() != count) {
            return Err(odd());
        }
        let variant = |(at, (modality, how)): (usize, (&str, &str))| {
            let number = |column: usize| columns[column][at];
            Variant {
                modality: modality.into(),
                how: how.into(),
                value: number(0),
                deviation: number(1),
                gain: number(2),
                low: number(3),
                high: number(4),
                p: number(5),
                holm: number(6),
                effect: number(7),
            }
        };
        Ok(Ablation {
            train: train.clone(),
            metric: metric.clone(),
            units: units as usize,
            of_users: users != 0,
            paired: paired != 0,
            repeats: repeats as usize,
            value,
            deviation,
            lower_is_better: lower != 0,
            variants: modalities.iter().zip(hows.iter()).enumerate().map(variant).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        let variant = Variant { modality: "画面".into(), how: "without".into(), gain: 0.25, ..Variant::default() };
        let found = Ablation {
            train: "taste".into(),
            metric: "quality.ndcg@20".into(),
            units: 9,
            repeats: 2,
            variants: vec![variant],
            ..Ablation::default()
        };
        let arrays = found.to_arrays();
        assert_eq!(Ablation::from_arrays(&arrays).unwrap(), found);
        assert!(Ablation::from_arrays(&arrays.with("gain", Array::F64(vec![]))).is_err());
    }
}

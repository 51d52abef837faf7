//! Weights as bytes.

use mmf_data::network::{Init, Network};
use mmf_tensor::{Optimizer, Parameters, Rule, Session};

fn parameters(prefix: &str) -> Parameters {
    let mut parameters = Parameters::new(7);
    let mut session = Session::making(&mut parameters);
    session.at(10, &format!("{prefix}/item/dense-0"));
    session.parameter("w", &[3, 4], Init::Uniform { fan_in: 3 });
    session.parameter("b", &[4], Init::Zeros);
    session.at(11, &format!("{prefix}/item/dense-0"));
    session.parameter("w", &[3, 4], Init::Uniform { fan_in: 3 });
    session.at(12, &format!("{prefix}/item/ids"));
    session.table("table", 5, 2, Init::Normal { deviation: 0.1 });
    drop(session);
    parameters
}

#[test]
fn weights_are_read_back_as_they_were() {
    let ours = parameters("taste");
    let bytes = ours.to_bytes().unwrap();
    let read = Parameters::from_bytes(&bytes).unwrap();
    assert_eq!(bytes, read.to_bytes().unwrap());
    let labels: Vec<_> = read.all().map(|p| read.label(p).unwrap().to_owned()).collect();
    assert_eq!(
        labels,
        ["taste/item/dense-0/w", "taste/item/dense-0/b", "taste/item/dense-0/w~2", "taste/item/ids/table"]
    );
    for p in ours.all() {
        assert_eq!(ours.values(p).unwrap(), read.values(p).unwrap());
        assert_eq!(ours.dims(p).unwrap(), read.dims(p).unwrap());
        assert_eq!(ours.is_table(p).unwrap(), read.is_table(p).unwrap());
    }
    // A network finds them again by place and name.
    let mut session = Session::reading(&read);
    session.at(11, "");
    assert_eq!(session.parameter("w", &[3, 4], Init::Zeros), read.find("taste/item/dense-0/w~2").unwrap());
    session.check().unwrap();
}

#[test]
fn a_renaming_changes_no_weight_and_two_places_differ() {
    let (a, b) = (parameters("taste"), parameters("smell"));
    for p in a.all() {
        assert_eq!(a.values(p).unwrap(), b.values(p).unwrap());
    }
    let at = |label| a.values(a.find(label).unwrap()).unwrap();
    assert_ne!(at("taste/item/dense-0/w"), at("taste/item/dense-0/w~2"));
}

#[test]
fn bytes_that_are_no_weights_are_an_error() {
    let bytes = parameters("taste").to_bytes().unwrap();
    for cut in [0, 3, 9, 50, bytes.len() / 2, bytes.len() - 1] {
        assert_eq!(Parameters::from_bytes(&bytes[..cut]).err().unwrap().code, "E1034");
    }
    let ours = parameters("taste");
    let adam = Optimizer::new(Rule::adam(0.1)).to_bytes(&ours).unwrap();
    assert!(Optimizer::from_bytes(&adam, Rule::adam(0.2), &ours).is_ok());
    assert_eq!(Optimizer::from_bytes(&adam, Rule::GradientDescent { rate: 0.1 }, &ours).err().unwrap().code, "E1034");
    assert_eq!(Optimizer::from_bytes(&bytes, Rule::adam(0.1), &ours).err().unwrap().code, "E1034");
}

#[test]
fn a_clone_keeps_what_it_had() {
    let mut ours = parameters("taste");
    let best = ours.clone();
    let w = ours.find("taste/item/dense-0/b").unwrap();
    ours.set_values(w, &[1.0; 4]).unwrap();
    assert_eq!(best.values(w).unwrap(), [0.0; 4]);
}

//! The vectors that predictions keep for a picture.

use super::*;

const ROWS: usize = 1300;

/// What enters the last layer is what is kept, for rows spread over the part.
#[test]
fn what_enters_the_last_layer_is_kept() {
    let points = noise(ROWS * 3, 5);
    let y = Column::new(Rows::all(ROWS), Values::Bool(Arc::new((0..ROWS).map(|i| i % 2 == 0).collect())));
    let mut plan = Building::new(&[ROWS]);
    let x = plan.leaf(0, Column::new(Rows::all(ROWS), Values::vector(3, points.clone())));
    let z = plan.stage(0, "dense", args(&[("units", int(1))]), vec![here(x)]);
    let p = plan.stage(0, "sigmoid", Args::default(), vec![here(z)]);
    let call = call(split(vec![("y", y)], |_| Part::Train), plan.output("output", here(p)));
    let args = args(&[("label", ArgValue::Column("y".into())), ("epochs", int(1))]);
    let found = predict("classify", &args, &call, &train("classify", &args, &call), Part::Train);
    let units = found.u32s("space.units").unwrap();
    assert_eq!((units.len(), found.i64s("space.width").unwrap()), (1000, &[3][..]));
    assert!(units.is_sorted_by(|a, b| a < b) && units[999] > 1290);
    let wanted: Vec<f32> = units.iter().flat_map(|&u| points[u as usize * 3..][..3].to_vec()).collect();
    assert_eq!(found.f32s("space.values").unwrap(), wanted);
}

/// Of a score, the items' side of its inner product is kept, be it summed row by row or pair by pair.
#[test]
fn items_are_kept_as_users_meet_them() {
    let rows: Vec<(u32, u32)> = (0..40).map(|i| (i % 8, i * 3 % 10)).collect();
    let users = codes(8, &rows.iter().map(|r| r.0).collect::<Vec<_>>());
    let items = codes(10, &rows.iter().map(|r| r.1).collect::<Vec<_>>());
    let parts = |at: usize| if at < 32 { Part::Train } else { Part::Test };
    let split = split(vec![("user", users), ("item", items)], parts);
    let n = args(&[("n", int(4))]);
    let mut plan = Building::new(&[rows.len(), 8, 10]);
    let user = plan.stage(1, "embedding", n.clone(), vec![]);
    let item = plan.stage(2, "embedding", n, vec![]);
    let look = plan.leaf(2, Column::new(Rows::all(10), Values::vector(4, vec![100.0; 40])));
    // A sum of pairs, which is nevertheless the item's alone.
    let sum = plan.stage(0, "add", Args::default(), vec![by(item, Link::Item), by(look, Link::Item)]);
    let score = plan.stage(0, "dot", Args::default(), vec![by(user, Link::User), here(sum)]);
    plan.0.fields = vec![("item".into(), item)];
    let call = call(split, plan.output("score", here(score)));
    let args = args(&[
        ("user", ArgValue::Column("user".into())),
        ("item", ArgValue::Column("item".into())),
        ("epochs", int(2)),
    ]);
    let trained = train("recommend", &args, &call);
    let found = predict("recommend", &args, &call, &trained, Part::Test);
    let units = found.u32s("space.units").unwrap();
    let field = trained.f32s("field.item.values").unwrap();
    let wanted: Vec<f32> = units.iter().flat_map(|&u| field[u as usize * 4..][..4].iter().map(|x| x + 100.0)).collect();
    assert_eq!(found.f32s("space.values").unwrap(), wanted);
    let count = |item: u32| rows[..32].iter().filter(|r| r.1 == item).count() as u32;
    assert_eq!(found.u32s("space.counts").unwrap(), units.iter().map(|&u| count(u)).collect::<Vec<_>>());
}

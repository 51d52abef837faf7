//! Rankings.

use super::*;

const USERS: usize = 60;
const ITEMS: usize = 90;

/// Three groups of users, each with 30 items of its own; a user has 12 of them, and 2 of anyone's. Of the 14, 2 are for validation and 2
/// for the test.
fn interactions() -> Vec<(u32, u32, Part)> {
    let mut rows = Vec::new();
    for user in 0..USERS as u32 {
        let chance = noise(60, u64::from(user) + 5);
        let mut own: Vec<u32> = Vec::new();
        for (i, x) in chance.iter().enumerate() {
            let item = if i % 7 == 6 { (x * 90.0) as u32 } else { user % 3 * 30 + (x * 30.0) as u32 };
            if own.len() < 14 && !own.contains(&item) {
                own.push(item);
            }
        }
        let part = |i| match i {
            0 | 1 => Part::Test,
            2 | 3 => Part::Validation,
            _ => Part::Train,
        };
        rows.extend(own.iter().enumerate().map(|(i, &item)| (user, item, part(i))));
    }
    rows
}

fn table(rows: &[(u32, u32, Part)]) -> Split {
    let users = codes(USERS, &rows.iter().map(|r| r.0).collect::<Vec<_>>());
    let items = codes(ITEMS, &rows.iter().map(|r| r.1).collect::<Vec<_>>());
    split(vec![("user", users), ("item", items)], |at| rows[at].2)
}

/// `dot(embedding(user, 16), embedding(item, 16)) + embedding(item, 1)`.
fn factors(rows: usize) -> (Building, usize) {
    let mut plan = Building::new(&[rows, USERS, ITEMS]);
    let n = |n| args(&[("n", int(n))]);
    let user = plan.stage(1, "embedding", n(16), vec![]);
    let item = plan.stage(2, "embedding", n(16), vec![]);
    let bias = plan.stage(2, "embedding", n(1), vec![]);
    let taste = plan.stage(0, "dot", Args::default(), vec![by(user, Link::User), by(item, Link::Item)]);
    let sum = plan.stage(0, "add", Args::default(), vec![here(taste), by(bias, Link::Item)]);
    plan.0.fields = vec![("item".into(), item), ("pair".into(), sum)];
    (plan, sum)
}

fn factorised() -> TrainCall {
    let rows = interactions();
    let (plan, sum) = factors(rows.len());
    call(table(&rows), plan.output("score", here(sum)))
}

/// Counts of the training rows.
fn popular() -> TrainCall {
    let rows = interactions();
    let mut counts = vec![0.0; ITEMS];
    rows.iter().filter(|r| r.2 == Part::Train).for_each(|r| counts[r.1 as usize] += 1.0);
    let mut plan = Building::new(&[rows.len(), ITEMS]);
    let leaf = plan.leaf(1, Column::new(Rows::all(ITEMS), Values::vector(1, counts)));
    call(table(&rows), plan.output("score", by(leaf, Link::Item)))
}

fn settings(epochs: usize, more: &[(&str, ArgValue)]) -> Args {
    let mut all = args(&[
        ("user", ArgValue::Column("user".into())),
        ("item", ArgValue::Column("item".into())),
        ("epochs", int(epochs)),
        ("batch", int(128)),
        ("optimizer", recipe("adam", &[("lr", ArgValue::Float(0.02))])),
    ]);
    all.0.extend(args(more).0);
    all
}

#[test]
fn planted_groups_are_found_where_popularity_is_blind() {
    let (call, args) = (factorised(), settings(40, &[("stop", early("ndcg", Some(20), 5))]));
    let trained = train("recommend", &args, &call);
    let found = measure("recall", Some(20), &predict("recommend", &args, &call, &trained, Part::Test));
    let popular = popular();
    let nothing = train("recommend", &args, &popular);
    assert_eq!(nothing.i64s("epochs").unwrap(), [0]);
    let blind = measure("recall", Some(20), &predict("recommend", &args, &popular, &nothing, Part::Test));
    // A user's own group is the best guess for 12 of 14 items, and chance finds a quarter.
    assert!(found > 0.45 && found > 1.8 * blind, "{found} against {blind}");
    // A field is kept for all items; pairs are in no table.
    assert_eq!(trained.f32s("field.item.values").unwrap().len(), ITEMS * 16);
    assert!(!trained.has("field.pair.values"));
}

#[test]
fn what_counts_at_pairs_is_told_too() {
    let rows = interactions();
    let mut plan = Building::new(&[rows.len(), USERS, ITEMS]);
    let mut table = |domain, n| plan.stage(domain, "embedding", args(&[("n", int(n))]), vec![]);
    let (users, others, items, things) = (table(1, 8), table(1, 4), table(2, 8), table(2, 4));
    let mut taste =
        |user, item| plan.stage(0, "dot", Args::default(), vec![by(user, Link::User), by(item, Link::Item)]);
    let (one, two) = (taste(users, items), taste(others, things));
    let score = plan.stage(0, "weighted", Args::default(), vec![here(one), here(two)]);
    let call = call(self::table(&rows), plan.output("score", here(score)));
    let host = Listening::new(usize::MAX);
    train_on(&host, "recommend", &settings(10, &[]), &call).unwrap();
    let [one, two] = [1, 2].map(|input| host.curve(&format!("weighted 1: input {input}")));
    assert_eq!((one.len(), two.len()), (10, 10));
    assert!(one.iter().zip(&two).all(|(a, b)| (a + b - 1.0).abs() < 1e-6));
    assert!((one[9] - 0.5).abs() > 1e-3, "{one:?}");
}

#[test]
fn popularity_ranks_by_counts_alone() {
    let rows = interactions();
    let (call, args) = (popular(), settings(1, &[]));
    let from = predict("recommend", &args, &call, &train("recommend", &args, &call), Part::Test);
    let mut counts = vec![0; ITEMS];
    rows.iter().filter(|r| r.2 == Part::Train).for_each(|r| counts[r.1 as usize] += 1);
    let has = |user: u32, item: u32| rows.iter().any(|r| r.0 == user && r.1 == item && r.2 != Part::Test);
    let candidates: Vec<u32> = (0..ITEMS as u32).filter(|&i| rows.iter().any(|r| r.1 == i)).collect();
    // For each user the rank, by definition, of the two test items.
    let mut wanted = Vec::new();
    for user in 0..USERS as u32 {
        let mut own: Vec<u32> = rows
            .iter()
            .filter(|r| r.0 == user && r.2 == Part::Test)
            .map(|r| {
                let better = |&&i: &&u32| !has(user, i) && counts[i as usize] >= counts[r.1 as usize];
                candidates.iter().filter(better).count() as u32
            })
            .collect();
        own.sort_unstable();
        wanted.extend(own);
    }
    assert_eq!(from.u32s("ranks").unwrap(), wanted);
    assert_eq!(from.i64s("items").unwrap(), [candidates.len() as i64]);
}

#[test]
fn what_a_user_has_seen_is_left_out_unless_it_is_kept() {
    let rows = interactions();
    let call = factorised();
    let shown = |seen: &str, part: Part| {
        let args = settings(2, &[("seen", ArgValue::Word(seen.into()))]);
        let from = predict("recommend", &args, &call, &train("recommend", &args, &call), part);
        let ends = from.i64s("top.ends").unwrap().to_vec();
        let items = from.u32s("top.items").unwrap().to_vec();
        let mut parts = Vec::new();
        for (user, &unit) in from.u32s("units").unwrap().iter().enumerate() {
            assert_eq!(ends[user], 10 * (user as i64 + 1));
            for item in &items[user * 10..][..10] {
                parts.extend(rows.iter().filter(|r| r.0 == unit && r.1 == *item).map(|r| r.2));
            }
        }
        parts
    };
    assert!(shown("drop", Part::Test).iter().all(|&p| p == Part::Test));
    let validation = shown("drop", Part::Validation);
    assert!(!validation.contains(&Part::Train) && validation.contains(&Part::Test));
    assert!(shown("keep", Part::Test).contains(&Part::Train));
}

#[test]
fn a_network_of_pairs_ranks_as_its_sum_does() {
    // A sigmoid changes no order, but is no sum of inner products, so the network itself is run.
    let rows = interactions();
    let (mut plan, sum) = factors(rows.len());
    let out = plan.stage(0, "sigmoid", Args::default(), vec![here(sum)]);
    let whole = call(table(&rows), plan.output("score", here(out)));
    let args = settings(0, &[]);
    let ranks = |call: &TrainCall| {
        let from = predict("recommend", &args, call, &train("recommend", &args, call), Part::Test);
        (from.u32s("ranks").unwrap().to_vec(), from.u32s("top.items").unwrap().to_vec())
    };
    assert_eq!(ranks(&whole), ranks(&factorised()));
}

#[test]
fn threads_and_interruptions_change_no_byte() {
    let call = factorised();
    let bpr = recipe("bpr", &[("negatives", int(3)), ("l2", ArgValue::Float(1e-3))]);
    let args = settings(4, &[("batch", int(300)), ("stop", early("ndcg", Some(10), 9)), ("loss", bpr)]);
    let found = on_threads(|| {
        let trained = train("recommend", &args, &call);
        (trained.to_bytes(), predict("recommend", &args, &call, &trained, Part::Test).to_bytes())
    });
    assert!(found.iter().all(|f| *f == found[0]));
    // 600 training rows are 2 questions an epoch.
    let host = Listening::new(5);
    assert!(train_on(&host, "recommend", &args, &call).unwrap_err().cancelled);
    host.left.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(train_on(&host, "recommend", &args, &call).unwrap().to_bytes(), found[0].0);
}

/// The loss of a first epoch over all rows at once: of weights that nothing has moved yet.
fn first_loss(call: &TrainCall, losses: Vec<(f64, Recipe)>) -> f64 {
    let mut args = settings(1, &[("loss", ArgValue::Losses(losses))]);
    args.0.iter_mut().filter(|(name, _)| name == "batch").for_each(|(_, value)| *value = int(100_000));
    let host = Listening::new(usize::MAX);
    train_on(&host, "recommend", &args, call).unwrap();
    host.curve("loss")[0]
}

fn bpr(more: &[(&str, ArgValue)]) -> Recipe {
    Recipe { stage: "bpr".into(), args: args(more) }
}

/// The sum of `factors`, and beside it the items' bias alone as a further score.
fn with_two_scores(term: usize) -> TrainCall {
    let rows = interactions();
    let (mut plan, sum) = factors(rows.len());
    let taste = plan.stage(0, "dot", Args::default(), vec![by(0, Link::User), by(1, Link::Item)]);
    plan.0.outputs.push(("score".into(), here(sum)));
    let plan = plan.output(&format!("loss.{term}.score"), here(taste));
    call(table(&rows), plan)
}

#[test]
fn a_sum_of_losses_is_the_sum() {
    let other = || bpr(&[("score", ArgValue::Input(2))]);
    let own = first_loss(&with_two_scores(1), vec![(1.0, bpr(&[]))]);
    let further = first_loss(&with_two_scores(0), vec![(1.0, other())]);
    let both = first_loss(&with_two_scores(1), vec![(1.0, bpr(&[])), (0.25, other())]);
    // Both are near ln 2, and not alike.
    assert!((own - 2f64.ln()).abs() < 0.1 && (own - further).abs() > 1e-9, "{own} and {further}");
    assert!((both - own - 0.25 * further).abs() < 1e-5, "{both} of {own} and {further}");
    // Negatives are shared: of four that are drawn, a term of one takes the first.
    let four = || bpr(&[("negatives", int(4))]);
    let sum = first_loss(&with_two_scores(1), vec![(0.5, four()), (0.5, four())]);
    assert!((sum - first_loss(&with_two_scores(1), vec![(1.0, four())])).abs() < 1e-5);
}

#[test]
fn a_further_score_trains_what_it_reads() {
    // The train's score is the items' bias; only the further one reads the vectors of users.
    let rows = interactions();
    let (mut plan, sum) = factors(rows.len());
    plan.0.outputs.push(("score".into(), by(2, Link::Item)));
    let call = call(table(&rows), plan.output("loss.1.score", here(sum)));
    let losses = ArgValue::Losses(vec![(1.0, bpr(&[])), (1.0, bpr(&[("score", ArgValue::Input(2))]))]);
    let moved = |epochs| {
        let found = on_threads(|| train("recommend", &settings(epochs, &[("loss", losses.clone())]), &call).to_bytes());
        assert!(found.iter().all(|f| *f == found[0]));
        let trained = train("recommend", &settings(epochs, &[("loss", losses.clone())]), &call);
        trained.f32s("field.item.values").unwrap().to_vec()
    };
    let (before, after) = (moved(0), moved(3));
    let changed = before.iter().zip(&after).filter(|(a, b)| (*a - *b).abs() > 1e-3).count();
    assert!(changed > ITEMS * 8, "{changed} numbers of {} moved", ITEMS * 16);
}

#[test]
fn given_candidates_are_ranked_and_no_others() {
    let mut call = popular();
    let half = mmf_data::table::Table { rows: Rows::some(ITEMS, (0..45).collect()), columns: Vec::new() };
    call.tables.push(("candidates".into(), mmf_data::stage::Given { table: half, of_split: false }));
    let args = settings(1, &[("candidates", ArgValue::Input(2))]);
    let from = predict("recommend", &args, &call, &train("recommend", &args, &call), Part::Test);
    assert_eq!(from.i64s("items").unwrap(), [45]);
    assert!(from.u32s("top.items").unwrap().iter().all(|&item| item < 45));
}

#[test]
fn early_stopping_keeps_the_best_ranking() {
    let call = factorised();
    let args = settings(60, &[("stop", early("ndcg", Some(10), 3))]);
    let host = Listening::new(usize::MAX);
    let trained = train_on(&host, "recommend", &args, &call).unwrap();
    let curve = host.curve("ndcg@10");
    let best = trained.i64s("best").unwrap()[0] as usize;
    assert_eq!(trained.i64s("epochs").unwrap(), [curve.len() as i64]);
    assert!(curve.len() < 60 && curve.len() == best + 3);
    assert!(curve.iter().all(|&value| value <= curve[best - 1]));
    let from = predict("recommend", &args, &call, &trained, Part::Validation);
    assert_eq!(measure("ndcg", Some(10), &from), curve[best - 1]);
}

#[test]
fn users_without_training_rows_are_counted_and_all_their_scores_are_equal() {
    let mut rows = interactions();
    rows.retain(|r| r.0 != 7 || r.2 == Part::Test);
    let mut plan = Building::new(&[rows.len(), USERS, ITEMS]);
    let user = plan.stage(1, "embedding", args(&[("n", int(8))]), vec![]);
    let item = plan.stage(2, "embedding", args(&[("n", int(8))]), vec![]);
    let dot = plan.stage(0, "dot", Args::default(), vec![by(user, Link::User), by(item, Link::Item)]);
    let call = call(table(&rows), plan.output("score", here(dot)));
    let args = settings(2, &[]);
    let from = predict("recommend", &args, &call, &train("recommend", &args, &call), Part::Test);
    assert_eq!(from.i64s("cold").unwrap(), [1]);
    let (candidates, ends) = (from.u32s("candidates").unwrap(), from.i64s("ranks.ends").unwrap());
    let ranks = &from.u32s("ranks").unwrap()[ends[6] as usize..ends[7] as usize];
    assert_eq!(ranks, [candidates[7]; 2]);
}

#[test]
fn items_are_told_by_what_they_refer_to() {
    // All that is known of an item is its brand, which is its group: the network must go from the pair to the item to the brand.
    let rows = interactions();
    let brand = Arc::new((0..ITEMS as u32).map(|i| i / 30).collect::<Vec<_>>());
    let mut plan = Building::new(&[rows.len(), USERS, 3]);
    let user = plan.stage(1, "embedding", args(&[("n", int(8))]), vec![]);
    let brands = plan.stage(2, "embedding", args(&[("n", int(8))]), vec![]);
    let way = Edge { node: brands, via: vec![Link::Item, Link::Map(brand)] };
    let dot = plan.stage(0, "dot", Args::default(), vec![by(user, Link::User), way]);
    let call = call(table(&rows), plan.output("score", here(dot)));
    let args = settings(30, &[]);
    let from = predict("recommend", &args, &call, &train("recommend", &args, &call), Part::Test);
    // The user's own group is 30 items of 90, of which about ten were seen.
    let found = measure("recall", Some(30), &from);
    assert!(found > 0.8, "{found}");
}

#[test]
fn weights_cost_what_the_pairs_read() {
    use crate::train::network::{Circuit, TaskRows};
    use mmf_tensor::Session;
    let (plan, sum) = factors(10);
    let plan = plan.output("score", here(sum));
    let circuit = Circuit::new(&plan).unwrap();
    let score = circuit.output("score").unwrap();
    let (users, items) = ([4, 4, 9], [1, 2, 2]);
    let rows = TaskRows::Pairs { users: &users, items: &items, met: &[] };
    let parameters = circuit.make(3, rows, &[score]).unwrap();
    let mut session = Session::reading(&parameters);
    let pass = circuit.forward(&mut session, rows, &[score]).unwrap();
    let found: f32 =
        circuit.squares(&mut session, &pass).unwrap().iter().map(|loss| session.sum_of(loss).unwrap()).sum();
    let tables: Vec<&[f32]> = parameters.all().map(|p| parameters.values(p).unwrap()).collect();
    let square = |table: usize, width: usize, row: u32| -> f32 {
        tables[table][row as usize * width..][..width].iter().map(|x| x * x).sum()
    };
    let wanted: f32 = users
        .iter()
        .zip(&items)
        .map(|(&user, &item)| square(0, 16, user) + square(1, 16, item) + square(2, 1, item))
        .sum();
    assert!((found - wanted).abs() < 1e-5, "{found}, not {wanted}");
}

const STEPS: usize = 12;

/// Each user goes around a circle of items, from a place of its own; the last two steps are validation and test.
fn circles() -> Split {
    let items = 30;
    let rows: Vec<(u32, u32)> =
        (0..40u32).flat_map(|user| (0..STEPS as u32).map(move |step| (user, (user * 7 + step) % items))).collect();
    let part = |at: usize| match at % STEPS {
        11 => Part::Test,
        10 => Part::Validation,
        _ => Part::Train,
    };
    let users = codes(40, &rows.iter().map(|r| r.0).collect::<Vec<_>>());
    let items = codes(items as usize, &rows.iter().map(|r| r.1).collect::<Vec<_>>());
    split(vec![("user", users), ("item", items)], part)
}

/// Returns what came before each row of `circles`, and where users are now.
fn before(split: &Split, last: usize) -> (mmf_data::past::Past, mmf_data::plan::Now) {
    let order = Column::new(Rows::all(40 * STEPS), Values::Int((0..40 * STEPS as i64).collect::<Vec<_>>().into()));
    let user = split.table.column("user").unwrap();
    let mut past = mmf_data::past::Past::new(user, &order, last, None).unwrap();
    let part = |part| split.part(part).unwrap();
    let (train, validation, test) = (part(Part::Train), part(Part::Validation), part(Part::Test));
    let now = mmf_data::plan::Now {
        validation: past.now(&[train], &[validation, test]),
        test: past.now(&[train, validation], &[test]),
        occasions: past.occasions(),
    };
    (past, now)
}

/// `dot(history(from) |> mean, to)`.
fn by_history(split: Split, last: usize, embedded: bool) -> TrainCall {
    let (past, now) = before(&split, last);
    let Values::Code { codes, .. } = &split.table.column("item").unwrap().values else { panic!("codes") };
    let mut plan = Building::new(&[40 * STEPS, 40 * STEPS, 30]);
    plan.0.domains[1].now = Some(now);
    let mut value = |seed: u64| {
        if embedded {
            plan.stage(2, "embedding", args(&[("n", int(16))]), vec![])
        } else {
            plan.leaf(2, Column::new(Rows::all(30), Values::vector(4, noise(120, seed))))
        }
    };
    let (from, to) = (value(3), value(4));
    let via = vec![Link::Past(Arc::new(past)), Link::Map(codes.clone())];
    let steps = plan.stage(1, "history", Args::default(), vec![Edge { node: from, via }]);
    let mean = plan.stage(1, "mean", Args::default(), vec![here(steps)]);
    let score = plan.stage(0, "dot", Args::default(), vec![by(mean, Link::Occasion), by(to, Link::Item)]);
    plan.0.fields = vec![("before".into(), mean)];
    call(split, plan.output("score", here(score)))
}

#[test]
fn the_next_item_is_told_by_the_one_before() {
    let (call, args) = (by_history(circles(), 1, true), settings(30, &[("seen", ArgValue::Word("keep".into()))]));
    let found = on_threads(|| train("recommend", &args, &call).to_bytes());
    assert!(found.iter().all(|f| *f == found[0]));
    let trained = train("recommend", &args, &call);
    for part in [Part::Validation, Part::Test] {
        let found = measure("ndcg", Some(1), &predict("recommend", &args, &call, &trained, part));
        assert!(found > 0.95, "{found} on {}", part.word());
    }
    // The field is that of the table's rows: a user's first row has no past, and its mean is zero.
    let field = trained.f32s("field.before.values").unwrap();
    assert_eq!(field.len(), 40 * STEPS * 16);
    assert!(field[..16].iter().all(|&x| x == 0.0) && field[16..32].iter().any(|&x| x != 0.0));
}

#[test]
fn what_meets_an_item_step_by_step_is_ranked_by_all_its_steps() {
    // A user's past is a sequence that the item looks over, so it is computed once a user, and keeps its steps.
    let split = circles();
    let (past, now) = before(&split, 3);
    let Values::Code { codes, .. } = &split.table.column("item").unwrap().values else { panic!("codes") };
    let mut plan = Building::new(&[40 * STEPS, 40 * STEPS, 30]);
    plan.0.domains[1].now = Some(now);
    let [from, to] = [0, 1].map(|_| plan.stage(2, "embedding", args(&[("n", int(16))]), vec![]));
    let via = vec![Link::Past(Arc::new(past)), Link::Map(codes.clone())];
    let steps = plan.stage(1, "history", Args::default(), vec![Edge { node: from, via }]);
    let seen = plan.stage(0, "cross_attention", Args::default(), vec![by(to, Link::Item), by(steps, Link::Occasion)]);
    plan.last_form(seen);
    let score = plan.stage(0, "dot", Args::default(), vec![here(seen), by(to, Link::Item)]);
    let call = call(split, plan.output("score", here(score)));
    let args = settings(40, &[("seen", ArgValue::Word("keep".into()))]);
    let trained = train("recommend", &args, &call);
    let from = predict("recommend", &args, &call, &trained, Part::Test);
    let found = measure("ndcg", Some(10), &from);
    // By chance it is about .15.
    assert!(found > 0.4, "{found}");
    let circuit = crate::train::network::Circuit::new(&call.plan).unwrap();
    let parameters = crate::train::trained::weights(&trained).unwrap();
    let mut session = mmf_tensor::Session::reading(&parameters);
    // Of a user's items the scores of pairs are those of the ranking.
    let (items, user) = (from.u32s("top.items").unwrap()[..10].to_vec(), from.u32s("units").unwrap()[0]);
    let met = vec![(now.test + user as usize) as u32; 10];
    let pairs = crate::train::network::TaskRows::Pairs { users: &[user; 10], items: &items, met: &met };
    let pass = circuit.forward(&mut session, pairs, &[circuit.output("score").unwrap()]).unwrap();
    let scores = session.values(&pass.values[0]).unwrap();
    assert!(scores.iter().zip(from.f32s("top.scores").unwrap()).all(|(a, b)| (a - b).abs() < 1e-4), "{scores:?}");
}

#[test]
fn a_ranking_sees_all_rows_of_earlier_parts() {
    // Without weights: the ranks must be those of the means, by definition.
    let (split, last) = (circles(), 5);
    let call = by_history(split.clone(), last, false);
    let args = settings(1, &[("seen", ArgValue::Word("keep".into()))]);
    let trained = train("recommend", &args, &call);
    let (from, to) = (noise(120, 3), noise(120, 4));
    for (part, step) in [(Part::Validation, 10), (Part::Test, 11)] {
        let ranks = predict("recommend", &args, &call, &trained, part).u32s("ranks").unwrap().to_vec();
        assert_eq!(ranks.len(), 40);
        for (user, &rank) in ranks.iter().enumerate() {
            let item = |step: usize| (user * 7 + step) % 30;
            let mut mean = [0f32; 4];
            for earlier in step - last..step {
                (0..4).for_each(|k| mean[k] += from[item(earlier) * 4 + k] / last as f32);
            }
            let score = |item: usize| (0..4).map(|k| mean[k] * to[item * 4 + k]).sum::<f32>();
            let better = (0..30).filter(|&i| score(i) >= score(item(step)) - 1e-6).count();
            assert_eq!(rank, better as u32, "user {user} in {}", part.word());
        }
    }
}

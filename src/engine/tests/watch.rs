//! Runs that take over from one another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mmf_lang::args::ArgValue;
use mmf_lang::graph::Fit;

use super::Place;
use super::build::{Build, number};
use super::toys;
use crate::work::guard;
use crate::{Event, Session, SharedSink};

/// `slow` waits for its gate; `middle` is fitted on it.
fn graph(by: f64, gate: &str, least: f64) -> Build {
    let mut build = Build::default();
    let source = build.source("films.csv", true);
    let kept = build.at_least(source, least);
    let value = build.column(kept, "value");
    let slow = build.rows("gated", &[value], &[("gate", ArgValue::Text(gate.into())), ("by", number(by))]);
    build.name("slow", slow);
    let middle = build.fit("center", &[slow], Fit::All);
    build.name("middle", middle);
    build.sink(middle);
    build
}

struct Watch {
    place: Place,
    session: Session,
    events: Arc<Mutex<Vec<Event>>>,
    ended: Arc<AtomicU64>,
}

impl Watch {
    fn new() -> Watch {
        let place = Place::new();
        place.write("films.csv", "a,1,10,\nb,2,20,\nc,3,30,\n");
        let session = Session::new(toys::find, Arc::new(place.store()), 2).unwrap();
        Watch { place, session, events: Arc::default(), ended: Arc::default() }
    }

    fn update(&mut self, build: Build) -> usize {
        let events = self.events.clone();
        let sink: SharedSink = Arc::new(move |event| guard(&events).push(event.clone()));
        let ended = self.ended.clone();
        let ending = Box::new(move |outcome: &crate::RunOutcome<'_>| {
            assert!(outcome.failures.is_empty());
            ended.fetch_add(1, Ordering::Relaxed);
        });
        self.session.update(Arc::new(build.graph), self.place.options.clone(), sink, ending)
    }

    fn until(&self, happened: impl Fn(&Event) -> bool) {
        let begun = Instant::now();
        while !guard(&self.events).iter().any(&happened) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", guard(&self.events));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn calls(&self, wanted: &str) -> usize {
        guard(&self.events).iter().filter(|e| matches!(e, Event::Computed { stage, .. } if stage == wanted)).count()
    }

    fn ends(mut self) -> (Vec<Event>, u64) {
        self.session.wait();
        let ended = self.ended.load(Ordering::Relaxed);
        let events = guard(&self.events).clone();
        (events, ended)
    }
}

fn started(name: &'static str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Started { node } if node == name)
}

#[test]
fn what_is_still_wanted_goes_on() {
    let mut watch = Watch::new();
    watch.update(graph(2.0, "open", 0.0));
    watch.until(started("slow"));
    // Only what comes after it changes: a sink more.
    let mut build = graph(2.0, "open", 0.0);
    let slow = build.graph.names[0].1;
    let more = build.rows("times", &[slow], &[]);
    build.sink(more);
    assert_eq!(watch.update(build), 0);
    watch.place.write("open", "");
    let (events, ended) = {
        let calls = |w: &Watch| w.calls("gated");
        watch.session.wait();
        assert_eq!(calls(&watch), 1);
        watch.ends()
    };
    assert_eq!(ended, 1);
    assert_eq!(events.iter().filter(|e| matches!(e, Event::Done { .. })).count(), 1);
}

#[test]
fn what_became_stale_is_stopped() {
    let mut watch = Watch::new();
    watch.update(graph(2.0, "never", 0.0));
    watch.until(started("slow"));
    watch.place.write("open", "");
    assert_eq!(watch.update(graph(3.0, "open", 0.0)), 1);
    let (events, ended) = watch.ends();
    assert_eq!(ended, 1);
    assert!(!events.iter().any(|e| matches!(e, Event::Failed { .. })));
}

#[test]
fn changed_data_stops_what_read_it() {
    let mut watch = Watch::new();
    watch.update(graph(2.0, "open", 0.0));
    watch.until(started("slow"));
    watch.place.write("films.csv", "a,1,10,\nb,2,20,\nc,4,30,\n");
    assert_eq!(watch.update(graph(2.0, "open", 0.0)), 1);
    watch.place.write("open", "");
    assert_eq!(watch.ends().1, 1);
}

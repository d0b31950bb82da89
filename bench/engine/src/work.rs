//! The work that is measured: the same, under the same titles, as at the level of drivers (`bench/driver/work.mjs`).

use std::time::Instant;

use serde_json::{Value as Json, json};

use crate::contestants::Contestant;
use crate::data::{Person, Probe, age_of, city_of, email_of, name_of, people, person, spread};

/// What a piece of work works on.
struct Context<'a> {
    store: &'a mut dyn Contestant,
    size: i64,
    /// No two operations have it in common.
    number: i64,
    /// The place among those of a run.
    at: i64,
    probe: Probe,
    people: Vec<Person>,
    changes: Vec<(i64, f64)>,
}

impl Context<'_> {
    fn some(&self) -> i64 {
        1 + spread(self.number, self.size)
    }
}

/// What a run gives beside what it showed to the probe.
type Run = fn(&mut Context<'_>) -> f64;
type Step = fn(&mut Context<'_>);

struct Work {
    title: &'static str,
    /// The call that a contestant may lack.
    call: &'static str,
    /// How often one run does it.
    times: i64,
    /// Fewer rows than that do not do.
    rows: i64,
    before: Step,
    run: Run,
    after: Step,
}

fn nothing(_: &mut Context<'_>) {}

const fn work(title: &'static str, times: i64, run: Run) -> Work {
    Work { title, call: title, times, rows: 0, before: nothing, run, after: nothing }
}

fn remove_new(c: &mut Context<'_>) {
    c.store.remove_above(c.size);
}

/// Keys of rows that there are.
fn key(i: i64, size: i64) -> i64 {
    1 + (i * 7) % size
}

const POINT: i64 = 100;

const WORK: [Work; 17] = [
    work("get by key", POINT, |c| {
        c.store.get(c.some(), &mut c.probe);
        0.0
    }),
    work("get by key, without a plan", POINT, |c| {
        c.store.get_directly(c.some(), &mut c.probe);
        0.0
    }),
    work("find by unique index", POINT, |c| {
        c.store.by_unique(&email_of(c.some()), &mut c.probe);
        0.0
    }),
    work("find by index, 50 rows", 10, |c| {
        c.store.by_index(&city_of(c.some(), c.size), &mut c.probe);
        0.0
    }),
    work("find by composite index", 10, |c| {
        let i = c.some();
        c.store.by_composite(age_of(i), &name_of(i, c.size), &mut c.probe);
        0.0
    }),
    Work {
        rows: 10_000,
        ..work("read 10,000 rows", 1, |c| {
            c.store.up_to(10_000, &mut c.probe);
            0.0
        })
    },
    work("range, ordered, limit 50", 10, |c| {
        c.store.range(20 + c.number % 20, 90, 50, &mut c.probe);
        0.0
    }),
    work("deep offset, limit 50", 1, |c| {
        c.store.page(50, (c.size * 9 / 10 + c.number % 20) as usize, &mut c.probe);
        0.0
    }),
    work("count over a range", 1, |c| c.store.count_range(20 + c.number % 20, 60) as f64),
    Work {
        before: |c| c.people = people(c.size + 1, POINT, c.size),
        after: remove_new,
        ..work("insert 1 in a transaction", POINT, |c| {
            let person = &c.people[c.at as usize];
            c.store.insert_many(std::slice::from_ref(person)) as f64
        })
    },
    Work {
        before: |c| c.people = people(c.size + 1, 10_000, c.size),
        after: remove_new,
        ..work("insert 10,000", 1, |c| c.store.insert_many(&c.people) as f64)
    },
    work("update 1", POINT, |c| c.store.update(c.some(), c.number as f64 / 7.0) as f64),
    Work {
        rows: 10_000,
        before: |c| {
            let change = |i| (key(i, c.size), c.number as f64 + i as f64 / 7.0);
            c.changes = (0..10_000).map(change).collect();
        },
        ..work("update 10,000", 1, |c| c.store.update_many(&c.changes) as f64)
    },
    Work {
        before: |c| {
            let known = (0..500).map(|i| Person { score: c.number as f64, ..person(key(i, c.size), c.size) });
            c.people = known.chain(people(c.size + 1, 500, c.size)).collect();
        },
        after: remove_new,
        ..work("upsert 1,000, half of them new", 1, |c| c.store.upsert_many(&c.people) as f64)
    },
    Work {
        before: |c| {
            c.store.insert_many(&people(c.size + 1, POINT, c.size));
        },
        ..work("remove 1", POINT, |c| c.store.remove(c.size + 1 + c.at) as f64)
    },
    Work {
        call: "savepoint",
        ..work("savepoint, update, rollback to it", POINT, |c| {
            let id = c.some();
            f64::from(u8::from(c.store.savepoint(id, -1.0) == -1.0))
        })
    },
    Work {
        call: "nested",
        ..work("nested transaction, update", POINT, |c| {
            let (id, score) = (c.some(), c.number as f64 / 3.0);
            c.store.nested(id, score)
        })
    },
];

fn measure_one(work: &Work, c: &mut Context<'_>, options: &Json) -> Json {
    let number = |name: &str| options[name].as_i64().unwrap_or(0);
    let (warm_ups, runs, budget) = (number("warmUps"), number("runs"), number("budget"));
    let began = Instant::now();
    let mut took = Vec::new();
    let mut digests = Vec::new();
    for trial in 0..warm_ups + runs {
        (c.number, c.at) = (trial * work.times, 0);
        (work.before)(c);
        c.probe = Probe::new(trial < 2);
        let start = Instant::now();
        let mut result = 0.0;
        for at in 0..work.times {
            (c.number, c.at) = (trial * work.times + at, at);
            result = (work.run)(c);
        }
        let time = start.elapsed().as_secs_f64() * 1e6 / work.times as f64;
        if trial < 2 {
            digests.push(format!("{}, {result}", c.probe.digest()));
        }
        (work.after)(c);
        if trial >= warm_ups {
            took.push(time);
        }
        // Slow work gets fewer runs rather than hours.
        if trial >= warm_ups.min(2) && began.elapsed().as_millis() as i64 > budget {
            if took.is_empty() {
                took.push(time);
            }
            break;
        }
    }
    took.sort_by(f64::total_cmp);
    let at = |part: f64| took[((took.len() as f64 * part) as usize).min(took.len() - 1)];
    json!({"runs": took.len(), "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "digests": digests})
}

/// Measures all work that a contestant does.
pub fn measure(store: &mut dyn Contestant, size: i64, options: &Json) -> Vec<(&'static str, Json)> {
    let mut c = Context {
        store,
        size,
        number: 0,
        at: 0,
        probe: Probe::default(),
        people: Vec::new(),
        changes: Vec::new(),
    };
    let only = options["only"].as_str().unwrap_or("");
    let mut results = Vec::new();
    for work in &WORK {
        if work.title.contains(only) && work.rows <= size && !c.store.lacks().contains(&work.call) {
            results.push((work.title, measure_one(work, &mut c, options)));
        }
    }
    results
}

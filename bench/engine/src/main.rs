//! One contestant with one size: `engine-bench CONTESTANT OPTIONS`, where the options are JSON. The last line is JSON: the
//! shape that the other levels have, so that one program compares them all.

mod contestants;
mod data;
mod work;

use serde_json::{Value as Json, json};

use contestants::Contestant;
use data::{Probe, people};

/// What the addon allocates with. All that is Rust uses it here; SQLite brings its own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows filled in in one transaction.
const BATCH: i64 = 1_000;

/// The most memory that the process has had, in megabytes, where the system tells.
fn peak() -> Json {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        })
        .map_or(Json::Null, |kilobytes| json!(kilobytes / 1024))
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (name, options) = (arguments.next().unwrap(), arguments.next().unwrap());
    let options: Json = serde_json::from_str(&options).unwrap();
    let size = options["size"].as_i64().unwrap();
    let mut contestant: Box<dyn Contestant> = match name.as_str() {
        "collection-store" => Box::new(contestants::collection_store::Plans::open()),
        "btree-map" => Box::new(contestants::btree_map::Maps::default()),
        "redb" => Box::new(contestants::redb::Redb::open()),
        "sqlite" => Box::new(contestants::sqlite::Sqlite::open()),
        _ => panic!("there is no contestant {name}"),
    };
    for from in (1..=size).step_by(BATCH as usize) {
        contestant.insert_many(&people(from, BATCH.min(size - from + 1), size));
    }
    let results = work::measure(contestant.as_mut(), size, &options);
    let mut probe = Probe::new(true);
    contestant.up_to(1_000, &mut probe);
    // What the work that ends by its budget has written differs: scores are left out, so rows are only counted.
    let everything = json!({"count": contestant.count(), "rows": probe.rows()});
    let version = contestant.version();
    // In the order of the work, which objects here do not keep.
    let results: Vec<String> =
        results.iter().map(|(title, result)| format!("{}:{result}", json!(title))).collect();
    let (results, version, peak) = (results.join(","), json!(version), peak());
    println!(r#"{{"results":{{{results}}},"everything":{everything},"version":{version},"peak":{peak}}}"#);
}

//! What every contestant does.

pub mod btree_map;
pub mod collection_store;
pub mod redb;
pub mod sqlite;

use crate::data::{Person, Probe};

/// A store of people with a primary key, a unique index over `email`, a plain one over `city` and one over `age` and
/// `name`. Reads show what they find to the probe; writes tell how many rows they wrote.
pub trait Contestant {
    /// What the peer is, with its version.
    fn version(&self) -> String {
        String::new()
    }
    /// The work that it does not do.
    fn lacks(&self) -> &'static [&'static str] {
        &[]
    }
    fn get(&self, id: i64, probe: &mut Probe);
    /// The same by the shortest way that there is, where a query takes a longer one.
    fn get_directly(&self, id: i64, probe: &mut Probe) {
        self.get(id, probe);
    }
    fn by_unique(&self, email: &str, probe: &mut Probe);
    fn by_index(&self, city: &str, probe: &mut Probe);
    fn by_composite(&self, age: i64, name: &str, probe: &mut Probe);
    /// The rows with keys up to this one.
    fn up_to(&self, id: i64, probe: &mut Probe);
    /// Ages in a range, in the order of age, name and key.
    fn range(&self, from: i64, to: i64, limit: usize, probe: &mut Probe);
    /// A page in the order of the key.
    fn page(&self, limit: usize, offset: usize, probe: &mut Probe);
    fn count_range(&self, from: i64, to: i64) -> u64;
    fn count(&self) -> u64;
    /// In one transaction.
    fn insert_many(&mut self, people: &[Person]) -> u64;
    /// In one transaction: new rows, and new values for those that there are.
    fn upsert_many(&mut self, people: &[Person]) -> u64;
    fn update(&mut self, id: i64, score: f64) -> u64;
    /// In one transaction.
    fn update_many(&mut self, changes: &[(i64, f64)]) -> u64;
    fn remove(&mut self, id: i64) -> u64;
    fn remove_above(&mut self, id: i64) -> u64;
    /// In a transaction: a savepoint, an update, back to the savepoint; the score as it is then.
    fn savepoint(&mut self, id: i64, score: f64) -> f64;
    /// In a transaction: one inside it with an update; the score as it is then.
    fn nested(&mut self, id: i64, score: f64) -> f64;
}

//! The floor: maps of the standard library with shared values, without transactions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Contestant;
use crate::data::{Person, Probe};

#[derive(Default)]
pub struct Maps {
    rows: BTreeMap<i64, Arc<Person>>,
    email: BTreeMap<String, i64>,
    city: BTreeSet<(String, i64)>,
    age_name: BTreeSet<(i64, String, i64)>,
}

impl Maps {
    fn show(&self, ids: impl Iterator<Item = i64>, probe: &mut Probe) {
        for id in ids {
            self.get(id, probe);
        }
    }

    fn put(&mut self, person: &Person) {
        self.remove(person.id);
        self.email.insert(person.email.clone(), person.id);
        self.city.insert((person.city.clone(), person.id));
        self.age_name.insert((person.age, person.name.clone(), person.id));
        self.rows.insert(person.id, Arc::new(person.clone()));
    }
}

impl Contestant for Maps {
    fn lacks(&self) -> &'static [&'static str] {
        &["savepoint", "nested"]
    }

    fn get(&self, id: i64, probe: &mut Probe) {
        if let Some(person) = self.rows.get(&id).cloned() {
            probe.row(&person);
        }
    }

    fn by_unique(&self, email: &str, probe: &mut Probe) {
        self.show(self.email.get(email).copied().into_iter(), probe);
    }

    fn by_index(&self, city: &str, probe: &mut Probe) {
        let range = (city.to_owned(), i64::MIN)..=(city.to_owned(), i64::MAX);
        self.show(self.city.range(range).map(|(_, id)| *id), probe);
    }

    fn by_composite(&self, age: i64, name: &str, probe: &mut Probe) {
        let range = (age, name.to_owned(), i64::MIN)..=(age, name.to_owned(), i64::MAX);
        self.show(self.age_name.range(range).map(|(_, _, id)| *id), probe);
    }

    fn up_to(&self, id: i64, probe: &mut Probe) {
        for person in self.rows.range(..=id).map(|(_, person)| Arc::clone(person)) {
            probe.row(&person);
        }
    }

    fn range(&self, from: i64, to: i64, limit: usize, probe: &mut Probe) {
        let range = (from, String::new(), i64::MIN)..(to, String::new(), i64::MIN);
        self.show(self.age_name.range(range).take(limit).map(|(_, _, id)| *id), probe);
    }

    fn page(&self, limit: usize, offset: usize, probe: &mut Probe) {
        for person in self.rows.values().skip(offset).take(limit) {
            probe.row(&Arc::clone(person));
        }
    }

    fn count_range(&self, from: i64, to: i64) -> u64 {
        self.age_name.range((from, String::new(), i64::MIN)..(to, String::new(), i64::MIN)).count() as u64
    }

    fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    fn insert_many(&mut self, people: &[Person]) -> u64 {
        people.iter().for_each(|person| self.put(person));
        people.len() as u64
    }

    fn upsert_many(&mut self, people: &[Person]) -> u64 {
        self.insert_many(people)
    }

    fn update(&mut self, id: i64, score: f64) -> u64 {
        let Some(person) = self.rows.get_mut(&id) else { return 0 };
        Arc::make_mut(person).score = score;
        1
    }

    fn update_many(&mut self, changes: &[(i64, f64)]) -> u64 {
        changes.iter().map(|(id, score)| self.update(*id, *score)).sum()
    }

    fn remove(&mut self, id: i64) -> u64 {
        let Some(person) = self.rows.remove(&id) else { return 0 };
        self.email.remove(&person.email);
        self.city.remove(&(person.city.clone(), id));
        self.age_name.remove(&(person.age, person.name.clone(), id));
        1
    }

    fn remove_above(&mut self, id: i64) -> u64 {
        let ids: Vec<i64> = self.rows.range(id + 1..).map(|(id, _)| *id).collect();
        ids.into_iter().map(|id| self.remove(id)).sum()
    }

    fn savepoint(&mut self, _: i64, _: f64) -> f64 {
        unreachable!("maps have no transactions")
    }

    fn nested(&mut self, _: i64, _: f64) -> f64 {
        unreachable!("maps have no transactions")
    }
}

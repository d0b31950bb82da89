//! redb with its memory backend: tables of rows and of index entries, kept in step by hand as its users do.

use redb::backends::InMemoryBackend;
use redb::{
    Database, Durability, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, Table,
    TableDefinition, WriteTransaction,
};

use super::Contestant;
use crate::data::{Person, Probe};

const ROWS: TableDefinition<i64, &[u8]> = TableDefinition::new("rows");
const EMAIL: TableDefinition<&str, i64> = TableDefinition::new("email");
const CITY: TableDefinition<(&str, i64), ()> = TableDefinition::new("city");
const AGE_NAME: TableDefinition<(i64, &str, i64), ()> = TableDefinition::new("age_name");

pub struct Redb(Database);

/// A row as bytes: numbers, then texts with their lengths.
fn encode(person: &Person) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(192);
    bytes.extend_from_slice(&person.id.to_le_bytes());
    bytes.extend_from_slice(&person.age.to_le_bytes());
    bytes.extend_from_slice(&person.score.to_le_bytes());
    bytes.push(u8::from(person.active));
    for text in [&person.name, &person.email, &person.city, &person.note] {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// The parts of a row, where they lie.
struct Parts<'a> {
    id: i64,
    age: i64,
    score: f64,
    active: bool,
    name: &'a str,
    email: &'a str,
    city: &'a str,
    note: &'a str,
}

fn decode(bytes: &[u8]) -> Parts<'_> {
    let number = |at: usize| <[u8; 8]>::try_from(&bytes[at..at + 8]).unwrap();
    let mut at = 25;
    let mut text = || {
        let length = u32::from_le_bytes(<[u8; 4]>::try_from(&bytes[at..at + 4]).unwrap()) as usize;
        at += 4 + length;
        std::str::from_utf8(&bytes[at - length..at]).unwrap()
    };
    let (name, email, city, note) = (text(), text(), text(), text());
    Parts {
        id: i64::from_le_bytes(number(0)),
        age: i64::from_le_bytes(number(8)),
        score: f64::from_le_bytes(number(16)),
        active: bytes[24] != 0,
        name,
        email,
        city,
        note,
    }
}

fn show(bytes: &[u8], probe: &mut Probe) {
    let parts = decode(bytes);
    probe.number(parts.id as f64);
    probe.text(parts.name);
    probe.text(parts.email);
    probe.text(parts.city);
    probe.number(parts.age as f64);
    probe.number(parts.score);
    probe.number(f64::from(u8::from(parts.active)));
    probe.text(parts.note);
}

/// The tables of a transaction that writes.
struct Tables<'t> {
    rows: Table<'t, i64, &'static [u8]>,
    email: Table<'t, &'static str, i64>,
    city: Table<'t, (&'static str, i64), ()>,
    age_name: Table<'t, (i64, &'static str, i64), ()>,
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Self {
        Self {
            rows: transaction.open_table(ROWS).unwrap(),
            email: transaction.open_table(EMAIL).unwrap(),
            city: transaction.open_table(CITY).unwrap(),
            age_name: transaction.open_table(AGE_NAME).unwrap(),
        }
    }

    fn put(&mut self, person: &Person) {
        let before =
            self.rows.insert(person.id, encode(person).as_slice()).unwrap().map(|row| row.value().to_vec());
        if let Some(before) = before {
            self.remove_entries(&before);
        }
        self.email.insert(person.email.as_str(), person.id).unwrap();
        self.city.insert((person.city.as_str(), person.id), ()).unwrap();
        self.age_name.insert((person.age, person.name.as_str(), person.id), ()).unwrap();
    }

    fn remove_entries(&mut self, row: &[u8]) {
        let parts = decode(row);
        self.email.remove(parts.email).unwrap();
        self.city.remove((parts.city, parts.id)).unwrap();
        self.age_name.remove((parts.age, parts.name, parts.id)).unwrap();
    }

    /// No index is over the score.
    fn update(&mut self, id: i64, score: f64) -> u64 {
        let Some(mut row) = self.rows.get(id).unwrap().map(|row| row.value().to_vec()) else { return 0 };
        row[16..24].copy_from_slice(&score.to_le_bytes());
        self.rows.insert(id, row.as_slice()).unwrap();
        1
    }

    fn remove(&mut self, id: i64) -> u64 {
        let Some(row) = self.rows.remove(id).unwrap().map(|row| row.value().to_vec()) else { return 0 };
        self.remove_entries(&row);
        1
    }
}

impl Redb {
    pub fn open() -> Self {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let transaction = database.begin_write().unwrap();
        drop(Tables::open(&transaction));
        transaction.commit().unwrap();
        Self(database)
    }

    fn read(&self) -> redb::ReadTransaction {
        self.0.begin_read().unwrap()
    }

    /// Nothing of this is kept on a disk, so no commit waits for one.
    fn begin(&self) -> WriteTransaction {
        let mut transaction = self.0.begin_write().unwrap();
        transaction.set_durability(Durability::None).unwrap();
        transaction
    }

    fn write<T>(&self, run: impl FnOnce(&mut Tables<'_>) -> T) -> T {
        let transaction = self.begin();
        let result = run(&mut Tables::open(&transaction));
        transaction.commit().unwrap();
        result
    }

    fn show_all(rows: &ReadOnlyTable<i64, &'static [u8]>, ids: impl Iterator<Item = i64>, probe: &mut Probe) {
        for id in ids {
            if let Some(row) = rows.get(id).unwrap() {
                show(row.value(), probe);
            }
        }
    }
}

impl Contestant for Redb {
    fn lacks(&self) -> &'static [&'static str] {
        &["nested"]
    }

    fn get(&self, id: i64, probe: &mut Probe) {
        let rows = self.read().open_table(ROWS).unwrap();
        Self::show_all(&rows, [id].into_iter(), probe);
    }

    fn by_unique(&self, email: &str, probe: &mut Probe) {
        let transaction = self.read();
        let entries = transaction.open_table(EMAIL).unwrap();
        let rows = transaction.open_table(ROWS).unwrap();
        Self::show_all(&rows, entries.get(email).unwrap().map(|id| id.value()).into_iter(), probe);
    }

    fn by_index(&self, city: &str, probe: &mut Probe) {
        let transaction = self.read();
        let entries = transaction.open_table(CITY).unwrap();
        let rows = transaction.open_table(ROWS).unwrap();
        let found = entries.range((city, i64::MIN)..=(city, i64::MAX)).unwrap();
        Self::show_all(&rows, found.map(|entry| entry.unwrap().0.value().1), probe);
    }

    fn by_composite(&self, age: i64, name: &str, probe: &mut Probe) {
        let transaction = self.read();
        let entries = transaction.open_table(AGE_NAME).unwrap();
        let rows = transaction.open_table(ROWS).unwrap();
        let found = entries.range((age, name, i64::MIN)..=(age, name, i64::MAX)).unwrap();
        Self::show_all(&rows, found.map(|entry| entry.unwrap().0.value().2), probe);
    }

    fn up_to(&self, id: i64, probe: &mut Probe) {
        let rows = self.read().open_table(ROWS).unwrap();
        for row in rows.range(..=id).unwrap() {
            show(row.unwrap().1.value(), probe);
        }
    }

    fn range(&self, from: i64, to: i64, limit: usize, probe: &mut Probe) {
        let transaction = self.read();
        let entries = transaction.open_table(AGE_NAME).unwrap();
        let rows = transaction.open_table(ROWS).unwrap();
        let found = entries.range((from, "", i64::MIN)..(to, "", i64::MIN)).unwrap().take(limit);
        Self::show_all(&rows, found.map(|entry| entry.unwrap().0.value().2), probe);
    }

    fn page(&self, limit: usize, offset: usize, probe: &mut Probe) {
        let rows = self.read().open_table(ROWS).unwrap();
        for row in rows.iter().unwrap().skip(offset).take(limit) {
            show(row.unwrap().1.value(), probe);
        }
    }

    fn count_range(&self, from: i64, to: i64) -> u64 {
        let entries = self.read().open_table(AGE_NAME).unwrap();
        entries.range((from, "", i64::MIN)..(to, "", i64::MIN)).unwrap().count() as u64
    }

    fn count(&self) -> u64 {
        self.read().open_table(ROWS).unwrap().len().unwrap()
    }

    fn insert_many(&mut self, people: &[Person]) -> u64 {
        self.write(|tables| people.iter().for_each(|person| tables.put(person)));
        people.len() as u64
    }

    fn upsert_many(&mut self, people: &[Person]) -> u64 {
        self.insert_many(people)
    }

    fn update(&mut self, id: i64, score: f64) -> u64 {
        self.write(|tables| tables.update(id, score))
    }

    fn update_many(&mut self, changes: &[(i64, f64)]) -> u64 {
        self.write(|tables| changes.iter().map(|(id, score)| tables.update(*id, *score)).sum())
    }

    fn remove(&mut self, id: i64) -> u64 {
        self.write(|tables| tables.remove(id))
    }

    fn remove_above(&mut self, id: i64) -> u64 {
        self.write(|tables| {
            let found = tables.rows.range(id + 1..).unwrap();
            let ids: Vec<i64> = found.map(|row| row.unwrap().0.value()).collect();
            ids.into_iter().map(|id| tables.remove(id)).sum()
        })
    }

    fn savepoint(&mut self, id: i64, score: f64) -> f64 {
        let mut transaction = self.begin();
        let savepoint = transaction.ephemeral_savepoint().unwrap();
        Tables::open(&transaction).update(id, score);
        transaction.restore_savepoint(&savepoint).unwrap();
        let found = {
            let rows = transaction.open_table(ROWS).unwrap();
            decode(rows.get(id).unwrap().unwrap().value()).score
        };
        transaction.commit().unwrap();
        found
    }

    fn nested(&mut self, _: i64, _: f64) -> f64 {
        unreachable!("redb has no nested transactions")
    }
}

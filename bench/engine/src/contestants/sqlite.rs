//! rusqlite with its own SQLite, in memory, with statements that are kept.

use rusqlite::{Connection, Params, Row, params};

use super::Contestant;
use crate::data::{Person, Probe};

macro_rules! select {
    ($rest:literal) => {
        concat!("select id, name, email, city, age, score, active, note from person ", $rest)
    };
}
const INSERT: &str = "insert into person values (?, ?, ?, ?, ?, ?, ?, ?)";
const UPSERT: &str = "insert into person values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do update set \
    name = excluded.name, email = excluded.email, city = excluded.city, age = excluded.age, \
    score = excluded.score, active = excluded.active, note = excluded.note";
const UPDATE: &str = "update person set score = ? where id = ?";

pub struct Sqlite(Connection);

fn show(row: &Row<'_>, probe: &mut Probe) {
    let text = |probe: &mut Probe, at: usize| probe.text(row.get_ref(at).unwrap().as_str().unwrap());
    probe.number(row.get_ref(0).unwrap().as_i64().unwrap() as f64);
    text(probe, 1);
    text(probe, 2);
    text(probe, 3);
    probe.number(row.get_ref(4).unwrap().as_i64().unwrap() as f64);
    probe.number(row.get_ref(5).unwrap().as_f64().unwrap());
    probe.number(row.get_ref(6).unwrap().as_i64().unwrap() as f64);
    text(probe, 7);
}

impl Sqlite {
    pub fn open() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.set_prepared_statement_cache_capacity(64);
        connection
            .execute_batch(
                "create table person (id integer primary key, name text not null, email text not null, \
                    city text not null, age integer not null, score real not null, active integer not null, \
                    note text not null);
                create unique index email on person (email);
                create index city on person (city);
                create index age_name on person (age, name);",
            )
            .unwrap();
        Self(connection)
    }

    fn find(&self, text: &str, values: impl Params, probe: &mut Probe) {
        let mut statement = self.0.prepare_cached(text).unwrap();
        let mut rows = statement.query(values).unwrap();
        while let Some(row) = rows.next().unwrap() {
            show(row, probe);
        }
    }

    fn number<T: rusqlite::types::FromSql>(&self, text: &str, values: impl Params) -> T {
        self.0.prepare_cached(text).unwrap().query_row(values, |row| row.get(0)).unwrap()
    }

    fn run(&self, text: &str, values: impl Params) -> u64 {
        self.0.prepare_cached(text).unwrap().execute(values).unwrap() as u64
    }

    fn transaction<T>(&self, run: impl FnOnce() -> T) -> T {
        self.run("begin", []);
        let result = run();
        self.run("commit", []);
        result
    }

    fn write_all(&self, text: &str, people: &[Person]) -> u64 {
        self.transaction(|| {
            let mut statement = self.0.prepare_cached(text).unwrap();
            for p in people {
                statement
                    .execute(params![p.id, p.name, p.email, p.city, p.age, p.score, p.active, p.note])
                    .unwrap();
            }
            people.len() as u64
        })
    }

    fn inside(&self, id: i64, score: f64, back: bool) -> f64 {
        self.transaction(|| {
            self.run("savepoint one", []);
            self.run(UPDATE, params![score, id]);
            if back {
                self.run("rollback to one", []);
            }
            self.run("release one", []);
            self.number("select score from person where id = ?", [id])
        })
    }
}

impl Contestant for Sqlite {
    fn version(&self) -> String {
        format!("(SQLite {})", rusqlite::version())
    }

    fn get(&self, id: i64, probe: &mut Probe) {
        self.find(select!("where id = ?"), [id], probe);
    }

    fn by_unique(&self, email: &str, probe: &mut Probe) {
        self.find(select!("where email = ?"), [email], probe);
    }

    fn by_index(&self, city: &str, probe: &mut Probe) {
        self.find(select!("where city = ?"), [city], probe);
    }

    fn by_composite(&self, age: i64, name: &str, probe: &mut Probe) {
        self.find(select!("where age = ? and name = ?"), params![age, name], probe);
    }

    fn up_to(&self, id: i64, probe: &mut Probe) {
        self.find(select!("where id <= ?"), [id], probe);
    }

    fn range(&self, from: i64, to: i64, limit: usize, probe: &mut Probe) {
        let text = select!("where age >= ? and age < ? order by age, name, id limit ?");
        self.find(text, params![from, to, limit as i64], probe);
    }

    fn page(&self, limit: usize, offset: usize, probe: &mut Probe) {
        self.find(select!("order by id limit ? offset ?"), params![limit as i64, offset as i64], probe);
    }

    fn count_range(&self, from: i64, to: i64) -> u64 {
        self.number::<i64>("select count(*) from person where age >= ? and age < ?", [from, to]) as u64
    }

    fn count(&self) -> u64 {
        self.number::<i64>("select count(*) from person", []) as u64
    }

    fn insert_many(&mut self, people: &[Person]) -> u64 {
        self.write_all(INSERT, people)
    }

    fn upsert_many(&mut self, people: &[Person]) -> u64 {
        self.write_all(UPSERT, people)
    }

    fn update(&mut self, id: i64, score: f64) -> u64 {
        self.run(UPDATE, params![score, id])
    }

    fn update_many(&mut self, changes: &[(i64, f64)]) -> u64 {
        self.transaction(|| changes.iter().map(|(id, score)| self.run(UPDATE, params![score, id])).sum())
    }

    fn remove(&mut self, id: i64) -> u64 {
        self.run("delete from person where id = ?", [id])
    }

    fn remove_above(&mut self, id: i64) -> u64 {
        self.run("delete from person where id > ?", [id])
    }

    fn savepoint(&mut self, id: i64, score: f64) -> f64 {
        self.inside(id, score, true)
    }

    fn nested(&mut self, id: i64, score: f64) -> f64 {
        self.inside(id, score, false)
    }
}

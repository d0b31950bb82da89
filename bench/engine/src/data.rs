//! The rows: the same ones as at the level of drivers (`bench/driver/data.mjs`).

use std::fmt::Write;

/// A row.
#[derive(Clone)]
pub struct Person {
    pub id: i64,
    pub name: String,
    pub email: String,
    pub city: String,
    pub age: i64,
    pub score: f64,
    pub active: bool,
    pub note: String,
}

/// Spreads numbers so that neighbours are not alike.
pub fn spread(i: i64, below: i64) -> i64 {
    (i * 7_919 + 13) % below
}

pub fn email_of(i: i64) -> String {
    format!("person{i}@mail.example.com")
}

pub fn city_of(i: i64, size: i64) -> String {
    format!("City {}", spread(i, (size + 49) / 50))
}

pub fn name_of(i: i64, size: i64) -> String {
    format!("Person named {}", spread(i, (size + 999) / 1_000 + 7))
}

pub fn age_of(i: i64) -> i64 {
    spread(i, 100)
}

/// The row of a number, which is its key, in a store of some size.
pub fn person(i: i64, size: i64) -> Person {
    let note = format!("A note of some length about the person who has the number {i:09}");
    Person {
        id: i,
        name: name_of(i, size),
        email: email_of(i),
        city: city_of(i, size),
        age: age_of(i),
        score: i as f64 / 3.0,
        active: i % 3 != 0,
        note,
    }
}

/// So many rows from a number on.
pub fn people(from: i64, count: i64, size: i64) -> Vec<Person> {
    (from..from + count).map(|i| person(i, size)).collect()
}

/// Looks at what is found, field by field: little, to be timed; all of it, to be compared.
#[derive(Default)]
pub struct Probe {
    whole: bool,
    rows: u64,
    sum: u64,
    row: u64,
    fields: u32,
}

const FIELDS: u32 = 8;
const FACTOR: u64 = 0x0100_0000_01b3;

impl Probe {
    /// One that looks at all of every text, or not.
    pub fn new(whole: bool) -> Self {
        Self { whole, ..Self::default() }
    }

    pub fn number(&mut self, value: f64) {
        self.field(value.to_bits());
    }

    pub fn text(&mut self, value: &str) {
        let bytes = value.as_bytes();
        let look = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(FACTOR);
        let sum = if self.whole {
            bytes.iter().fold(0, look)
        } else {
            bytes.last().map_or(0, |last| look(0, last))
        };
        self.field(sum ^ value.len() as u64);
    }

    /// All fields of a row.
    pub fn row(&mut self, person: &Person) {
        self.number(person.id as f64);
        self.text(&person.name);
        self.text(&person.email);
        self.text(&person.city);
        self.number(person.age as f64);
        self.number(person.score);
        self.number(f64::from(u8::from(person.active)));
        self.text(&person.note);
    }

    fn field(&mut self, value: u64) {
        self.row = (self.row ^ value).wrapping_mul(FACTOR).rotate_left(17);
        self.fields += 1;
        if self.fields == FIELDS {
            // A sum: not every order was asked for.
            self.sum = self.sum.wrapping_add(self.row);
            self.rows += 1;
            (self.row, self.fields) = (0, 0);
        }
    }

    /// How many rows were found.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What was found, as a short text.
    pub fn digest(&self) -> String {
        let mut text = String::new();
        let _ = write!(text, "{} rows, {:016x}", self.rows, self.sum);
        text
    }
}

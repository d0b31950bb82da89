//! The state that a survey begins with: what can be read of a checkpoint.

use std::sync::Arc;

use super::super::checkpoint::{self, Frame};
use super::super::finding::{Finding, FindingKind, Findings};
use super::super::header::{Header, Kind, LENGTH};
use super::super::scan::{self, Piece};
use super::super::{State, names};
use super::{Apart, Reader, header_of, up_to};
use crate::catalog::{CollectionId, Schema};
use crate::tree::Tree;
use crate::value::Row;

/// A checkpoint, or the empty version before all records.
pub(super) struct Base {
    pub(super) state: State,
    /// Nothing of it is missing.
    pub(super) whole: bool,
    /// Its collections are known.
    pub(super) defined: bool,
    /// The first segment that counts beside it.
    pub(super) segment: Option<u64>,
    pub(super) findings: Findings,
    pub(super) apart: Vec<Apart>,
}

impl Base {
    pub(super) fn empty(segment: Option<u64>) -> Self {
        Self {
            state: State::default(),
            whole: true,
            defined: true,
            segment,
            findings: Findings::default(),
            apart: Vec::new(),
        }
    }

    /// All that can be read of a checkpoint.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        store: [u8; 16],
        sequence: u64,
        manifest: Option<Header>,
    ) -> Self {
        let name = names::checkpoint(sequence);
        let mut base = Self { whole: false, defined: false, ..Self::empty(None) };
        base.state.sequence = sequence;
        let file = reader.file(&name, &mut base.findings);
        let header = match header_of(Kind::Checkpoint, &name, &file) {
            Some(header) if header.store == store && header.sequence == sequence => header,
            found => {
                let (kind, why) = match found {
                    Some(_) => (FindingKind::ForeignFile, "it is of another store or of another version"),
                    None => (FindingKind::Header, "its header is wrong"),
                };
                let message = format!("{name} is damaged at byte 0: {why}");
                base.findings.add(Finding::in_file(kind, &name, 0, message));
                let segments = reader.files.iter().filter_map(|name| names::segment_number(name));
                let segments = manifest.iter().map(|manifest| manifest.segment).chain(segments);
                let header = |segment| Header { kind: Kind::Checkpoint, store, segment, sequence };
                let proved = |header: &Header| {
                    let pieces = scan::checkpoint(&file, LENGTH, header.seed());
                    matches!(pieces.first(), Some(Piece::Frame(..)))
                };
                match segments.map(header).find(proved) {
                    Some(header) => header,
                    None => return base,
                }
            }
        };
        base.segment = Some(header.segment);
        base.frames(&file, &name, header.seed());
        base.whole = base.findings.is_clean();
        base
    }

    fn frames(&mut self, file: &[u8], name: &str, seed: u32) {
        let mut rows: Vec<Vec<(Vec<u8>, Row)>> = Vec::new();
        let mut ended = false;
        // What lies behind it tells what may be missing.
        let mut broken: Option<(Finding, Place)> = None;
        let mut last = Place::Beginning;
        for piece in scan::checkpoint(file, LENGTH, seed) {
            let (at, contents) = match piece {
                Piece::Frame(at, contents) => (at, contents),
                Piece::Broken(at, end, why) => {
                    let message = format!("{name} is damaged at byte {at}: {why}{}", up_to(end, file.len()));
                    let finding = Finding {
                        end: Some(end as u64),
                        ..Finding::in_file(FindingKind::Checksum, name, at as u64, message)
                    };
                    if let Some(before) = broken.replace((finding, last.clone())) {
                        self.lost(before, &Place::Unknown);
                    }
                    continue;
                }
            };
            let wrong = |kind, why: &str| {
                let message = format!("{name} is damaged at byte {at}: {why}");
                Finding::in_file(kind, name, at as u64, message)
            };
            let (first, newest) = match Frame::open(contents) {
                _ if ended => {
                    self.findings.add(wrong(FindingKind::Contents, "there is something behind its end"));
                    (Place::Unknown, Place::End)
                }
                Some(Frame::Schema(json)) if !self.defined => {
                    match self.state.redefine(json) {
                        Ok(()) => self.defined = true,
                        Err(error) => self.findings.add(wrong(FindingKind::Contents, &error.message)),
                    }
                    (Place::Definition, Place::Definition)
                }
                Some(Frame::Rows(id, contents)) => {
                    let schema = self.state.stored(Some(id)).ok().map(|stored| Arc::clone(&stored.schema));
                    if schema.is_none() && self.defined {
                        let why = "it names a collection that is not there";
                        self.findings.add(wrong(FindingKind::Contents, why));
                    }
                    let whole = self.rows(contents, &wrong);
                    match schema {
                        Some(schema) => {
                            let place = |row: Option<&Row>| {
                                row.map_or(Place::Unknown, |row| Place::Row(Arc::clone(&schema), row.clone()))
                            };
                            let places = (place(whole.first()), place(whole.last()));
                            if rows.len() <= id.index() {
                                rows.resize_with(id.index() + 1, Vec::new);
                            }
                            if let Some(rows) = rows.get_mut(id.index()) {
                                rows.extend(whole.into_iter().map(|row| (schema.primary_key(&row), row)));
                            }
                            places
                        }
                        None => {
                            let why = "the definition of its collection is lost";
                            self.apart.extend(whole.into_iter().map(|row| Apart {
                                collection: id,
                                schema: None,
                                row,
                                why: why.to_owned(),
                            }));
                            (Place::Unknown, Place::Unknown)
                        }
                    }
                }
                Some(Frame::End(ends)) => {
                    ended = true;
                    for end in ends {
                        let Some((id, counter, expected)) = end else {
                            self.findings.add(wrong(FindingKind::Contents, "its end is cut short"));
                            break;
                        };
                        let read = rows.get(id.index()).map_or(0, |rows| rows.len() as u64);
                        self.end_of(id, counter, read, expected, &wrong);
                    }
                    (Place::End, Place::End)
                }
                _ => {
                    let why = "a frame is of an unknown kind or at the wrong place";
                    self.findings.add(wrong(FindingKind::Contents, why));
                    (Place::Unknown, Place::Unknown)
                }
            };
            if let Some(before) = broken.take() {
                self.lost(before, &first);
            }
            last = newest;
        }
        if let Some(before) = broken {
            self.lost(before, &Place::End);
        }
        if !ended {
            let at = file.len() as u64;
            let message = format!("{name} is damaged at byte {at}: its end is missing");
            self.findings.add(Finding::in_file(FindingKind::Checksum, name, at, message));
        }
        self.plant(rows, name);
    }

    /// The whole rows of a frame.
    fn rows(
        &mut self,
        contents: checkpoint::Rows<'_>,
        wrong: &impl Fn(FindingKind, &str) -> Finding,
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        for row in contents {
            match row.map(Row::from_bytes) {
                Some(Ok(row)) => rows.push(row),
                Some(Err(error)) => self.findings.add(wrong(FindingKind::Row, &error.message)),
                None => {
                    self.findings.add(wrong(FindingKind::Contents, "rows are cut short"));
                    break;
                }
            }
        }
        rows
    }

    /// What the end of a checkpoint says of a collection.
    fn end_of(
        &mut self,
        id: CollectionId,
        counter: i64,
        read: u64,
        expected: u64,
        wrong: &impl Fn(FindingKind, &str) -> Finding,
    ) {
        let Ok(stored) = self.state.stored(Some(id)) else {
            if self.defined {
                let why = "it names a collection that is not there";
                self.findings.add(wrong(FindingKind::Contents, why));
            }
            return;
        };
        stored.counter = counter;
        if read != expected {
            let of = stored.schema.name().to_owned();
            let why = format!("{read} rows of collection \"{of}\" can be read, of {expected}");
            self.findings.add(Finding { collection: Some(of), ..wrong(FindingKind::MissingRows, &why) });
        }
    }

    /// Makes the collections of the rows that were read, by number.
    fn plant(&mut self, rows: Vec<Vec<(Vec<u8>, Row)>>, name: &str) {
        for (number, mut rows) in (0..).zip(rows) {
            if !rows.is_sorted_by(|(one, _), (other, _)| one < other) {
                let message =
                    format!("{name} is damaged: rows of collection number {number} are out of order");
                self.findings.add(Finding::in_file(FindingKind::Contents, name, 0, message));
                rows.sort_by(|(one, _), (other, _)| one.cmp(other));
                rows.dedup_by(|(one, _), (other, _)| one == other);
            }
            if let Ok(stored) = self.state.stored(Some(CollectionId(number))) {
                stored.rows = Tree::from_sorted(rows);
            }
        }
    }

    /// Damage, and between what it lies.
    fn lost(&mut self, (mut finding, after): (Finding, Place), before: &Place) {
        finding.message.push_str(&format!("; it lies between {after} and {before}"));
        self.findings.add(finding);
    }
}

/// What is next to damage in a checkpoint.
#[derive(Clone)]
enum Place {
    Beginning,
    Definition,
    Row(Arc<Schema>, Row),
    End,
    Unknown,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Beginning => f.write_str("the beginning"),
            Self::Definition => f.write_str("the definition"),
            Self::Row(schema, row) => write!(f, "row {} of \"{}\"", schema.key_json(row), schema.name()),
            Self::End => f.write_str("the end"),
            Self::Unknown => f.write_str("more that cannot be read"),
        }
    }
}

//! All that can be read of a store, whatever is damaged, and all that is wrong.
//!
//! Nothing is guessed: what no checksum proves is not read. Where versions are
//! missing, later ones are put over what there is: a row is then as new as it can
//! be had, but rows are not of one moment.

mod base;
mod fit;

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use super::finding::{Finding, FindingKind, Findings};
use super::frame;
use super::header::{self, Header, Kind, LENGTH};
use super::names::{self, MANIFEST};
use super::open::more_than_begun;
use super::record::Record;
use super::scan::{self, Piece};
use super::vfs::Vfs;
use super::{State, failed, lock};
use crate::catalog::{CollectionId, Schema};
use crate::error::{Error, ErrorCode, Result};
use crate::value::Row;

use base::Base;

/// What was read of a store.
#[derive(Debug, Default)]
pub struct Survey {
    /// The newest state that can be read.
    pub state: State,
    /// The version up to which nothing is missing; `None` if something is of the checkpoint.
    pub whole: Option<u64>,
    /// What is wrong with the files.
    pub findings: Findings,
    /// Whole rows that have no place in the state.
    pub apart: Vec<Apart>,
}

/// A whole row that has no place.
#[derive(Debug)]
pub struct Apart {
    /// The number of its collection.
    pub collection: CollectionId,
    /// Its collection, as far as it is known.
    pub schema: Option<Arc<Schema>>,
    /// The row.
    pub row: Row,
    /// Why it has none.
    pub why: String,
}

/// Hears how many bytes of how many have been read.
pub type Watch<'a> = &'a mut dyn FnMut(u64, u64);

/// Reads all that the files of a directory have and changes none of them.
///
/// # Errors
/// `StoreLocked`, `NewerFormat`, and `Storage` where there is no store or the
/// directory cannot be read. Everything else is a finding.
pub fn survey(vfs: &dyn Vfs, watch: Watch<'_>) -> Result<Survey> {
    let io = |error: std::io::Error| failed("reading", "the directory", &error);
    let must_be_store = |files: &[String]| {
        let there = files.iter().any(|name| name == MANIFEST) || more_than_begun(vfs, files)?.is_some();
        let nothing = || Error::new(ErrorCode::Storage, format!("there is no store at {}", vfs.place()));
        if there { Ok(()) } else { Err(nothing()) }
    };
    must_be_store(&vfs.names().map_err(io)?)?;
    let _lock = lock::lock(vfs)?;
    // Whoever had it until now may have made and removed some.
    let mut files = vfs.names().map_err(io)?;
    files.sort_unstable();
    must_be_store(&files)?;
    let mut reader = Reader { vfs, files, watch, read: 0, size: 0 };
    reader.size =
        reader.files.iter().filter(|name| kind_of(name).is_some()).map(|name| reader.size_of(name)).sum();
    let store = identify(&mut reader)?;
    let mut survey = Survey::default();
    let Some(store) = store else {
        let message = "no file of the store has a right header: nothing of it can be read";
        survey.findings.add(Finding::new(FindingKind::Header, message));
        return Ok(survey);
    };
    survey.read(&mut reader, store)?;
    Ok(survey)
}

fn kind_of(name: &str) -> Option<Kind> {
    match name {
        MANIFEST => Some(Kind::Manifest),
        _ if names::segment_number(name).is_some() => Some(Kind::Segment),
        _ if names::checkpoint_sequence(name).is_some() => Some(Kind::Checkpoint),
        _ => None,
    }
}

/// The files, and how much of them has been read.
struct Reader<'a> {
    vfs: &'a dyn Vfs,
    files: Vec<String>,
    watch: Watch<'a>,
    read: u64,
    size: u64,
}

impl Reader<'_> {
    fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file == name)
    }

    fn size_of(&self, name: &str) -> u64 {
        self.vfs.size(name).unwrap_or(0)
    }

    /// As much of a file as there is, or as the operating system gives.
    fn file(&mut self, name: &str, findings: &mut Findings) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = self.vfs.read(name).and_then(|mut source| source.read_to_end(&mut bytes));
        if let Err(error) = read {
            let message = format!("reading {name} failed behind {} bytes: {error}", bytes.len());
            findings.add(Finding::in_file(FindingKind::Unreadable, name, bytes.len() as u64, message));
        }
        self.read += bytes.len() as u64;
        (self.watch)(self.read, self.size.max(self.read));
        bytes
    }

    fn head(&self, name: &str) -> Vec<u8> {
        let mut head = Vec::with_capacity(LENGTH);
        if let Ok(source) = self.vfs.read(name) {
            // What cannot be read is found again when the whole file is.
            let _ = source.take(LENGTH as u64).read_to_end(&mut head);
        }
        head
    }
}

/// A whole header of a format that is known.
fn header_of(kind: Kind, name: &str, bytes: &[u8]) -> Option<Header> {
    Header::decode(kind, name, bytes).ok().flatten()
}

/// What the store calls itself: the manifest's word, or that of most files.
fn identify(reader: &mut Reader<'_>) -> Result<Option<[u8; 16]>> {
    let mut known: Vec<[u8; 16]> = Vec::new();
    let mut said = None;
    for name in &reader.files {
        let Some(kind) = kind_of(name) else { continue };
        let head = reader.head(name);
        if let Some(format) = header::newer_format(kind, &head) {
            return Err(header::newer(name, format));
        }
        match header_of(kind, name, &head) {
            Some(header) if kind == Kind::Manifest => said = Some(header.store),
            Some(header) => known.push(header.store),
            None => {}
        }
    }
    let count = |store: &[u8; 16]| known.iter().filter(|other| *other == store).count();
    Ok(said.or_else(|| known.iter().max_by_key(|store| count(store)).copied()))
}

impl Survey {
    fn read(&mut self, reader: &mut Reader<'_>, store: [u8; 16]) -> Result<()> {
        let manifest = self.manifest(reader, store);
        let base = self.base(reader, store, manifest);
        let Base { state, whole, segment, findings, apart, .. } = base;
        self.findings.append(findings);
        self.state = state;
        self.apart = apart;
        self.whole = whole.then_some(self.state.sequence);
        let from = segment.or(manifest.map(|manifest| manifest.segment)).unwrap_or(1);
        let numbers: BTreeSet<u64> = reader
            .files
            .iter()
            .filter_map(|name| names::segment_number(name))
            .filter(|at| *at >= from)
            .collect();
        let last = numbers.last().copied().unwrap_or(from);
        if numbers.first() != Some(&from) {
            self.missing(&names::segment(from));
        }
        let mut expected = from;
        for number in numbers.iter().copied() {
            if number > expected {
                self.missing_between(expected.max(from + 1), number);
            }
            self.segment(reader, store, number, number == from, number == last);
            expected = number.saturating_add(1);
        }
        if let Some(manifest) = manifest {
            self.left_over(reader, &manifest);
        }
        Ok(())
    }

    fn missing(&mut self, name: &str) {
        let message = format!("{name} is missing");
        self.findings.add(Finding::in_file(FindingKind::MissingFile, name, 0, message));
    }

    fn missing_between(&mut self, from: u64, to: u64) {
        if from < to {
            let (first, last) = (names::segment(from), names::segment(to - 1));
            let many = if from == to - 1 { String::new() } else { format!(" and all up to {last}") };
            let message = format!("{first}{many} is missing");
            self.findings.add(Finding::in_file(FindingKind::MissingFile, &first, 0, message));
        }
    }

    fn manifest(&mut self, reader: &mut Reader<'_>, store: [u8; 16]) -> Option<Header> {
        if !reader.has(MANIFEST) {
            self.missing(MANIFEST);
            return None;
        }
        let bytes = reader.file(MANIFEST, &mut self.findings);
        let header = header_of(Kind::Manifest, MANIFEST, &bytes);
        let header = header.filter(|header| bytes.len() == LENGTH && header.store == store);
        if header.is_none() {
            let message = format!("{MANIFEST} is damaged: its checksum or its length is wrong");
            self.findings.add(Finding::in_file(FindingKind::Header, MANIFEST, 0, message));
        }
        header
    }

    /// The version that the log is put over: what the manifest names if that is
    /// whole, else the newest that is and that the log goes on from, else what
    /// there is of one.
    fn base(&mut self, reader: &mut Reader<'_>, store: [u8; 16], manifest: Option<Header>) -> Base {
        let mut sequences: Vec<u64> =
            reader.files.iter().filter_map(|name| names::checkpoint_sequence(name)).collect();
        sequences.reverse();
        let named = manifest.map(|manifest| manifest.sequence);
        if let Some(named) = named.filter(|named| *named > 0) {
            match sequences.iter().position(|sequence| *sequence == named) {
                Some(at) => sequences[..=at].rotate_right(1),
                None => self.missing(&names::checkpoint(named)),
            }
        }
        let mut best: Option<Base> = None;
        if named == Some(0) {
            best = Some(Base::empty(manifest.map(|manifest| manifest.segment)));
            sequences.clear();
        }
        for sequence in sequences {
            let base = Base::read(reader, store, sequence, manifest);
            let goes_on = base.segment.is_some_and(|number| reader.has(&names::segment(number)));
            if base.whole && goes_on {
                // What was wrong with others is still to be said, if it is about the one that counts.
                if let Some(other) = best.filter(|_| named != Some(sequence)) {
                    self.findings.append(other.findings);
                }
                return base;
            }
            let better = match &best {
                Some(other) => !other.defined && base.defined,
                None => true,
            };
            if better {
                best = Some(base);
            }
        }
        if named != Some(0) {
            let first = names::segment(1);
            let header = header_of(Kind::Segment, &first, &reader.head(&first));
            if header.is_some_and(|header| header.store == store && header.sequence == 0) {
                if let Some(other) = best {
                    self.findings.append(other.findings);
                }
                return Base::empty(Some(1));
            }
        }
        best.unwrap_or_else(|| Base {
            whole: false,
            ..Base::empty(manifest.map(|manifest| manifest.segment))
        })
    }

    /// Files that do not count: opening removes them.
    fn left_over(&mut self, reader: &Reader<'_>, manifest: &Header) {
        for name in &reader.files {
            let old = names::segment_number(name).is_some_and(|number| number < manifest.segment)
                || names::checkpoint_sequence(name).is_some_and(|sequence| sequence != manifest.sequence);
            if old || name == names::NEXT_MANIFEST {
                let message = format!("{name} does not count: opening the store removes it");
                self.findings.add(Finding::in_file(FindingKind::LeftOver, name, 0, message));
            }
        }
    }

    fn segment(&mut self, reader: &mut Reader<'_>, store: [u8; 16], number: u64, first: bool, last: bool) {
        let name = names::segment(number);
        let file = reader.file(&name, &mut self.findings);
        let header = match header_of(Kind::Segment, &name, &file) {
            Some(header) if header.store == store && header.segment == number => header,
            Some(_) => {
                let message = format!("{name} is a file of another store, or of another place in this one");
                return self.findings.add(Finding::in_file(FindingKind::ForeignFile, &name, 0, message));
            }
            None if last && !first && file.len() <= LENGTH => {
                let message = format!(
                    "{name} was being made when the process or the machine stopped: opening the store puts that right"
                );
                return self.findings.add(Finding::in_file(FindingKind::TornEnd, &name, 0, message));
            }
            None => {
                let message = format!("{name} is damaged at byte 0: its header is wrong");
                self.findings.add(Finding::in_file(FindingKind::Header, &name, 0, message));
                match restored(&file, store, number, self.state.sequence) {
                    Some(header) => header,
                    None => return,
                }
            }
        };
        self.reach(header.sequence, &name, 0);
        let seed = header.seed();
        for piece in scan::segment(&file, LENGTH, seed) {
            match piece {
                Piece::Frame(at, contents) => {
                    self.record(contents, &name, at as u64);
                }
                Piece::Broken(at, end, why) => {
                    let behind = file.as_slice();
                    // Reading what is in memory does not fail.
                    let torn = last && !frame::any_mark(behind, at as u64 + 1, seed).unwrap_or(true);
                    if torn {
                        let message = format!(
                            "{name} ends, from byte {at} on, in what was being written when the process or the machine stopped: opening the store cuts that off"
                        );
                        return self.findings.add(Finding {
                            end: Some(file.len() as u64),
                            ..Finding::in_file(FindingKind::TornEnd, &name, at as u64, message)
                        });
                    }
                    let message = format!("{name} is damaged at byte {at}: {why}{}", up_to(end, file.len()));
                    self.findings.add(Finding {
                        end: Some(end as u64),
                        ..Finding::in_file(FindingKind::Checksum, &name, at as u64, message)
                    });
                }
            }
        }
    }

    /// What follows stands on this version: those between it and the newest are missing.
    fn reach(&mut self, sequence: u64, name: &str, at: u64) {
        let newest = self.state.sequence;
        if sequence > newest {
            let first = newest + 1;
            let what = if first == sequence {
                format!("version {first} is")
            } else {
                format!("versions {first} to {sequence} are")
            };
            let message = format!("{what} missing: {name} goes on behind them at byte {at}");
            self.findings.add(Finding {
                versions: Some((first, sequence)),
                ..Finding::in_file(FindingKind::Gap, name, at, message)
            });
            self.state.sequence = sequence;
        }
    }

    fn record(&mut self, contents: &[u8], name: &str, at: u64) {
        let wrong = |why: &str| {
            let message = format!("{name} is damaged at byte {at}: {why}");
            Finding::in_file(FindingKind::Contents, name, at, message)
        };
        let Some(record) = Record::open(contents).filter(|record| record.sequence > record.base) else {
            return self.findings.add(wrong("a record is of an unknown kind"));
        };
        if record.sequence <= self.state.sequence {
            // Of a segment from before the checkpoint, which has it.
            return;
        }
        self.reach(record.base, name, at);
        let whole = self.whole == Some(self.state.sequence);
        match self.state.apply_what_fits(record, whole, &mut self.apart) {
            Ok(sequence) if whole => self.whole = Some(sequence),
            Ok(_) => {}
            Err(why) => self.findings.add(wrong(&why)),
        }
    }
}

fn up_to(end: usize, size: usize) -> String {
    if end < size {
        format!("; it goes on at byte {end}")
    } else {
        "; nothing behind it can be read".to_owned()
    }
}

/// The header of a segment that has lost it, if the records prove it.
fn restored(file: &[u8], store: [u8; 16], number: u64, newest: u64) -> Option<Header> {
    let said = file.get(LENGTH + frame::HEAD..).and_then(Record::open).map(|record| record.base);
    let proved = |sequence: &u64| {
        let header = Header { kind: Kind::Segment, store, segment: number, sequence: *sequence };
        let pieces = scan::segment(file, LENGTH, header.seed());
        pieces.iter().any(|piece| matches!(piece, Piece::Frame(..))).then_some(header)
    };
    said.iter().chain([&newest]).find_map(proved)
}

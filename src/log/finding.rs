//! What an examination of a store finds: a list, so that the first damage does
//! not hide the second.

use std::collections::HashMap;

use serde::Serialize;

/// What a finding means for whoever has the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Nothing is wrong: opening the store puts it in order.
    Notice,
    /// The store can be opened, and what it holds contradicts itself.
    Violation,
    /// The store cannot be opened.
    Damage,
}

/// What was found, as a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingKind {
    /// The end of the log was being written when the process or the machine stopped.
    TornEnd,
    /// A file that no longer counts, or does not count yet.
    LeftOver,
    /// A file that should be there is not.
    MissingFile,
    /// A file that the operating system does not give, or not all of it.
    Unreadable,
    /// A file without a right header.
    Header,
    /// A file of another store, or of another place in this one.
    ForeignFile,
    /// Bytes whose checksum is wrong, or that end too early.
    Checksum,
    /// Bytes with a right checksum that make no sense.
    Contents,
    /// Versions that no record makes.
    Gap,
    /// Rows that a checkpoint should have, and has not.
    MissingRows,
    /// Bytes that are no row.
    Row,
    /// The definition contradicts itself, or the version.
    Definition,
    /// The nodes of a tree contradict each other.
    Tree,
    /// A row is under a key that is not its own.
    Key,
    /// A row has more fields than its collection.
    Fields,
    /// A field that must not be null is.
    NotNull,
    /// A value is of another type than its field.
    Type,
    /// A value is not among those that its field may hold.
    Check,
    /// An index has no entry of a row.
    IndexMissing,
    /// An index has an entry of a row that is not there.
    IndexSuperfluous,
    /// An index has an entry of values that a row has not.
    IndexWrong,
    /// Two rows have the same values in a unique index.
    Unique,
    /// A row points at a row that is not there.
    ForeignKey,
    /// The next number of a collection has been used already.
    Counter,
}

impl FindingKind {
    /// What it means.
    pub fn severity(self) -> Severity {
        match self {
            Self::TornEnd | Self::LeftOver => Severity::Notice,
            Self::MissingFile
            | Self::Unreadable
            | Self::Header
            | Self::ForeignFile
            | Self::Checksum
            | Self::Contents
            | Self::Gap
            | Self::MissingRows
            | Self::Row => Severity::Damage,
            _ => Severity::Violation,
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it means.
    pub severity: Severity,
    /// What it is.
    pub kind: FindingKind,
    /// The file concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// From which byte of it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Up to which byte, that one not included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// The versions concerned, the first and the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<(u64, u64)>,
    /// The collection concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// The field, index or foreign key concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// The primary key of the row concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<serde_json::Value>,
    /// A sentence for people that says all of it.
    pub message: String,
}

impl Finding {
    /// Something that concerns nothing in particular.
    pub fn new(kind: FindingKind, message: impl Into<String>) -> Self {
        Self {
            severity: kind.severity(),
            kind,
            file: None,
            offset: None,
            end: None,
            versions: None,
            collection: None,
            constraint: None,
            key: None,
            message: message.into(),
        }
    }

    /// Something about a file, from a byte on.
    pub fn in_file(kind: FindingKind, name: &str, offset: u64, message: impl Into<String>) -> Self {
        Self { file: Some(name.to_owned()), offset: Some(offset), ..Self::new(kind, message) }
    }
}

/// So many findings of one kind about one collection or file are kept; of more,
/// only how many there are.
const MOST_ALIKE: u64 = 100;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    alike: HashMap<(FindingKind, Option<String>, Option<String>), u64>,
    more: u64,
    worst: Option<Severity>,
}

impl Findings {
    /// Adds one more.
    pub fn add(&mut self, finding: Finding) {
        self.worst = self.worst.max(Some(finding.severity));
        let about = (finding.kind, finding.file.clone(), finding.collection.clone());
        let alike = self.alike.entry(about).or_default();
        *alike += 1;
        if *alike <= MOST_ALIKE {
            self.list.push(finding);
        } else {
            self.more += 1;
        }
    }

    /// Adds all of others.
    pub fn append(&mut self, others: Self) {
        self.worst = self.worst.max(others.worst);
        self.more += others.more;
        others.list.into_iter().for_each(|finding| self.add(finding));
    }

    /// Those that are kept, in the order in which they were found.
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// How many more there are than are kept.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// How bad the worst of them is.
    pub fn worst(&self) -> Option<Severity> {
        self.worst
    }

    /// Whether there is none but notices.
    pub fn is_clean(&self) -> bool {
        self.worst <= Some(Severity::Notice)
    }
}

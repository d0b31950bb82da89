//! The one error type of the engine.
//!
//! Callers tell errors apart by [`ErrorCode`], never by text: the message is
//! for people and may change.

use std::fmt;

/// What went wrong, as a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A unique or primary key already holds the value.
    Unique,
    /// A foreign key points at a row that is not there, or a row is still pointed at.
    ForeignKey,
    /// A field that must not be null got null, or nothing and has no default.
    NotNull,
    /// A value that is not among those that the field may hold.
    Check,
    /// The collection does not exist.
    CollectionNotFound,
    /// The collection exists already.
    CollectionExists,
    /// The field, index or constraint does not exist.
    FieldNotFound,
    /// The same field was named twice.
    FieldDuplicate,
    /// A value of a type that the field cannot hold.
    TypeMismatch,
    /// A number outside of what the field can hold.
    OutOfRange,
    /// Not-a-number or an infinity.
    NotFinite,
    /// A text with half of a surrogate pair, which is not Unicode.
    LoneSurrogate,
    /// A pattern that is not a valid regular expression.
    PatternSyntax,
    /// A pattern that needs more backtracking than is allowed.
    PatternTooComplex,
    /// A plan or argument that makes no sense.
    InvalidPlan,
    /// The schema asked for contradicts itself or the stored data.
    InvalidSchema,
    /// Another transaction changed the same row first.
    WriteConflict,
    /// Transactions waited for each other, and this one was to give way.
    Deadlock,
    /// A row is locked by another transaction: to be waited for.
    Locked,
    /// A row is locked by another transaction, and was not to be waited for.
    LockNotAvailable,
    /// A row was changed since the version that a statement ran on: to be run again on a newer one.
    Stale,
    /// A statement would look at more rows than it may here: to be run where it can take its time.
    TooLong,
    /// A reader of changes has fallen behind further than they are kept.
    TooFarBehind,
    /// The transaction has ended already.
    TransactionClosed,
    /// A statement of the transaction is still running in a thread.
    TransactionBusy,
    /// A write in a transaction that only reads.
    ReadOnly,
    /// The savepoint does not exist in this transaction, or no longer.
    SavepointNotFound,
    /// A store of the name is open already, or a directory that is to be new is not empty.
    StoreExists,
    /// The store has been closed.
    StoreClosed,
    /// The snapshot belongs to another store.
    ForeignSnapshot,
    /// Bytes that are not what they should be.
    Corrupt,
    /// The disk failed, or has no room left.
    Storage,
    /// Another process, or another part of this one, has the store open.
    StoreLocked,
    /// Files that a newer version of this software has written.
    NewerFormat,
    /// The feature exists in the interface but not in this version.
    Unsupported,
    /// A defect of the engine itself.
    Internal,
}

impl ErrorCode {
    /// The code as the text that crosses to other languages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unique => "UNIQUE",
            Self::ForeignKey => "FOREIGN_KEY",
            Self::NotNull => "NOT_NULL",
            Self::Check => "CHECK",
            Self::CollectionNotFound => "COLLECTION_NOT_FOUND",
            Self::CollectionExists => "COLLECTION_EXISTS",
            Self::FieldNotFound => "FIELD_NOT_FOUND",
            Self::FieldDuplicate => "FIELD_DUPLICATE",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::NotFinite => "NOT_FINITE",
            Self::LoneSurrogate => "LONE_SURROGATE",
            Self::PatternSyntax => "PATTERN_SYNTAX",
            Self::PatternTooComplex => "PATTERN_TOO_COMPLEX",
            Self::InvalidPlan => "INVALID_PLAN",
            Self::InvalidSchema => "INVALID_SCHEMA",
            Self::WriteConflict => "WRITE_CONFLICT",
            Self::Deadlock => "DEADLOCK",
            Self::Locked => "LOCKED",
            Self::LockNotAvailable => "LOCK_NOT_AVAILABLE",
            Self::Stale => "STALE",
            Self::TooLong => "TOO_LONG",
            Self::TooFarBehind => "TOO_FAR_BEHIND",
            Self::TransactionClosed => "TRANSACTION_CLOSED",
            Self::TransactionBusy => "TRANSACTION_BUSY",
            Self::ReadOnly => "READ_ONLY",
            Self::SavepointNotFound => "SAVEPOINT_NOT_FOUND",
            Self::StoreExists => "STORE_EXISTS",
            Self::StoreClosed => "STORE_CLOSED",
            Self::ForeignSnapshot => "FOREIGN_SNAPSHOT",
            Self::Corrupt => "CORRUPT",
            Self::Storage => "STORAGE",
            Self::StoreLocked => "STORE_LOCKED",
            Self::NewerFormat => "NEWER_FORMAT",
            Self::Unsupported => "UNSUPPORTED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// An error with the names of what it is about.
#[derive(Clone, Debug)]
pub struct Error {
    /// What went wrong.
    pub code: ErrorCode,
    /// For people: names the collection, the constraint, the fields and, shortened, the values.
    pub message: String,
    /// The collection concerned, where there is one.
    pub collection: Option<Box<str>>,
    /// The constraint or index concerned, where there is one.
    pub constraint: Option<Box<str>>,
    /// The fields concerned; empty where none are.
    pub fields: Vec<String>,
    /// The primary key of the row concerned, as a JSON array of its values, where there is one.
    pub key: Option<Box<str>>,
}

/// The result of whatever may fail in the engine.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error with a code and a message that concerns nothing in particular.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, collection: None, constraint: None, fields: Vec::new(), key: None }
    }

    /// The same error, said of a collection.
    pub fn of_collection(mut self, name: impl Into<String>) -> Self {
        self.collection = Some(name.into().into());
        self
    }

    /// The same error, said of a constraint or an index.
    pub fn of_constraint(mut self, name: impl Into<String>) -> Self {
        self.constraint = Some(name.into().into());
        self
    }

    /// The same error, said of some fields.
    pub fn of_fields<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.fields = names.into_iter().map(Into::into).collect();
        self
    }

    /// The same error, said of the row of a primary key, given as a JSON array of its values.
    pub fn of_key(mut self, key: String) -> Self {
        self.key = Some(key.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

//! What collections are: fields, keys, indexes and constraints.

//! The Node-API binding: the only module that knows JavaScript exists.

//! The Node-API binding: the only module that knows JavaScript exists.
//!
//! JavaScript holds numbers ([`handle`]) in place of what lives here ([`state`]).
//! Hot functions ([`raw`], [`channel`]) begin and end transactions and run plans:
//! they take packed parameters ([`params`]) and give packed rows ([`reading`],
//! [`pack`]), of long ones in a thread ([`statement`]). Everything else is a
//! generated function ([`api`]).

mod api;
mod aside;
mod change;
mod changes;
mod channel;
mod handle;
mod lent;
mod pack;
mod params;
mod raw;
mod reading;
mod state;
mod statement;
mod wake;

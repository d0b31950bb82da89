//! The Node-API binding: the only module that knows JavaScript exists.
//!
//! JavaScript holds numbers ([`handle`]) in place of what lives here ([`state`]).
//! Plans run through hot functions ([`raw`], [`channel`]) that take packed
//! parameters ([`params`]) and give packed rows ([`reading`], [`pack`]), long ones
//! in a thread ([`statement`]);
//! everything else is a generated function ([`api`]).

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

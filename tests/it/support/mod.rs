//! What the tests stand on.

pub(crate) mod ended;
pub(crate) mod scripted;
pub(crate) mod simulator;
pub(crate) mod terminal;
pub(crate) mod world;

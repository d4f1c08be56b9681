//! For whom a token stands: what decides which permissions count.

/// For whom a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// An app alone.
    App,
    /// A signed-in person.
    Person,
}

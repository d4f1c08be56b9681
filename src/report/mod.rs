//! What people are shown of a run: the error guide.

pub mod guide;
mod guide_texts;

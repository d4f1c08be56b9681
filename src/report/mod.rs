//! What people are shown of a run: the error guide, and a page that stands alone.

pub mod chart;
pub mod guide;
mod guide_texts;
mod holders;
pub mod page;
pub mod plan_page;
mod shortened;
pub mod verdict;

//! What a journal keeps of the plan that its run carries out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::args::Form;

/// A plan that a run carries out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPlan {
    /// Where it was.
    pub path: PathBuf,
    /// By which it is known again.
    pub hash: String,
}

/// How a plan understood the rows of its file: a run of the plan understands them so, too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptReading {
    pub(super) form: Form,
    pub(super) default_country: Option<String>,
    pub(super) reset_method: Option<String>,
    pub(super) skip_invalid: Option<bool>,
}

impl KeptReading {
    /// A file that this program wrote itself. A user who is protected by now keeps nobody else from being taken back.
    pub const AS_IT_STANDS: Self = Self {
        form: Form { encoding: None, delimiter: None, sheet: None, time_zone: None, map: Vec::new() },
        default_country: None,
        reset_method: None,
        skip_invalid: Some(true),
    };
}

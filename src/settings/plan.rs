//! What a journal keeps of the plan that its run carries out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::args::Form;
use super::resolve::RunChoices;

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
    form: Form,
    default_country: Option<String>,
    reset_method: Option<String>,
    skip_invalid: Option<bool>,
}

impl KeptReading {
    /// A file that this program wrote itself.
    pub const AS_IT_STANDS: Self = Self {
        form: Form { encoding: None, delimiter: None, sheet: None, map: Vec::new() },
        default_country: None,
        reset_method: None,
        skip_invalid: Some(true),
    };
}

impl RunChoices {
    /// How rows are understood.
    #[must_use]
    pub fn reading(&self) -> KeptReading {
        KeptReading {
            form: self.form.clone(),
            default_country: self.default_country.clone(),
            reset_method: self.reset_method.clone(),
            skip_invalid: self.skip_invalid,
        }
    }

    /// Understands rows so, whatever else is said.
    pub fn fill_reading(&mut self, reading: KeptReading) {
        let KeptReading { form, default_country, reset_method, skip_invalid } = reading;
        self.form = form;
        self.default_country = default_country;
        self.reset_method = reset_method;
        self.skip_invalid = skip_invalid;
    }
}

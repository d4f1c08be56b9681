//! Who is asked of the directory, and by what.

use serde::Deserialize;

use crate::graph::client::Graph;
use crate::sign_in::access_token::AccessToken;
use crate::transport::http::Http;

/// A user, with both names that a row may have for one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Member {
    id: String,
    user_principal_name: Option<String>,
}

impl Member {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        [self.id.as_str()].into_iter().chain(self.user_principal_name.as_deref())
    }
}

/// What asks the directory before the first row.
pub(super) type Desk = Graph<Http, AccessToken>;

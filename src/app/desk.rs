//! Who is asked of the directory, and by what.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::graph::call::{Call, CallError, follow};
use crate::graph::client::Graph;
use crate::graph::session::Session;
use crate::graph::wire::Page;
use crate::model::error_code::OwnCode;
use crate::model::outcome::Failure;
use crate::sign_in::access_token::AccessToken;
use crate::transport::bearer::Credential;
use crate::transport::http::Http;

/// A list that goes on longer goes in a circle.
const MAX_PAGES: usize = 10_000;

/// A user, with both names that a row may have for one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) user_principal_name: Option<String>,
}

impl Member {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        [self.id.as_str()].into_iter().chain(self.user_principal_name.as_deref())
    }
}

/// What asks the directory before the first row.
pub(super) type Desk = Graph<Http, AccessToken>;

/// Shows all items of a list, page by page.
///
/// # Errors
/// Where a page cannot be read: a list that breaks off is none.
pub(super) async fn each<B: DeserializeOwned, C: Credential>(
    graph: &Graph<Http, C>,
    mut call: Call,
    mut see: impl FnMut(B),
) -> Result<(), CallError> {
    let mut session = Session::new(graph);
    for _ in 0..MAX_PAGES {
        let page: Page<B> = session.fetch(call).await?;
        page.value.into_iter().for_each(&mut see);
        match page.next_link {
            None => return Ok(()),
            Some(link) if !graph.root().owns(&link) => {
                return Err(unusable(OwnCode::ForeignNextLink, "the next page is not on the Graph root"));
            }
            Some(link) => call = follow(link),
        }
    }
    Err(unusable(OwnCode::EndlessList, "the list does not end"))
}

fn unusable(code: OwnCode, message: &str) -> CallError {
    CallError::Refused(Failure::own(code, Some(200), message))
}

//! Finds out before the first row whom a run must not touch: the signed-in admin, and, where they may be read, holders of
//! directory roles and members of groups that roles can be given to.

use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::graph::call::{Call, CallError, follow, list_members, list_role_groups, list_roles};
use crate::graph::client::{Graph, GraphParts, Root};
use crate::graph::session::Session;
use crate::graph::wire::Page;
use crate::model::error_code::OwnCode;
use crate::model::outlook::Why;
use crate::model::wards::Wards;
use crate::pace::pacer::{PaceSettings, Pacer};
use crate::pace::shutdown::Shutdown;
use crate::settings::guards::Privileged;
use crate::settings::resolve::Settings;
use crate::sign_in::access_token::AccessToken;
use crate::transport::http::Http;

use super::connect::Connection;
use super::environment::say;

/// Requests on the wire at once: a tenant has some dozens of roles at most.
const IN_FLIGHT: NonZeroUsize = NonZeroUsize::MIN;

/// A list that goes on longer goes in a circle.
const MAX_PAGES: usize = 10_000;

/// A directory role or a group.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named {
    id: String,
    display_name: String,
}

/// Somebody in it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Member {
    id: String,
    user_principal_name: Option<String>,
}

type Conversation<'graph> = Session<'graph, Http, AccessToken>;

/// Whom the rows must not touch.
pub(super) async fn wards(connection: &Connection, settings: &Settings) -> Wards {
    let mut wards = Wards::default();
    let why = Why { code: OwnCode::Protected, reason: "is the signed-in admin".to_owned() };
    wards.add(connection.person.iter().map(String::as_str), &why);
    if settings.guards.privileged == Privileged::Refused
        && let Err(error) = note_privileged(connection, settings, &mut wards).await
    {
        say(&format!(
            "warning: holders of directory roles could not be found, and are not guarded: {error}. The permission \
             Directory.Read.All lets them be found; --allow-privileged does without\n"
        ));
    }
    wards
}

async fn note_privileged(
    connection: &Connection,
    settings: &Settings,
    wards: &mut Wards,
) -> Result<(), CallError> {
    let Ok(root) = Root::new(&connection.graph_root, settings.api_version) else { return Ok(()) };
    let (events, mut inbox) = mpsc::channel(64);
    let pace = PaceSettings { in_flight: IN_FLIGHT, seek: None, ..settings.pace };
    let parts = GraphParts {
        root,
        pacer: Arc::new(Pacer::new(pace)),
        shutdown: Shutdown::default(),
        events,
        retry: settings.retry,
        random: fastrand::Rng::new(),
    };
    let token = AccessToken::new(connection.token.clone());
    let graph = Graph::new(connection.transport(), token, parts);
    let reading = async {
        let mut session = Session::new(&graph);
        for role in all::<Named>(&mut session, list_roles()).await? {
            let reason =
                format!("holds the directory role {}; --allow-privileged does it still", role.display_name);
            note_members(&mut session, list_members("directoryRoles", &role.id), reason, wards).await?;
        }
        for group in all::<Named>(&mut session, list_role_groups()).await? {
            let reason = format!(
                "is a member of the role-assignable group {}; --allow-privileged does it still",
                group.display_name
            );
            note_members(&mut session, list_members("groups", &group.id), reason, wards).await?;
        }
        Ok(())
    };
    let listening = async {
        while inbox.recv().await.is_some() {}
        std::future::pending::<()>().await;
    };
    tokio::select! {
        read = reading => read,
        () = listening => unreachable!("the graph that is read holds the other end"),
    }
}

async fn note_members(
    session: &mut Conversation<'_>,
    call: Call,
    reason: String,
    wards: &mut Wards,
) -> Result<(), CallError> {
    let why = Why { code: OwnCode::Privileged, reason };
    for Member { id, user_principal_name } in all::<Member>(session, call).await? {
        wards.add([id.as_str()].into_iter().chain(user_principal_name.as_deref()), &why);
    }
    Ok(())
}

async fn all<T: DeserializeOwned>(
    session: &mut Conversation<'_>,
    mut call: Call,
) -> Result<Vec<T>, CallError> {
    let mut found = Vec::new();
    for _ in 0..MAX_PAGES {
        let page: Page<T> = session.fetch(call).await?;
        found.extend(page.value);
        match page.next_link.filter(|link| session.graph().root().owns(link)) {
            Some(link) => call = follow(link),
            None => break,
        }
    }
    Ok(found)
}

//! Finds out before the first row whom a run must not touch: the signed-in admin, protected users under all their names,
//! and, where they may be read, holders of directory roles and members of groups that roles can be given to.

use std::num::NonZeroUsize;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::graph::call::{Call, CallError, list_members, list_role_groups, list_roles};
use crate::graph::client::{Graph, GraphParts, Root};
use crate::model::error_code::OwnCode;
use crate::model::event::Event;
use crate::model::outcome::Failure;
use crate::model::outlook::Why;
use crate::model::wards::Wards;
use crate::pace::pacer::{PaceSettings, Pacer};
use crate::pace::shutdown::Shutdown;
use crate::settings::guards::Privileged;
use crate::settings::resolve::Settings;
use crate::sign_in::access_token::AccessToken;

use super::connect::Connection;
use super::desk::{Desk, Member, each};
use super::environment::say;
use super::error::AppError;
use super::protected::note_protected;

/// Requests on the wire at once: a tenant has some dozens of roles at most.
const IN_FLIGHT: NonZeroUsize = NonZeroUsize::MIN;

/// A directory role or a group.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named {
    id: String,
    display_name: String,
}

/// What can be done where holders of roles cannot be read.
const CURE: &str = "try again, or add --allow-privileged to do without";

/// Whom the rows must not touch.
///
/// # Errors
/// When that cannot be found out, although it may be read: a guard that is not there must not pass for one.
pub(super) async fn wards(connection: &Connection, settings: &Settings) -> Result<Wards, AppError> {
    let mut wards = Wards::default();
    let why = Why { code: OwnCode::Protected, reason: "is the signed-in admin".to_owned() };
    wards.add(connection.person.iter().map(String::as_str), &why);
    let (events, mut inbox) = mpsc::channel(64);
    let graph = desk(connection, settings, events)?;
    let reading = async {
        note_protected(&graph, &settings.reading.protected, &mut wards).await?;
        if settings.guards.privileged == Privileged::Refused {
            for privilege in &PRIVILEGES {
                privilege.note(&graph, &mut wards).await?;
            }
        }
        Ok::<(), AppError>(())
    };
    let listening = async {
        while inbox.recv().await.is_some() {}
        std::future::pending::<()>().await;
    };
    tokio::select! {
        read = reading => read?,
        () = listening => unreachable!("the graph that is read holds the other end"),
    }
    Ok(wards)
}

fn desk(connection: &Connection, settings: &Settings, events: mpsc::Sender<Event>) -> Result<Desk, AppError> {
    let root = Root::new(&connection.graph_root, settings.api_version).map_err(|error| AppError::System {
        what: "use the Graph root",
        source: std::io::Error::other(error),
    })?;
    let pace = PaceSettings { in_flight: IN_FLIGHT, seek: None, ..settings.pace };
    let parts = GraphParts {
        root,
        pacer: Arc::new(Pacer::new(pace)),
        shutdown: Shutdown::default(),
        events,
        retry: settings.retry,
        random: fastrand::Rng::new(),
    };
    Ok(Graph::new(connection.transport(), AccessToken::new(connection.token.clone()), parts))
}

/// What makes somebody privileged.
struct Privilege {
    /// Who has it.
    who: &'static str,
    /// The path in which each of them stands.
    path: &'static str,
    list: fn() -> Call,
    /// What is told of who has one, before its name.
    told: &'static str,
}

const PRIVILEGES: [Privilege; 2] = [
    Privilege {
        who: "holders of directory roles",
        path: "directoryRoles",
        list: list_roles,
        told: "holds the directory role",
    },
    Privilege {
        who: "members of role-assignable groups",
        path: "groups",
        list: list_role_groups,
        told: "is a member of the role-assignable group",
    },
];

impl Privilege {
    /// Where the list may not be read, or the cloud has none (400 or 404), that is said, and the run does without. So it is
    /// with the members of one whose members may not be read. One that is gone is none of those: its members would be
    /// guarded by nobody.
    async fn note(&self, graph: &Desk, wards: &mut Wards) -> Result<(), AppError> {
        let failed = |error| AppError::census("role holders", CURE, error);
        let listed = match all::<Named>(graph, (self.list)()).await {
            Err(CallError::Refused(failure)) if matches!(failure.http_status, Some(400 | 403 | 404)) => {
                self.warn("", failure);
                return Ok(());
            }
            listed => listed.map_err(failed)?,
        };
        for Named { id, display_name } in listed {
            let reason = format!("{} {display_name}; --allow-privileged does it still", self.told);
            match note_members(graph, list_members(self.path, &id), reason, wards).await {
                Err(CallError::Refused(failure)) if failure.http_status == Some(403) => {
                    self.warn(&format!(" ({display_name})"), failure);
                }
                noted => noted.map_err(failed)?,
            }
        }
        Ok(())
    }

    fn warn(&self, which: &str, failure: Failure) {
        say(&format!(
            "warning: {}{which} could not be found, and are not guarded: {}. The permission Directory.Read.All lets them be \
             found; --allow-privileged does without\n",
            self.who,
            CallError::Refused(failure)
        ));
    }
}

async fn note_members(graph: &Desk, call: Call, reason: String, wards: &mut Wards) -> Result<(), CallError> {
    let why = Why { code: OwnCode::Privileged, reason };
    for member in all::<Member>(graph, call).await? {
        wards.add(member.names(), &why);
    }
    Ok(())
}

/// All items of a list.
async fn all<B: DeserializeOwned>(graph: &Desk, call: Call) -> Result<Vec<B>, CallError> {
    let mut found = Vec::new();
    each(graph, call, |item| found.push(item)).await?;
    Ok(found)
}

//! Looks accounts up before the first write, where a file names some users by name and others by object id: only Graph can
//! tell whether two of them are one.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::graph::call::{CallError, find_user};
use crate::graph::client::Graph;
use crate::graph::session::Session;
use crate::input::records::InputError;
use crate::input::source::Input;
use crate::model::demand::Demand;
use crate::model::error_code::OwnCode;
use crate::model::outlook::Why;
use crate::model::row::RowNumber;
use crate::model::task::{Task, Work};
use crate::model::user::UserId;
use crate::model::wards::Wards;
use crate::pace::pacer::{PaceSettings, Pacer};
use crate::policy::forecast::Counted;
use crate::settings::connection::Target;
use crate::settings::resolve::{Output, Settings};
use crate::sign_in::renewal::SignIn;
use crate::transport::http::Http;

use super::clock::wall_clock;
use super::connect::{Connection, Line};
use super::desk::Member;
use super::environment::say;
use super::error::AppError;
use super::memory::Memory;
use super::pacing::pace;
use super::purpose::Purpose;
use super::spellings::{Mix, Others, Spellings};
use super::status;

const WHOM: &str = "users of a file that has both names and object ids";

const CURE: &str = "use one spelling of users in the file, or let their accounts be read (User.ReadBasic.All): only so is it \
                    known whose rows belong together";

/// Reads the accounts of the rarer spelling, a request each, and gives which users stand there under the other one, too.
/// Those who fall under a pattern in `[protected]` by the name that is read are noted in `wards`.
///
/// # Errors
/// When one cannot be read, but for those that the tenant does not know: what is not known to be two users may be one.
pub(super) async fn spellings(
    connection: &Connection,
    settings: &Settings,
    (input, mix): (&mut Input, Mix),
    wards: &mut Wards,
) -> Result<Spellings, AppError> {
    if !mix.is_mixed() {
        return Ok(Spellings::default());
    }
    if settings.output != Output::Quiet {
        let rarer = Counted(mix.rarer(), "row");
        say(&format!(
            "the file has users by name and by object id: looks the {rarer} of the rarer ones up\n"
        ));
    }
    status::doing("looking up users by name and by object id");
    let Line { graph, shutdown: _shutdown, mut inbox, step: _step } =
        connection.open(settings, pacer(connection, settings, mix.rarer()))?;
    let mut reader = Reader { settings, wards, others: Others::default() };
    let of_kind = |rarer: bool| {
        move |task: &Result<Task, InputError>| {
            task.as_ref().map_or(true, |task| mix.is_rarer(&task.user) == rarer)
        }
    };
    input.rewind()?;
    let listening = async {
        while inbox.recv().await.is_some() {}
        std::future::pending::<()>().await;
    };
    tokio::select! {
        read = reader.read(&graph, rows(input).filter(of_kind(true))) => read?,
        () = listening => unreachable!("it never ends"),
    }
    input.rewind()?;
    let found = Spellings::among(rows(input).filter(of_kind(false)), &reader.others)?;
    input.rewind()?;
    Ok(found)
}

/// Lets so many reads go as fast as the tenant is known to allow; a rehearsal's has no quota.
pub(super) fn pacer(connection: &Connection, settings: &Settings, reads: u64) -> Arc<Pacer> {
    let demand = Demand { rows: reads, reads, writes: 0 };
    let memory = match settings.target {
        Target::Rehearsal => Memory::NONE,
        Target::Tenant(_) => Memory::of(connection),
    };
    let shared = PaceSettings { shared_by: Purpose::Plan.shared_by(settings), ..settings.pace };
    Arc::new(Pacer::new(pace(shared, &demand, memory.learned(&demand, wall_clock()))))
}

/// The rows that change something.
fn rows(input: &mut Input) -> impl Iterator<Item = Result<Task, InputError>> {
    input.filter_map(|work| match work {
        Ok(Work::Task(task)) => task.action.writes().then_some(Ok(task)),
        Ok(Work::Invalid(_) | Work::PassedOver(_)) => None,
        Err(error) => Some(Err(error)),
    })
}

type Read = (RowNumber, UserId, Result<Member, CallError>);

/// What a task came to. Nobody aborts one.
pub(super) fn joined<T>(read: Result<T, tokio::task::JoinError>) -> T {
    read.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

struct Reader<'run> {
    settings: &'run Settings,
    wards: &'run mut Wards,
    others: Others,
}

impl Reader<'_> {
    /// Reads the account of each user once, many side by side.
    async fn read(
        &mut self,
        graph: &Arc<Graph<Http, Arc<SignIn<Http>>>>,
        tasks: impl Iterator<Item = Result<Task, InputError>>,
    ) -> Result<(), AppError> {
        let (mut seen, mut sessions) = (HashSet::new(), JoinSet::new());
        for task in tasks {
            let Task { row, user, .. } = task?;
            if !seen.insert(user.order_key()) {
                continue;
            }
            if sessions.len() >= self.settings.window.get()
                && let Some(read) = sessions.join_next().await
            {
                self.note(joined(read))?;
            }
            let graph = Arc::clone(graph);
            sessions.spawn(async move {
                let read = Session::new(&graph).fetch::<Member>(find_user(&user)).await;
                (row.number, user, read)
            });
        }
        while let Some(read) = sessions.join_next().await {
            self.note(joined(read))?;
        }
        Ok(())
    }

    fn note(&mut self, (row, user, read): Read) -> Result<(), AppError> {
        let member = match read {
            Ok(member) => member,
            Err(CallError::Refused(failure)) if matches!(failure.http_status, Some(400 | 404)) => {
                return Ok(());
            }
            Err(error) => return Err(AppError::census(WHOM, CURE, error)),
        };
        for other in member.names().filter_map(|name| UserId::new(name).ok()) {
            if let Some(pattern) = self.settings.reading.protected.pattern_of(&other) {
                let reason = format!("is {other}, who is protected ({pattern} in [protected])");
                self.wards.add([user.as_str()], &Why { code: OwnCode::Protected, reason });
            }
            if other.order_key() != user.order_key() {
                self.others.insert(other.order_key(), (user.order_key(), row));
            }
        }
        Ok(())
    }
}

//! Which rows of an undo the guard of the last method would block as things stand: only Graph knows what users have besides
//! their phones, so those who are to lose one are read. Nothing is written.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::actions::reading::{Depth, read_user};
use crate::graph::client::Graph;
use crate::graph::session::Session;
use crate::input::records::InputError;
use crate::input::rows::ActionSource;
use crate::input::source::Input;
use crate::model::error_code::OwnCode;
use crate::model::foresight::{LastMethod, foresee};
use crate::model::row::RowNumber;
use crate::model::task::{Task, Work};
use crate::model::user::UserId;
use crate::model::user_state::UserState;
use crate::settings::form::Reading;
use crate::settings::resolve::Settings;
use crate::sign_in::renewal::SignIn;
use crate::transport::http::Http;

use super::accounts::{joined, pacer};
use super::connect::{Line, connect};
use super::environment::runtime;
use super::error::{AppError, chain};
use super::purpose::input_settings;
use super::status;

/// So many rows are told.
const MOST_TOLD: usize = 20;

/// What is to be said beforehand of rows that take a phone away.
pub(super) fn told(rows: &Path, settings: &Settings) -> String {
    status::doing("looking whom the rows would leave without a strong method");
    match look(rows, settings) {
        Ok(foreseen) => foreseen.text(),
        Err(error) => format!(
            "not looked up: which rows would leave their users without a strong method, and end as {}: {}\n",
            OwnCode::LastMethod.name(),
            chain(&error)
        ),
    }
}

/// What was seen.
#[derive(Debug, Default)]
struct Foreseen {
    /// Those of them that were read first.
    blocked: Vec<(RowNumber, UserId)>,
    more: u64,
    /// How many users could not be read.
    unread: u64,
}

impl Foreseen {
    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        for (row, user) in &self.blocked {
            let _ = writeln!(
                text,
                "row {row}, {user}: would be blocked ({}); --allow-last-method does it still",
                OwnCode::LastMethod.name()
            );
        }
        if self.more > 0 {
            let _ = writeln!(text, "and {} more rows would be blocked so", self.more);
        }
        if self.unread > 0 {
            let _ = writeln!(text, "could not read {} of the users who are to lose a phone", self.unread);
        }
        text
    }

    /// What a user's rows would come to, one after the other.
    fn note(&mut self, rows: &[Task], state: Option<UserState>) {
        let Some(mut state) = state else {
            self.unread += 1;
            return;
        };
        for task in rows {
            match foresee(&task.action, &state, LastMethod::Kept) {
                Ok(deeds) => deeds.iter().for_each(|deed| deed.apply(&mut state)),
                Err(block) if block.code() == OwnCode::LastMethod => {
                    if self.blocked.len() < MOST_TOLD {
                        self.blocked.push((task.row.number, task.user.clone()));
                    } else {
                        self.more += 1;
                    }
                }
                // The row says so itself, and is no matter of this guard.
                Err(_) => {}
            }
        }
    }
}

fn look(rows: &Path, settings: &Settings) -> Result<Foreseen, AppError> {
    let reading = input_settings(&Reading::default(), ActionSource::Column);
    let open = || Input::open(rows, reading.clone());
    let mut losing = 0;
    for user in users(open()?) {
        losing += u64::from(loses(&user?));
    }
    if losing == 0 {
        return Ok(Foreseen::default());
    }
    let users = users(open()?);
    runtime()?.block_on(async {
        let connection = connect(settings, None).await?;
        let pacer = pacer(&connection, settings, losing);
        let Line { graph, shutdown: _shutdown, mut inbox, step: _step } = connection.open(settings, pacer)?;
        let listening = async {
            while inbox.recv().await.is_some() {}
            std::future::pending::<()>().await;
        };
        tokio::select! {
            foreseen = read(&graph, users, settings.window.get()) => foreseen,
            () = listening => unreachable!("it never ends"),
        }
    })
}

async fn read(
    graph: &Arc<Graph<Http, Arc<SignIn<Http>>>>,
    users: impl Iterator<Item = Result<Vec<Task>, InputError>>,
    window: usize,
) -> Result<Foreseen, AppError> {
    let (mut foreseen, mut sessions) = (Foreseen::default(), JoinSet::new());
    for rows in users {
        let rows = rows?;
        if !loses(&rows) {
            continue;
        }
        if sessions.len() >= window
            && let Some(read) = sessions.join_next().await
        {
            let (rows, state): (Vec<Task>, _) = joined(read);
            foreseen.note(&rows, state);
        }
        let graph = Arc::clone(graph);
        sessions.spawn(async move {
            let had = read_user(&mut Session::new(&graph), &rows[0].user, Depth::Methods).await;
            (rows, had.ok().map(|had| had.state))
        });
    }
    while let Some(read) = sessions.join_next().await {
        let (rows, state) = joined(read);
        foreseen.note(&rows, state);
    }
    foreseen.blocked.sort_by_key(|(row, _)| *row);
    Ok(foreseen)
}

fn loses(rows: &[Task]) -> bool {
    rows.iter().any(|task| task.action.may_delete())
}

/// The rows of each user, which an undo writes one behind the other.
fn users(input: Input) -> impl Iterator<Item = Result<Vec<Task>, InputError>> {
    let rows = input.filter_map(|work| match work {
        Ok(Work::Task(task)) => Some(Ok(task)),
        Ok(Work::Invalid(_) | Work::PassedOver(_)) => None,
        Err(error) => Some(Err(error)),
    });
    let mut rows = rows.peekable();
    std::iter::from_fn(move || {
        let first = match rows.next()? {
            Ok(first) => first,
            Err(error) => return Some(Err(error)),
        };
        let key = first.user.order_key();
        let mut of_user = vec![first];
        let is_same =
            |row: &Result<Task, InputError>| row.as_ref().is_ok_and(|task| task.user.order_key() == key);
        while let Some(Ok(task)) = rows.next_if(is_same) {
            of_user.push(task);
        }
        Some(Ok(of_user))
    })
}

//! What a run reads besides its users' methods, for its guards: accounts, and who holds directory roles.

use crate::graph::needs::{READ_DIRECTORY, READ_USERS};
use crate::settings::guards::Privileged;
use crate::settings::resolve::Settings;
use crate::sign_in::claims::Claims;

use super::checkup::Checkup;
use super::spellings::Mix;

/// Whether what these rows have a run read may be read; nothing of rows that change nothing.
pub(super) fn look_at_guards(checkup: &mut Checkup, claims: &Claims, (settings, mix): (&Settings, Mix)) {
    let held = |sufficient: &[&'static str]| {
        sufficient.iter().copied().find(|one| claims.permissions().any(|held| held == *one))
    };
    let (accounts, directory) = (held(&READ_USERS), held(&READ_DIRECTORY));
    if mix.is_mixed() {
        let what = "to tell users by name from those by object id";
        match accounts {
            Some(held) => checkup.ok(CHECK, format!("{what}: {held}")),
            None => checkup.failed(CHECK, format!("{what}: none"), ONE_SPELLING),
        }
    }
    let is_wanted = mix.rows() > 0;
    let mut look = |is_wanted: bool, what: &str, held: Option<&str>, without: &str| match held {
        _ if !is_wanted => {}
        Some(held) => checkup.ok(CHECK, format!("{what}: {held}")),
        None => checkup.unknown(CHECK, format!("{what}: none; {without}")),
    };
    look(
        is_wanted && settings.guards.privileged == Privileged::Refused,
        "to see who holds directory roles",
        directory,
        "a run warns, and does not guard them (Directory.Read.All)",
    );
    look(
        is_wanted && settings.reading.protected.users().next().is_some(),
        "to look up [protected] users",
        accounts,
        "a run guards them by the spelling in the list alone (User.ReadBasic.All)",
    );
}

const CHECK: &str = "permission";

const ONE_SPELLING: &str = "use one spelling of users in the file, or grant User.ReadBasic.All";

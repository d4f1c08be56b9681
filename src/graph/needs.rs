//! What a file's actions need: permissions, roles, a signed-in person, a cloud that knows them. Pure functions, which say
//! before the first request what would be refused after it (Graph permissions reference; the pages of each request).

use std::collections::BTreeMap;
use std::fmt;

use super::cloud::Cloud;
use crate::model::action::{Action, ResetMethod};
use crate::model::actor::Actor;

/// One thing that must be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// All methods of a user are listed.
    ReadMethods,
    /// Phones are read.
    ReadPhones,
    /// Phones are read, added, changed and removed.
    WritePhones,
    /// SMS sign-in is switched.
    SwitchSmsSignIn,
    /// Passwords are reset, and the operations followed.
    ResetPasswords,
    /// Passwords are set in the users' profiles.
    SetPasswords,
}

/// A directory role (Entra ID, "Microsoft Entra built-in roles").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// As people know it.
    pub name: &'static str,
    /// Its template id, as it stands in a token's `wids`.
    pub id: &'static str,
}

const GLOBAL_READER: Role = Role { name: "Global Reader", id: "f2ef992c-3afb-46b9-b7cf-a126ee74c451" };
const AUTHENTICATION_ADMINISTRATOR: Role =
    Role { name: "Authentication Administrator", id: "c4e39bd9-1100-46d3-8c65-fb160da0071f" };
const PRIVILEGED_AUTHENTICATION_ADMINISTRATOR: Role =
    Role { name: "Privileged Authentication Administrator", id: "7be44c8a-adaf-4e2a-84d6-ab2649e08a13" };
const USER_ADMINISTRATOR: Role =
    Role { name: "User Administrator", id: "fe930be7-5e62-47db-91af-98c3a49a38b1" };
/// May do everything; never asked for.
pub const GLOBAL_ADMINISTRATOR: Role =
    Role { name: "Global Administrator", id: "62e90394-69f5-4237-9190-012177145e10" };

/// The permissions that let users be read and listed, the least privileged first (Graph v1.0, "List users").
pub const READ_USERS: [&str; 5] = [
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Those that let both roles' holders and groups' members be read (Graph v1.0, "List directoryRoles", "List groups").
pub const READ_DIRECTORY: [&str; 2] = ["Directory.Read.All", "Directory.ReadWrite.All"];

impl Need {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::ReadMethods,
        Self::ReadPhones,
        Self::WritePhones,
        Self::SwitchSmsSignIn,
        Self::ResetPasswords,
        Self::SetPasswords,
    ];

    /// What an action needs, where rows that reset a password do it by `method`.
    #[must_use]
    pub const fn of(action: &Action, method: ResetMethod) -> Self {
        match action {
            Action::ListMethods => Self::ReadMethods,
            Action::ListPhones => Self::ReadPhones,
            Action::AddPhone(_)
            | Action::UpdatePhone(_)
            | Action::SetPhone(_)
            | Action::SetPhones(_)
            | Action::DeletePhone(_) => Self::WritePhones,
            Action::EnableSmsSignIn | Action::DisableSmsSignIn => Self::SwitchSmsSignIn,
            Action::ResetPassword(Some(_)) if matches!(method, ResetMethod::PasswordProfile) => {
                Self::SetPasswords
            }
            Action::ResetPassword(_) => Self::ResetPasswords,
            Action::SetPassword(_) => Self::SetPasswords,
        }
    }

    /// What is done, as the end of "rows that …".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ReadMethods => "list methods",
            Self::ReadPhones => "read phones",
            Self::WritePhones => "change phones",
            Self::SwitchSmsSignIn => "switch SMS sign-in",
            Self::ResetPasswords => "reset passwords",
            Self::SetPasswords => "set passwords in profiles",
        }
    }

    /// The permissions that allow it, the least privileged first; each suffices.
    #[must_use]
    pub const fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::ReadMethods => {
                &["UserAuthenticationMethod.Read.All", "UserAuthenticationMethod.ReadWrite.All"]
            }
            Self::ReadPhones => &[
                "UserAuthMethod-Phone.Read.All",
                "UserAuthMethod-Phone.ReadWrite.All",
                "UserAuthenticationMethod.Read.All",
                "UserAuthenticationMethod.ReadWrite.All",
            ],
            Self::WritePhones | Self::SwitchSmsSignIn => {
                &["UserAuthMethod-Phone.ReadWrite.All", "UserAuthenticationMethod.ReadWrite.All"]
            }
            // Following the operation takes UserAuthenticationMethod, so the narrower one for passwords does not do.
            Self::ResetPasswords => &["UserAuthenticationMethod.ReadWrite.All"],
            // Wider ones need the same role besides and are no help without it.
            Self::SetPasswords => &["User-PasswordProfile.ReadWrite.All"],
        }
    }

    /// The directory roles that allow it, the least privileged first; each suffices.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::ReadMethods | Self::ReadPhones => {
                &[GLOBAL_READER, AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR]
            }
            Self::WritePhones | Self::SwitchSmsSignIn | Self::ResetPasswords => {
                &[AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR]
            }
            Self::SetPasswords => &[USER_ADMINISTRATOR],
        }
    }

    /// Whether `actor` needs one of the roles. An app's permission is enough for all but passwords in profiles.
    #[must_use]
    pub const fn wants_a_role(self, actor: Actor) -> bool {
        matches!(actor, Actor::Person) || matches!(self, Self::SetPasswords)
    }

    /// Whether the cloud's Graph knows no request for it (Graph, "National cloud deployments").
    #[must_use]
    pub const fn is_lacking_in(self, cloud: Cloud) -> bool {
        match cloud {
            Cloud::Global | Cloud::UsGov | Cloud::UsGovDod => false,
            Cloud::China => match self {
                Self::ReadPhones | Self::WritePhones | Self::SetPasswords => false,
                Self::ReadMethods | Self::SwitchSmsSignIn | Self::ResetPasswords => true,
            },
        }
    }

    /// Whether Graph allows it to a signed-in person only.
    #[must_use]
    pub const fn wants_a_person(self) -> bool {
        matches!(self, Self::ResetPasswords)
    }
}

/// How many rows need what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs(BTreeMap<Need, u64>);

impl Needs {
    /// Looks at the next row's action, where rows that reset a password do it by `method`.
    pub fn note(&mut self, action: &Action, method: ResetMethod) {
        *self.0.entry(Need::of(action, method)).or_default() += 1;
    }

    /// Each need with the number of its rows.
    pub fn iter(&self) -> impl Iterator<Item = (Need, u64)> {
        self.0.iter().map(|(need, rows)| (*need, *rows))
    }

    /// Why rows could not be done in this cloud; empty where all could.
    #[must_use]
    pub fn against_cloud(&self, cloud: Cloud) -> Vec<Obstacle> {
        let lacking = self.iter().filter(|(need, _)| need.is_lacking_in(cloud));
        lacking.map(|(need, rows)| Obstacle { need, rows, reason: Reason::Cloud(cloud) }).collect()
    }

    /// Why rows could not be done by whom the token stands for; empty where all could, or nobody knows who that is.
    #[must_use]
    pub fn against_actor(&self, actor: Option<Actor>) -> Vec<Obstacle> {
        let is_app = actor == Some(Actor::App);
        let lacking = self.iter().filter(|(need, _)| is_app && need.wants_a_person());
        lacking.map(|(need, rows)| Obstacle { need, rows, reason: Reason::AppAlone }).collect()
    }
}

/// Rows that would all be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obstacle {
    /// What they need.
    pub need: Need,
    /// How many they are.
    pub rows: u64,
    /// Why they would be.
    pub reason: Reason,
}

/// Why rows would be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Graph wants a signed-in person.
    AppAlone,
    /// The cloud's Graph knows no such request.
    Cloud(Cloud),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { need, rows, reason } = self;
        let noun = if *rows == 1 { "row wants" } else { "rows want" };
        let what = need.words();
        match reason {
            Reason::AppAlone => write!(
                f,
                "{rows} {noun} to {what}, which Graph allows to a signed-in admin only, and this sign-in is an app's; run \
                 `authwave sign-in` and set sign_in.kind = \"device-code\" (--sign-in device-code), or set run.reset_method = \
                 \"password-profile\" (--reset-method), which takes another permission and a role: docs/sign-in.md"
            ),
            Reason::Cloud(cloud) => {
                write!(f, "{rows} {noun} to {what}, which Graph does not offer in the cloud {}", cloud.name())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::phone::PhoneType;

    fn needs() -> Needs {
        let mut needs = Needs::default();
        for action in [
            Action::ListMethods,
            Action::DeletePhone(PhoneType::Mobile),
            Action::EnableSmsSignIn,
            Action::DisableSmsSignIn,
            Action::ResetPassword(None),
        ] {
            needs.note(&action, ResetMethod::ResetPassword);
        }
        needs
    }

    #[test]
    fn an_app_alone_is_told_of_resets_and_nobody_else_is() {
        let told = needs().against_actor(Some(Actor::App));
        assert_eq!(told, [Obstacle { need: Need::ResetPasswords, rows: 1, reason: Reason::AppAlone }]);
        assert!(told[0].to_string().contains("authwave sign-in"), "{}", told[0]);
        for actor in [Some(Actor::Person), None] {
            assert_eq!(needs().against_actor(actor), []);
        }
    }

    #[test]
    fn a_password_in_the_profile_is_an_app_s_to_set_with_a_role() {
        let mut needs = Needs::default();
        let secret = crate::model::secret::Secret::new("N3w-password");
        needs.note(&Action::ResetPassword(Some(secret)), ResetMethod::PasswordProfile);
        assert_eq!(needs.iter().collect::<Vec<_>>(), [(Need::SetPasswords, 1)]);
        assert_eq!(needs.against_actor(Some(Actor::App)), []);
        assert!(Need::SetPasswords.wants_a_role(Actor::App) && !Need::WritePhones.wants_a_role(Actor::App));
    }

    #[test]
    fn what_a_cloud_lacks_is_told_with_the_rows_that_want_it() {
        for cloud in [Cloud::Global, Cloud::UsGov, Cloud::UsGovDod] {
            assert_eq!(needs().against_cloud(cloud), [], "{}", cloud.name());
        }
        let told = needs().against_cloud(Cloud::China);
        let told: Vec<(Need, u64)> = told.iter().map(|obstacle| (obstacle.need, obstacle.rows)).collect();
        assert_eq!(told, [(Need::ReadMethods, 1), (Need::SwitchSmsSignIn, 2), (Need::ResetPasswords, 1)]);
    }

    #[test]
    fn the_least_privileged_permission_is_named_first() {
        assert_eq!(Need::WritePhones.permissions()[0], "UserAuthMethod-Phone.ReadWrite.All");
        assert_eq!(Need::ReadMethods.permissions()[0], "UserAuthenticationMethod.Read.All");
        for need in Need::ALL.into_iter().filter(|need| *need != Need::SetPasswords) {
            assert_eq!(need.permissions().last(), Some(&"UserAuthenticationMethod.ReadWrite.All"));
        }
    }
}

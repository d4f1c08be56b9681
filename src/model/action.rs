//! What a row asks for.

use super::phone::{Phone, PhoneChange, PhoneType};
use super::secret::Secret;

/// What to do to one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Reads the user's methods.
    ListMethods,
    /// Reads the user's phones, and tells them as methods. No row asks for it: a check of rows does.
    ListPhones,
    /// Adds a phone of a type that the user does not have yet.
    AddPhone(Phone),
    /// Changes the number of a type that the user has.
    UpdatePhone(Phone),
    /// Whatever it takes so that the type has this number.
    SetPhone(Phone),
    /// Whatever it takes so that the user has these phones, in an order that Graph accepts. Types that are not named
    /// stay as they are.
    SetPhones(Box<[PhoneChange]>),
    /// Removes the phone of a type.
    DeletePhone(PhoneType),
    /// Lets the mobile sign in by SMS.
    EnableSmsSignIn,
    /// Stops the mobile from signing in by SMS.
    DisableSmsSignIn,
    /// Sets a new password and follows the operation to its end. `None` lets Graph make one up, so that every
    /// sending gives another.
    ResetPassword(Option<Secret>),
    /// Sets a new password in the user's profile: what a row that resets means by [`ResetMethod::PasswordProfile`].
    SetPassword(Secret),
}

/// How rows that reset a password do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResetMethod {
    /// By Graph's reset, which a signed-in admin may ask for, and which writes back to an on-premises directory.
    #[default]
    ResetPassword,
    /// By a change of the user's profile, which an app may ask for, too.
    PasswordProfile,
}

impl ResetMethod {
    /// The name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResetPassword => "reset-password",
            Self::PasswordProfile => "password-profile",
        }
    }

    /// What an action becomes. A password that Graph is to make up can only be reset.
    #[must_use]
    pub fn apply(self, action: Action) -> Action {
        match (self, action) {
            (Self::PasswordProfile, Action::ResetPassword(Some(password))) => Action::SetPassword(password),
            (_, action) => action,
        }
    }
}

impl Action {
    /// The name in the `action` column.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ListMethods => "list-methods",
            Self::ListPhones => "list-phones",
            Self::AddPhone(_) => "add-phone",
            Self::UpdatePhone(_) => "update-phone",
            Self::SetPhone(_) => "set-phone",
            Self::SetPhones(_) => "set-phones",
            Self::DeletePhone(_) => "delete-phone",
            Self::EnableSmsSignIn => "enable-sms-sign-in",
            Self::DisableSmsSignIn => "disable-sms-sign-in",
            Self::ResetPassword(_) | Self::SetPassword(_) => "reset-password",
        }
    }

    /// Whether the action may change something.
    #[must_use]
    pub const fn writes(&self) -> bool {
        !matches!(self, Self::ListMethods | Self::ListPhones)
    }

    /// Whether the action looks at what is there, and tells it, before it writes.
    #[must_use]
    pub const fn reads_first(&self) -> bool {
        matches!(self, Self::SetPhone(_) | Self::SetPhones(_))
    }

    /// Whether the action may remove a phone.
    #[must_use]
    pub fn may_delete(&self) -> bool {
        match self {
            Self::DeletePhone(_) => true,
            Self::SetPhones(changes) => changes.iter().any(|change| matches!(change, PhoneChange::Delete(_))),
            Self::ListMethods
            | Self::ListPhones
            | Self::AddPhone(_)
            | Self::UpdatePhone(_)
            | Self::SetPhone(_)
            | Self::EnableSmsSignIn
            | Self::DisableSmsSignIn
            | Self::ResetPassword(_)
            | Self::SetPassword(_) => false,
        }
    }

    /// The types of the phones that are touched, in order.
    #[must_use]
    pub fn phone_types(&self) -> Vec<PhoneType> {
        match self {
            Self::SetPhones(changes) => changes.iter().map(PhoneChange::phone_type).collect(),
            Self::ListMethods
            | Self::ListPhones
            | Self::AddPhone(_)
            | Self::UpdatePhone(_)
            | Self::SetPhone(_)
            | Self::DeletePhone(_)
            | Self::EnableSmsSignIn
            | Self::DisableSmsSignIn
            | Self::ResetPassword(_)
            | Self::SetPassword(_) => self.phone_type().into_iter().collect(),
        }
    }

    /// Whether the action sets another password.
    #[must_use]
    pub const fn resets(&self) -> bool {
        matches!(self, Self::ResetPassword(_) | Self::SetPassword(_))
    }

    /// The phone that is set, where the action sets one.
    #[must_use]
    pub const fn phone(&self) -> Option<&Phone> {
        match self {
            Self::AddPhone(phone) | Self::UpdatePhone(phone) | Self::SetPhone(phone) => Some(phone),
            Self::ListMethods
            | Self::ListPhones
            | Self::SetPhones(_)
            | Self::DeletePhone(_)
            | Self::EnableSmsSignIn
            | Self::DisableSmsSignIn
            | Self::ResetPassword(_)
            | Self::SetPassword(_) => None,
        }
    }

    /// The phones that are given numbers.
    #[must_use]
    pub fn phones(&self) -> Vec<&Phone> {
        match self {
            Self::SetPhones(changes) => {
                let set = changes.iter().filter_map(|change| match change {
                    PhoneChange::Set(phone) => Some(phone),
                    PhoneChange::Delete(_) => None,
                });
                set.collect()
            }
            Self::AddPhone(_)
            | Self::UpdatePhone(_)
            | Self::SetPhone(_)
            | Self::ListMethods
            | Self::ListPhones
            | Self::DeletePhone(_)
            | Self::EnableSmsSignIn
            | Self::DisableSmsSignIn
            | Self::ResetPassword(_)
            | Self::SetPassword(_) => self.phone().into_iter().collect(),
        }
    }

    /// The type of the phone that is touched, where one is.
    #[must_use]
    pub const fn phone_type(&self) -> Option<PhoneType> {
        match self {
            Self::AddPhone(phone) | Self::UpdatePhone(phone) | Self::SetPhone(phone) => {
                Some(phone.phone_type)
            }
            Self::DeletePhone(phone_type) => Some(*phone_type),
            Self::EnableSmsSignIn | Self::DisableSmsSignIn => Some(PhoneType::Mobile),
            Self::ListMethods
            | Self::ListPhones
            | Self::SetPhones(_)
            | Self::ResetPassword(_)
            | Self::SetPassword(_) => None,
        }
    }
}

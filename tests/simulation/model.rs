//! What the tenant must hold once every row has been told.

use authwave::model::action::Action;
use authwave::model::outcome::Status;
use authwave::model::phone::{PhoneChange, PhoneType};
use authwave::simulator::users::{SeedUser, SmsPolicy, UserState};

/// What stands in one place of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    /// Nothing, or this text.
    Known(Option<String>),
    /// A row left it in doubt.
    InDoubt,
}

impl Held {
    fn allows(&self, held: Option<&String>) -> bool {
        match self {
            Self::Known(wanted) => wanted.as_ref() == held,
            Self::InDoubt => true,
        }
    }
}

/// What one user must hold.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// By type, in the order of [`PhoneType::ALL`].
    phones: [Held; 3],
    /// Whether the mobile signs in; `None` where that is in doubt.
    signs_in: Option<bool>,
    /// A mobile is registered for SMS sign-in by itself where the policy allows it.
    sms_policy: SmsPolicy,
    password: Held,
}

fn place(phone_type: PhoneType) -> usize {
    PhoneType::ALL.iter().position(|other| *other == phone_type).unwrap()
}

impl Model {
    pub(crate) fn of(seed: &SeedUser) -> Self {
        let number = |phone_type| {
            let phone = seed.phones.iter().find(|phone| phone.phone_type == phone_type);
            Held::Known(phone.map(|phone| phone.number.to_string()))
        };
        Self {
            phones: PhoneType::ALL.map(number),
            signs_in: Some(false),
            sms_policy: seed.sms_policy,
            password: Held::Known(None),
        }
    }

    /// A row has ended so; a user's rows come in the order of the file.
    pub(crate) fn note(&mut self, action: &Action, status: Status) {
        match status {
            // The changes before the one that was not done are done.
            Status::Failed | Status::Unprocessed if matches!(action, Action::SetPhones(_)) => {
                self.doubt(action);
            }
            // It changed nothing.
            Status::Failed | Status::Unprocessed => {}
            Status::Unknown | Status::Pending => self.doubt(action),
            Status::Succeeded | Status::Unchanged => self.set(action, status),
        }
    }

    fn set(&mut self, action: &Action, status: Status) {
        match action {
            Action::ListMethods | Action::ListPhones => {}
            Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => {
                self.phones[place(phone.phone_type)] = Held::Known(Some(phone.number.as_str().to_owned()));
                if phone.phone_type == PhoneType::Mobile && status == Status::Succeeded {
                    self.signs_in = Some(self.sms_policy == SmsPolicy::Allowed);
                }
            }
            Action::SetPhones(changes) => {
                let parts = changes.iter().map(|change| match change.clone() {
                    PhoneChange::Set(phone) => Action::SetPhone(phone),
                    PhoneChange::Delete(phone_type) => Action::DeletePhone(phone_type),
                });
                parts.for_each(|part| self.set(&part, status));
                // Which of them was written and which was so already is not told apart.
                let is_mobile = |change: &PhoneChange| change.phone_type() == PhoneType::Mobile;
                if status == Status::Succeeded && changes.iter().any(is_mobile) {
                    self.signs_in = None;
                }
            }
            Action::DeletePhone(phone_type) => {
                self.phones[place(*phone_type)] = Held::Known(None);
                if *phone_type == PhoneType::Mobile {
                    self.signs_in = Some(false);
                }
            }
            Action::EnableSmsSignIn => self.signs_in = Some(true),
            Action::DisableSmsSignIn => self.signs_in = Some(false),
            Action::ResetPassword(Some(password)) | Action::SetPassword(password) => {
                self.password = Held::Known(Some(password.expose().to_owned()));
            }
            Action::ResetPassword(None) => self.password = Held::InDoubt,
        }
    }

    fn doubt(&mut self, action: &Action) {
        match action {
            Action::AddPhone(phone) | Action::UpdatePhone(phone) | Action::SetPhone(phone) => {
                self.phones[place(phone.phone_type)] = Held::InDoubt;
            }
            Action::SetPhones(changes) => {
                for change in changes {
                    self.phones[place(change.phone_type())] = Held::InDoubt;
                }
                self.signs_in = None;
            }
            Action::DeletePhone(phone_type) => self.phones[place(*phone_type)] = Held::InDoubt,
            Action::ListMethods | Action::ListPhones | Action::EnableSmsSignIn | Action::DisableSmsSignIn => {
            }
            Action::ResetPassword(_) | Action::SetPassword(_) => self.password = Held::InDoubt,
        }
        if action.phone_type() == Some(PhoneType::Mobile) {
            self.signs_in = None;
        }
    }

    #[track_caller]
    pub(crate) fn assert_holds(&self, user: &UserState) {
        let held = [&user.mobile, &user.alternate_mobile, &user.office];
        for (wanted, held) in self.phones.iter().zip(held) {
            assert!(wanted.allows(held.as_ref()), "{self:?} is not {user:?}");
        }
        let signs_in = user.sms_sign_in_state == "ready";
        assert!(self.signs_in.is_none_or(|wanted| wanted == signs_in), "{self:?} is not {user:?}");
        assert!(self.password.allows(user.password.as_ref()), "{self:?} is not {user:?}");
    }
}

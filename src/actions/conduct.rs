//! How rows are done, beside what they say.

use crate::model::action::Action;
use crate::model::foresight::LastMethod;
use crate::model::task::Task;

/// How rows are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conduct {
    /// What a row that lists methods looks at.
    pub look: Look,
    /// Whether a row may take a user's last strong method away.
    pub last_method: LastMethod,
    /// Whether a row reads what it is going to change, where it would not need to.
    pub before: BeforeImages,
    /// Whether what was written is read back, although the answer was clear.
    pub confirmation: Confirmation,
}

/// Whether a row reads what it is going to change, where it would not need to, so that it can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BeforeImages {
    /// It does.
    #[default]
    Kept,
    /// It does not.
    LeftOut,
}

/// What a row that lists methods looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// The methods, all of them or none.
    Methods,
    /// As much as a plan wants to know and this sign-in may read: the methods, else the phones alone; and the account.
    ForPlan(Sight),
}

/// What a sign-in may read, as far as that is known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Whether all methods are asked for, or the phones alone.
    pub methods: Asked,
    /// Whether the account is asked for: is it disabled, is it a guest's.
    pub account: Asked,
}

/// Whether something is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It is.
    Yes,
    /// It would be refused.
    No,
}

/// Whether what was written is read back, although the answer was clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmation {
    /// It is: the row ends well only where it stands.
    ReadBack,
    /// The answer is enough.
    Answer,
}

impl Conduct {
    /// Rows are done as they say, without a look at what their users have besides.
    pub const PLAIN: Self = Self {
        look: Look::Methods,
        last_method: LastMethod::MayGo,
        before: BeforeImages::LeftOut,
        confirmation: Confirmation::Answer,
    };

    /// Whether a row looks at what is there, and tells it, before it writes.
    #[must_use]
    pub fn reads_first(self, task: &Task) -> bool {
        task.action.reads_first() || self.is_guarded(task)
    }

    /// Whether a guard looks at the user before the row is done.
    #[must_use]
    pub fn is_guarded(self, task: &Task) -> bool {
        task.expected.is_some() || self.watches_last_method(task) || self.wants_before_image(task)
    }

    /// Whether the row changes what it does not look at itself. One that adds a phone finds none, or stores nothing.
    fn wants_before_image(self, task: &Task) -> bool {
        let is_blind = match &task.action {
            Action::UpdatePhone(_)
            | Action::DeletePhone(_)
            | Action::EnableSmsSignIn
            | Action::DisableSmsSignIn => true,
            Action::SetPhones(_) => task.action.may_delete(),
            Action::ListMethods
            | Action::ListPhones
            | Action::AddPhone(_)
            | Action::SetPhone(_)
            | Action::ResetPassword(_)
            | Action::SetPassword(_) => false,
        };
        self.before == BeforeImages::Kept && is_blind
    }

    /// Whether the row may take a strong method away that has to stay.
    #[must_use]
    pub fn watches_last_method(self, task: &Task) -> bool {
        self.last_method == LastMethod::Kept && task.action.may_delete()
    }
}

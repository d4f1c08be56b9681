//! The error codes of this program: why a row did not succeed where no code of Graph's says so.

/// A code that stands in the column `error_code` where Graph named none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnCode {
    /// The row as it stands in the file cannot be done.
    InvalidRow,
    /// No connection could be made.
    NotSent,
    /// The request was sent, and its answer never came.
    NoAnswer,
    /// No token could be had any more.
    SignIn,
    /// What Graph answered cannot be understood.
    UnreadableAnswer,
    /// The run was stopped between a write and its answer.
    Stopped,
    /// An earlier session of the run broke off between a write and its answer, or the run stopped between two phones of
    /// a row.
    Interrupted,
    /// SMS sign-in was to be switched for a user without a mobile phone.
    NoMobile,
    /// Graph accepted the switch of SMS sign-in, and shows another state.
    StateDidNotFollow,
    /// A list went on at another place than Graph.
    ForeignNextLink,
    /// A list went on and on.
    EndlessList,
    /// A reset was accepted without the address of its operation.
    NoOperationUrl,
    /// A reset's operation is at another place than Graph.
    ForeignOperationUrl,
    /// A reset's operation failed.
    OperationFailed,
    /// A reset's operation was not asked for within its 24 hours.
    OperationExpired,
    /// An earlier reset of the user may still set its password.
    EarlierResetLost,
    /// The user stands in the list of protected users, or is the signed-in admin.
    Protected,
    /// The user holds a directory role, or is in a group that roles can be given to.
    Privileged,
    /// The user would be left without a strong method.
    LastMethod,
    /// The user is no longer as the plan says.
    StateMoved,
    /// The row does not stand in the plan.
    NotPlanned,
    /// A row of a user who went first was accepted, and reading back does not show it.
    NotConfirmed,
    /// What the user has, or lacks, does not let the row be done.
    Blocked,
    /// Another row of the file says something else of the same phone.
    Contradiction,
    /// Nobody is called so.
    UnknownUser,
    /// The account is disabled.
    Disabled,
    /// The user is a guest.
    Guest,
    /// The user could not be read, so that nobody knows what the row would do.
    Unread,
    /// The row's time has not come.
    NotDue,
}

impl OwnCode {
    /// All there are.
    pub const ALL: [Self; 29] = [
        Self::InvalidRow,
        Self::NotSent,
        Self::NoAnswer,
        Self::SignIn,
        Self::UnreadableAnswer,
        Self::Stopped,
        Self::Interrupted,
        Self::NoMobile,
        Self::StateDidNotFollow,
        Self::ForeignNextLink,
        Self::EndlessList,
        Self::NoOperationUrl,
        Self::ForeignOperationUrl,
        Self::OperationFailed,
        Self::OperationExpired,
        Self::EarlierResetLost,
        Self::Protected,
        Self::Privileged,
        Self::LastMethod,
        Self::StateMoved,
        Self::NotPlanned,
        Self::NotConfirmed,
        Self::Blocked,
        Self::Contradiction,
        Self::UnknownUser,
        Self::Disabled,
        Self::Guest,
        Self::Unread,
        Self::NotDue,
    ];

    /// The word in results.csv.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRow => "invalid-row",
            Self::NotSent => "not-sent",
            Self::NoAnswer => "no-answer",
            Self::SignIn => "sign-in",
            Self::UnreadableAnswer => "unreadable-answer",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::NoMobile => "no-mobile",
            Self::StateDidNotFollow => "state-did-not-follow",
            Self::ForeignNextLink => "foreign-next-link",
            Self::EndlessList => "endless-list",
            Self::NoOperationUrl => "no-operation-url",
            Self::ForeignOperationUrl => "foreign-operation-url",
            Self::OperationFailed => "operation-failed",
            Self::OperationExpired => "operation-expired",
            Self::EarlierResetLost => "earlier-reset-lost",
            Self::Protected => "protected",
            Self::Privileged => "privileged",
            Self::LastMethod => "last-method",
            Self::StateMoved => "state-moved",
            Self::NotPlanned => "not-planned",
            Self::NotConfirmed => "not-confirmed",
            Self::Blocked => "blocked",
            Self::Contradiction => "contradiction",
            Self::UnknownUser => "unknown-user",
            Self::Disabled => "disabled",
            Self::Guest => "guest",
            Self::Unread => "unread",
            Self::NotDue => "not-due",
        }
    }

    /// The code that is called so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

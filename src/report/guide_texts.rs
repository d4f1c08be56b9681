//! The words of the error guide.

/// What is known of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// The code, or of a whole kind of them as `http-403` or `http-5xx`.
    pub code: &'static str,
    /// Further codes that mean the same.
    pub also: &'static [&'static str],
    /// What happened, in plain words.
    pub cause: &'static str,
    /// What to do.
    pub cure: &'static str,
    /// Which permission or role it is about; empty where it is about none.
    pub permission: &'static str,
}

/// Our own codes, in the order of `OwnCode::ALL`.
pub(super) const OWN: &[Advice] = &[
    Advice {
        code: "invalid-row",
        also: &[],
        cause: "The row cannot be done as it stands in the file. The message names the column, what stands \
            there and what is wrong with it.",
        cure: "Mend the row in unfinished.csv and give that file to authwave run. `authwave check FILE` \
            tells all such rows at once, without sending anything.",
        permission: "",
    },
    Advice {
        code: "not-sent",
        also: &[],
        cause: "No connection to Graph could be made until the row's time (`--retry-budget`) was used up. \
            Nothing was sent.",
        cure: "Look at the network, the proxy and DNS with `authwave doctor`, then run unfinished.csv.",
        permission: "",
    },
    Advice {
        code: "no-answer",
        also: &[],
        cause: "The request was sent, and the connection broke or no answer came in time. It may have been \
            carried out; where it could be read back, it was.",
        cure: "Run unfinished.csv: set-phone, delete-phone and the others find out what holds before they \
            write. Ask the user where the row is a password reset.",
        permission: "",
    },
    Advice {
        code: "sign-in",
        also: &[],
        cause: "No token could be had any more, so the run stopped. The message is that of the sign-in.",
        cure: "Look at docs/sign-in.md for the message's AADSTS number, mend the sign-in, see that \
            `authwave doctor` is content, then `authwave resume` the run.",
        permission: "What the rows need: README.md, \"An app registration\"",
    },
    Advice {
        code: "unreadable-answer",
        also: &[],
        cause: "Graph answered with success, and the body could not be understood, several times in a row. \
            A gateway or a proxy between may have cut it.",
        cure: "Run unfinished.csv. If it comes again, take the proxy out of the way, and give the \
            request_id to Microsoft's support.",
        permission: "",
    },
    Advice {
        code: "stopped",
        also: &[],
        cause: "The run was stopped between a write and the proof of what it did.",
        cure: "`authwave resume` reads the user back first and does the row only where it is not done.",
        permission: "",
    },
    Advice {
        code: "interrupted",
        also: &[],
        cause: "An earlier session of the run ended (a crash, a power cut, kill -9) before the answer to a \
            write was noted, and what it did could not be read back; or the run was stopped between two phones of a \
            row that has several.",
        cure: "`authwave resume` where rows are left, else run unfinished.csv. A reset whose password Graph \
            was to make up is never sent twice: reset again, or ask the user.",
        permission: "",
    },
    Advice {
        code: "no-mobile",
        also: &[],
        cause: "SMS sign-in is a property of the mobile phone, and the user has none.",
        cure: "Put a row with set-phone and the mobile number before it.",
        permission: "",
    },
    Advice {
        code: "state-did-not-follow",
        also: &[],
        cause: "Graph accepted the switch of SMS sign-in, and read back the phone shows no state.",
        cure: "Run unfinished.csv some minutes later: the state may follow late.",
        permission: "",
    },
    Advice {
        code: "foreign-next-link",
        also: &[],
        cause: "Graph's list of methods went on at an address that is not on the Graph root. A token is \
            never sent to another place.",
        cure: "Look whether tenant.graph_root names the tenant's own cloud, and whether a proxy rewrites \
            answers.",
        permission: "",
    },
    Advice {
        code: "endless-list",
        also: &[],
        cause: "Graph's list of methods did not end after a hundred pages.",
        cure: "Run unfinished.csv; if it comes again, give the request_id to Microsoft's support.",
        permission: "",
    },
    Advice {
        code: "no-operation-url",
        also: &[],
        cause: "Graph accepted the password reset and named no operation that could be followed. The \
            password was most likely set.",
        cure: "Ask the user to sign in, or reset once more.",
        permission: "",
    },
    Advice {
        code: "foreign-operation-url",
        also: &[],
        cause: "Graph accepted the password reset and named an operation that is not on the Graph root. A \
            token is never sent to another place.",
        cure: "Look whether tenant.graph_root names the tenant's own cloud, and whether a proxy rewrites \
            answers. The password was most likely set.",
        permission: "",
    },
    Advice {
        code: "operation-failed",
        also: &[],
        cause: "Graph accepted the password reset, and its operation failed. The message is Graph's status \
            detail; most often the password breaks a rule of the directory on site, or password writeback \
            does not work.",
        cure: "Try a longer password that was never used; for synchronised users look at password writeback \
            in the Entra admin center.",
        permission: "",
    },
    Advice {
        code: "operation-expired",
        also: &[],
        cause: "The operation of an accepted password reset can be asked for during 24 hours, which were \
            over.",
        cure: "Ask the user to sign in, or reset once more. `authwave operations` within a day avoids it.",
        permission: "",
    },
    Advice {
        code: "earlier-reset-lost",
        also: &[],
        cause: "The password was set, but an earlier reset of the same user was never answered and may set \
            its own password after it.",
        cure: "Reset once more, or ask the user which password works.",
        permission: "",
    },
    Advice {
        code: "protected",
        also: &[],
        cause: "The user stands in the list of protected users (`[protected]` in the settings), or is the admin who \
            is signed in. Nothing was sent for the row.",
        cure: "Take the row out of the file. If the user may be changed after all, take the name or pattern off the \
            list; an admin's own methods are changed by somebody else.",
        permission: "",
    },
    Advice {
        code: "privileged",
        also: &[],
        cause: "The user holds a directory role, or is a member of a group that roles can be given to. Nothing was \
            sent for the row.",
        cure: "Look whether the row is meant. If it is, run it again with `--allow-privileged`.",
        permission: "Changing admins takes the role Privileged Authentication Administrator",
    },
    Advice {
        code: "last-method",
        also: &[],
        cause: "The row would take the user's last strong method away, or the last that this sign-in may see. Nothing \
            was written.",
        cure: "Give the user another method first, or run the row again with `--allow-last-method`.",
        permission: "UserAuthenticationMethod.Read.All shows methods other than phones",
    },
    Advice {
        code: "state-moved",
        also: &[],
        cause: "Somebody changed the user's phones after the plan was made. The detail tells how they were and how they \
            are. Or the plan says that there is nothing to do, and the row might change something. Nothing was written.",
        cure: "Make a new plan of the row (`authwave plan unfinished.csv`), and look at it again.",
        permission: "",
    },
    Advice {
        code: "not-planned",
        also: &[],
        cause: "The run goes by a plan in which the row does not stand, or stands for another user or to do something \
            else. Nothing was sent for it.",
        cure: "Make a new plan of the file.",
        permission: "",
    },
    Advice {
        code: "not-confirmed",
        also: &[],
        cause: "The row is of a user who goes first (`--canary`). Graph accepted it, and reading the user back does not \
            show it, so the run stopped before it touched anybody else.",
        cure: "Look at the user. Where part of the number is hidden from this role, what is shown of it is not what was \
            written. Then `authwave resume` the run.",
        permission: "The numbers are shown to the role Privileged Authentication Administrator",
    },
    Advice {
        code: "blocked",
        also: &[],
        cause: "What the user has, or lacks, does not let the row be done; the message says what it is. Nothing was \
            written.",
        cure: "Do what the message says, most often another action or a row before this one, and make a new plan.",
        permission: "",
    },
    Advice {
        code: "contradiction",
        also: &[],
        cause: "An earlier row of the file gives the same phone of the same user another number, or has the same user \
            in the other spelling, by name or by object id. Nothing was written for the later row.",
        cure: "Keep one of the two rows, or use one spelling for both, and make a new plan or run.",
        permission: "",
    },
    Advice {
        code: "unknown-user",
        also: &[],
        cause: "When the plan was made, nobody in the tenant was called so.",
        cure: "Check the spelling, or use the object id. A user who was made a moment ago is known in some minutes.",
        permission: "",
    },
    Advice {
        code: "disabled",
        also: &[],
        cause: "When the plan was made, the user's account was disabled. Nothing is planned for such users.",
        cure: "Take the row out, or enable the account and make a new plan. A run without a plan does not look.",
        permission: "",
    },
    Advice {
        code: "guest",
        also: &[],
        cause: "The user is a guest, whose methods are those of the home tenant and cannot be changed from here.",
        cure: "Take the row out.",
        permission: "",
    },
    Advice {
        code: "unread",
        also: &[],
        cause: "The user could not be read when the plan was made, so that nobody knows what the row would do.",
        cure: "The message says what Graph answered. Mend that, and make a new plan.",
        permission: "UserAuthMethod-Phone.Read.All or UserAuthenticationMethod.Read.All",
    },
    Advice {
        code: "not-due",
        also: &[],
        cause: "The row's `not_before` had not come when the run began, or that of an earlier row of its user, behind \
            which it waits. The row is `unprocessed`; this is no fault, and the exit code does not count it.",
        cure: "Run the same file again once it is due; with --since-run and the run directory nothing is sent for rows \
            that are done. A job that runs every night does so by itself.",
        permission: "",
    },
];

/// Graph's codes as far as they are documented or were observed.
pub(super) const GRAPH: &[Advice] = &[
    Advice {
        code: "phoneNumberNotUnique",
        also: &[],
        cause: "Another user signs in by SMS with this number. The number itself is normally stored; only \
            its registration for SMS sign-in failed.",
        cure: "Give the number to one user only, or take SMS sign-in from the other one \
            (disable-sms-sign-in). `authwave check` finds numbers that stand in one file twice.",
        permission: "",
    },
    Advice {
        code: "notAllowedByPolicy",
        also: &[],
        cause: "The user is not in the tenant's policy for the method SMS, or \"use for sign-in\" is off \
            there.",
        cure: "Entra admin center: Protection, Authentication methods, SMS: add the user's group and tick \
            \"Use for sign-in\". Then run unfinished.csv.",
        permission: "Authentication Policy Administrator, to change the policy",
    },
    Advice {
        code: "notSupported",
        also: &[],
        cause: "This phone cannot sign in by SMS: only a mobile can, and not that of a guest.",
        cure: "Take these rows out, or give the user a mobile phone first.",
        permission: "",
    },
    Advice {
        code: "notEnabled",
        also: &["ready", "notConfigured", "unknownFutureValue"],
        cause: "Graph accepted the switch of SMS sign-in, and the phone read back is in this state, which \
            is not what was asked for.",
        cure: "Run unfinished.csv some minutes later: the state may follow late.",
        permission: "",
    },
    Advice {
        code: "Request_ResourceNotFound",
        also: &["resourceNotFound", "itemNotFound"],
        cause: "Graph does not know the user, or the user does not have this phone.",
        cure: "Check the spelling, or use the object id. For a phone that is not there use set-phone \
            instead of update-phone. A user who was made a moment ago is known a little later.",
        permission: "",
    },
    Advice {
        code: "InvalidAuthenticationToken",
        also: &["unauthenticated", "insufficient_claims"],
        cause: "Graph does not take the token: it has expired, was revoked, or Conditional Access wants \
            more of it than it proves.",
        cure: "Sign in again (`authwave sign-in`, or a new AUTHWAVE_ACCESS_TOKEN), see that `authwave \
            doctor` is content, then `authwave resume` the run.",
        permission: "",
    },
    Advice {
        code: "BadRequest",
        also: &["Request_BadRequest", "invalidRequest"],
        cause: "Graph takes the request for malformed or not possible. For phones most often: the number \
            does not exist in its country, or an alternateMobile without a mobile; for resets: the password \
            breaks the rules.",
        cure: "The message says what. Mend the row in unfinished.csv and run it.",
        permission: "",
    },
    Advice {
        code: "conflict",
        also: &["nameAlreadyExists", "resourceModified"],
        cause: "The user has a phone of this type already, or somebody else changed the user at the same \
            moment.",
        cure: "Use set-phone: it changes the number where there is one, and adds it where there is none.",
        permission: "",
    },
    Advice {
        code: "TooManyRequests",
        also: &["activityLimitReached", "quotaLimitReached", "throttledRequest"],
        cause: "The tenant asked for less until the row's time (`--retry-budget`) was used up. It was not \
            carried out.",
        cure: "Run unfinished.csv later, when fewer other programs work on the tenant, or with a longer \
            --retry-budget.",
        permission: "",
    },
    Advice {
        code: "UnknownError",
        also: &["generalException"],
        cause: "Graph does not say what went wrong. A write may have been carried out nevertheless.",
        cure: "Run unfinished.csv; if it comes again, give the request_id to Microsoft's support.",
        permission: "",
    },
];

/// What is known of all other codes, by the status of the answer.
pub(super) const STATUSES: &[Advice] = &[
    Advice {
        code: "http-3xx",
        also: &[],
        cause: "Graph, or something on the way to it, answered that the request should go to another address. authwave \
            follows no redirect: its token goes to the Graph root that was set and nowhere else.",
        cure: "Look at --graph-root, and at the proxy. Then run unfinished.csv.",
        permission: "",
    },
    Advice {
        code: "http-400",
        also: &[],
        cause: "Graph takes the request for malformed or not possible.",
        cure: "The message says what. Mend the row in unfinished.csv and run it.",
        permission: "",
    },
    Advice {
        code: "http-401",
        also: &[],
        cause: "Graph does not take the token, also after it was renewed.",
        cure: "Mend the sign-in, see that `authwave doctor` is content, then `authwave resume` the run.",
        permission: "",
    },
    Advice {
        code: "http-403",
        also: &["accessDenied", "Authorization_RequestDenied", "notAllowed"],
        cause: "Not allowed: a permission, the admin consent for it, a directory role or a licence is \
            missing; or the user holds an admin role, which needs a higher one to change.",
        cure: "`authwave doctor FILE` says which. Grant it, wait some minutes, then `authwave resume` the \
            run, or run unfinished.csv.",
        permission: PHONES_OR_RESETS,
    },
    Advice {
        code: "http-404",
        also: &[],
        cause: "Graph does not know the user, or the user does not have this phone.",
        cure: "Check the spelling, or use the object id. For a phone that is not there use set-phone \
            instead of update-phone.",
        permission: "",
    },
    Advice {
        code: "http-409",
        also: &[],
        cause: "What is there already stands against it: most often a phone of this type.",
        cure: "Use set-phone: it changes the number where there is one, and adds it where there is none.",
        permission: "",
    },
    Advice {
        code: "http-429",
        also: &[],
        cause: "The tenant asked for less until the row's time (`--retry-budget`) was used up. It was not \
            carried out.",
        cure: "Run unfinished.csv later, or with a longer --retry-budget.",
        permission: "",
    },
    Advice {
        code: "http-4xx",
        also: &[],
        cause: "Graph refused the request. Nothing was changed.",
        cure: "The message and the status say why, as far as Graph does.",
        permission: "",
    },
    Advice {
        code: "http-5xx",
        also: &["serviceNotAvailable"],
        cause: "Graph or a gateway before it had a fault. A write may have been carried out; where it could \
            be read back, it was.",
        cure: "Run unfinished.csv later. If it stays, look at the service health in the Microsoft 365 admin \
            center, and give the request_id to Microsoft's support.",
        permission: "",
    },
    Advice {
        code: "http-other",
        also: &[],
        cause: "The answer does not say more than its code.",
        cure: "Look at error_message and detail in results.csv, then run unfinished.csv.",
        permission: "",
    },
];

const PHONES_OR_RESETS: &str = "for phones and SMS sign-in UserAuthMethod-Phone.ReadWrite.All or \
    UserAuthenticationMethod.ReadWrite.All; for password resets UserAuthenticationMethod.ReadWrite.All and a signed-in \
    admin. A signed-in admin needs the role Authentication Administrator besides (for holders of admin roles: Privileged \
    Authentication Administrator)";

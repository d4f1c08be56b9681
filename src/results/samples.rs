//! Rows and events that the tests of this module share.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::action::Action;
use crate::model::error_code::OwnCode;
use crate::model::event::Ended;
use crate::model::header::Header;
use crate::model::outcome::{Failure, Outcome, Status};
use crate::model::phone::{PhoneNumber, PhoneType};
use crate::model::row::{Row, RowNumber};
use crate::model::secret::Secret;
use crate::model::task::{InvalidRow, Prior, Task, Work};
use crate::model::timeline::Timeline;
use crate::model::user::UserId;
use crate::model::user_state::SmsSignIn;
use crate::policy::holders::{Certainty, Holder, Holders, SearchEnd, Searched, Taken, TenantHolder};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The moment at which every sample begins.
pub(super) fn start() -> Instant {
    *START
}

/// [`start`] is 2026-01-02T03:04:05Z.
pub(super) fn timeline() -> Timeline {
    Timeline::new(start(), "2026-01-02T03:04:05Z".parse().unwrap())
}

/// All columns, and the extra ones `note` and `city`.
pub(super) fn header() -> Header {
    let names =
        ["UPN", "action", "phone type", "number", "new_password", "new_password_from", "note", "city"];
    Header {
        names: names.map(str::to_owned).to_vec(),
        user: Some(0),
        action: Some(1),
        phone_type: Some(2),
        phone_number: Some(3),
        new_password: Some(4),
        new_password_from: Some(5),
        country: None,
        phones: [None; 3],
        not_before: None,
        extra: vec![6, 7],
    }
}

pub(super) fn row(number: u64, fields: &[&str]) -> Row {
    Row { number: RowNumber(number), fields: Box::new(fields.iter().collect()) }
}

/// A task of a row with the columns of [`header`].
pub(super) fn task(number: u64, action: Action) -> Work {
    let fields = [" A@b.c ", "whatever", "x", "y", "S3cret!!", "", "a note", "x, y"];
    Work::Task(Task {
        row: row(number, &fields),
        user: UserId::new("A@b.c").unwrap(),
        action,
        prior: Prior::Untried,
        not_before: None,
        expected: None,
    })
}

pub(super) fn reset(number: u64) -> Work {
    task(number, Action::ResetPassword(Some(Secret::new("S3cret!!"))))
}

pub(super) fn invalid(row: Row) -> Work {
    Work::Invalid(InvalidRow {
        row,
        column: "-".to_owned(),
        value: String::new(),
        reason: "is wrong".to_owned(),
        code: OwnCode::InvalidRow,
        may_be_done: false,
    })
}

/// A row with two fields too many: its password has a comma and stands in three columns.
pub(super) fn misplaced(number: u64) -> Work {
    invalid(row(number, &["a@b.c", "reset", "", "", "S3cret", "S3cret", "S3cret", "", "a note", "x"]))
}

/// How an invalid row ends.
pub(super) fn invalid_row() -> Outcome {
    let message = "is wrong".to_owned();
    Outcome::failed(Failure { http_status: None, code: "invalid-row".to_owned(), message }, "")
}

/// Begun 1.5 s after the start and ended 250 ms later, with 2 attempts and no answer.
pub(super) fn ended(work: Work, outcome: Outcome) -> Ended {
    let started_at = start() + Duration::from_millis(1500);
    Ended {
        work,
        outcome,
        attempts: 2,
        http_status: None,
        started_at: Some(started_at),
        ended_at: started_at + Duration::from_millis(250),
        request_id: String::new(),
        client_request_id: String::new(),
        operation_id: String::new(),
    }
}

/// A row whose number others have, in the file and in the tenant.
pub(super) fn holders() -> Holders {
    let [row, other] = [3, 1].map(RowNumber);
    let [user, another] = ["b@contoso.com", "a@contoso.com"].map(|name| UserId::new(name).unwrap());
    let (phone_type, status) = (PhoneType::Mobile, Status::Succeeded);
    let holder = Holder { row: other, user: another, phone_type, status };
    let number = Some(PhoneNumber::from_formatted("+1 2065550101"));
    let in_tenant = vec![TenantHolder {
        id: "ed178e23-7447-4892-baf8-fc46f8af26ce".to_owned(),
        name: "z@contoso.com".to_owned(),
        phone_type: PhoneType::Mobile,
        sms: SmsSignIn::Ready,
        certainty: Certainty::Same,
    }];
    let end = SearchEnd::Stopped("a signal came".to_owned());
    let searched = Searched { users: 7, read: 3, unread: 1, hidden: 2, requests: 5, end };
    let holders = vec![holder];
    let taken = Taken { row, user, number, holders, more: 4, in_tenant, more_in_tenant: 1 };
    Holders { rows: 2, taken: vec![taken], searched: Some(searched) }
}

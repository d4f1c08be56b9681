//! `numbers_taken` in summary.json: rows that ended since their number signs in another user, and who has it. It can be read
//! again: a search of the tenant stands nowhere else.

use serde::{Deserialize, Serialize};

use crate::model::outcome::Status;
use crate::model::phone::{PhoneNumber, PhoneType};
use crate::model::row::RowNumber;
use crate::model::user::UserId;
use crate::model::user_state::SmsSignIn;
use crate::policy::holders::{Certainty, Holder, Holders, SearchEnd, Searched, Taken, TenantHolder};

/// How a certain holder is called.
const SAME: &str = "same";

/// Rows that ended since their number signs in another user (`phoneNumberNotUnique`), and who in the input has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NumbersTaken {
    /// How many rows ended so.
    pub rows: u64,
    /// The first of them, at most [`MOST_ROWS`](crate::policy::holders::MOST_ROWS), in the order of the input.
    pub listed: Vec<NumberTaken>,
    /// How the tenant was searched for them (`--find-holders`); `None` where it was not.
    #[serde(default)]
    pub searched: Option<TenantSearch>,
}

/// How the tenant was searched for holders of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantSearch {
    /// How many users there are.
    pub users: u64,
    /// Of how many the phones were read.
    pub read: u64,
    /// Of how many they could not be read.
    pub unread: u64,
    /// How many of the phones had numbers that are hidden from the sign-in.
    pub hidden: u64,
    /// How many requests it took; those of the run do not count them.
    pub requests: u64,
    /// `all-found`, `whole-tenant` or `stopped`.
    pub ended: String,
    /// Why it stopped; `None` where it did not.
    pub reason: Option<String>,
}

/// A row whose number signs in another user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberTaken {
    /// The row.
    pub row: u64,
    /// Its user.
    pub user: String,
    /// The mobile's number; `None` where no row of the input says it.
    pub phone_number: Option<String>,
    /// Other users' rows that give them the number, at most
    /// [`MOST_HOLDERS`](crate::policy::holders::MOST_HOLDERS).
    pub in_file: Vec<InFile>,
    /// How many more such rows there are.
    pub more_in_file: u64,
    /// Other users of the tenant who have the number, at most [`MOST_HOLDERS`](crate::policy::holders::MOST_HOLDERS), those
    /// who sign in with it first; empty where nobody looked.
    #[serde(default)]
    pub in_tenant: Vec<InTenant>,
    /// How many more such phones there are.
    #[serde(default)]
    pub more_in_tenant: u64,
}

/// A user of the tenant who has the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InTenant {
    /// Object id.
    pub id: String,
    /// User principal name; empty where Graph told none.
    pub user: String,
    /// As which phone.
    pub phone_type: String,
    /// `ready` where the phone signs the user in.
    pub sms_sign_in_state: String,
    /// `same`, or `possible` where part of the number is hidden from the sign-in and what is shown agrees.
    pub certainty: String,
}

/// A row that gives its user the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFile {
    /// The row.
    pub row: u64,
    /// Its user.
    pub user: String,
    /// As which phone.
    pub phone_type: String,
    /// How the row ended.
    pub status: String,
}

impl From<&Holders> for NumbersTaken {
    fn from(holders: &Holders) -> Self {
        Self {
            rows: holders.rows,
            listed: holders.taken.iter().map(NumberTaken::from).collect(),
            searched: holders.searched.as_ref().map(TenantSearch::from),
        }
    }
}

impl From<&Searched> for TenantSearch {
    fn from(searched: &Searched) -> Self {
        let Searched { users, read, unread, hidden, requests, ref end } = *searched;
        let (ended, reason) = match end {
            SearchEnd::AllFound => ("all-found", None),
            SearchEnd::WholeTenant => ("whole-tenant", None),
            SearchEnd::Stopped(reason) => ("stopped", Some(reason.clone())),
        };
        Self { users, read, unread, hidden, requests, ended: ended.to_owned(), reason }
    }
}

impl From<&TenantHolder> for InTenant {
    fn from(holder: &TenantHolder) -> Self {
        let certainty = match holder.certainty {
            Certainty::Same => SAME,
            Certainty::Possible => "possible",
        };
        Self {
            id: holder.id.clone(),
            user: holder.name.clone(),
            phone_type: holder.phone_type.name().to_owned(),
            sms_sign_in_state: holder.sms.name().to_owned(),
            certainty: certainty.to_owned(),
        }
    }
}

impl From<&Taken> for NumberTaken {
    fn from(taken: &Taken) -> Self {
        Self {
            row: taken.row.0,
            user: taken.user.to_string(),
            phone_number: taken.number.as_ref().map(ToString::to_string),
            in_file: taken.holders.iter().map(InFile::from).collect(),
            more_in_file: taken.more,
            in_tenant: taken.in_tenant.iter().map(InTenant::from).collect(),
            more_in_tenant: taken.more_in_tenant,
        }
    }
}

impl From<&Holder> for InFile {
    fn from(holder: &Holder) -> Self {
        Self {
            row: holder.row.0,
            user: holder.user.to_string(),
            phone_type: holder.phone_type.name().to_owned(),
            status: holder.status.name().to_owned(),
        }
    }
}

/// What can be read in it: what somebody has changed there is left out.
impl From<&NumbersTaken> for Holders {
    fn from(told: &NumbersTaken) -> Self {
        Self {
            rows: told.rows,
            taken: told.listed.iter().filter_map(NumberTaken::read).collect(),
            searched: told.searched.as_ref().map(TenantSearch::read),
        }
    }
}

impl TenantSearch {
    fn read(&self) -> Searched {
        let Self { users, read, unread, hidden, requests, .. } = *self;
        let end = match (self.ended.as_str(), &self.reason) {
            ("all-found", _) => SearchEnd::AllFound,
            ("whole-tenant", _) => SearchEnd::WholeTenant,
            (_, reason) => SearchEnd::Stopped(reason.clone().unwrap_or_default()),
        };
        Searched { users, read, unread, hidden, requests, end }
    }
}

impl NumberTaken {
    fn read(&self) -> Option<Taken> {
        Some(Taken {
            row: RowNumber(self.row),
            user: UserId::new(&self.user).ok()?,
            number: self.phone_number.as_deref().map(PhoneNumber::from_formatted),
            holders: self.in_file.iter().filter_map(InFile::read).collect(),
            more: self.more_in_file,
            in_tenant: self.in_tenant.iter().filter_map(InTenant::read).collect(),
            more_in_tenant: self.more_in_tenant,
        })
    }
}

impl InFile {
    fn read(&self) -> Option<Holder> {
        Some(Holder {
            row: RowNumber(self.row),
            user: UserId::new(&self.user).ok()?,
            phone_type: phone_type(&self.phone_type)?,
            status: Status::ALL.into_iter().find(|status| status.name() == self.status)?,
        })
    }
}

impl InTenant {
    fn read(&self) -> Option<TenantHolder> {
        let certainty = if self.certainty == SAME { Certainty::Same } else { Certainty::Possible };
        Some(TenantHolder {
            id: self.id.clone(),
            name: self.user.clone(),
            phone_type: phone_type(&self.phone_type)?,
            sms: SmsSignIn::named(&self.sms_sign_in_state),
            certainty,
        })
    }
}

fn phone_type(name: &str) -> Option<PhoneType> {
    PhoneType::ALL.into_iter().find(|phone_type| phone_type.name() == name)
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn what_is_told_can_be_read_again() {
        let found = samples::holders();
        let told = NumbersTaken::from(&found);
        assert_eq!(Holders::from(&told), found);
        let of_end = |end| Holders {
            searched: found.searched.clone().map(|searched| Searched { end, ..searched }),
            ..found.clone()
        };
        for found in [of_end(SearchEnd::AllFound), of_end(SearchEnd::WholeTenant)] {
            assert_eq!(Holders::from(&NumbersTaken::from(&found)), found);
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_keeps_nobody_from_the_others() {
        let mut told = NumbersTaken::from(&samples::holders());
        let broken = NumberTaken { user: "nobody".to_owned(), ..told.listed[0].clone() };
        told.listed[0].in_file[0].status = "lost".to_owned();
        told.listed.push(broken);
        let read = Holders::from(&told);
        assert_eq!((read.rows, read.taken.len(), read.taken[0].holders.len()), (2, 1, 0));
        assert_eq!(read.taken[0].in_tenant, samples::holders().taken[0].in_tenant);
    }
}

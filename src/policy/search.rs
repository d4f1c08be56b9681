//! Who in a tenant has the numbers that sign in somebody else already: a pure reading of what users have, one after the other.

use std::collections::HashMap;

use super::holders::{Certainty, Holders, MOST_HOLDERS, TenantHolder};
use crate::model::method::Method;
use crate::model::phone::{PhoneNumber, PhoneType, digits};
use crate::model::user::UserId;
use crate::model::user_state::{HeldPhone, SmsSignIn, UserState};

/// The numbers that are sought, and who was found to have them so far.
#[derive(Debug)]
pub struct Search {
    /// By digits, so that users are not compared with every number.
    sought: HashMap<(String, String), Sought>,
    /// How many of them have somebody who signs in with them.
    found: usize,
    /// Of how many users the phones were seen.
    pub read: u64,
    /// Of how many they could not be read.
    pub unread: u64,
    /// How many phones had numbers that are hidden, at least in part.
    pub hidden: u64,
}

#[derive(Debug)]
struct Sought {
    number: PhoneNumber,
    /// Whose rows met it: they are no holders for themselves.
    rows_of: Vec<u64>,
    /// At most [`MOST_KEPT`], and those who sign in.
    holders: Vec<TenantHolder>,
    /// How many were left out.
    more: u64,
    is_found: bool,
}

/// So many holders of a number are remembered: what is shown of a hidden one may agree with that of many users.
const MOST_KEPT: usize = 10 * MOST_HOLDERS;

impl Search {
    /// For the numbers of the rows that are listed there.
    #[must_use]
    pub fn of(found: &Holders) -> Self {
        let mut sought: HashMap<_, Sought> = HashMap::new();
        for taken in &found.taken {
            let Some(number) = &taken.number else { continue };
            let Some(digits) = digits(number.as_str()) else { continue };
            let anew = || Sought {
                number: number.clone(),
                rows_of: Vec::new(),
                holders: Vec::new(),
                more: 0,
                is_found: false,
            };
            sought.entry(digits).or_insert_with(anew).rows_of.push(taken.user.order_key());
        }
        Self { sought, found: 0, read: 0, unread: 0, hidden: 0 }
    }

    /// How many numbers are sought.
    #[must_use]
    pub fn numbers(&self) -> usize {
        self.sought.len()
    }

    /// Whether somebody was found for each of them who signs in with it, and is none of those whose rows met it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.found == self.sought.len()
    }

    /// Looks at the phones of a user, who has an id and a name.
    pub fn see(&mut self, (id, name): (&str, &str), methods: &[Method]) {
        self.read += 1;
        let state = UserState::of_phones(methods);
        for phone_type in PhoneType::ALL {
            let Some(HeldPhone { number, sms }) = state.phone(phone_type) else { continue };
            let holder = |certainty| TenantHolder {
                id: id.to_owned(),
                name: name.to_owned(),
                phone_type,
                sms: *sms,
                certainty,
            };
            if let Some(digits) = digits(number) {
                let sought = self.sought.get_mut(&digits);
                self.found += sought.map_or(0, |sought| sought.note(holder(Certainty::Same)));
            } else {
                self.hidden += 1;
                for sought in self.sought.values_mut().filter(|sought| sought.number.may_be(number)) {
                    sought.note(holder(Certainty::Possible));
                }
            }
        }
    }

    /// Takes note of a user whose phones could not be read.
    pub const fn miss(&mut self) {
        self.unread += 1;
    }

    /// Tells with each row who has its number.
    pub fn tell(self, found: &mut Holders) {
        for taken in &mut found.taken {
            let number = taken.number.as_ref().and_then(|number| digits(number.as_str()));
            let Some(sought) = number.and_then(|digits| self.sought.get(&digits)) else { continue };
            let mut others: Vec<&TenantHolder> =
                sought.holders.iter().filter(|holder| !holder.is(taken.user.order_key())).collect();
            others.sort_by_key(|holder| !holder.signs_in());
            taken.more_in_tenant = sought.more + others.len().saturating_sub(MOST_HOLDERS) as u64;
            others.truncate(MOST_HOLDERS);
            taken.in_tenant = others.into_iter().cloned().collect();
        }
    }
}

impl Sought {
    /// Gives how many numbers are found by it: 1, or 0.
    fn note(&mut self, holder: TenantHolder) -> usize {
        let was_found = self.is_found;
        self.is_found |= holder.signs_in() && !self.rows_of.iter().any(|user| holder.is(*user));
        if self.holders.len() < MOST_KEPT || holder.signs_in() {
            self.holders.push(holder);
        } else {
            self.more += 1;
        }
        usize::from(self.is_found && !was_found)
    }
}

impl TenantHolder {
    /// Whether it is this phone that keeps others from signing in with the number.
    #[must_use]
    pub fn signs_in(&self) -> bool {
        let Self { phone_type, sms, certainty, .. } = self;
        (*phone_type, *sms, *certainty) == (PhoneType::Mobile, SmsSignIn::Ready, Certainty::Same)
    }

    /// Whether a row means this user, by either name.
    fn is(&self, order_key: u64) -> bool {
        let key = |name| UserId::new(name).is_ok_and(|user| user.order_key() == order_key);
        key(&self.id) || key(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::row::RowNumber;
    use crate::policy::holders::Taken;

    const ID: &str = "ed178e23-7447-4892-baf8-fc46f8af26ce";

    fn taken(row: u64, user: &str, last: u32) -> Taken {
        Taken {
            row: RowNumber(row),
            user: UserId::new(user).unwrap(),
            number: Some(PhoneNumber::from_formatted(format!("+1 20655501{last:02}"))),
            holders: Vec::new(),
            more: 0,
            in_tenant: Vec::new(),
            more_in_tenant: 0,
        }
    }

    fn sought(taken: Vec<Taken>) -> Holders {
        Holders { rows: taken.len() as u64, taken, searched: None }
    }

    fn phone(phone_type: PhoneType, number: &str, sms: SmsSignIn) -> Method {
        Method {
            method_id: phone_type.method_id().to_owned(),
            phone_number: number.to_owned(),
            sms_sign_in_state: sms.name().to_owned(),
            ..Method::default()
        }
    }

    fn mobile(number: &str) -> Method {
        phone(PhoneType::Mobile, number, SmsSignIn::Ready)
    }

    fn names(found: &Holders, at: usize) -> Vec<&str> {
        found.taken[at].in_tenant.iter().map(|holder| holder.name.as_str()).collect()
    }

    #[test]
    fn it_is_done_once_somebody_else_signs_in_with_each_number() {
        let mut found = sought(vec![
            taken(2, "b@contoso.com", 1),
            taken(5, "c@contoso.com", 2),
            taken(6, "d@contoso.com", 1),
        ]);
        let mut search = Search::of(&found);
        assert_eq!((search.numbers(), search.is_done()), (2, false));
        search.see((ID, "z@contoso.com"), &[mobile("+1 (206) 555-0101")]);
        assert!(!search.is_done());
        // Who has the number and does not sign in with it is told, but keeps nobody from it.
        let idle = [
            phone(PhoneType::Mobile, "+1 2065550102", SmsSignIn::PhoneNumberNotUnique),
            phone(PhoneType::Office, "+1 2065550101", SmsSignIn::NotSupported),
        ];
        search.see((ID, "y@contoso.com"), &idle);
        assert!(!search.is_done());
        search.see((ID, "x@contoso.com"), &[mobile("+1 2065550102")]);
        assert!(search.is_done());
        search.tell(&mut found);
        assert_eq!(names(&found, 0), ["z@contoso.com", "y@contoso.com"]);
        assert_eq!(names(&found, 1), ["x@contoso.com", "y@contoso.com"]);
        assert_eq!(names(&found, 2), names(&found, 0));
    }

    #[test]
    fn a_row_s_own_user_is_no_holder_by_either_name() {
        let mut found = sought(vec![taken(1, "B@Contoso.com", 1), taken(2, &ID.to_uppercase(), 2)]);
        let mut search = Search::of(&found);
        let other = "aaaaaaaa-7447-4892-baf8-fc46f8af26ce";
        search.see((other, "b@contoso.com"), &[mobile("+1 2065550101")]);
        search.see((ID, "c@contoso.com"), &[mobile("+1 2065550102")]);
        assert!(!search.is_done());
        search.tell(&mut found);
        assert_eq!((names(&found, 0), names(&found, 1)), (vec![], vec![]));
    }

    #[test]
    fn a_number_that_is_hidden_in_part_may_be_it_and_ends_no_search() {
        let mut found = sought(vec![taken(1, "b@contoso.com", 1)]);
        let mut search = Search::of(&found);
        for (name, number) in [("x@contoso.com", "+1 XXXXXXXX01"), ("y@contoso.com", "+1 XXXXXXXX02")] {
            search.see((ID, name), &[mobile(number)]);
        }
        search.miss();
        assert_eq!((search.read, search.unread, search.hidden, search.is_done()), (2, 1, 2, false));
        search.tell(&mut found);
        assert_eq!(names(&found, 0), ["x@contoso.com"]);
        assert_eq!(found.taken[0].in_tenant[0].certainty, Certainty::Possible);
    }

    #[test]
    fn who_signs_in_stands_first_and_twenty_are_named() {
        let mut found = sought(vec![taken(1, "b@contoso.com", 1)]);
        let mut search = Search::of(&found);
        for at in 0..300 {
            let idle = phone(PhoneType::Mobile, "+1 2065550101", SmsSignIn::NotEnabled);
            search.see((ID, &format!("u{at}@contoso.com")), &[idle]);
        }
        search.see((ID, "z@contoso.com"), &[mobile("+1 2065550101")]);
        search.tell(&mut found);
        assert_eq!(names(&found, 0)[..2], ["z@contoso.com", "u0@contoso.com"]);
        assert_eq!((found.taken[0].in_tenant.len(), found.taken[0].more_in_tenant), (20, 281));
    }

    #[test]
    fn without_a_number_nothing_is_sought() {
        let silent = Taken { number: None, ..taken(1, "b@contoso.com", 1) };
        assert_eq!(Search::of(&sought(vec![silent])).numbers(), 0);
    }
}

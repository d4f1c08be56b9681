//! The users of the tenant and what they have.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::model::phone::{Phone, PhoneType};

/// Who exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Population {
    /// Only users who were added.
    Listed,
    /// Whoever is mentioned, from the first mention.
    Everyone,
}

/// A user to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedUser {
    /// User principal name or object id.
    pub name: String,
    /// What the user has.
    pub phones: Vec<Phone>,
    /// Whether the policy lets the user sign in by SMS.
    pub sms_policy: SmsPolicy,
    /// A phone that cannot be deleted, being the default method.
    pub default_phone: Option<PhoneType>,
    /// How many authenticator apps the user has, beside those that everybody has.
    pub authenticators: u32,
}

impl SeedUser {
    /// A user without phones who may sign in by SMS.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            phones: Vec::new(),
            sms_policy: SmsPolicy::Allowed,
            default_phone: None,
            authenticators: 0,
        }
    }
}

/// Whether the policy lets a user sign in by SMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsPolicy {
    /// It does; a mobile is registered for it by itself.
    Allowed,
    /// It does not.
    NotAllowed,
}

/// A user's state, for tests and for the curious.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserState {
    /// As added or first mentioned.
    pub name: String,
    /// Graph's id.
    pub object_id: String,
    /// Number by type, as stored.
    pub mobile: Option<String>,
    /// As above.
    #[serde(rename = "alternateMobile")]
    pub alternate_mobile: Option<String>,
    /// As above.
    pub office: Option<String>,
    /// The mobile's state.
    pub sms_sign_in_state: &'static str,
    /// The last password that was set; these are made up.
    pub password: Option<String>,
}

/// A phone as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptPhone {
    pub(super) number: Box<str>,
    pub(super) signs_in: bool,
}

/// The last write that came for a user, to recognise a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LastWrite {
    /// Method, target and body.
    pub(super) print: u64,
    pub(super) was_done: bool,
    pub(super) was_told: bool,
    pub(super) was_read_since: bool,
}

#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) name: Box<str>,
    pub(super) object_id: Uuid,
    /// From when on the directory knows the user.
    pub(super) known_from: Duration,
    pub(super) phones: [Option<KeptPhone>; 3],
    pub(super) sms_policy: SmsPolicy,
    pub(super) default_phone: Option<PhoneType>,
    pub(super) authenticators: u32,
    pub(super) password: Option<Box<str>>,
    pub(super) last_write: Option<LastWrite>,
}

/// The place of a phone type in `User::phones`.
pub(super) const fn place(phone_type: PhoneType) -> usize {
    match phone_type {
        PhoneType::Mobile => 0,
        PhoneType::AlternateMobile => 1,
        PhoneType::Office => 2,
    }
}

#[derive(Debug, Default)]
pub(super) struct Users {
    all: Vec<User>,
    /// By case-folded name.
    by_name: HashMap<Box<str>, usize>,
    by_object_id: HashMap<Uuid, usize>,
    /// Who signs in by SMS with a number: digits to user.
    sms_numbers: HashMap<Box<str>, usize>,
}

impl Users {
    pub(super) fn add(&mut self, seed: SeedUser, known_from: Duration) -> usize {
        let object_id = Uuid::try_parse(&seed.name).unwrap_or_else(|_| object_id(&seed.name));
        let index = self.all.len();
        self.by_name.insert(seed.name.to_lowercase().into(), index);
        self.by_object_id.insert(object_id, index);
        self.all.push(User {
            name: seed.name.into(),
            object_id,
            known_from,
            phones: [None, None, None],
            sms_policy: seed.sms_policy,
            default_phone: seed.default_phone,
            authenticators: seed.authenticators,
            password: None,
            last_write: None,
        });
        for phone in seed.phones {
            let kept = KeptPhone { number: phone.number.as_str().into(), signs_in: false };
            self.all[index].phones[place(phone.phone_type)] = Some(kept);
        }
        index
    }

    /// Finds a user by name, whatever its case, or by object id.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let by_name = if name.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
            self.by_name.get(name.to_lowercase().as_str())
        } else {
            self.by_name.get(name)
        };
        by_name.copied().or_else(|| self.by_object_id.get(&Uuid::try_parse(name).ok()?).copied())
    }

    pub(super) fn get(&self, index: usize) -> &User {
        &self.all[index]
    }

    pub(super) fn get_mut(&mut self, index: usize) -> &mut User {
        &mut self.all[index]
    }

    /// Those behind the first so many, in the order in which they were added or mentioned.
    pub(super) fn behind(&self, first: usize) -> impl Iterator<Item = &User> {
        self.all.iter().skip(first)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Registers the user's mobile for SMS sign-in; `false` where another user signs in with the number.
    pub(super) fn register_sms(&mut self, index: usize) -> bool {
        let Some(mobile) = &mut self.all[index].phones[0] else { return false };
        let holder = self.sms_numbers.entry(digits(&mobile.number)).or_insert(index);
        mobile.signs_in = *holder == index;
        mobile.signs_in
    }

    /// Takes the user's mobile out of SMS sign-in.
    pub(super) fn release_sms(&mut self, index: usize) {
        let Some(mobile) = &mut self.all[index].phones[0] else { return };
        if std::mem::replace(&mut mobile.signs_in, false) {
            self.sms_numbers.remove(&digits(&mobile.number));
        }
    }

    /// Whether another user signs in with the number of this user's mobile.
    pub(super) fn is_taken(&self, index: usize) -> bool {
        let mobile = self.all[index].phones[0].as_ref();
        mobile.is_some_and(|mobile| {
            self.sms_numbers.get(&digits(&mobile.number)).is_some_and(|holder| *holder != index)
        })
    }
}

fn digits(number: &str) -> Box<str> {
    number.chars().filter(char::is_ascii_digit).collect::<String>().into()
}

/// The same name always has the same object id, so that runs can be repeated.
pub(super) fn object_id(name: &str) -> Uuid {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, name.to_lowercase()).hash(&mut hasher);
        hasher.finish()
    };
    let bits = u128::from(half(1)) << 64 | u128::from(half(2));
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

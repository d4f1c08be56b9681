//! What is wrong between rows: several users with one number, two numbers for one phone, a row that stands there twice.
//!
//! The whole file is looked at with 8 bytes a phone and 8 a number; only rows that may have something in common are read
//! a second time, and compared as they are.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, Hash};

use smallvec::{SmallVec, smallvec};

use crate::model::action::Action;
use crate::model::header::Header;
use crate::model::phone::{Phone, PhoneChange, PhoneNumber, PhoneType};
use crate::model::row::{RowNumber, RowSet};
use crate::model::task::Task;

use super::remarks::{Cause, Remark};
use super::rows::Rejected;

/// How many rows are named at most.
const MAX_NAMED: usize = 5;

/// What rows have in common, in their order.
#[derive(Debug, Default)]
struct Index(Vec<Span>);

/// Rows that follow each other: of each key 48 bits of its hash, and 16 of how far its row is behind the first.
#[derive(Debug)]
struct Span {
    first: RowNumber,
    entries: Vec<u64>,
}

/// What of an entry is of the row.
const ROW_BITS: u64 = 0xffff;

impl Index {
    fn note(&mut self, key: impl Hash, row: RowNumber) {
        let hash = foldhash::quality::FixedState::default().hash_one(key) & !ROW_BITS;
        match self.0.last_mut() {
            Some(Span { first, entries }) if (first.0..=first.0 + ROW_BITS).contains(&row.0) => {
                entries.push(hash | (row.0 - first.0));
            }
            last => {
                // As much room as the last one took, so that few are moved while they grow.
                let mut entries = Vec::with_capacity(last.map_or(0, |last| last.entries.len()));
                entries.push(hash);
                self.0.push(Span { first: row, entries });
            }
        }
    }

    /// Each entry's hash and row.
    fn entries(&self) -> impl Iterator<Item = (u64, RowNumber)> {
        self.0.iter().flat_map(|Span { first, entries }| {
            entries.iter().map(|entry| (entry & !ROW_BITS, RowNumber(first.0 + (entry & ROW_BITS))))
        })
    }

    /// The rows that may have a key in common with another one.
    fn candidates(self, rows: &mut RowSet) {
        let count: usize = self.0.iter().map(|span| span.entries.len()).sum();
        // Nearly all hashes are alone, and most of them in their place among so many, too: these need not be sorted.
        let places = (count * PLACES_AN_ENTRY).next_power_of_two().max(64);
        let place = |hash: u64| (hash >> 16) as usize & (places - 1);
        let (mut taken, mut shared) = (vec![0_u64; places / 64], vec![0_u64; places / 64]);
        let mut met = 0;
        for (hash, _) in self.entries() {
            let (word, bit) = (place(hash) / 64, 1 << (place(hash) % 64));
            met += usize::from(taken[word] & bit != 0);
            shared[word] |= taken[word] & bit;
            taken[word] |= bit;
        }
        // Of those that share a place all but the first met another one there.
        let parts = (2 * met * MOST_PARTS).div_ceil(count.max(1)).clamp(1, MOST_PARTS) as u64;
        let is_shared = |hash: u64| shared[place(hash) / 64] >> (place(hash) % 64) & 1 == 1;
        for part in 0..parts {
            let is_in =
                |(hash, _): &(u64, RowNumber)| hash.rotate_left(8) % parts == part && is_shared(*hash);
            let mut entries: Vec<_> = self.entries().filter(is_in).collect();
            entries.sort_unstable();
            for pair in entries.windows(2) {
                if pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1 {
                    for (_, row) in pair {
                        rows.insert(*row);
                    }
                }
            }
        }
    }
}

/// Where many share their places, so many parts of them are sorted one after the other, so that little is in memory twice.
const MOST_PARTS: usize = 4;

/// So many places there are at least for each entry, a bit each.
const PLACES_AN_ENTRY: usize = 8;

/// Everything that a first reading remembers of rows.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    asked: Index,
    numbers: Index,
    /// Users whose mobile shall sign in, by their order key.
    sign_ins: Vec<(u64, RowNumber)>,
}

impl Neighbours {
    pub(super) fn note(&mut self, task: &Task) {
        let (user, row) = (task.user.order_key(), task.row.number);
        if task.action == Action::EnableSmsSignIn {
            self.sign_ins.push((user, row));
        }
        let mut has_phones = false;
        for touch in touches(&task.action) {
            has_phones = true;
            self.asked.note((user, touch.phone_type), row);
            if let Some(number) = touch.number.filter(|_| is_personal(touch.phone_type)) {
                self.numbers.note(number.as_str(), row);
            }
        }
        // To read twice, as before and after a change, is no contradiction.
        if !has_phones && task.action != Action::ListMethods {
            self.asked.note((user, task.action.name()), row);
        }
    }

    /// The rows to look at again, and the users whose mobile shall sign in.
    pub(super) fn candidates(self) -> (RowSet, SignIns) {
        let mut rows = RowSet::default();
        self.asked.candidates(&mut rows);
        self.numbers.candidates(&mut rows);
        (rows, SignIns(self.sign_ins))
    }
}

/// The rows that let a mobile sign in.
#[derive(Debug)]
pub(super) struct SignIns(Vec<(u64, RowNumber)>);

/// An office's number belongs to many.
fn is_personal(phone_type: PhoneType) -> bool {
    phone_type != PhoneType::Office
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Add,
    Update,
    Set,
    Delete,
}

/// What a row does to one phone.
struct Touch<'a> {
    phone_type: PhoneType,
    kind: Kind,
    number: Option<&'a PhoneNumber>,
}

fn touches(action: &Action) -> SmallVec<[Touch<'_>; 3]> {
    let sets = |phone: &'_ Phone, kind| (phone.phone_type, kind);
    let one = |(phone_type, kind), number| smallvec![Touch { phone_type, kind, number }];
    match action {
        Action::AddPhone(phone) => one(sets(phone, Kind::Add), Some(&phone.number)),
        Action::UpdatePhone(phone) => one(sets(phone, Kind::Update), Some(&phone.number)),
        Action::SetPhone(phone) => one(sets(phone, Kind::Set), Some(&phone.number)),
        Action::DeletePhone(phone_type) => one((*phone_type, Kind::Delete), None),
        Action::SetPhones(changes) => changes
            .iter()
            .map(|change| match change {
                PhoneChange::Set(phone) => {
                    Touch { phone_type: phone.phone_type, kind: Kind::Set, number: Some(&phone.number) }
                }
                PhoneChange::Delete(phone_type) => {
                    Touch { phone_type: *phone_type, kind: Kind::Delete, number: None }
                }
            })
            .collect(),
        Action::ListMethods
        | Action::ListPhones
        | Action::EnableSmsSignIn
        | Action::DisableSmsSignIn
        | Action::ResetPassword(_)
        | Action::SetPassword(_) => SmallVec::new(),
    }
}

/// What the rows so far left of one phone of one user.
#[derive(Debug, Default)]
struct Left {
    number: Option<(RowNumber, Kind, PhoneNumber)>,
    deleted: Option<RowNumber>,
}

/// A row that gives a number to a user.
#[derive(Debug)]
struct Holder {
    row: RowNumber,
    user: String,
    order_key: u64,
    phone_type: PhoneType,
}

/// What is to be said of rows beside others.
pub(super) type Remarks = BTreeMap<RowNumber, Vec<Remark>>;

/// Compares rows, which come in the order of the file.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    header: &'a Header,
    phones: HashMap<(String, PhoneType), Left>,
    /// The last row of each other action of a user.
    others: HashMap<(String, &'static str), (RowNumber, Action)>,
    numbers: HashMap<PhoneNumber, Vec<Holder>>,
    remarks: Remarks,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(header: &'a Header) -> Self {
        Self {
            header,
            phones: HashMap::new(),
            others: HashMap::new(),
            numbers: HashMap::new(),
            remarks: Remarks::new(),
        }
    }

    pub(super) fn look_at(&mut self, task: &Task) {
        let (row, user) = (task.row.number, task.user.as_str().to_lowercase());
        let touches = touches(&task.action);
        if touches.is_empty()
            && task.action != Action::ListMethods
            && let Some((earlier, action)) =
                self.others.insert((user.clone(), task.action.name()), (row, task.action.clone()))
        {
            let (cause, text) = if action == task.action {
                (Cause::DuplicateRow, format!("repeats row {earlier}"))
            } else {
                // Only a reset has more to it than its name.
                (Cause::TwoPasswords, format!("gives the user another password than row {earlier}"))
            };
            self.remark(row, (cause, self.header.action), text);
        }
        for touch in touches {
            if let Some((cause, text)) = self.contradiction(row, &user, &touch) {
                self.remark(row, (cause, self.column(&task.action, touch.phone_type)), text);
            }
            if let Some(number) = touch.number.filter(|_| is_personal(touch.phone_type)) {
                self.numbers.entry(number.clone()).or_default().push(Holder {
                    row,
                    user: user.clone(),
                    order_key: task.user.order_key(),
                    phone_type: touch.phone_type,
                });
            }
        }
    }

    fn contradiction(&mut self, row: RowNumber, user: &str, touch: &Touch<'_>) -> Option<(Cause, String)> {
        let left = self.phones.entry((user.to_owned(), touch.phone_type)).or_default();
        let Some(number) = touch.number else {
            left.number = None;
            let earlier = left.deleted.replace(row)?;
            return Some((Cause::DuplicateRow, format!("deletes what row {earlier} deletes")));
        };
        let deleted = left.deleted.take();
        let before = left.number.replace((row, touch.kind, number.clone()));
        match (deleted, before) {
            (Some(deleted), _) if touch.kind == Kind::Update => Some((
                Cause::DeleteThenUpdate,
                format!("cannot be updated: row {deleted} deletes it before. Use set-phone"),
            )),
            (_, Some((earlier, _, other))) if other != *number => Some((
                Cause::TwoNumbers,
                format!("gives the user another {} number than row {earlier} ({other})", touch.phone_type),
            )),
            (_, Some((earlier, kind, _))) if kind == touch.kind => {
                Some((Cause::DuplicateRow, format!("repeats row {earlier}")))
            }
            _ => None,
        }
    }

    fn column(&self, action: &Action, phone_type: PhoneType) -> Option<usize> {
        let own = PhoneType::ALL.into_iter().zip(self.header.phones);
        let own = own.filter(|(own, _)| *own == phone_type).find_map(|(_, column)| column);
        match action {
            Action::SetPhones(_) => own,
            Action::DeletePhone(_) => self.header.phone_type,
            _ => self.header.phone_number.or(own),
        }
    }

    fn remark(&mut self, row: RowNumber, (cause, column): (Cause, Option<usize>), text: String) {
        self.remarks.entry(row).or_default().push(Remark { cause, column, text });
    }

    /// What is to be said of rows, and the rows that cannot be done: one number signs in one user only (GRAPH "Enable SMS
    /// sign-in", `phoneNumberNotUnique`).
    pub(super) fn end(mut self, sign_ins: &SignIns) -> (Remarks, Rejected) {
        let mut rejected = Rejected::new();
        let shared: Vec<_> = std::mem::take(&mut self.numbers)
            .into_values()
            .filter(|holders| holders.iter().any(|holder| holder.user != holders[0].user))
            .collect();
        for holders in &shared {
            for holder in holders {
                let text = format!("is the number of other users, too ({})", others(holders, holder));
                let column = self.header.phone_number.or_else(|| {
                    let own = PhoneType::ALL.into_iter().zip(self.header.phones);
                    own.filter(|(own, _)| *own == holder.phone_type).find_map(|(_, column)| column)
                });
                self.remark(holder.row, (Cause::SharedNumber, column), text);
                for (_, row) in sign_ins
                    .0
                    .iter()
                    .filter(|(user, _)| *user == holder.order_key && holder.phone_type == PhoneType::Mobile)
                {
                    let text = format!(
                        "cannot be: the user's mobile is that of other users, too ({}), and a number signs in one \
                         user only",
                        others(holders, holder)
                    );
                    let remark = Remark { cause: Cause::SharedForSms, column: self.header.action, text };
                    rejected.insert(*row, remark);
                }
            }
        }
        (self.remarks, rejected)
    }
}

/// The rows in which other users have the number.
fn others(holders: &[Holder], holder: &Holder) -> String {
    let rows: Vec<_> =
        holders.iter().filter(|other| other.user != holder.user).map(|other| other.row).collect();
    let named: Vec<_> = rows.iter().take(MAX_NAMED).map(|row| format!("row {row}")).collect();
    let left = rows.len().saturating_sub(MAX_NAMED);
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    named.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_candidates_only_where_they_may_have_a_key_in_common() {
        let mut index = Index::default();
        for row in 1..=1000 {
            index.note(row, RowNumber(row));
        }
        index.note(7_u64, RowNumber(2000));
        index.note(9_u64, RowNumber(9));
        let mut rows = RowSet::default();
        index.candidates(&mut rows);
        assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [7, 2000]);
    }

    #[test]
    fn rows_with_a_key_in_common_are_found_however_far_apart_they_are() {
        let apart = [1, 2, 65_536, 65_537, 131_073, 131_074, 5_000_000, u64::from(u32::MAX) + 7];
        let mut index = Index::default();
        for row in apart {
            index.note("the same", RowNumber(row));
            index.note(row, RowNumber(row));
        }
        let mut rows: Vec<_> = index.entries().map(|(_, row)| row.0).collect();
        rows.dedup();
        assert_eq!(rows, apart);
        let hashes =
            index.entries().map(|(hash, _)| hash).step_by(2).collect::<std::collections::HashSet<_>>();
        assert_eq!(hashes.len(), 1, "no bit of a row is one of the hash");
    }
}

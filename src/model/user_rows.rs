//! Which rows are about the same user: sixteen bytes a row, and as many more while they are gathered.

use super::row::RowNumber;

/// Rows by their users, each user's in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserRows {
    /// The first row of the same user, by row; 0 for a row that was not gathered.
    first: Vec<u64>,
    /// The next row of the same user, by row; 0 where there is none.
    next: Vec<u64>,
}

impl UserRows {
    /// Gathers rows with the [order keys](super::user::UserId::order_key) of their users.
    #[must_use]
    pub fn of(mut rows: Vec<(u64, RowNumber)>) -> Self {
        rows.sort_unstable();
        let highest = rows.iter().map(|(_, row)| row.0).max().unwrap_or_default();
        let size = index(RowNumber(highest)) + 1;
        let mut gathered = Self { first: vec![0; size], next: vec![0; size] };
        let mut before: Option<(u64, RowNumber)> = None;
        for (user, row) in rows {
            let first = match before {
                Some((same, before)) if same == user => {
                    gathered.next[index(before)] = row.0;
                    gathered.first[index(before)]
                }
                Some(_) | None => row.0,
            };
            gathered.first[index(row)] = first;
            before = Some((user, row));
        }
        gathered
    }

    /// The first row of each user, rising.
    pub fn first(&self) -> impl Iterator<Item = RowNumber> {
        self.first
            .iter()
            .zip(0..)
            .filter(|(first, row)| **first == *row && *row > 0)
            .map(|(_, row)| RowNumber(row))
    }

    /// The first row of the user of this one; `None` for a row that was not gathered.
    #[must_use]
    pub fn first_of(&self, row: RowNumber) -> Option<RowNumber> {
        self.first.get(index(row)).copied().filter(|first| *first > 0).map(RowNumber)
    }

    /// How many users there are.
    #[must_use]
    pub fn users(&self) -> u64 {
        self.first().count() as u64
    }

    /// The rows of the same user behind this one.
    pub fn behind(&self, row: RowNumber) -> impl Iterator<Item = RowNumber> {
        let next =
            |row: RowNumber| self.next.get(index(row)).copied().filter(|next| *next > 0).map(RowNumber);
        std::iter::successors(next(row), move |row| next(*row))
    }
}

/// Rows that memory cannot hold were refused long before.
fn index(row: RowNumber) -> usize {
    usize::try_from(row.0).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_behind_the_ones_of_its_user() {
        let rows = [(7, 1), (3, 2), (7, 4), (7, 9), (5, 3), (3, 8)];
        let rows = UserRows::of(rows.map(|(user, row)| (user, RowNumber(row))).to_vec());
        assert_eq!((rows.first().map(|row| row.0).collect::<Vec<_>>(), rows.users()), (vec![1, 2, 3], 3));
        let behind = |row| rows.behind(RowNumber(row)).map(|row| row.0).collect::<Vec<_>>();
        assert_eq!([1, 4, 9, 2, 3, 100].map(behind), [vec![4, 9], vec![9], vec![], vec![8], vec![], vec![]]);
        let first = |row| rows.first_of(RowNumber(row)).map(|row| row.0);
        assert_eq!([1, 9, 8, 5, 100].map(first), [Some(1), Some(1), Some(2), None, None]);
        assert_eq!(UserRows::of(Vec::new()).users(), 0);
    }
}

//! The header of an input file: its names, and what each column is for.

/// The columns that have a meaning, and the extra ones that are carried through.
///
/// Each `Option` is the position of the column, `None` where the file has no such column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Every name as written, in file order.
    pub names: Vec<String>,
    /// Who.
    pub user: Option<usize>,
    /// What to do.
    pub action: Option<usize>,
    /// Which phone.
    pub phone_type: Option<usize>,
    /// The number to set.
    pub phone_number: Option<usize>,
    /// The password of a reset: never copied into a file of ours.
    pub new_password: Option<usize>,
    /// `FILE#ROW`: where the password of a reset stands (written by us into unfinished.csv in the password's place).
    pub new_password_from: Option<usize>,
    /// All other columns, in file order.
    pub extra: Vec<usize>,
}

//! What a row does, in calls: one file an action.

pub mod add_phone;
pub mod conduct;
pub mod confirm;
pub mod delete_phone;
pub mod earlier;
pub mod guard;
pub mod list_methods;
pub mod list_phones;
pub mod look;
pub mod perform;
pub mod phones;
pub mod reading;
pub mod reset_password;
pub mod set_password;
pub mod set_phone;
pub mod set_phones;
pub mod sms_sign_in;
#[cfg(test)]
mod tests;
pub mod update_phone;
pub mod verdicts;

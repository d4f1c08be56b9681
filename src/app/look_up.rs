//! What is looked up before the first row: whom the rows must not touch, and who stands in the file under two names.

use crate::input::source::Input;
use crate::model::wards::Wards;
use crate::settings::resolve::Settings;

use super::accounts;
use super::brakes::Brakes;
use super::census;
use super::connect::Connection;
use super::error::AppError;
use super::purpose::Purpose;
use super::spellings::Mix;

/// Looks it up and lets the `brakes` know. A plan has read both kinds of names itself.
pub(super) async fn look_up(
    purpose: Purpose,
    settings: &Settings,
    connection: &Connection,
    (input, mix): (&mut Input, Mix),
    brakes: &Brakes,
) -> Result<(), AppError> {
    let mut wards = match purpose {
        Purpose::Rows | Purpose::Plan => census::wards(connection, settings).await?,
        Purpose::Snapshot => Wards::default(),
    };
    if purpose == Purpose::Rows && brakes.agenda.is_none() {
        let found = accounts::spellings(connection, settings, (input, mix), &mut wards).await?;
        let _ = brakes.spellings.set(found);
    }
    let _ = brakes.wards.set(wards);
    Ok(())
}

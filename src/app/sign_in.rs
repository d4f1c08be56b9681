//! `authwave sign-in` and `authwave sign-out`: a person's sign-in, kept for later runs.

use std::io;

use crate::settings::args;
use crate::settings::connection::{Target, Tenant};
use crate::settings::resolve::{Mode, RunChoices, Settings};
use crate::settings::sign_in::{AppChoice, SignInChoice};
use crate::sign_in::authority::Authority;
use crate::sign_in::cache::{Cache, Kept, Protection};
use crate::sign_in::claims::claims;
use crate::sign_in::device_code::{Invitation, invite, wait};
use crate::sign_in::granted::Granted;
use crate::transport::bearer::SignInError;
use crate::transport::http::Http;

use super::asked::Asked;
use super::connect::clients;
use super::credential::{authority, cache};
use super::environment::{print, runtime, say};
use super::error::AppError;
use super::exit::Exit;
use super::purpose::Purpose;
use super::signals::Signals;
use super::status;

/// `authwave sign-in`.
pub(super) fn sign_in(args: args::Session) -> Result<Exit, AppError> {
    let (settings, tenant, app) = person(args)?;
    runtime()?.block_on(async {
        let authority = authority(&app, &tenant, &clients(&settings, &tenant)?)?;
        let cache = cache(&authority.app)?;
        let mut signals =
            Signals::listen().map_err(|source| AppError::System { what: "listen for signals", source })?;
        let invitation = invite(&authority).await?;
        status::doing("waiting for somebody to sign in");
        print(&invitation_text(&invitation));
        let granted = tokio::select! {
            granted = wait(&authority, &invitation) => granted?,
            () = signals.next() => return Ok(Exit::Interrupted),
        };
        let (account, protection) = keep(&authority, &cache, &granted)?;
        print(&format!(
            "{} is signed in. Runs with --sign-in device-code (sign_in.kind) use it until it has run out or \
             `authwave sign-out`.\n",
            account.as_deref().unwrap_or("Somebody")
        ));
        say(&format!("kept in {}, which only you can read. {}\n", cache.path().display(), told(protection)));
        Ok(Exit::Done)
    })
}

/// `authwave sign-out`.
pub(super) fn sign_out(args: args::Session) -> Result<Exit, AppError> {
    let (settings, tenant, app) = person(args)?;
    let authority: Authority<Http> = authority(&app, &tenant, &clients(&settings, &tenant)?)?;
    let cache = cache(&authority.app)?;
    let was_kept =
        cache.forget().map_err(|source| AppError::System { what: "remove the sign-in", source })?;
    print(if was_kept {
        "signed out: the sign-in is no longer on this machine. To end it everywhere, revoke the account's sessions in \
         the Entra admin center.\n"
    } else {
        "nobody was signed in to this tenant with this app.\n"
    });
    Ok(Exit::Done)
}

/// The settings, where the kind is a person's whatever they say.
fn person(args: args::Session) -> Result<(Settings, Tenant, AppChoice), AppError> {
    let mut common = args.common;
    common.tenant.sign_in = Some("device-code".to_owned());
    let (choices, purpose) = (RunChoices::default(), Purpose::Rows);
    let (settings, _) = Asked { common, choices, mode: Mode::Real, purpose }.resolve()?;
    let Target::Tenant(tenant) = settings.target.clone() else { unreachable!("the mode is real") };
    let SignInChoice::DeviceCode(app) = tenant.sign_in.clone() else { unreachable!("the kind is set above") };
    Ok((settings, tenant, app))
}

/// Code and address stand alone on their lines, so that a double click takes them whole.
fn invitation_text(invitation: &Invitation) -> String {
    let Invitation { verification_uri, user_code, valid_for, .. } = invitation;
    let minutes = valid_for.as_secs() / 60;
    format!(
        "To sign in, open this address on any device:\n\n  {verification_uri}\n\nand enter this code within {minutes} \
         minutes:\n\n  {user_code}\n\n"
    )
}

fn keep(
    authority: &Authority<Http>,
    cache: &Cache,
    granted: &Granted,
) -> Result<(Option<String>, Protection), AppError> {
    let refresh_token = granted.refresh_token.clone().ok_or_else(|| {
        let message = "the authority gave no refresh token, so that the sign-in would end within the hour: let the app \
                       have the permission offline_access";
        SignInError::Refused { code: "device-code".to_owned(), message: message.to_owned() }
    })?;
    let account = claims(&granted.token).upn;
    let kept = Kept { account: account.clone(), signed_in_at: (authority.wall_clock)(), refresh_token };
    let fail = |source: io::Error| AppError::System { what: "keep the sign-in", source };
    let protection = cache.write(&kept).map_err(fail)?;
    Ok((account, protection))
}

const fn told(protection: Protection) -> &'static str {
    match protection {
        Protection::Keyring => {
            "It is encrypted with a key in your keyring, which must be unlocked for later runs"
        }
        Protection::FileMode => {
            "It is not encrypted, as there is no keyring here: whoever can read your files can use it"
        }
    }
}

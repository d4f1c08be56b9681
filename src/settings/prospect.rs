//! What is known of a connection before anybody signs in: nothing is read and no command runs for it.

use super::args;
use super::connection::cloud;
use super::error::SettingsError;
use super::file::File;
use super::guards::{GuardChoices, GuardSettings, guards};
use super::resolve::reset_method;
use super::sign_in::Secrets;
use crate::graph::cloud::Cloud;
use crate::model::action::ResetMethod;
use crate::model::actor::Actor;

/// Where rows would go, and on whose behalf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prospect {
    /// Which cloud.
    pub cloud: Cloud,
    /// For whom tokens would stand; `None` where only they tell.
    pub actor: Option<Actor>,
    /// How passwords would be reset.
    pub reset_method: ResetMethod,
    /// What a run would be held back by, as far as the settings file says.
    pub guards: GuardSettings,
}

impl Prospect {
    /// What the settings say.
    ///
    /// # Errors
    /// When a value is none of those that there are.
    pub fn of(flags: &args::Prospect, file: &File, secrets: &Secrets) -> Result<Self, SettingsError> {
        let name = flags.cloud.as_ref().or(file.tenant.cloud.as_ref()).map_or("global", String::as_str);
        let kind = flags.sign_in.as_ref().or(file.sign_in.kind.as_ref()).map_or("auto", String::as_str);
        Ok(Self {
            cloud: cloud(name)?,
            actor: actor(kind, file, secrets),
            reset_method: reset_method(flags.reset_method.as_ref().or(file.run.reset_method.as_ref()))?,
            guards: guards(&GuardChoices::default(), &file.run)?,
        })
    }
}

fn actor(kind: &str, file: &File, secrets: &Secrets) -> Option<Actor> {
    let sign_in = &file.sign_in;
    let has_app_s_key = secrets.client_secret.is_some()
        || sign_in.client_secret_file.is_some()
        || sign_in.client_secret_command.is_some()
        || sign_in.client_certificate_file.is_some();
    match kind {
        "client-secret" | "client-certificate" | "managed-identity" | "workload-identity" => Some(Actor::App),
        "device-code" => Some(Actor::Person),
        // As `auto` tries them.
        "auto" if secrets.access_token.is_none() && has_app_s_key => Some(Actor::App),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::file::parse;
    use super::*;
    use crate::model::secret::Secret;

    #[test]
    fn who_would_sign_in_is_known_as_far_as_the_settings_say_it() {
        let given = |secret: bool, token: bool| Secrets {
            client_secret: secret.then(|| Secret::new("s")),
            access_token: token.then(|| Secret::new("t")),
            ..Secrets::default()
        };
        for (text, flag, secrets, expected) in [
            ("", None, given(false, false), None),
            ("", None, given(true, false), Some(Actor::App)),
            ("", None, given(true, true), None),
            ("", Some("device-code"), given(true, false), Some(Actor::Person)),
            ("[sign_in]\nkind = \"managed-identity\"\n", None, given(false, false), Some(Actor::App)),
            ("[sign_in]\nclient_certificate_file = \"x.pem\"\n", None, given(false, false), Some(Actor::App)),
            ("[sign_in]\nkind = \"azure-cli\"\n", None, given(true, false), None),
        ] {
            let file = parse(text, Path::new("x.toml")).unwrap();
            let sign_in = flag.map(str::to_owned);
            let flags = args::Prospect { sign_in, ..args::Prospect::default() };
            let prospect = Prospect::of(&flags, &file, &secrets).unwrap();
            assert_eq!(prospect.actor, expected, "{text} {flag:?}");
        }
    }
}

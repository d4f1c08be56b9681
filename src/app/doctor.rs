//! `authwave doctor`: what a run would lack, found out before it begins. It changes nothing.

use std::io::IsTerminal as _;
use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;

use crate::graph::needs::{GLOBAL_ADMINISTRATOR, Need, Needs};
use crate::graph::path;
use crate::input::source::Input;
use crate::model::actor::Actor;
use crate::model::secret::Secret;
use crate::model::task::Work;
use crate::model::user::UserId;
use crate::policy::skew;
use crate::settings::args;
use crate::settings::connection::{Target, Tenant};
use crate::settings::resolve::{Mode, RunChoices, Settings};
use crate::sign_in::claims::{Claims, claims};
use crate::sign_in::kind::Kind;
use crate::transport::bearer::Credential as _;
use crate::transport::exchange::{Method, Request, Response, Transport as _};
use crate::transport::http::{Http, Priority};

use super::asked::Asked;
use super::checkup::{Checkup, Paint};
use super::clock::wall_clock;
use super::connect::clients;
use super::credential::{Clients, sign_in};
use super::environment::{print_as_it_is, runtime};
use super::error::{AppError, chain};
use super::exit::Exit;
use super::guard_needs::look_at_guards;
use super::purpose::Purpose;
use super::spellings::Mix;
use super::status;

/// Graph's own id, which some tokens name as their audience in the place of its root.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// `authwave doctor`.
pub(super) fn examine(args: args::Doctor) -> Result<Exit, AppError> {
    let choices = RunChoices { reset_method: args.reset_method, ..RunChoices::default() };
    let purpose = Purpose::Rows;
    let (settings, _) = Asked { common: args.common, choices, mode: Mode::Real, purpose }.resolve()?;
    let Target::Tenant(tenant) = settings.target.clone() else { unreachable!("the mode is real") };
    let patient = match &args.file {
        Some(file) => Patient::read(file, &settings)?,
        None => Patient::default(),
    };
    status::doing("examining sign-in and tenant");
    let checkup = runtime()?.block_on(checkup(&settings, &tenant, &patient))?;
    let has_colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let paint = if has_colours { Paint::Colours } else { Paint::Plain };
    print_as_it_is(&if args.json { checkup.json() } else { checkup.table(paint) });
    Ok(if checkup.is_fit() { Exit::Done } else { Exit::Refused })
}

/// What is known of the rows; nothing without a file.
#[derive(Default)]
struct Patient {
    needs: Option<Needs>,
    mix: Mix,
    /// Somebody whose methods can be read.
    user: Option<UserId>,
}

impl Patient {
    fn read(file: &Path, settings: &Settings) -> Result<Self, AppError> {
        let (mut needs, mut mix, mut user) = (Needs::default(), Mix::default(), None);
        for work in Input::open(file, Purpose::Rows.input_settings(settings))? {
            if let Work::Task(task) = work? {
                needs.note(&task.action, settings.reset_method);
                mix.note(&task);
                user.get_or_insert(task.user);
            }
        }
        Ok(Self { needs: Some(needs), mix, user })
    }
}

async fn checkup(settings: &Settings, tenant: &Tenant, patient: &Patient) -> Result<Checkup, AppError> {
    let mut checkup = Checkup::default();
    let clients = clients(settings, tenant)?;
    let place = format!("{}, Graph {} {}", tenant.cloud.name(), tenant.graph_root, settings.api_version);
    checkup.ok("settings", place);
    let is_there = look_at_authority(&mut checkup, tenant, &clients).await?;
    for obstacle in patient.needs.iter().flat_map(|needs| needs.against_cloud(tenant.cloud)) {
        checkup.failed("cloud", obstacle.to_string(), "take these rows out of the file");
    }
    if !is_there {
        return Ok(checkup);
    }
    let signed_in = match sign_in(tenant, &clients).await {
        Ok(credential) => credential.bearer().await.map(|token| (credential, token)).map_err(AppError::from),
        Err(error) => Err(error),
    };
    let (credential, token) = match signed_in {
        Ok(signed_in) => signed_in,
        Err(error) => {
            checkup.failed("sign-in", chain(&error), "");
            let actor = tenant.sign_in.actor();
            look_at_actor(&mut checkup, actor, patient.needs.as_ref());
            return Ok(checkup);
        }
    };
    let kind = credential.kind();
    checkup.ok("sign-in", format!("a token by {}", kind.name()));
    let claims = claims(&token);
    look_at_token(&mut checkup, &claims, tenant);
    look_at_needs(&mut checkup, (&claims, kind), patient.needs.as_ref());
    if claims.actor().is_some() {
        look_at_guards(&mut checkup, &claims, (settings, patient.mix));
    }
    let transport = clients.client(&tenant.graph_root, Priority::Normal)?;
    let base = format!("{}/{}", tenant.graph_root, settings.api_version);
    look_at_graph(&mut checkup, &transport, (&base, token), patient.user.as_ref()).await;
    Ok(checkup)
}

fn get(url: String, bearer: Option<Secret>) -> Request {
    let (client_request_id, fields) = (String::new(), Vec::new());
    Request { method: Method::Get, url, bearer, client_request_id, body: None, fields }
}

/// Whether the authority is there. Whatever it answers, it can be reached; and its clock can be read.
async fn look_at_authority(
    checkup: &mut Checkup,
    tenant: &Tenant,
    clients: &Clients,
) -> Result<bool, AppError> {
    // Other kinds do not talk to it, or not from here.
    if tenant.sign_in.app().is_none() {
        return Ok(true);
    }
    let client = clients.client(&tenant.authority, Priority::Normal)?;
    let url = format!("{}/common/v2.0/.well-known/openid-configuration", tenant.authority);
    let asked = client.send(get(url, None)).await;
    match &asked {
        Ok(response) => {
            checkup.ok("authority", format!("{} can be reached", tenant.authority));
            look_at_clock(checkup, response);
        }
        Err(error) => checkup.failed("authority", format!("{}: {error}", tenant.authority), UNREACHABLE),
    }
    Ok(asked.is_ok())
}

const UNREACHABLE: &str =
    "look at the name, the proxy (HTTPS_PROXY) and the firewall; a proxy that looks inside needs --ca-file";

fn look_at_clock(checkup: &mut Checkup, response: &Response) {
    if checkup.has("clock") {
        return;
    }
    match skew::ahead(response.headers.date.as_deref(), wall_clock()) {
        None => checkup.unknown("clock", "the answer tells no time"),
        Some(ahead) => match skew::cure(ahead) {
            None => checkup.ok("clock", "right within two minutes"),
            Some(cure) => checkup.failed("clock", "tokens and assertions may be refused", cure),
        },
    }
}

fn look_at_token(checkup: &mut Checkup, claims: &Claims, tenant: &Tenant) {
    let Some(actor) = claims.actor() else {
        checkup.unknown("token", "it says nothing of itself that can be read here");
        return;
    };
    let whose = match (actor, &claims.upn) {
        (Actor::App, _) => "an app's own (app-only)".to_owned(),
        (Actor::Person, Some(upn)) => format!("{upn}'s (delegated)"),
        (Actor::Person, None) => "a signed-in person's (delegated)".to_owned(),
    };
    let lives =
        claims.expires_at.and_then(|at| i64::try_from(at).ok()).map(|at| minutes_left(at, wall_clock()));
    let app = claims.app().unwrap_or("unknown");
    let lives = lives.unwrap_or_else(|| "for an unknown time".to_owned());
    checkup.ok("token", format!("{whose}, app {app}, lives {lives}"));
    let audience = claims.audience.as_deref().unwrap_or_default().trim_end_matches('/');
    if audience != tenant.graph_root && audience != GRAPH {
        let cure = format!("get one for {}", tenant.graph_root);
        checkup.failed("audience", format!("the token is for '{audience}', not for Graph"), cure);
    }
    let set = tenant.sign_in.app().and_then(|app| Uuid::try_parse(&app.tenant).ok());
    match (&claims.tenant, set) {
        (Some(told), Some(set)) if Uuid::try_parse(told).ok() != Some(set) => {
            checkup.failed(
                "tenant",
                format!("the token is of {told}, and tenant.id is {set}"),
                "mend tenant.id",
            );
        }
        (Some(told), _) => checkup.ok("tenant", told.clone()),
        (None, _) => checkup.unknown("tenant", "the token does not name it"),
    }
}

fn minutes_left(expires_at: i64, now: Timestamp) -> String {
    format!("{} min", (expires_at - now.as_second()).max(0) / 60)
}

fn look_at_actor(checkup: &mut Checkup, actor: Option<Actor>, needs: Option<&Needs>) {
    for obstacle in needs.iter().flat_map(|needs| needs.against_actor(actor)) {
        checkup.failed("resets", obstacle.to_string(), "");
    }
}

/// With a file, what its rows need; without one, what the token allows.
fn look_at_needs(checkup: &mut Checkup, (claims, kind): (&Claims, &Kind<Http>), needs: Option<&Needs>) {
    let actor = claims.actor().or(kind.actor());
    look_at_actor(checkup, actor, needs);
    if claims.actor().is_none() {
        checkup.unknown("permissions", "the token does not name them");
        return;
    }
    let wanted: Vec<(Need, Option<u64>)> = match needs {
        Some(needs) => needs.iter().map(|(need, rows)| (need, Some(rows))).collect(),
        None => Need::ALL.into_iter().map(|need| (need, None)).collect(),
    };
    for (need, rows) in wanted {
        if actor == Some(Actor::App) && need.wants_a_person() {
            continue;
        }
        let held = need.permissions().iter().find(|one| claims.permissions().any(|held| held == **one));
        let what = match rows {
            Some(1) => format!("to {} (1 row)", need.words()),
            Some(rows) => format!("to {} ({rows} rows)", need.words()),
            None => format!("to {}", need.words()),
        };
        match (held, rows) {
            (Some(held), _) => checkup.ok("permission", format!("{what}: {held}")),
            (None, Some(_)) => checkup.failed("permission", format!("{what}: none"), grant(need, kind)),
            (None, None) => checkup.unknown("permission", format!("{what}: none")),
        }
        if actor.is_some_and(|actor| need.wants_a_role(actor)) {
            look_at_roles(checkup, claims, (need, &what, rows));
        }
    }
}

fn look_at_roles(checkup: &mut Checkup, claims: &Claims, (need, what, rows): (Need, &str, Option<u64>)) {
    let has = |id: &str| claims.wids.iter().any(|held| held.eq_ignore_ascii_case(id));
    let held = need.roles().iter().chain([&GLOBAL_ADMINISTRATOR]).find(|role| has(role.id));
    let names: Vec<&str> = need.roles().iter().map(|role| role.name).collect();
    match (held, rows) {
        (Some(role), _) => checkup.ok("role", format!("{what}: {}", role.name)),
        (None, _) if claims.wids.is_empty() => {
            checkup.unknown(
                "role",
                format!("{what}: the token names no roles; needed is {}", names.join(" or ")),
            );
        }
        (None, Some(_)) => {
            let cure = format!("assign {} (Entra admin center, Roles & admins)", names.join(" or "));
            checkup.failed("role", format!("{what}: none that the token names"), cure);
        }
        (None, None) => checkup.unknown("role", format!("{what}: none that the token names")),
    }
}

/// Where the least privileged permission is granted.
fn grant(need: Need, kind: &Kind<Http>) -> String {
    let least = need.permissions().first().copied().unwrap_or_default();
    let or = match need.permissions() {
        [_, .., widest] => format!(" (where the tenant does not know it yet, {widest})"),
        _ => String::new(),
    };
    let place = match kind {
        Kind::ManagedIdentity(_) => {
            "to the identity's service principal, by New-MgServicePrincipalAppRoleAssignment".to_owned()
        }
        other => {
            let sort =
                if other.actor() == Some(Actor::App) { "Application" } else { "Application or delegated" };
            let sort = if other.actor() == Some(Actor::Person) { "Delegated" } else { sort };
            format!(
                "in App registrations, API permissions, Microsoft Graph, {sort}; then Grant admin consent"
            )
        }
    };
    format!("grant {least}{or} {place}")
}

/// One harmless read: the phones of the file's first user, or of nobody.
async fn look_at_graph(
    checkup: &mut Checkup,
    transport: &Http,
    (base, token): (&str, Secret),
    user: Option<&UserId>,
) {
    let nobody = Uuid::nil().to_string();
    let Some(user) = user.cloned().or_else(|| UserId::new(&nobody).ok()) else { return };
    let whose = if user.as_str() == nobody { "nobody".to_owned() } else { user.as_str().to_owned() };
    let response = match transport.send(get(format!("{base}{}", path::phones(&user)), Some(token))).await {
        Ok(response) => response,
        Err(error) => {
            checkup.failed("graph", format!("{base}: {error}"), UNREACHABLE);
            return;
        }
    };
    look_at_clock(checkup, &response);
    let answered = format!("asked for the phones of {whose}, it answered {}", response.status);
    match response.status {
        200..=299 => checkup.ok("graph", format!("the phones of {whose} can be read")),
        404 if user.as_str() == nobody => checkup.ok("graph", "it takes the token"),
        404 => checkup.failed("graph", format!("it takes the token, but knows no {whose}"), "mend the file"),
        401 => checkup.failed("graph", answered, "it refuses the token: look at cloud, tenant and audience"),
        403 => checkup.failed(
            "graph",
            answered,
            "a permission or role is missing; one granted a moment ago takes some minutes and a new token",
        ),
        _ => checkup.unknown("graph", answered),
    }
}

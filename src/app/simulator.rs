//! `authwave simulator`: a tenant that others may talk to.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::input::rows::{ActionSource, InputSettings};
use crate::input::source::Input;
use crate::model::secret::Secret;
use crate::model::task::Work;
use crate::settings::args;
use crate::settings::simulator::resolve_simulator;
use crate::simulator::server::serve;
use crate::simulator::settings::TenantSettings;
use crate::simulator::tenant::Tenant;
use crate::simulator::users::SeedUser;

use super::clock::wall_clock;
use super::environment::{print, runtime, secret_from};
use super::error::AppError;
use super::exit::Exit;
use super::signals::Signals;
use super::status;

/// Serves until a signal comes, then prints what was seen.
pub(super) fn simulate(args: &args::Simulator) -> Result<Exit, AppError> {
    let client_secret: Option<Secret> = secret_from("AUTHWAVE_SIMULATOR_CLIENT_SECRET");
    let settings = resolve_simulator(args, wall_clock(), client_secret.as_ref())?;
    runtime()?.block_on(async {
        let refuse = |source| AppError::Listen { address: settings.listen.to_string(), source };
        let listener = TcpListener::bind(settings.listen).await.map_err(refuse)?;
        let address = listener.local_addr().map_err(refuse)?;
        let origin = format!("http://{address}");
        let mut tenant = Tenant::new(TenantSettings { origin: origin.clone(), ..settings.tenant });
        if let Some(file) = &settings.users {
            add_users(&mut tenant, file)?;
        }
        let tenant = Arc::new(Mutex::new(tenant));
        let mut signals =
            Signals::listen().map_err(|source| AppError::System { what: "listen for signals", source })?;
        status::doing(format!("a simulated tenant listens on {origin}"));
        print(&format!("a simulated tenant listens on {origin}; Ctrl-C stops it\n"));
        let stop = CancellationToken::new();
        tokio::select! {
            served = serve(listener, Arc::clone(&tenant), stop) => {
                served.map_err(|source| AppError::Listen { address: origin, source })?;
            }
            () = signals.next() => {}
        }
        let tenant = tenant.lock().unwrap_or_else(PoisonError::into_inner);
        print(&format!("{}\n", tenant.ledger()));
        Ok(Exit::Done)
    })
}

fn add_users(tenant: &mut Tenant, file: &Path) -> Result<(), AppError> {
    let settings = InputSettings { action: ActionSource::ListMethods, ..InputSettings::default() };
    let mut seen = std::collections::HashSet::new();
    for work in Input::open(file, settings)? {
        if let Work::Task(task) = work?
            && seen.insert(task.user.order_key())
        {
            tenant.add_user(SeedUser::named(task.user.as_str()));
        }
    }
    Ok(())
}

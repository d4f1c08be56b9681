//! From the command line to an exit code.

use std::process::ExitCode;

use clap::Parser as _;

use crate::settings::args::{Args, Command, Run};

use super::environment::say_error;
use super::error::chain;
use super::{
    check, doctor, explain, report, resume, run, sign_in, simulator, status, template, undo, verify,
};

/// Does what the command line asks for.
#[must_use]
pub fn start() -> ExitCode {
    status::listen();
    let done = match Args::parse().command {
        Command::Run(args) => run::run_rows(*args),
        Command::Plan(args) => run::run_rows(Run { dry_run: true, ..*args }),
        Command::Resume(args) => resume::resume(*args),
        Command::Operations(args) => resume::follow_operations(*args),
        Command::Undo(args) => undo::undo(*args),
        Command::Verify(args) => verify::verify(*args),
        Command::Check(args) => check::check_file(*args),
        Command::Template(args) => template::print_template(&args),
        Command::Snapshot(args) => run::take_snapshot(*args),
        Command::Doctor(args) => doctor::examine(*args),
        Command::SignIn(args) => sign_in::sign_in(*args),
        Command::SignOut(args) => sign_in::sign_out(*args),
        Command::Explain(args) => Ok(explain::explain(&args)),
        Command::Report(args) => report::report(&args),
        Command::Simulator(args) => simulator::simulate(&args),
    };
    let exit = done.unwrap_or_else(|error| {
        say_error(&chain(&error));
        error.exit()
    });
    #[cfg(feature = "otlp")]
    super::collector::finish();
    exit.into()
}

//! Hands the process to the application.

use std::process::ExitCode;

fn main() -> ExitCode {
    authwave::app::start::start()
}

//! Tokens that a program prints: `az`, or one of the user's.

use std::process::{Output, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use tokio::process::Command;
use tokio::time::timeout;

use crate::model::secret::Secret;
use crate::transport::bearer::SignInError;

use super::advice::{cure, number};
use super::granted::Granted;

/// A program that has printed nothing by then is ended.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A program that prints a token, bare or as JSON with `access_token` and `expires_on` or `expires_in`.
#[derive(Debug)]
pub struct TokenCommand {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// The present time.
    pub wall_clock: fn() -> Timestamp,
}

impl TokenCommand {
    /// Runs the program. What it printed is never told, since it may hold secrets.
    ///
    /// # Errors
    /// When it fails, takes over a minute or prints no token that lives.
    pub async fn fetch(&self) -> Result<Granted, SignInError> {
        let refuse = |reason: String| refusal("token-command", format!("sign_in.token_command: {reason}"));
        let program = self.words.first().map_or("", String::as_str);
        let output = run(&self.words).await.map_err(refuse)?;
        if !output.status.success() {
            return Err(refuse(format!("{program} ended with {}", output.status)));
        }
        token(&output, (self.wall_clock)()).ok_or_else(|| {
            refuse(format!(
                "{program} printed no token that lives: print the token alone, or {{\"access_token\": …, \"expires_on\": …}}"
            ))
        })
    }
}

/// Whoever is signed in with the Azure CLI.
#[derive(Debug)]
pub struct AzureCli {
    /// The program: `az`.
    pub program: String,
    /// The tenant's id or domain, where it is set.
    pub tenant: Option<String>,
    /// The Graph root.
    pub graph_root: String,
    /// The present time.
    pub wall_clock: fn() -> Timestamp,
}

impl AzureCli {
    /// Asks `az` for a token; it renews by itself.
    ///
    /// # Errors
    /// When it is not there, nobody is signed in, or it takes over a minute.
    pub async fn fetch(&self) -> Result<Granted, SignInError> {
        let refuse = |reason: String| refusal("azure-cli", reason);
        let mut words: Vec<String> = [
            &self.program,
            "account",
            "get-access-token",
            "--output",
            "json",
            "--resource",
            &self.graph_root,
        ]
        .map(str::to_owned)
        .to_vec();
        if let Some(tenant) = &self.tenant {
            words.extend(["--tenant".to_owned(), tenant.clone()]);
        }
        let output = run(&words).await.map_err(refuse)?;
        if !output.status.success() {
            return Err(refuse(why(&output)));
        }
        token(&output, (self.wall_clock)()).ok_or_else(|| refuse("az printed no token that lives".to_owned()))
    }
}

/// Of what `az` says only the error's number is told; the rest may hold anything.
fn why(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    match number(&said) {
        Some(number) => {
            let code = format!("AADSTS{number}");
            let cure = cure("", &code).unwrap_or("sign in again with `az login`");
            format!("az ended with {code}; {cure}")
        }
        None => format!("az ended with {}: sign in with `az login`", output.status),
    }
}

async fn run(words: &[String]) -> Result<Output, String> {
    let Some((program, arguments)) = words.split_first() else { return Err("it is empty".to_owned()) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    match timeout(TIMEOUT, command.output()).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Err(_) => Err(format!("{program} printed nothing within {TIMEOUT:?}")),
    }
}

fn token(output: &Output, now: Timestamp) -> Option<Granted> {
    let text = std::str::from_utf8(&output.stdout).ok()?.trim();
    if text.starts_with('{') {
        return Granted::from_json(text.as_bytes(), now);
    }
    let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| Secret::new(text)).and_then(|token| Granted::bare(token, now))
}

fn refusal(code: &str, message: String) -> SignInError {
    SignInError::Refused { code: code.to_owned(), message }
}

//! Asks an authority or an identity endpoint until it says something that lasts.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::policy::retry_after;
use crate::transport::bearer::SignInError;
use crate::transport::exchange::{Request, Response, Transport};

/// The longest pause between two tries; the first is a sixteenth of it.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// Sends what `request` makes, anew for every try, until `read` understands a success or a refusal comes, which is given
/// as it is. Busy and unreachable services are asked again as long as `patience` lasts.
///
/// # Errors
/// When it made no request, or had no answer in time.
pub(super) async fn ask<T: Transport, R>(
    transport: &T,
    patience: Duration,
    request: impl Fn() -> Result<Request, SignInError>,
    read: impl Fn(&Response) -> Option<R>,
) -> Result<Result<R, Response>, SignInError> {
    let give_up_at = Instant::now() + patience;
    let mut pause = LONGEST_PAUSE / 16;
    loop {
        let (reason, asked) = match transport.send(request()?).await {
            Ok(response) if (200..300).contains(&response.status) => match read(&response) {
                Some(understood) => return Ok(Ok(understood)),
                None => ("its answer could not be understood".to_owned(), None),
            },
            Ok(response) if is_passing(response.status) => {
                (format!("it answered {}", response.status), asked_pause(&response, patience))
            }
            Ok(response) => return Ok(Err(response)),
            Err(error) => (error.to_string(), None),
        };
        let wait = asked.unwrap_or(pause);
        if Instant::now() + wait >= give_up_at {
            return Err(SignInError::Unreachable(reason));
        }
        sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// 404 and 410 are a virtual machine's identity service that is being updated
/// (Managed identities, "How to use managed identities … on an Azure VM: Retry guidance"); an authority sends neither.
const fn is_passing(status: u16) -> bool {
    matches!(status, 404 | 408 | 410 | 429 | 500..=599)
}

fn asked_pause(response: &Response, longest: Duration) -> Option<Duration> {
    let date = response.headers.date.as_deref();
    let asked = retry_after::parse(response.headers.retry_after.as_deref()?, date, longest)?;
    Some(asked.wait)
}

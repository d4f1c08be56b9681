//! What an answer means, judged by its status first.

use crate::transport::exchange::{Response, SendError};

/// What an answer, or the lack of one, says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Done as asked (any 2xx).
    Accepted,
    /// Not done, and asking again would say the same.
    Refused,
    /// Not done: the token was not taken (401).
    Unauthorized,
    /// Not done: the server asks everybody for less (429).
    Throttled,
    /// Not done, for a reason that passes: it never reached the server.
    Transient,
    /// It may have been done: the answer came from something that had already passed it on, or none came.
    Doubtful,
}

/// Judges the end of one sending.
///
/// Every 5xx and 408 is doubtful: a gateway says 502, 503 or 504 also for a request that the service behind it
/// has carried out, and a 500 can come after the write. Status codes that HTTP does not know count as refusals.
#[must_use]
pub const fn classify(result: &Result<Response, SendError>) -> Verdict {
    match result {
        Ok(response) => classify_status(response.status),
        Err(SendError::NotSent(_)) => Verdict::Transient,
        Err(SendError::MaybeSent(_)) => Verdict::Doubtful,
    }
}

const fn classify_status(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Accepted,
        401 => Verdict::Unauthorized,
        429 => Verdict::Throttled,
        408 | 500..=599 => Verdict::Doubtful,
        _ => Verdict::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_one_verdict() {
        for status in 0..=999 {
            let expected = match status {
                200..=299 => Verdict::Accepted,
                401 => Verdict::Unauthorized,
                408 | 500..=599 => Verdict::Doubtful,
                429 => Verdict::Throttled,
                _ => Verdict::Refused,
            };
            let response = Response { status, ..Response::default() };
            assert_eq!(classify(&Ok(response)), expected, "{status}");
        }
    }

    #[test]
    fn only_a_request_that_never_left_is_known_not_to_be_done() {
        assert_eq!(classify(&Err(SendError::NotSent(String::new()))), Verdict::Transient);
        assert_eq!(classify(&Err(SendError::MaybeSent(String::new()))), Verdict::Doubtful);
    }
}

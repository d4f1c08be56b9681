//! An authority's token endpoint (OAuth 2.0, Entra ID v2.0 endpoint): what is sent to it and how it refuses.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::model::secret::Secret;
use crate::policy::skew;
use crate::transport::bearer::SignInError;
use crate::transport::exchange::{Body, Method, Request, Response, Transport};

use super::advice::cure;
use super::asking::ask;
use super::demand::Demand;
use super::granted::Granted;

/// As which app of which tenant, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// As `https://login.microsoftonline.com`.
    pub authority: String,
    /// The tenant's id or domain.
    pub tenant: String,
    /// The app's id.
    pub client_id: String,
    /// The Graph root that tokens are for.
    pub graph_root: String,
}

impl App {
    /// Where tokens are asked for; it is the audience of an assertion, too.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        self.endpoint("token")
    }

    /// An endpoint of the tenant.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> String {
        let tenant = utf8_percent_encode(&self.tenant, UNRESERVED);
        format!("{}/{tenant}/oauth2/v2.0/{name}", self.authority)
    }

    /// Everything on Graph that the app was granted.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}/.default", self.graph_root)
    }
}

/// RFC 3986 §2.3.
const UNRESERVED: &percent_encoding::AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The fields of a form.
pub type Form = Vec<(&'static str, Secret)>;

/// A field that is no secret.
pub(super) fn plain(name: &'static str, value: impl Into<String>) -> (&'static str, Secret) {
    (name, Secret::new(value))
}

/// An authority and the app that asks it.
pub struct Authority<T> {
    /// Who asks.
    pub app: App,
    /// The way there; it goes to the authority only.
    pub transport: T,
    /// The present time.
    pub wall_clock: fn() -> Timestamp,
}

impl<T: Transport> Authority<T> {
    /// Asks for a token with the fields that `form` makes, anew for every try.
    ///
    /// # Errors
    /// When it was refused, or no usable answer came in time.
    pub async fn grant(
        &self,
        demand: Demand<'_>,
        form: impl Fn() -> Result<Form, SignInError>,
    ) -> Result<Granted, SignInError> {
        let url = self.app.token_endpoint();
        let request = || {
            let mut fields = form()?;
            fields.insert(0, plain("client_id", self.app.client_id.clone()));
            fields.extend(demand.claims.map(|claims| plain("claims", claims)));
            Ok(post(url.clone(), &fields))
        };
        let read = |response: &Response| Granted::from_json(&response.body, (self.wall_clock)());
        let asked = ask(&self.transport, demand.patience, request, read).await?;
        asked.map_err(|response| self.denied(&response))
    }

    /// A refusal in plain words, with the cure where one is known.
    pub fn denied(&self, response: &Response) -> SignInError {
        let Denied { error, error_description } = serde_json::from_slice(&response.body).unwrap_or_default();
        // The lines after the first are ids and a time; some messages have them in one line.
        let told = error_description.lines().next().unwrap_or_default();
        let told = told.split(" Trace ID:").next().unwrap_or_default().trim();
        let code = if error.is_empty() { format!("http-{}", response.status) } else { error };
        let mut message = if told.is_empty() {
            format!("the authority answered {}", response.status)
        } else {
            told.to_owned()
        };
        let off = skew::ahead(response.headers.date.as_deref(), (self.wall_clock)()).and_then(skew::cure);
        for cure in cure(&code, told).map(str::to_owned).into_iter().chain(off) {
            message = format!("{}; {cure}", message.trim_end_matches('.'));
        }
        SignInError::Refused { code, message }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Denied {
    error: String,
    error_description: String,
}

/// A form, ready to be sent.
pub(super) fn post(url: String, fields: &Form) -> Request {
    // Room for all, so that no growing leaves a copy behind: a byte takes three at most.
    let size = fields.iter().map(|(name, value)| name.len() + value.expose().len() * 3 + 2).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(size));
    for (name, value) in fields {
        form.append_pair(name, value.expose());
    }
    Request {
        method: Method::Post,
        url,
        bearer: None,
        client_request_id: String::new(),
        body: Some(Body {
            content_type: "application/x-www-form-urlencoded",
            bytes: Bytes::from_owner(Zeroizing::new(form.finish().into_bytes())),
        }),
        fields: Vec::new(),
    }
}

impl<T> fmt::Debug for Authority<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("app", &self.app).finish_non_exhaustive()
    }
}

//! Lists, a page at a time; each next page has an address of its own, which clients use as it is.

use std::time::Duration;

use serde_json::{Value, json};

use super::directory::DirectorySettings;
use super::reply;
use super::route::split;
use super::users::{User, Users};
use crate::transport::exchange::Response;

/// No page of users has more (Graph v1.0, "List users").
const MOST_USERS: usize = 999;

/// So many where nobody says how many (Graph v1.0, "List users").
const USERS: usize = 100;

/// Which page of a list is asked for.
pub(super) struct Pages<'request> {
    /// Scheme, host and port of the tenant.
    pub(super) origin: &'request str,
    /// The whole URL.
    pub(super) url: &'request str,
    /// No page has more items.
    pub(super) most: usize,
}

impl Pages<'_> {
    /// A page of these.
    pub(super) fn of(&self, items: Vec<Value>) -> Response {
        let (total, skip) = (items.len(), self.skipped());
        let value = items.into_iter().skip(skip).take(self.most).collect();
        let next = skip.saturating_add(self.most);
        self.list(value, (next < total).then(|| format!("$skiptoken={next}")))
    }

    /// A page of all users whom the directory knows at `now`. The next one shows as many, and as much of each.
    pub(super) fn of_users(&self, users: &Users, directory: &DirectorySettings, now: Duration) -> Response {
        let asked = self.option("$top").unwrap_or(USERS);
        if !(1..=MOST_USERS).contains(&asked) {
            return reply::error(400, "Request_BadRequest", "Invalid page size specified.");
        }
        let (_, query) = split(self.url);
        let (size, skip) = (asked.min(self.most), self.skipped());
        let is_known = |user: &&User| now >= user.known_from;
        let page = users.behind(skip).take(size).filter(is_known);
        let value = page.map(|user| directory.account(user, query)).collect();
        let next = skip.saturating_add(size);
        let token = format!("$skiptoken={next}");
        let asked = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("$skiptoken="));
        let asked: Vec<&str> = asked.chain([token.as_str()]).collect();
        self.list(value, (next < users.len()).then(|| asked.join("&")))
    }

    fn skipped(&self) -> usize {
        self.option("$skiptoken").unwrap_or(0)
    }

    /// A number in the query.
    fn option(&self, name: &str) -> Option<usize> {
        let (_, query) = split(self.url);
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name)?.1.parse().ok()
    }

    fn list(&self, value: Vec<Value>, next: Option<String>) -> Response {
        let mut body = json!({});
        body["value"] = value.into();
        if let Some(query) = next {
            let (path, _) = split(self.url);
            body["@odata.nextLink"] = format!("{}{path}?{query}", self.origin).into();
        }
        reply::json(200, &body)
    }
}

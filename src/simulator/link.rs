//! The tenant as an in-process transport, so that whole runs take milliseconds of virtual time.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Instant, sleep};

use crate::transport::exchange::{Request, Response, SendError, Transport};

use super::tenant::Tenant;

/// A line to a tenant. Clones lead to the same one.
#[derive(Debug, Clone)]
pub struct Link {
    tenant: Arc<Mutex<Tenant>>,
    began: Instant,
}

impl Link {
    /// A line to a tenant whose time begins now.
    #[must_use]
    pub fn new(tenant: Arc<Mutex<Tenant>>) -> Self {
        Self { tenant, began: Instant::now() }
    }

    /// The tenant itself.
    #[must_use]
    pub const fn tenant(&self) -> &Arc<Mutex<Tenant>> {
        &self.tenant
    }
}

impl Transport for Link {
    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let now = self.began.elapsed();
        let delivery = self.tenant.lock().unwrap_or_else(PoisonError::into_inner).answer(now, &request);
        if !delivery.delay.is_zero() {
            sleep(delivery.delay).await;
        }
        delivery.answer.ok_or_else(|| SendError::MaybeSent("connection reset".to_owned()))
    }
}

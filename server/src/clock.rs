//! The clock on the wall: the only place that reads it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::task::model::Timestamp;

/// Now.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

//! SQLite's integers are signed; no count or clock of ours comes near their end.

use crate::task::model::Timestamp;

pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn from_time(at: Timestamp) -> i64 {
    number(at.0)
}

pub(super) fn to_time(value: i64) -> Timestamp {
    Timestamp(u64::try_from(value).unwrap_or(0))
}

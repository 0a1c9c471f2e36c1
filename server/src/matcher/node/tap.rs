//! What node:test says in TAP below a failed test: the place of the test, its error and the stack. The document itself is
//! read by `report/tap`.

use super::stack::{Frame, frame, message, own, pick};
use crate::matcher::scope::Scope;
use crate::problem::{Place, Related};

/// How a failed test is told.
pub(in crate::matcher) struct Failed {
    pub(in crate::matcher) message: String,
    /// Where it is declared.
    pub(in crate::matcher) at: Option<Place>,
    pub(in crate::matcher) duration_ms: Option<u64>,
    /// Where it failed; `None` where others say it: its own tests, or the error that ended its file.
    pub(in crate::matcher) place: Option<(Place, Vec<Related>)>,
}

/// Reads the block of a test of this name; `field` gives the value of a key.
pub(in crate::matcher) fn failed<'f>(test: &str, field: impl Fn(&str) -> Option<&'f str>, scope: &mut Scope) -> Failed {
    let get = |key| field(key).unwrap_or_default();
    let at = frame(get("location")).and_then(|frame| own(scope, &frame));
    let mut text = message(&get("error").lines().collect::<Vec<_>>());
    let name = get("name");
    if !name.is_empty() && name != "AssertionError" && !text.starts_with(name) {
        text = format!("{name}: {text}");
    }
    let is_file = field("exitCode").is_some() || test.starts_with('/');
    let is_told = get("failureType") == "subtestsFailed" || std::mem::take(&mut scope.crashed) && is_file;
    let frames: Vec<Frame> = get("stack").lines().filter_map(frame).collect();
    let place = if is_told { None } else { pick(scope, &frames, true, at.as_ref()) };
    Failed {
        message: text,
        duration_ms: get("duration_ms").parse::<f64>().ok().map(|milliseconds| milliseconds as u64),
        place: place.or_else(|| Some((at.clone().filter(|_| !is_told)?, Vec::new()))),
        at,
    }
}

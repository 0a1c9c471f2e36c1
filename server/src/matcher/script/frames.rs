//! Frames of Ruby, PHP and Lua stacks as places: which one a failure is shown at. Knows no format.

use crate::matcher::scope::{Scope, related};
use crate::problem::{Place, Related};

/// The place of a failure among its frames, the deepest first: the deepest of the workspace; in a test the deepest one in
/// the test's own file, which `is_test` knows by its name, else the outermost one's file. The others are related.
pub(super) fn pick(
    scope: &mut Scope,
    frames: &[(String, u32)],
    is_test: Option<fn(&str) -> bool>,
) -> Option<(Place, Vec<Related>)> {
    let mut own: Vec<Place> = Vec::new();
    for (path, line) in frames {
        if let Some(file) = scope.own(path) {
            own.push(scope.at(file, *line, None, None));
        }
    }
    let mut at = 0;
    if let Some(is_test) = is_test {
        let named = own.iter().rposition(|place| place.file.to_str().is_some_and(is_test));
        let file = own.get(named.or(own.len().checked_sub(1))?)?.file.clone();
        at = own.iter().position(|place| place.file == file).unwrap_or(0);
    }
    if own.is_empty() {
        return None;
    }
    let place = own.remove(at);
    let mut others: Vec<Related> = Vec::new();
    for other in own {
        if other != place && !others.iter().any(|known| known.place == other) && others.len() < 8 {
            others.push(related(other, "called here"));
        }
    }
    Some((place, others))
}

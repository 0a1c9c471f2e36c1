//! All formats, in the order in which they see a line: by rank, then as their families list them. A format is added in
//! the list of its family (`FAMILY/mod.rs`).

use std::sync::LazyLock;

use super::format::Format;
use super::{c, go, jvm, node, python, report, rust, script};

/// The families' lists.
const FAMILIES: &[&[&Format]] = &[
    rust::FORMATS,
    python::FORMATS,
    node::FORMATS,
    c::FORMATS,
    go::FORMATS,
    jvm::FORMATS,
    script::FORMATS,
    report::FORMATS,
];

/// Most formats that there may be: as many as a [`Wanted`](super::prefilter::Wanted) has bits.
pub(super) const MAX_FORMATS: usize = 256;

/// Every format, the first to see a line first.
pub(super) fn formats() -> &'static [&'static Format] {
    static FORMATS: LazyLock<Vec<&'static Format>> = LazyLock::new(|| {
        let mut formats: Vec<_> = FAMILIES.iter().flat_map(|family| family.iter().copied()).collect();
        formats.sort_by_key(|format| format.rank);
        formats
    });
    &FORMATS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn formats_can_be_told_apart() {
        assert!(formats().len() <= MAX_FORMATS);
        let names: BTreeSet<_> = formats().iter().map(|format| format.name).collect();
        assert_eq!(names.len(), formats().len(), "two formats have one name");
    }

    /// A word that stands in every second line makes the search for words a search of lines.
    #[test]
    fn words_are_rare() {
        for format in formats() {
            assert!(!format.starts.is_empty() || !format.inside.is_empty(), "{} wants no line", format.name);
            for word in format.inside.iter().flat_map(|inside| inside.words) {
                assert!(word.len() >= 3, "{}: `{word}` is too short", format.name);
            }
        }
    }
}

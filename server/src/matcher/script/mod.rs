//! Languages of scripts other than Python and JavaScript, and their linters: Ruby, PHP, Perl, shell, Lua.

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[];

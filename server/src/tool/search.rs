//! Finding files by name and by content.

use super::input::{Glob, Grep};
use super::{Context, Output};

/// Files whose name matches.
pub async fn glob(call: Glob, context: Context) -> Result<Output, String> {
    let _ = (call, context);
    Err(String::new())
}

/// Lines that match.
pub async fn grep(call: Grep, context: Context) -> Result<Output, String> {
    let _ = (call, context);
    Err(String::new())
}

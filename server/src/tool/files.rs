//! Reading, writing and editing files.

use super::input::{EditFile, ReadFile, WriteFile};
use super::{Context, Output};

/// Reads a file (the open document's text where it is open).
pub async fn read(call: ReadFile, context: Context) -> Result<Output, String> {
    let _ = (call, context);
    Err(String::new())
}

/// Writes a whole file.
pub async fn write(call: WriteFile, context: Context) -> Result<Output, String> {
    let _ = (call, context);
    Err(String::new())
}

/// Replaces text in a file.
pub async fn edit(call: EditFile, context: Context) -> Result<Output, String> {
    let _ = (call, context);
    Err(String::new())
}

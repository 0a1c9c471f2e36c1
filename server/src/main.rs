//! The binary. Dispatch only.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else starts: the shim has one thread and almost no memory.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "shim") {
        return pillion::task::shim::main();
    }
    ExitCode::SUCCESS
}

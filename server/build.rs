//! How the binary is linked: at a fixed address on Linux. Each running task has a shim, which is this same binary, and a
//! program that may lie anywhere rewrites its tables of pointers when it starts: some 600 KiB that no two processes
//! share. Libraries, heap and stacks stay where chance puts them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

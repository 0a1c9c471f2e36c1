//! C, C++ and what builds them: compilers, assemblers, the linker, make, CMake and its tests; Zig's tests.

mod assert;
mod cmake;
mod cppcheck;
mod ctest;
mod gcc;
mod gcc_json;
mod linker;
mod make;
mod nasm;
mod sanitizer;
mod zig;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[
    &ctest::FORMAT,
    &zig::FORMAT,
    &nasm::FORMAT,
    &sanitizer::FORMAT,
    &cmake::FORMAT,
    &cppcheck::FORMAT,
    &linker::FORMAT,
    &make::FORMAT,
    &assert::FORMAT,
    &gcc::FORMAT,
    &gcc_json::FORMAT,
];

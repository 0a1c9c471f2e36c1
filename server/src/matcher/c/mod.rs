//! C, C++ and what builds them: compilers, assemblers, the linker, make, CMake and its tests.

mod assert;
mod cmake;
mod ctest;
mod gcc;
mod linker;
mod make;
mod nasm;
mod sanitizer;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[
    &ctest::FORMAT,
    &nasm::FORMAT,
    &sanitizer::FORMAT,
    &cmake::FORMAT,
    &linker::FORMAT,
    &make::FORMAT,
    &assert::FORMAT,
    &gcc::FORMAT,
];

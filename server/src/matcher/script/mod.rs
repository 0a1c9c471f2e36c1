//! Shells and scripting languages, their linters and their test runners: bash, Ruby, PHP, Perl, Lua, OCaml, YAML, XML.

mod bash;
mod dots;
mod frames;
mod lint_json;
mod lua;
mod minitest;
mod ocaml;
mod perl;
mod perlcritic;
mod php;
mod phpcs;
mod phpunit;
mod prove;
mod rspec;
mod rubocop;
mod ruby;
mod shellcheck;
mod xmllint;
mod yamllint;

use super::format::Format;

/// The formats of this family; of two with one rank the first sees a line first.
pub(super) const FORMATS: &[&Format] = &[
    &rspec::FORMAT,
    &minitest::FORMAT,
    &phpunit::FORMAT,
    &prove::FORMAT,
    &lint_json::FORMAT,
    &rubocop::FORMAT,
    &ruby::FORMAT,
    &php::FORMAT,
    &phpcs::FORMAT,
    &perlcritic::FORMAT,
    &perl::FORMAT,
    &lua::FORMAT,
    &lua::LUACHECK,
    &shellcheck::FORMAT,
    &shellcheck::GCC,
    &bash::FORMAT,
    &yamllint::FORMAT,
    &xmllint::FORMAT,
    &ocaml::FORMAT,
];

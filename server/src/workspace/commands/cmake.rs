//! CMake: the build folder that is there, or `build`.

use super::{Package, ProjectCommand, quoted};
use crate::task::model::Group::{Build, Test};

/// The commands of a CMake project. A `CMakeLists.txt` without `project(…)` belongs to the project above it.
pub(super) fn find(package: &Package<'_>) -> Vec<ProjectCommand> {
    let Some(text) = package.read("CMakeLists.txt").map(|text| text.to_ascii_lowercase()) else { return Vec::new() };
    if !text.lines().any(|line| line.trim_start().starts_with("project")) {
        return Vec::new();
    }
    let configured = build_folder(package);
    let folder = quoted(configured.as_deref().unwrap_or("build"));
    let first = if configured.is_some() { String::new() } else { format!("cmake -S . -B {folder} && ") };
    let build = format!("{first}cmake --build {folder}");
    let mut found = Vec::new();
    if text.contains("enable_testing") || text.contains("include(ctest)") {
        let test = format!("{build} && ctest --test-dir {folder} --output-on-failure");
        found.push(package.command(Test, test, "CMakeLists.txt"));
    }
    found.push(package.command(Build, build, "CMakeLists.txt"));
    found
}

/// A folder in which CMake has been configured, the usual name first.
fn build_folder(package: &Package<'_>) -> Option<String> {
    let names =
        std::fs::read_dir(package.dir).ok()?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut configured: Vec<String> = names.filter(|name| package.has(&format!("{name}/CMakeCache.txt"))).collect();
    configured.sort_by_key(|name| (name != "build", name.clone()));
    configured.into_iter().next()
}

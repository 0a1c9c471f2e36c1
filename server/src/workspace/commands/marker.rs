//! Projects whose tool has the same words everywhere: one file says which tool it is.

use super::{Package, ProjectCommand};
use crate::task::model::Group::{self, Build, Lint, Test};

/// File, command lines.
const MARKERS: &[(&str, &[(Group, &str)])] = &[
    ("go.mod", &[(Test, "go test ./..."), (Build, "go build ./..."), (Lint, "go vet ./...")]),
    ("mix.exs", &[(Test, "mix test"), (Build, "mix compile"), (Lint, "mix format --check-formatted")]),
    ("mvnw", &[(Test, "./mvnw test"), (Build, "./mvnw package -DskipTests")]),
    ("pom.xml", &[(Test, "mvn test"), (Build, "mvn package -DskipTests")]),
    ("gradlew", &[(Test, "./gradlew test"), (Build, "./gradlew assemble"), (Lint, "./gradlew check -x test")]),
    ("build.gradle", &[(Test, "gradle test"), (Build, "gradle assemble")]),
    ("build.gradle.kts", &[(Test, "gradle test"), (Build, "gradle assemble")]),
    ("Package.swift", &[(Test, "swift test"), (Build, "swift build")]),
    ("deno.json", &[(Test, "deno test"), (Lint, "deno lint")]),
    ("deno.jsonc", &[(Test, "deno test"), (Lint, "deno lint")]),
];

/// Files of golangci-lint: where one is, it is the project's linter.
const GOLANGCI: &[&str] = &[".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json"];

/// The commands of the first marker in the folder.
pub(super) fn find(package: &Package<'_>) -> Vec<ProjectCommand> {
    let mut found = Vec::new();
    if let Some(config) = GOLANGCI.iter().find(|name| package.has("go.mod") && package.has(name)) {
        found.push(package.command(Lint, "golangci-lint run", *config));
    }
    if let Some((file, commands)) = MARKERS.iter().find(|(file, _)| package.has(file)) {
        found.extend(commands.iter().map(|(group, command)| package.command(*group, *command, *file)));
    }
    if let Some(file) = dotnet(package) {
        for (group, command) in
            [(Test, "dotnet test"), (Build, "dotnet build"), (Lint, "dotnet format --verify-no-changes")]
        {
            found.push(package.command(group, command, file.clone()));
        }
    }
    found
}

/// Cargo's commands.
pub(super) fn cargo(package: &Package<'_>) -> Vec<ProjectCommand> {
    if !package.has("Cargo.toml") {
        return Vec::new();
    }
    let mut found = vec![
        package.command(Test, "cargo test", "Cargo.toml"),
        package.command(Build, "cargo build", "Cargo.toml"),
        package.command(Lint, "cargo clippy", "Cargo.toml"),
    ];
    if package.has(".config/nextest.toml") {
        found.push(package.command(Test, "cargo nextest run", ".config/nextest.toml"));
    }
    found
}

fn dotnet(package: &Package<'_>) -> Option<String> {
    let names =
        std::fs::read_dir(package.dir).ok()?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| [".sln", ".slnx", ".csproj", ".fsproj"].iter().any(|end| name.ends_with(end))).min()
}

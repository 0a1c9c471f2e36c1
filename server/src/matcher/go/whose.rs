//! Whose a test of Go is: packages may have tests of one name, and `go test` names the package behind its tests. Such a test's
//! id says the package's import path too (`example.com/shop/cart TestAdds`), and what is known of it waits until the package
//! is. One that no other package has is known by its name alone, at once.

use std::path::Path;

use super::source::Tests;
use crate::matcher::scope::Scope;
use crate::problem::{Problem, TestResult, TestStatus};

/// Results and problems that wait at one time; what comes then is told by the test's name alone.
const MAX_WAITING: usize = 10_000;

/// A package, as far as it is known, and what waits for it.
#[derive(Default)]
pub(super) struct Whose {
    /// Its import path.
    package: Option<String>,
    waiting: Vec<Waiting>,
}

enum Waiting {
    Result(TestResult),
    Problem(Problem),
}

impl Waiting {
    fn test(&self) -> Option<&str> {
        match self {
            Self::Result(result) => Some(&result.id),
            Self::Problem(problem) => problem.test.as_deref(),
        }
    }

    fn tell(self, package: Option<&str>, scope: &mut Scope) {
        let id = |test: String| package.map_or(test.clone(), |package| format!("{package} {test}"));
        match self {
            Self::Result(result) => {
                let program = package.map(str::to_owned);
                scope.test_result(TestResult { id: id(result.id), program, ..result });
            }
            Self::Problem(problem) => scope.problem(Problem { test: problem.test.map(id), ..problem }),
        }
    }
}

impl Whose {
    /// The package is known by its import path.
    pub(super) fn is(&mut self, package: &str) {
        self.package = Some(package.to_owned());
    }

    /// A result, whose id is the test's name so far.
    pub(super) fn result(&mut self, result: TestResult, folder: Option<&Path>, tests: &mut Tests, scope: &mut Scope) {
        self.say(Waiting::Result(result), folder, tests, scope);
    }

    /// A problem, whose test is a name so far.
    pub(super) fn problem(&mut self, problem: Problem, folder: Option<&Path>, tests: &mut Tests, scope: &mut Scope) {
        self.say(Waiting::Problem(problem), folder, tests, scope);
    }

    fn say(&mut self, what: Waiting, folder: Option<&Path>, tests: &mut Tests, scope: &mut Scope) {
        let Some(test) = what.test().filter(|test| tests.is_shared(scope, test)) else { return what.tell(None, scope) };
        let package = self.package.clone().or_else(|| tests.package(scope, test, folder));
        match package {
            Some(package) => what.tell(Some(&package), scope),
            None if self.waiting.len() < MAX_WAITING => self.waiting.push(what),
            None => what.tell(None, scope),
        }
    }

    /// Whether the details of a test were told, or wait.
    pub(super) fn is_detailed(&self, test: &str, folder: Option<&Path>, tests: &mut Tests, scope: &Scope) -> bool {
        let waits =
            |it: &Waiting| matches!(it, Waiting::Problem(it) if !it.provisional && it.test.as_deref() == Some(test));
        if self.waiting.iter().any(waits) {
            return true;
        }
        if !tests.is_shared(scope, test) {
            return scope.is_detailed(test);
        }
        let package = self.package.clone().or_else(|| tests.package(scope, test, folder));
        package.is_some_and(|package| scope.is_detailed(&format!("{package} {test}")))
    }

    /// Tells what has waited: with the package, or without where nobody said whose it is.
    pub(super) fn tell_waiting(&mut self, folder: Option<&Path>, tests: &mut Tests, scope: &mut Scope) {
        for mut waiting in std::mem::take(&mut self.waiting) {
            if let Waiting::Result(result) = &mut waiting
                && result.status == TestStatus::Failed
                && result.place.is_none()
            {
                result.place = tests.function(scope, &result.id, folder);
            }
            waiting.tell(self.package.as_deref(), scope);
        }
    }
}

//! What npm, pnpm and yarn print before a script: `> @shop/web@1.0.0 test`. It names the package, in whose folder the paths
//! that follow start.

use std::path::PathBuf;

use crate::matcher::Matcher;
use crate::matcher::format::{Format, Rank, always};
use crate::matcher::scope::Scope;

pub(super) const FORMAT: Format = Format {
    name: "npm banner",
    rank: Rank::Structured,
    gate: always,
    starts: &[r"> @?[^ @]+@[0-9][^ ]* [^ ]"],
    inside: &[],
    new: |_| Box::new(Banner::default()),
};

#[derive(Default)]
pub(super) struct Banner {
    entered: Option<PathBuf>,
}

expression!(banner, r"^> (@?[^ @]+)@\d\S* \S+(?: (/\S.*))?$");

impl Matcher for Banner {
    fn line(&mut self, line: &str, scope: &mut Scope) {
        if scope.inside.is_some() {
            return;
        }
        let Some(found) = banner().captures(line) else { return };
        let printed = found.get(2).map(|folder| PathBuf::from(folder.as_str()));
        let known = printed.filter(|folder| scope.files.is_file(&folder.join("package.json")));
        let Some(folder) = known.or_else(|| scope.folder_of(&found[1])) else { return };
        if self.entered.as_ref() == Some(&folder) {
            return;
        }
        if let Some(before) = self.entered.take() {
            scope.leave(&before);
        }
        scope.enter(&folder);
        self.entered = Some(folder);
    }
}

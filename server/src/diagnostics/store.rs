//! Stub.
use crate::ids::TaskId;
use crate::problem::Problem;
use std::path::{Path, PathBuf};

#[derive(Debug, Default)]
pub struct Store;
pub struct Stored {
    pub task: TaskId,
    pub run: u32,
    pub problem: Problem,
    pub edited: bool,
}
impl Store {
    pub fn begin_run(&mut self, _task: &TaskId, _run: u32, _key: &str) {}
    pub fn add(&mut self, _task: &TaskId, _run: u32, _problem: Problem) -> Vec<PathBuf> {
        vec![]
    }
    pub fn end_run(&mut self, _task: &TaskId, _run: u32, _cancelled: bool) -> Vec<PathBuf> {
        vec![]
    }
    pub fn dismiss(&mut self, _task: &TaskId) -> Vec<PathBuf> {
        vec![]
    }
    pub fn for_file(&self, _path: &Path) -> Vec<&Stored> {
        vec![]
    }
    pub fn counts(&self, _task: &TaskId) -> (u32, u32) {
        (0, 0)
    }
    pub fn shift(&mut self, _path: &Path, _start: u32, _old_end: u32, _new: u32) -> bool {
        false
    }
}

//! Where the simulator begins: a stack and settings in, something [`Running`] out.
//!
//! Until the simulator is a part of this program, nothing can run: what stands here is a type without values, and everything
//! around it is complete and tested with a stand-in.

use super::plan::RunSettings;
use super::printer::Watcher;
use super::session::{NewRecord, Running};
use crate::exit::Failure;
use bytes::Bytes;
use std::convert::Infallible;
use std::sync::Arc;
use streamgauge_lambda::arn::Arn;
use streamgauge_lambda::invoke::Outcome;
use streamgauge_lambda::stack::Stack;

/// Starts the simulator; all that happens is told to the watcher.
pub(super) fn start(_: &Stack, _: &RunSettings, _: Watcher) -> Result<Infallible, Failure> {
    Err(Failure::wrong("this version reads templates, and runs nothing yet")
        .hint("--check shows what would run"))
}

impl Running for Infallible {
    async fn put(&self, _: &Arn, _: Vec<NewRecord>) -> Result<(), String> {
        match *self {}
    }

    async fn send(&self, _: &Arn, _: Vec<String>) -> Result<(), String> {
        match *self {}
    }

    async fn invoke(&self, _: &Arc<str>, _: Bytes, _: bool) -> Option<Outcome> {
        match *self {}
    }

    async fn drained(&self) {
        match *self {}
    }

    async fn stop(self) {
        match self {}
    }
}

//! A Prometheus server in a folder of its own, and what its HTTP API says.

use super::super::served::ask;
use super::super::{line, terminate};
use crate::suite::cli::Sandbox;
use crate::suite::prometheus::program;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader};
use std::process::{Child, Command, Stdio};

/// Series by name and labels.
pub(super) type Series = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// A server, ended with this.
pub(super) struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts one with the `prometheus.yml` of the folder, on a port that is free.
    pub(super) fn start(sandbox: &Sandbox) -> Self {
        let mut command = Command::new(program("PROMETHEUS", "prometheus"));
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=series"]);
        command.arg("--web.listen-address=127.0.0.1:0").current_dir(&sandbox.folder);
        let piped = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("prometheus, of Debian's package of that name");
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let told = line(&mut said, "Listening on");
        let address = told.split_once("address=").unwrap().1.split(' ').next().unwrap().to_owned();
        line(&mut said, "ready to receive web requests");
        // It must never wait for somebody to read what it says.
        let mut log = File::create(sandbox.folder.join("prometheus.log")).unwrap();
        std::thread::spawn(move || io::copy(&mut said, &mut log));
        Self { child, address }
    }

    /// What it answers a `GET` of its API with.
    pub(super) fn get(&self, path: &str, query: &str) -> Result<Value, String> {
        let mut encoded = String::new();
        for byte in query.bytes() {
            write!(encoded, "%{byte:02x}").unwrap();
        }
        // An answer to this version comes in one piece.
        let head = format!("GET /api/v1/{path}{encoded} HTTP/1.0");
        let (status, body) = ask(&self.address, &head, "");
        let mut answer: Value = serde_json::from_str(&body).map_err(|_no_json| body.clone())?;
        let is_fine = status.ends_with(" 200 OK") && answer.get("warnings").is_none();
        if is_fine { Ok(answer["data"].take()) } else { Err(body) }
    }

    /// What an expression comes to.
    pub(super) fn query(&self, expression: &str) -> Result<Series, String> {
        let mut answer = self.get("query?query=", expression)?;
        let found: Vec<Value> = serde_json::from_value(answer["result"].take())
            .map_err(|error| format!("{expression}: {error}"))?;
        let series = found.into_iter().map(|mut one| {
            let mut labels: BTreeMap<String, String> =
                serde_json::from_value(one["metric"].take()).unwrap();
            let name = labels.remove("__name__").unwrap_or_default();
            let value = one["value"][1].as_str().unwrap().parse().unwrap();
            ((name, labels), value)
        });
        Ok(series.collect())
    }

    /// The one value that an expression comes to.
    pub(super) fn value(&self, expression: &str) -> Result<f64, String> {
        let series = self.query(expression)?;
        match series.values().collect::<Vec<_>>()[..] {
            [value] => Ok(*value),
            _ => Err(format!("{expression}: {series:?}")),
        }
    }

    /// Ends it as service managers do: its exit code.
    pub(super) fn stop(mut self) -> Option<i32> {
        terminate(&self.child);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

//! A session at a terminal: what is typed is done, and what comes is held against what was promised.

use super::super::{Sandbox, binary};
use super::script::Step;
use super::shell::Shell;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Lines, PipeReader, Read, Write, pipe};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use streamgauge_engine::time::Timestamp;
use streamgauge_pipeline::port::clock::Clock;
use streamgauge_pipeline::system_clock::SystemClock;

/// Where documents say that `dev` listens.
const SHOWN_ADDRESS: &str = "127.0.0.1:8080";

/// When a question that is not answered as promised has failed; a second would do.
const GIVE_UP: Duration = Duration::from_mins(1);

/// A terminal in a folder of its own.
pub(super) struct Session {
    sandbox: Sandbox,
    shell: Shell,
    dev: Option<Dev>,
}

/// The `dev` that runs in the foreground, killed with this.
struct Dev {
    child: Child,
    says: Lines<BufReader<PipeReader>>,
    address: String,
}

impl Drop for Dev {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Session {
    pub(super) fn new(sandbox: Sandbox) -> Self {
        // Building the command may take minutes, after which this time would be long ago.
        binary();
        let second = SystemClock.now().as_millis() / 1_000;
        let now = Timestamp::from_millis(second * 1_000).to_string();
        let shell = Shell { now, seconds: second.to_string(), variables: BTreeMap::new() };
        Self { sandbox, shell, dev: None }
    }

    /// Takes one step; says what is not as it was promised.
    pub(super) fn take(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::File { name, text, .. } => {
                self.sandbox.file(&name, text);
                Ok(())
            }
            Step::Command { typed, answer, .. } => self.command(&typed, &answer),
            Step::Said { answer, .. } => self.said(&answer),
            Step::Interrupt { answer, .. } => {
                let mut dev = self.dev.take().ok_or("no `dev` runs")?;
                let id = dev.child.id().to_string();
                assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
                compare(&mut dev.says.by_ref().map(Result::unwrap), &answer, true)?;
                let code = dev.child.wait().unwrap().code();
                if code == Some(0) { Ok(()) } else { Err(format!("`dev` ended with {code:?}")) }
            }
        }
    }

    fn command(&mut self, typed: &str, answer: &[String]) -> Result<(), String> {
        let commands = self.shell.commands(typed)?;
        let asks = |words: &Vec<String>| {
            words[0] == "curl" && !words.iter().any(|one| one == "-d" || one == "--data-binary")
        };
        if commands.iter().all(asks) && !commands.is_empty() {
            return self.ask(&commands, answer);
        }
        let mut all = String::new();
        for words in commands {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["streamgauge", "dev", arguments @ ..] => {
                    self.dev = Some(self.start(arguments)?);
                    return self.said(answer);
                }
                ["streamgauge", arguments @ ..] => all += &self.run(arguments),
                ["curl", arguments @ ..] => all += &self.curl(arguments)?,
                ["touch", file] => _ = self.sandbox.file(file, ""),
                ["cd", folder] => self.sandbox.folder.push(folder),
                ["echo", text, ">>", file] => {
                    let path = self.sandbox.folder.join(file);
                    let opened = OpenOptions::new().append(true).create(true).open(path);
                    writeln!(opened.unwrap(), "{text}").unwrap();
                }
                _ => return Err(format!("`{typed}` cannot be typed by this test")),
            }
        }
        compare(&mut all.lines().map(str::to_owned), answer, true)
    }

    /// Asks until the answer is the promised one: what was pushed is durable at once, and decided a moment later.
    fn ask(&self, commands: &[Vec<String>], answer: &[String]) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let mut all = String::new();
            for words in commands {
                let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
                all += &self.curl(&words)?;
            }
            let compared = compare(&mut all.lines().map(str::to_owned), answer, true);
            if compared.is_ok() || begun.elapsed() > GIVE_UP {
                return compared;
            }
        }
    }

    /// What a command says that ends by itself, on both outputs.
    fn run(&self, arguments: &[&str]) -> String {
        let (mut reader, writer) = pipe().unwrap();
        let mut command = self.sandbox.command("");
        command.args(arguments).stdin(Stdio::null());
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let mut child = command.spawn().unwrap();
        // It holds the ends that are written to.
        drop(command);
        let mut said = String::new();
        reader.read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        said
    }

    /// A `dev` that listens on a port of its own.
    fn start(&self, arguments: &[&str]) -> Result<Dev, String> {
        if self.dev.is_some() {
            return Err("another `dev` runs".to_owned());
        }
        let (reader, writer) = pipe().unwrap();
        let mut command = self.sandbox.command("dev --listen 127.0.0.1:0");
        command.args(arguments).stdin(Stdio::null());
        command.stdout(writer.try_clone().unwrap()).stderr(writer);
        let child = command.spawn().unwrap();
        let says = BufReader::new(reader).lines();
        Ok(Dev { child, says, address: String::new() })
    }

    /// Holds what `dev` says next against this.
    fn said(&mut self, answer: &[String]) -> Result<(), String> {
        let dev = self.dev.as_mut().ok_or("no `dev` runs that could say it")?;
        let Dev { says, address, .. } = dev;
        let mut lines = says.by_ref().map(|line| {
            let line = line.unwrap();
            if let Some(at) = line.strip_prefix("listening on http://") {
                at.clone_into(address);
            }
            line
        });
        compare(&mut lines, answer, false)
    }

    /// What a request answers.
    fn curl(&self, arguments: &[&str]) -> Result<String, String> {
        let dev = self.dev.as_ref().ok_or("no `dev` runs")?;
        let (mut url, mut headers, mut body) = ("", String::new(), None);
        let mut arguments = arguments.iter();
        while let Some(&argument) = arguments.next() {
            match argument {
                "-H" => {
                    headers += arguments.next().ok_or("-H without a header")?;
                    headers += "\r\n";
                }
                "-d" | "--data-binary" => {
                    let data = arguments.next().ok_or("-d without data")?;
                    let of_file = data.strip_prefix('@').filter(|_| argument != "-d");
                    body = Some(
                        of_file.map_or_else(|| (*data).to_owned(), |file| self.sandbox.read(file)),
                    );
                }
                "-s" | "-sS" => {}
                _ if argument.starts_with('-') => return Err(format!("curl {argument}")),
                _ => url = argument,
            }
        }
        let path = url.strip_prefix("http://").and_then(|rest| rest.strip_prefix(SHOWN_ADDRESS));
        let path = path.ok_or(format!("`{url}` is not that of `dev`"))?;
        let method = if body.is_some() { "POST" } else { "GET" };
        let body = body.unwrap_or_default();
        let (host, length) = (&dev.address, body.len());
        // By HTTP/1.0 the answer comes in one piece.
        let head = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: {length}");
        let mut stream = TcpStream::connect(host).unwrap();
        write!(stream, "{head}\r\n{headers}\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, answered) = answer.split_once("\r\n\r\n").ok_or(format!("no answer: {answer}"))?;
        Ok(answered.to_owned())
    }
}

/// Holds lines against those that were promised; with `all` no more may come.
fn compare(
    lines: &mut dyn Iterator<Item = String>,
    answer: &[String],
    all: bool,
) -> Result<(), String> {
    let mut skip = false;
    for expect in answer {
        if expect == "..." {
            skip = true;
            continue;
        }
        let mut found = lines.next();
        while skip && found.as_ref().is_some_and(|line| plain(line) != plain(expect)) {
            found = lines.next();
        }
        skip = false;
        let found = found.ok_or(format!("expected `{expect}`, and no more came"))?;
        if plain(&found) != plain(expect) {
            return Err(format!("\nexpected `{expect}`\n   found `{found}`"));
        }
    }
    // Of one that goes on nothing more is read: it may say nothing for long.
    let more = if all && !skip { lines.next() } else { None };
    more.map_or(Ok(()), |more| Err(format!("more came: `{more}`")))
}

/// A line in which all times are the same, and all ports.
fn plain(line: &str) -> String {
    const TIME: &str = "0000-00-00T00:00:00";
    const ADDRESS: &str = "127.0.0.1:";
    let mut text = String::new();
    let mut rest = line.trim_end();
    loop {
        let time = rest.split_at_checked(TIME.len()).filter(|(part, _)| {
            let same = |(one, like): (u8, u8)| one == like || like == b'0' && one.is_ascii_digit();
            part.bytes().zip(TIME.bytes()).all(same)
        });
        if let Some((_, behind)) = time {
            text.push_str("TIME");
            rest = behind.trim_start_matches(|one: char| one == '.' || one.is_ascii_digit());
        } else if let Some(port) = rest.strip_prefix(ADDRESS) {
            text.push_str(ADDRESS);
            rest = port.trim_start_matches(|one: char| one.is_ascii_digit());
        } else {
            let mut letters = rest.chars();
            let Some(letter) = letters.next() else { return text };
            text.push(letter);
            rest = letters.as_str();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds what came against what was promised: whether it is the same.
    #[track_caller]
    fn check(found: &str, answer: &str, expect: bool) {
        let answer: Vec<String> = answer.lines().map(str::to_owned).collect();
        let compared = compare(&mut found.lines().map(str::to_owned), &answer, true);
        assert_eq!(compared.is_ok(), expect, "{compared:?}");
    }

    #[test]
    fn what_differs_is_found() {
        check("a\nb", "a\nb", true);
        check("a\nb", "a", false);
        check("a", "a\nb", false);
        check("a\nb\nc", "a\n...\nc", true);
        check("a\nb\nc", "a\n...\nd", false);
        check("a\nb\nc", "a\n...", true);
        check("x 2026-01-05T10:00:00.250Z y", "x 2030-12-31T23:59:59Z y", true);
        check("x 2026-01-05T10:00:00Z", "x 10:00:00", false);
        check("on http://127.0.0.1:4711/", "on http://127.0.0.1:8080/", true);
        check("on http://127.0.0.1:4711/", "on http://127.0.0.2:8080/", false);
    }
}

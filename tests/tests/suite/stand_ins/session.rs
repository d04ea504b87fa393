//! `cargo x stand-ins` itself: the exit code is the command's, and however a session ends, no stand-in is left.
//!
//! A test holds a connection to each stand-in. It ends when the stand-in does, so nothing is waited for by time.

use crate::suite::source::root;
use std::io::{self, BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Connections in a row at most: one that is shutting down may still take some.
const CONNECTIONS_MAX: usize = 10_000;

/// A session whose command tells its endpoints and then reads standard input.
struct Session {
    process: Child,
    /// Held here, since waiting for a process closes what is left to it: then the command would end before it is told to.
    input: Option<ChildStdin>,
    stand_ins: Vec<(String, TcpStream)>,
}

impl Session {
    /// Starts one, and waits for its command to run. The command ends with `then` when its standard input ends.
    fn start(then: &str) -> Self {
        let script = format!("echo $AWS_ENDPOINT_URL; echo $AWS_ENDPOINT_URL_KINESIS; cat; {then}");
        let mut command = Command::new(env!("CARGO"));
        command.args(["x", "stand-ins", "--", "sh", "-c", &script]).current_dir(root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let connect = |line: io::Result<String>| {
            let address = line.unwrap().strip_prefix("http://").unwrap().to_owned();
            let connection = TcpStream::connect(&address).unwrap();
            (address, connection)
        };
        let stand_ins: Vec<_> = lines.take(2).map(connect).collect();
        if stand_ins.len() < 2 {
            let mut why = String::new();
            process.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("the command was not run: {why}");
        }
        Self { process, input, stand_ins }
    }

    /// Waits until it has ended, and sees the stand-ins end: the exit code, if no signal has ended it.
    fn end(mut self) -> Option<i32> {
        let status = self.process.wait().unwrap();
        drop(self.input);
        for (address, first) in self.stand_ins {
            let mut connection = Ok(first);
            for _ in 0..CONNECTIONS_MAX {
                let Ok(mut open) = connection else { break };
                // To its end, or until it is reset: both come of a process that goes.
                drop(open.read_to_end(&mut Vec::new()));
                connection = TcpStream::connect(&address);
            }
            assert!(connection.is_err(), "something still listens at {address}");
        }
        status.code()
    }
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let mut session = Session::start("exit 7");
    drop(session.input.take());
    assert_eq!(session.end(), Some(7));
}

#[test]
fn a_signal_ends_the_command_and_the_stand_ins() {
    let session = Session::start("exit 0");
    let mut kill = Command::new("kill");
    kill.args(["-TERM", &session.process.id().to_string()]);
    assert!(kill.status().unwrap().success());
    assert_eq!(session.end(), Some(143));
}

#[test]
fn stand_ins_end_when_what_has_started_them_is_killed() {
    let mut session = Session::start("exit 0");
    session.process.kill().unwrap();
    assert_eq!(session.end(), None);
}

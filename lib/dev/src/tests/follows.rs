//! A file is followed by processes that end at any moment: each line counts once.

use super::*;
use crate::cutter::Cut;
use crate::follow::QUIET_LOOKS;
use proptest::prelude::*;
use std::fs::{self, OpenOptions};
use std::io::Write;

/// What happens next.
#[derive(Clone, Debug)]
enum Act {
    /// So many lines are appended.
    Append(u8),
    /// The first bytes of a line are appended, and the rest of it with the next act on the file.
    Begin(u8),
    /// The file is renamed; the next line makes it anew.
    Rotate,
    /// The follower reads what is there, and offers it.
    Follow,
    /// Something is pushed meanwhile.
    Push,
    /// What waits is committed.
    Commit,
    /// The process is killed, and another begins.
    Kill,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..5_u8).prop_map(Act::Append),
        2 => (1..70_u8).prop_map(Act::Begin),
        1 => Just(Act::Rotate),
        4 => Just(Act::Follow),
        1 => Just(Act::Push),
        3 => Just(Act::Commit),
        2 => Just(Act::Kill),
    ]
}

/// A file, the process that follows it, and what they are to come to.
struct Scene {
    folder: Folder,
    clock: VirtualClock,
    process: Option<(Bench<LocalStore<VirtualClock>>, Follower)>,
    /// The rest of a line that was begun.
    rest: String,
    lines: i64,
    /// What was pushed, and of that what is not committed.
    pushed: u64,
    waiting: u64,
    rotated: u32,
}

impl Scene {
    fn new(name: &str) -> Self {
        let clock = VirtualClock::new(START);
        let folder = Folder::new(name);
        let (rest, lines, pushed, waiting, rotated) = (String::new(), 0, 0, 0, 0);
        let mut scene =
            Self { folder, clock, process: None, rest, lines, pushed, waiting, rotated };
        scene.start();
        // Files that were renamed before anything was followed are nobody's.
        for act in [Act::Append(1), Act::Follow, Act::Commit] {
            scene.act(&act);
        }
        scene
    }

    /// The process is killed, and what was pushed and not committed is lost; then another begins.
    fn start(&mut self) {
        self.process = None;
        self.pushed -= std::mem::take(&mut self.waiting);
        let bench = Bench::new(self.folder.store(&self.clock), &self.clock, By::Events);
        let mark = bench.recovered.mark;
        let follower = Follower::new(self.folder.path("e.ndjson"), mark, bench.told.teller());
        self.process = Some((bench, follower));
    }

    fn write(&mut self, text: &str) {
        let path = self.folder.path("e.ndjson");
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// The next line.
    fn line(&mut self) -> String {
        self.lines += 1;
        order(self.lines) + "\n"
    }

    fn end_line(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        self.write(&rest);
    }

    fn follow(&mut self) {
        let (bench, follower) = self.process.as_mut().unwrap();
        while let Some((Cut { text, records, .. }, followed)) = follower.next().unwrap() {
            let followed = Some(followed);
            let offered = Offered { text, records, followed, is_patient: true };
            drop(bench.intake.submit(offered, || None).unwrap());
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Append(lines) => {
                self.end_line();
                let text: String = (0..*lines).map(|_| self.line()).collect();
                self.write(&text);
            }
            Act::Begin(bytes) => {
                self.end_line();
                let mut line = self.line();
                self.rest = line.split_off(usize::from(*bytes));
                self.write(&line);
            }
            Act::Rotate => {
                self.end_line();
                let path = self.folder.path("e.ndjson");
                // Nobody renames a file that is not there.
                if path.exists() {
                    self.rotated += 1;
                    let old = self.folder.path(&format!("e.ndjson.{}", self.rotated));
                    fs::rename(path, old).unwrap();
                    // Two files of one moment have no order.
                    let line = self.line();
                    self.write(&line);
                    self.follow_long();
                }
            }
            Act::Follow => self.follow(),
            Act::Push => {
                self.pushed += 1;
                self.waiting += 1;
                drop(self.process.as_ref().unwrap().0.submit(&[order(0)]).unwrap());
            }
            Act::Commit => {
                self.waiting = 0;
                self.process.as_mut().unwrap().0.commit();
            }
            Act::Kill => self.start(),
        }
    }

    /// Each file that was renamed is left when nothing has come for some time.
    fn follow_long(&mut self) {
        for _ in 0..=QUIET_LOOKS * (self.rotated + 1) {
            self.follow();
        }
    }

    /// Checks that each line counts once.
    fn check(mut self) {
        self.end_line();
        self.follow_long();
        self.start();
        self.follow_long();
        let (bench, _) = self.process.as_mut().unwrap();
        bench.commit();
        bench.take(&[order(1_000_000)]).unwrap();
        bench.pass(SECOND_MS);
        let mut expect = BTreeMap::new();
        for second in 1..=self.lines {
            *expect.entry(second / 60).or_default() += 1;
        }
        if self.pushed > 0 {
            *expect.entry(0).or_default() += self.pushed;
        }
        assert_eq!(bench.counts(), expect);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn each_line_counts_once_whenever_the_process_is_killed(
        acts in proptest::collection::vec(act(), 0..40),
    ) {
        let mut scene = Scene::new("killed");
        for act in &acts {
            scene.act(act);
        }
        scene.check();
    }
}

#[test]
fn what_was_offered_and_not_committed_is_read_again() {
    let mut scene = Scene::new("again");
    scene.act(&Act::Append(3));
    scene.act(&Act::Follow);
    // The process is gone, and nothing of it was durable.
    scene.start();
    scene.act(&Act::Begin(20));
    scene.act(&Act::Follow);
    scene.act(&Act::Push);
    scene.act(&Act::Kill);
    scene.check();
}

#[test]
fn a_file_that_was_renamed_while_nobody_followed_is_read_to_its_end() {
    let mut scene = Scene::new("renamed");
    scene.act(&Act::Append(3));
    scene.act(&Act::Follow);
    scene.act(&Act::Commit);
    scene.process = None;
    scene.act(&Act::Append(2));
    fs::rename(scene.folder.path("e.ndjson"), scene.folder.path("e.ndjson.1")).unwrap();
    scene.act(&Act::Append(4));
    scene.start();
    scene.check();
}

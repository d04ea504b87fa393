//! Plans as text, and what they do at places.

use super::*;

fn place(point: Point<'static>, key: &'static str) -> Place<'static> {
    Place { point, function: "F", mapping: "F/E", shard: "s", key, attempt: 1 }
}

fn plan(text: &str) -> Faults {
    Faults::parse(text, 1).unwrap()
}

/// Shows a plan a point once.
#[track_caller]
fn check(text: &str, point: Point<'static>, expect: Interference) {
    assert_eq!(plan(text).at(&place(point, "1")), expect, "{text}");
}

#[test]
fn each_kind_acts_at_its_point() {
    let second = Duration::from_secs(1);
    check("kill at=received", Point::Received, Interference::Kill);
    check("kill at=answered", Point::Answered, Interference::Kill);
    check("kill at=x", Point::Named("x"), Interference::Kill);
    check("repeat", Point::Done, Interference::Repeat);
    check("delay by=1s", Point::Asked, Interference::Delay(second));
    check("throttle", Point::Asked, Interference::Throttle);
    check("lose-answer", Point::Answered, Interference::LoseAnswer);
    check("stop-shard for=1000ms", Point::Read, Interference::Delay(second));
    check("zombie", Point::Received, Interference::Abandon);
}

#[test]
fn no_kind_acts_elsewhere() {
    check("kill at=received", Point::Answered, Interference::None);
    check("kill at=x", Point::Named("y"), Interference::None);
    check("throttle", Point::Read, Interference::None);
    check("", Point::Asked, Interference::None);
}

#[test]
fn what_is_selected_must_be_there() {
    check("throttle function=F mapping=F/E shard=s", Point::Asked, Interference::Throttle);
    check("throttle function=G", Point::Asked, Interference::None);
    check("throttle mapping=F/X", Point::Asked, Interference::None);
    check("throttle shard=t", Point::Asked, Interference::None);
}

/// How often a plan throttles at 1,000 different places, each seen twice.
fn throttled(text: &str, seed: u64) -> Vec<usize> {
    let plan = Faults::parse(text, seed).unwrap();
    let keys: Vec<String> = (0..2_000).map(|number| (number / 2).to_string()).collect();
    let at = |key: &str| plan.at(&Place { key, ..place(Point::Asked, "") });
    (0..2_000).filter(|number| at(&keys[*number]) == Interference::Throttle).collect()
}

#[test]
fn a_fault_is_done_so_many_times() {
    assert_eq!(throttled("throttle", 1), [0]);
    assert_eq!(throttled("throttle times=3", 1), [0, 1, 2]);
    assert_eq!(throttled("throttle every=10 skip=5 times=3", 1), [5, 15, 25]);
}

#[test]
fn a_chance_is_met_about_as_often_and_by_the_place_alone() {
    let drawn = throttled("throttle chance=0.1 times=1000000", 1);
    assert!((120..280).contains(&drawn.len()), "{}", drawn.len());
    assert!(drawn.chunks(2).all(|pair| pair[0] % 2 == 0 && pair[1] == pair[0] + 1));
    assert_eq!(drawn, throttled("throttle chance=0.1 times=1000000", 1));
    assert_ne!(drawn, throttled("throttle chance=0.1 times=1000000", 2));
}

#[test]
fn each_fault_and_each_attempt_is_drawn_by_itself() {
    let both = "throttle chance=0.1 times=1000000\ndelay by=1s chance=0.1 times=1000000";
    let plan = plan(both);
    let drawn: Vec<Interference> = (1..=1_000)
        .map(|attempt| plan.at(&Place { attempt, ..place(Point::Asked, "1") }))
        .collect();
    for expect in [Interference::Throttle, Interference::Delay(Duration::from_secs(1))] {
        let count = drawn.iter().filter(|drawn| **drawn == expect).count();
        assert!((50..150).contains(&count), "{expect:?}: {count}");
    }
}

#[test]
fn what_was_done_is_counted() {
    let plan = plan("throttle times=5\nrepeat");
    for _ in 0..7 {
        plan.at(&place(Point::Asked, "1"));
    }
    assert_eq!(plan.done(), [5, 0]);
}

#[test]
fn a_random_moment_lies_within_its_time() {
    let plan = plan("kill at=random within=1s times=100");
    let mut moments = Vec::new();
    for key in ["1", "2", "3", "4"] {
        let Interference::KillAfter(moment) = plan.at(&place(Point::Received, key)) else {
            panic!("not killed")
        };
        assert!(moment < Duration::from_secs(1));
        moments.push(moment);
    }
    moments.dedup();
    assert!(moments.len() > 1, "{moments:?}");
}

/// Shows a text with one problem to the parser.
#[track_caller]
fn check_problem(text: &str, expect: &str) {
    let errors = Faults::parse(text, 1).unwrap_err();
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts, [expect]);
}

#[test]
fn problems_name_line_and_remedy() {
    check_problem(
        "# nothing\n\nkill",
        "line 3: `kill` needs `at=`: received, answered, random, or the name of a point such as before:DynamoDB.PutItem",
    );
    check_problem("delay", "line 1: `delay` needs `by=`, such as by=30s");
    check_problem("delay by=30", "line 1: `by=30` is no length of time; write 250ms, 30s or 5m");
    check_problem("delay by=25h", "line 1: `by=25h` is more than 24h");
    check_problem("throttle times=0", "line 1: `times=0` is no whole number from 1 to 1000000");
    check_problem(
        "throttle chance=0",
        "line 1: `chance=0` is no number above 0 and up to 1, such as 0.05",
    );
    check_problem(
        "throttle chance=1.1",
        "line 1: `chance=1.1` is no number above 0 and up to 1, such as 0.05",
    );
    check_problem(
        "throttle often",
        "line 1: `often` is no `key=value`; a fault is a kind and such words",
    );
    check_problem("repeat times=1 times=2", "line 1: `times` stands twice");
    check_problem(
        "repeat by=1s",
        "line 1: `repeat` has no `by`; every fault has function, mapping, shard, chance, every, skip and times",
    );
}

#[test]
fn all_problems_are_told() {
    assert_eq!(Faults::parse("a\nthrottle\nb", 1).unwrap_err().len(), 2);
}

#[test]
fn a_plan_has_a_limit() {
    assert!(Faults::parse(&"repeat\n".repeat(FAULTS_MAX), 1).is_ok());
    let errors = Faults::parse(&"repeat\n".repeat(FAULTS_MAX + 5), 1).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].line, FAULTS_MAX + 1);
}

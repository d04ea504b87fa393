//! Rules that change while the store does not work.

use super::*;
use crate::rules_file::Changed;
use crate::run::Reload;
use streamgauge_pipeline::contract::Fault;
use streamgauge_pipeline::control::Control;
use tokio::sync::watch;

#[test]
fn changed_rules_wait_for_a_store_that_fails_for_now() {
    let clock = VirtualClock::new(START);
    let memory = Memory::new(&clock, 1 << 20);
    let bench = Bench::new(Shared(Arc::clone(&memory)), &clock, By::Clock);
    let newest = || {
        let mut control = Control::default();
        block_on(control.follow(&*bench.world.store)).unwrap();
        control.newest().unwrap().to_owned()
    };
    let before = newest();
    let mut reload = Reload::default();
    let mut take = |changed| reload.take(changed, (&bench.world, &bench.told.teller())).unwrap();
    let longer = Some(Changed::Good(text_of(&RULES.replace("1m", "5m"))));
    memory.log.arm(Fault::CrashMidway);
    take(longer);
    let told = bench.told.take();
    assert!(matches!(&told[..], [Happening::Trouble(what)] if what.contains("rules")), "{told:?}");
    assert_eq!(newest(), before);
    // Nothing has changed since.
    take(None);
    assert_eq!(bench.told.take(), [Happening::Over, Happening::RulesAnnounced]);
    assert_ne!(newest(), before);
    take(None);
    assert_eq!(bench.told.take(), []);
    // What is not in the files any more is not announced.
    let after = newest();
    memory.log.arm(Fault::CrashMidway);
    take(Some(Changed::Good(text_of(&RULES.replace("1m", "10m")))));
    take(Some(Changed::Wrong { shown: "wrong".to_owned(), plain: "wrong".to_owned() }));
    take(None);
    assert_eq!(newest(), after);
}

#[test]
fn rules_that_are_wrong_are_known_until_others_are_announced() {
    let clock = VirtualClock::new(START);
    let memory = Memory::new(&clock, 1 << 20);
    let bench = Bench::new(Shared(memory), &clock, By::Clock);
    let (tells, rejected) = watch::channel(None);
    let mut reload = Reload::telling(tells);
    let mut take = |changed| reload.take(Some(changed), (&bench.world, &bench.told.teller()));
    let wrong = |plain: &str| Changed::Wrong { shown: String::new(), plain: plain.to_owned() };
    take(wrong("no such key")).unwrap();
    let known = rejected.borrow().clone().unwrap();
    assert_eq!((known.at, &*known.reason), (START, "no such key"));
    take(wrong(&"\u{e9}".repeat(1 << 20))).unwrap();
    let long = rejected.borrow().clone().unwrap();
    assert!(long.reason.len() < 20_000 && long.reason.ends_with("`streamgauge check` shows all"));
    take(Changed::Good(text_of(&RULES.replace("1m", "5m")))).unwrap();
    assert_eq!(*rejected.borrow(), None);
}

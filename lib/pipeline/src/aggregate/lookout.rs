//! Whether an environment looks at a shard's log before it folds.
//!
//! A lone environment never does: its append tells it if anybody else was there. But where Lambda sends the batches of a shard to several
//! environments in turn, each would fold every batch in vain, and then read the shard's whole state again.

/// After so many looks in a row that have found nothing, an environment is alone again.
const LOOKS: u8 = 64;

/// What an environment has met of others on a shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lookout {
    /// How many looks there are still to be.
    looks: u8,
}

impl Lookout {
    /// Somebody else has appended first.
    pub(super) fn was_late(&mut self) {
        self.looks = LOOKS;
    }

    /// Whether to look before the next fold.
    pub(super) const fn is_needed(self) -> bool {
        self.looks > 0
    }

    /// It has looked; whether it found anything new.
    pub(super) fn looked(&mut self, found: bool) {
        self.looks = if found { LOOKS } else { self.looks.saturating_sub(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_environment_never_looks() {
        assert!(!Lookout::default().is_needed());
    }

    #[test]
    fn who_was_late_looks_until_it_has_been_alone_for_long() {
        let mut lookout = Lookout::default();
        lookout.was_late();
        for found in [false, true].repeat(100) {
            assert!(lookout.is_needed());
            lookout.looked(found);
        }
        for look in 0..LOOKS {
            assert!(lookout.is_needed(), "look {look}");
            lookout.looked(false);
        }
        assert!(!lookout.is_needed());
    }
}

//! Standard input, line by line.

use crate::cutter::{Cut, Cutter};
use crate::follow::LOOK_EVERY;
use crate::happening::Happening;
use crate::intake::Refused;
use crate::source::Bringer;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use streamgauge_engine::time::Timestamp;

/// What is read at once, in bytes.
const PIECE_BYTES: usize = 256 << 10;

/// Whether a pipe may have brought something that is not offered yet: until it has brought anything, and while that is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Brings(Arc<AtomicBool>);

impl Default for Brings {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Brings {
    pub(crate) fn has_more(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self, has_more: bool) {
        self.0.store(has_more, Ordering::SeqCst);
    }
}

/// Brings all that a pipe has, to its end. What cannot be read is tried again for as long as anything is taken, and holds no window meanwhile.
pub(crate) fn read(
    mut pipe: impl Read,
    bringer: &mut Bringer,
    brings: &Brings,
    arrival: impl Fn() -> Option<Timestamp>,
) {
    let mut cutter = Cutter::at(0);
    let mut piece = vec![0; PIECE_BYTES];
    let (mut is_first, mut is_failing) = (true, false);
    loop {
        brings.set(is_first);
        let count = match pipe.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                // Who shares a pipe that does not wait is told so while it is empty.
                if error.kind() != ErrorKind::WouldBlock {
                    brings.set(false);
                    is_first = false;
                    if !std::mem::replace(&mut is_failing, true) {
                        let what = format!("could not read {}: {error}", bringer.name);
                        bringer.teller.tell(Happening::Trouble(what));
                    }
                }
                if bringer.intake.is_closed_within(LOOK_EVERY) {
                    return;
                }
                continue;
            }
        };
        if std::mem::take(&mut is_failing) {
            bringer.teller.tell(Happening::Over);
        }
        brings.set(true);
        is_first = false;
        cutter.push(piece.get(..count).unwrap_or_default());
        let rest = if count == 0 { cutter.finish() } else { None };
        if bring(bringer, std::iter::from_fn(|| cutter.take()).chain(rest), &arrival).is_err() {
            return;
        }
        if count == 0 {
            brings.set(false);
            bringer.teller.tell(Happening::PipeEnded);
            return;
        }
    }
}

/// Offers lines, and waits until they are durable: who types wants to hear at once which are wrong.
fn bring(
    bringer: &mut Bringer,
    cuts: impl Iterator<Item = Cut>,
    arrival: impl Fn() -> Option<Timestamp>,
) -> Result<(), Refused> {
    for cut in cuts.filter(|cut| !cut.records.is_empty()) {
        bringer.bring(cut, None, &arrival)?;
    }
    bringer.wait()
}

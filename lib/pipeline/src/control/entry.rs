//! An entry of the control log, and how it is stored: a header, and the text of a plan as a chunk.

use crate::deflate::{read_deflated, write_deflated};
use crate::deliver::lane::Cursor;
use crate::port::log::{Chunks, Entry, Label, Logged};
use crate::port::rules::RulesText;
use crate::port::{Partition, TooLarge};
use crate::publication::Publication;
use crate::stored::{Reader, Writer, read};
use minicbor::decode::Error;
use streamgauge_engine::stored::StoredError;
use streamgauge_engine::time::Timestamp;

/// The largest text of a plan, in bytes, before it is deflated.
pub const RULES_BYTES_MAX: usize = 4 << 20;
/// Until when entries of the control log are kept: 9999-12-31T23:59:59Z.
pub const EXPIRES_NEVER: Timestamp = Timestamp::from_millis(253_402_300_799_000);
/// The chunk of a plan's text.
pub(super) const TEXT: Label = Label(0);
/// The chunk of the points that are given back.
pub(super) const POINTS: Label = Label(1);
/// The newest format of the header and of the chunk.
const FORMAT: u64 = 1;
const WHAT: &str = "text of a plan";
/// The kinds of entries.
const TABLE: u8 = 0;
const ANNOUNCED: u8 = 1;
const IN_FORCE: u8 = 2;
const GIVEN_BACK: u8 = 3;

/// An entry of the control log.
#[derive(Clone, Debug, PartialEq)]
pub enum ControlEntry {
    /// The first entry: what is fixed when the table is made.
    Table {
        /// How many settle partitions there are.
        partitions: u8,
    },
    /// A deploy brings a plan. It replaces one that was announced and is not in force yet.
    Announced {
        /// The plan's hash.
        plan: String,
        /// Its text; absent where only the header was read.
        text: Option<RulesText>,
        /// The clock of whoever announced it.
        at: Timestamp,
    },
    /// A plan is in force.
    InForce {
        /// The plan's hash.
        plan: String,
        /// The event time from which it is.
        from: Timestamp,
    },
    /// Points that were dead letters are to be delivered after all: the next entry of their settle log holds them again.
    GivenBack {
        /// The settle partition that they are of.
        partition: Partition,
        /// Which dead letters they were: their places in the settle log, in the order of the points. None is given back twice.
        letters: Vec<Cursor>,
        /// The points; absent where only the header was read.
        points: Option<Publication>,
    },
}

impl ControlEntry {
    /// The entry as it is appended, kept until `expires_at`, which is [`EXPIRES_NEVER`] but in tests.
    pub fn to_entry(&self, expires_at: Timestamp) -> Result<Entry, TooLarge> {
        let mut header = Writer::new(FORMAT);
        let mut chunks = Chunks::new();
        match self {
            Self::Table { partitions } => {
                header.put(TABLE).put(*partitions);
            }
            Self::Announced { plan, text, at } => {
                header.put(ANNOUNCED).put(plan.as_str()).time(*at);
                if let Some(text) = text {
                    chunks.insert(TEXT, write_text(text)?);
                }
            }
            Self::InForce { plan, from } => {
                header.put(IN_FORCE).put(plan.as_str()).time(*from);
            }
            Self::GivenBack { partition, letters, points } => {
                header.put(GIVEN_BACK).put(partition.number());
                header.list(letters.iter(), |writer, letter| letter.write(writer));
                chunks.extend(points.as_ref().map(|points| (POINTS, points.encode())));
            }
        }
        Entry::new(header.finish(), chunks, expires_at)
    }

    /// Reads an entry of the log.
    pub fn decode(logged: &Logged) -> Result<Self, StoredError> {
        let header = logged.entry.header();
        let decoded = read("entry of the control log", FORMAT, header, |reader, _only| {
            Ok(match reader.take()? {
                TABLE => Self::Table { partitions: reader.take()? },
                ANNOUNCED => {
                    Self::Announced { plan: reader.take()?, at: reader.time()?, text: None }
                }
                IN_FORCE => Self::InForce { plan: reader.take()?, from: reader.time()? },
                GIVEN_BACK => Self::GivenBack {
                    partition: Partition::new(reader.take()?)
                        .ok_or_else(|| Error::message("there is no such partition"))?,
                    letters: reader.list(Cursor::read)?,
                    points: None,
                },
                kind => return Err(Error::message(format!("there is no kind {kind}"))),
            })
        })?;
        let chunk = |label| logged.entry.chunks().get(&label).map(Vec::as_slice);
        Ok(match decoded {
            Self::Announced { plan, at, .. } => {
                Self::Announced { plan, at, text: chunk(TEXT).map(read_text).transpose()? }
            }
            Self::GivenBack { partition, letters, .. } => {
                let points = chunk(POINTS).map(Publication::decode).transpose()?;
                Self::GivenBack { partition, letters, points }
            }
            decoded @ (Self::Table { .. } | Self::InForce { .. }) => decoded,
        })
    }
}

fn write_text(text: &RulesText) -> Result<Vec<u8>, TooLarge> {
    let files = write_files(text);
    let remedy = "write shorter rules, or keep what is no rule out of their folder";
    TooLarge::check("the bytes of the rules", files.len(), RULES_BYTES_MAX, remedy)?;
    Ok(write_deflated(FORMAT, &files))
}

fn read_text(chunk: &[u8]) -> Result<RulesText, StoredError> {
    read_files(&read_deflated(WHAT, FORMAT, chunk, RULES_BYTES_MAX)?)
}

fn write_files(text: &RulesText) -> Vec<u8> {
    let mut files = Writer::new(FORMAT);
    files.list(text.files.iter(), |writer, (name, text)| {
        writer.put(name.as_str()).put(text.as_str());
    });
    files.finish()
}

fn read_files(files: &[u8]) -> Result<RulesText, StoredError> {
    let file = |reader: &mut Reader<'_>| Ok((reader.take()?, reader.take()?));
    let files = read(WHAT, FORMAT, files, |reader, _only| reader.list(file))?;
    Ok(RulesText { files })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::log::Version;
    use crate::stored::check::check_form;

    fn check(entry: &ControlEntry, fixture: &str) {
        let encode = |it: &ControlEntry| it.to_entry(EXPIRES_NEVER).unwrap().header().to_vec();
        let decode = |header: &[u8]| {
            let stored = Entry::new(header.to_vec(), Chunks::new(), EXPIRES_NEVER).unwrap();
            ControlEntry::decode(&Logged { version: Version(1), entry: stored })
        };
        check_form(entry, encode, decode, fixture);
    }

    #[test]
    fn headers_are_written_as_ever() {
        let (plan, at) = ("ab".to_owned(), Timestamp::from_millis(1_000));
        check(&ControlEntry::Table { partitions: 64 }, "01 00 1840");
        check(
            &ControlEntry::Announced { plan: plan.clone(), text: None, at },
            "01 01 626162 1903e8",
        );
        check(&ControlEntry::InForce { plan, from: at }, "01 02 626162 1903e8");
        let letters = vec![Cursor { version: Version(7), point: 9 }];
        let partition = Partition::new(3).unwrap();
        let given_back = ControlEntry::GivenBack { partition, letters, points: None };
        check(&given_back, "01 03 03 81 07 09");
    }

    #[test]
    fn texts_are_written_as_ever() {
        let text = RulesText {
            files: vec![
                ("a.yaml".to_owned(), "metrics: {}".to_owned()),
                (String::new(), String::new()),
            ],
        };
        check_form(
            &text,
            write_files,
            read_files,
            "01 82 66612e79616d6c 6b6d6574726963733a207b7d 60 60",
        );
        assert_eq!(read_text(&write_text(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn a_text_stands_in_a_chunk_of_its_own() {
        let files = vec![("a.yaml".to_owned(), "metrics: {}".repeat(50_000))];
        let announced = ControlEntry::Announced {
            plan: "ab".to_owned(),
            text: Some(RulesText { files }),
            at: Timestamp::EPOCH,
        };
        let entry = announced.to_entry(EXPIRES_NEVER).unwrap();
        assert!(entry.bytes() < 10_000, "{}", entry.bytes());
        assert_eq!(
            ControlEntry::decode(&Logged { version: Version(1), entry }).unwrap(),
            announced
        );
    }

    #[test]
    fn a_text_over_the_limit_is_refused() {
        let files = vec![("a.yaml".to_owned(), "#".repeat(RULES_BYTES_MAX))];
        let text = Some(RulesText { files });
        let announced = ControlEntry::Announced { plan: String::new(), text, at: Timestamp::EPOCH };
        let refused = announced.to_entry(EXPIRES_NEVER).unwrap_err();
        assert_eq!(refused.limit, RULES_BYTES_MAX);
    }
}

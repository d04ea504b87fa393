//! An entry of the control log, and how it is stored: a header, and the text of a plan as a chunk.

use crate::deflate::{read_deflated, write_deflated};
use crate::deliver::lane::Cursor;
use crate::port::log::{Chunks, Entry, Label, Logged, Version};
use crate::port::rules::RulesText;
use crate::port::{Partition, TooLarge};
use crate::publication::Publication;
use crate::stored::{Reader, Writer, number, read};
use minicbor::decode::Error;
use streamgauge_engine::notification::Deploy;
use streamgauge_engine::notify::rules::{Attribute, Match, Silence};
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
/// The newest format of the header. What people say while the stack runs came with it; all else is still written in format 1, so
/// that functions of an older version go on until somebody says something.
const FORMAT: u64 = 2;
/// The format of the chunk.
const TEXT_FORMAT: u64 = 1;
const WHAT: &str = "text of a plan";
/// The kinds of entries.
const TABLE: u8 = 0;
const ANNOUNCED: u8 = 1;
const IN_FORCE: u8 = 2;
const GIVEN_BACK: u8 = 3;
const SILENCED: u8 = 4;
const SILENCE_ENDED: u8 = 5;
const DEPLOYED: u8 = 6;
/// What a match looks at, by number; the number after these is that of a name.
const ATTRIBUTES: [Attribute; 5] =
    [Attribute::Alert, Attribute::Metric, Attribute::Step, Attribute::Severity, Attribute::Channel];

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
    /// Somebody adds a quiet time. The version of the entry is its name.
    Silenced {
        /// The quiet time.
        silence: Silence,
        /// The clock of whoever added it.
        at: Timestamp,
    },
    /// Somebody ends a quiet time before its end.
    SilenceEnded {
        /// The version that added it.
        silence: Version,
        /// Who does.
        author: String,
        /// The clock of whoever ended it.
        at: Timestamp,
    },
    /// Something was deployed that the events are about.
    Deployed {
        /// What.
        deploy: Deploy,
        /// When.
        at: Timestamp,
    },
}

impl ControlEntry {
    /// The entry as it is appended, kept until `expires_at`, which is [`EXPIRES_NEVER`] but in tests.
    pub fn to_entry(&self, expires_at: Timestamp) -> Result<Entry, TooLarge> {
        let mut header = Writer::new(self.format());
        let mut chunks = Chunks::new();
        match self {
            Self::Silenced { silence, at } => {
                write_silence(header.put(SILENCED).time(*at), silence);
            }
            Self::SilenceEnded { silence, author, at } => {
                header.put(SILENCE_ENDED).time(*at).put(silence.0).put(author.as_str());
            }
            Self::Deployed { deploy, at } => {
                let Deploy { version, service, author, link } = deploy;
                header.put(DEPLOYED).time(*at).put(version.as_str()).put(service.as_deref());
                header.put(author.as_str()).put(link.as_deref());
            }
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

    /// The format that the header is written in.
    const fn format(&self) -> u64 {
        match self {
            Self::Table { .. }
            | Self::Announced { .. }
            | Self::InForce { .. }
            | Self::GivenBack { .. } => 1,
            Self::Silenced { .. } | Self::SilenceEnded { .. } | Self::Deployed { .. } => FORMAT,
        }
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
                SILENCED => Self::Silenced { at: reader.time()?, silence: read_silence(reader)? },
                SILENCE_ENDED => Self::SilenceEnded {
                    at: reader.time()?,
                    silence: Version(reader.take()?),
                    author: reader.take()?,
                },
                DEPLOYED => Self::Deployed {
                    at: reader.time()?,
                    deploy: Deploy {
                        version: reader.take()?,
                        service: reader.take()?,
                        author: reader.take()?,
                        link: reader.take()?,
                    },
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
            decoded => decoded,
        })
    }
}

fn write_silence(writer: &mut Writer, silence: &Silence) {
    let Silence { matches, from, until, author, reason } = silence;
    writer.time(*from).time(*until).put(author.as_str()).put(reason.as_str());
    writer.list(matches.conditions.iter(), |writer, (attribute, values)| {
        match attribute {
            Attribute::Named(name) => writer.put(ATTRIBUTES.len()).put(name.as_str()),
            listed => writer.put(number(&ATTRIBUTES, listed)),
        };
        writer.list(values.iter(), |writer, value| _ = writer.put(value.as_str()));
    });
}

fn read_silence(reader: &mut Reader<'_>) -> Result<Silence, Error> {
    let (from, until) = (reader.time()?, reader.time()?);
    let (author, reason) = (reader.take()?, reader.take()?);
    let conditions = reader.list(|reader| {
        let attribute: usize = reader.take()?;
        let attribute = match ATTRIBUTES.get(attribute) {
            Some(listed) => listed.clone(),
            None if attribute == ATTRIBUTES.len() => Attribute::Named(reader.take()?),
            None => return Err(Error::message("nothing that a match looks at")),
        };
        Ok((attribute, reader.list(Reader::take)?))
    })?;
    Ok(Silence { matches: Match { conditions }, from, until, author, reason })
}

fn write_text(text: &RulesText) -> Result<Vec<u8>, TooLarge> {
    let files = write_files(text);
    let remedy = "write shorter rules, or keep what is no rule out of their folder";
    TooLarge::check("the bytes of the rules", files.len(), RULES_BYTES_MAX, remedy)?;
    Ok(write_deflated(TEXT_FORMAT, &files))
}

fn read_text(chunk: &[u8]) -> Result<RulesText, StoredError> {
    read_files(&read_deflated(WHAT, TEXT_FORMAT, chunk, RULES_BYTES_MAX)?)
}

fn write_files(text: &RulesText) -> Vec<u8> {
    let mut files = Writer::new(TEXT_FORMAT);
    files.list(text.files.iter(), |writer, (name, text)| {
        writer.put(name.as_str()).put(text.as_str());
    });
    files.finish()
}

fn read_files(files: &[u8]) -> Result<RulesText, StoredError> {
    let file = |reader: &mut Reader<'_>| Ok((reader.take()?, reader.take()?));
    let files = read(WHAT, TEXT_FORMAT, files, |reader, _only| reader.list(file))?;
    Ok(RulesText { files })
}

#[cfg(test)]
mod tests;

//! Forms that are large in the logs: deflated (RFC 1951), and inflated within limits.
//!
//! What stands inside has a version of its own. The deflated bytes may differ from one release of the compressor to the next.

use crate::stored::{StoredError, Writer, read};
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use minicbor::bytes::ByteSlice;
use minicbor::decode::Error;
use std::io::Read;

/// The deflated form of `bytes`.
pub(crate) fn write_deflated(version: u64, bytes: &[u8]) -> Vec<u8> {
    let mut deflated = Vec::new();
    let outcome = DeflateEncoder::new(bytes, Compression::fast()).read_to_end(&mut deflated);
    debug_assert!(outcome.is_ok(), "memory takes everything");
    let mut writer = Writer::new(version);
    writer.put(<&ByteSlice>::from(&deflated[..]));
    writer.finish()
}

/// The bytes in a deflated form, at most `limit` of them.
pub(crate) fn read_deflated(
    what: &'static str,
    newest: u64,
    form: &[u8],
    limit: usize,
) -> Result<Vec<u8>, StoredError> {
    read(what, newest, form, |reader, _only| {
        let deflated: &ByteSlice = reader.take()?;
        let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        let outcome = DeflateDecoder::new(&deflated[..]).take(one_more).read_to_end(&mut bytes);
        outcome.map_err(Error::custom)?;
        if bytes.len() > limit {
            return Err(Error::message(format!("it inflates to more than {limit} bytes")));
        }
        Ok(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_inflates_beyond_the_limit_is_refused() {
        let sevens = vec![7; 100_000];
        let form = write_deflated(1, &sevens);
        assert!(form.len() < 1_000, "{}", form.len());
        assert_eq!(read_deflated("thing", 1, &form, 100_000).unwrap(), sevens);
        assert!(read_deflated("thing", 1, &form, 99_999).is_err());
    }

    #[test]
    fn damaged_bytes_are_refused_or_inflate_within_the_limit() {
        let form = write_deflated(1, &(0..=u8::MAX).collect::<Vec<_>>());
        for place in 0..form.len() {
            for byte in [0x00, 0x01, 0x55, 0xff] {
                let mut damaged = form.clone();
                damaged[place] = byte;
                let read = read_deflated("thing", 1, &damaged, 1_000);
                assert!(read.is_err() || read.is_ok_and(|bytes| bytes.len() <= 1_000));
            }
        }
        assert!(read_deflated("thing", 1, &form[..form.len() - 1], 1_000).is_err());
    }
}

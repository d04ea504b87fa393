//! Ids in the form in which AWS writes them: `059f36b4-87a3-44ab-83d2-661975830a7d`.

/// A UUID of version 4 from bits that somebody else draws, so that a run with the same seed has the same ids.
pub(crate) fn uuid(bits: u128) -> String {
    const VERSION: u128 = 0xf000 << 64;
    const VARIANT: u128 = 0xc << 60;
    let bits = (bits & !VERSION & !VARIANT) | 0x4000 << 64 | 0x8 << 60;
    let digits = format!("{bits:032x}");
    let mut text = String::with_capacity(36);
    for (place, digit) in digits.chars().enumerate() {
        if [8, 12, 16, 20].contains(&place) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_variant_are_set_and_all_other_bits_kept() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(
            uuid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
            "01234567-89ab-4def-8123-456789abcdef"
        );
    }
}

//! Places in vectors as 32-bit numbers: batches and deltas hold many of them.

/// The element at a place.
#[inline]
pub(crate) fn at<T>(elements: &[T], place: u32) -> Option<&T> {
    elements.get(index(place))
}

/// The element at a place, to be changed.
#[inline]
pub(crate) fn at_mut<T>(elements: &mut [T], place: u32) -> Option<&mut T> {
    elements.get_mut(index(place))
}

/// The number of a place. Batches are far smaller than 2^32: the record limit and the block size bound them.
#[inline]
pub(crate) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// A number of events.
#[inline]
pub(crate) fn events(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[inline]
#[expect(
    clippy::as_conversions,
    reason = "u32 to usize loses nothing on the platforms we build for"
)]
pub(crate) const fn index(place: u32) -> usize {
    place as usize
}

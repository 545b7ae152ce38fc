//! Formatted text in a fixed buffer, for where the heap is not there or not to be relied on.

use core::fmt;

/// Takes what fits, cut at a character's end. Zero bytes become `?`, because C reads it.
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
    is_full: bool,
}

impl<const N: usize> Text<N> {
    pub fn new() -> Self {
        Text { bytes: [0; N], length: 0, is_full: false }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for letter in part.chars() {
            let letter = if letter == '\0' { '?' } else { letter };
            let bytes = letter.len_utf8();
            // The last byte stays zero for C. After a letter that did not fit, a shorter one would be out of place.
            if self.is_full || self.length + bytes >= N {
                self.is_full = true;
                break;
            }
            letter.encode_utf8(&mut self.bytes[self.length..]);
            self.length += bytes;
        }
        Ok(())
    }
}

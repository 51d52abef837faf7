//! Names for contents: what a digest is, and the written layout by which a key is hashed.
//!
//! The layout is part of the store's format. A key must come out the same whatever compiler, machine or order of
//! struct fields, so nothing here goes through `std::hash`.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The BLAKE3 hash of some content, 32 bytes; shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The number of bytes in a digest.
    pub const LENGTH: usize = 32;

    /// Returns the digest of `bytes`: plain BLAKE3, what `b3sum` prints.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(*blake3::hash(bytes).as_bytes())
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns its beginning as a number, to look things up by: of a million digests, two begin alike once in some ten million times.
    pub(crate) fn beginning(&self) -> u64 {
        u64::from_le_bytes(*self.0.first_chunk().expect("a digest is 32 bytes"))
    }

    /// Returns the first 12 hexadecimal digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }

    /// Returns the digest in the first 32 bytes of `bytes`, or `None` where there are fewer.
    pub(crate) fn first_of(bytes: &[u8]) -> Option<Digest> {
        bytes.first_chunk().map(|bytes| Digest(*bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl FromStr for Digest {
    type Err = blake3::HexError;

    fn from_str(text: &str) -> Result<Digest, Self::Err> {
        blake3::Hash::from_hex(text).map(|hash| Digest(*hash.as_bytes()))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A writer that hashes what goes through it.
pub(crate) struct Summed<W> {
    out: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Summed<W> {
    pub(crate) fn new(out: W) -> Summed<W> {
        Summed { out, hasher: blake3::Hasher::new() }
    }

    /// Returns the digest of all that was written, and its length in bytes.
    pub(crate) fn finish(self) -> (Digest, u64) {
        (Digest(*self.hasher.finalize().as_bytes()), self.hasher.count())
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Hashes a key, item by item.
///
/// Each item is a tag byte, then its value; integers are little-endian. What is of no fixed size goes after its
/// length, so that no two different sequences of items feed the same bytes.
///
/// | tag | item   | value                                        |
/// |-----|--------|----------------------------------------------|
/// | 1   | text   | length in bytes as u64, UTF-8                |
/// | 2   | bytes  | length as u64, the bytes                     |
/// | 3   | u64    | 8 bytes                                      |
/// | 4   | i64    | 8 bytes                                      |
/// | 5   | f64    | 8 bytes of its bits, every NaN as one NaN    |
/// | 6   | flag   | 0 or 1                                       |
/// | 7   | digest | 32 bytes                                     |
/// | 8   | list   | number of items that follow, as u64          |
/// | 9   | none   | nothing                                      |
#[derive(Clone)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Starts a key of this kind (`"node"`, `"row"`); keys of two kinds never meet.
    pub fn new(kind: &str) -> Hasher {
        let mut hasher = Hasher(blake3::Hasher::new());
        hasher.text(kind);
        hasher
    }

    pub fn text(&mut self, value: &str) -> &mut Self {
        self.tagged(1, &(value.len() as u64).to_le_bytes());
        self.0.update(value.as_bytes());
        self
    }

    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.tagged(2, &(value.len() as u64).to_le_bytes());
        self.0.update(value);
        self
    }

    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.tagged(3, &value.to_le_bytes())
    }

    pub fn i64(&mut self, value: i64) -> &mut Self {
        self.tagged(4, &value.to_le_bytes())
    }

    /// Feeds the bits of `value`: 0.0 and -0.0 differ, all NaNs are one.
    pub fn f64(&mut self, value: f64) -> &mut Self {
        let bits = if value.is_nan() { 0x7ff8_0000_0000_0000 } else { value.to_bits() };
        self.tagged(5, &bits.to_le_bytes())
    }

    pub fn flag(&mut self, value: bool) -> &mut Self {
        self.tagged(6, &[u8::from(value)])
    }

    pub fn digest(&mut self, value: &Digest) -> &mut Self {
        self.tagged(7, &value.0)
    }

    /// Announces that `count` items follow which belong together.
    pub fn list(&mut self, count: usize) -> &mut Self {
        self.tagged(8, &(count as u64).to_le_bytes())
    }

    /// Feeds the absence of a value.
    pub fn none(&mut self) -> &mut Self {
        self.tagged(9, &[])
    }

    /// Returns the digest of all that was fed.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }

    fn tagged(&mut self, tag: u8, value: &[u8]) -> &mut Self {
        self.0.update(&[tag]);
        self.0.update(value);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values from the BLAKE3 team: `printf '' | b3sum`, `printf abc | b3sum`.
    #[test]
    fn digests_agree_with_b3sum() {
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        let abc = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
        assert_eq!(Digest::of(b"").to_string(), empty);
        assert_eq!(Digest::of(b"abc").to_string(), abc);
        assert_eq!(abc.parse::<Digest>().unwrap(), Digest::of(b"abc"));
        assert_eq!(serde_json::to_string(&Digest::of(b"abc")).unwrap(), format!("\"{abc}\""));
        assert_eq!(serde_json::from_str::<Digest>(&format!("\"{abc}\"")).unwrap(), Digest::of(b"abc"));
        assert!("6437".parse::<Digest>().is_err());
    }

    /// The bytes of the table above, by hand: who changes the layout changes this, and every store out there.
    #[test]
    fn layout_is_as_written() {
        let inner = Digest::of(b"abc");
        let mut hasher = Hasher::new("node");
        hasher.text("é").bytes(&[7, 8]).u64(258).i64(-2).f64(1.5).flag(true).digest(&inner).list(3).none();
        let mut bytes = Vec::new();
        bytes.extend(b"\x01\x04\0\0\0\0\0\0\0node");
        bytes.extend(b"\x01\x02\0\0\0\0\0\0\0\xc3\xa9");
        bytes.extend(b"\x02\x02\0\0\0\0\0\0\0\x07\x08");
        bytes.extend(b"\x03\x02\x01\0\0\0\0\0\0");
        bytes.extend(b"\x04\xfe\xff\xff\xff\xff\xff\xff\xff");
        bytes.extend(b"\x05\0\0\0\0\0\0\xf8\x3f");
        bytes.extend(b"\x06\x01\x07");
        bytes.extend(inner.as_bytes());
        bytes.extend(b"\x08\x03\0\0\0\0\0\0\0\x09");
        assert_eq!(hasher.finish(), Digest::of(&bytes));
    }

    #[test]
    fn items_do_not_run_together() {
        let key = |parts: &[&str]| {
            let mut hasher = Hasher::new("test");
            for part in parts {
                hasher.text(part);
            }
            hasher.finish()
        };
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["ab"]), key(&["ab", ""]));
        assert_ne!(Hasher::new("a").f64(0.0).finish(), Hasher::new("a").f64(-0.0).finish());
        assert_eq!(Hasher::new("a").f64(f64::NAN).finish(), Hasher::new("a").f64(-f64::NAN).finish());
        assert_ne!(Hasher::new("a").u64(1).finish(), Hasher::new("a").i64(1).finish());
    }
}

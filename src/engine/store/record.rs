//! How one record stands in a log or a segment, and how records are found again after damage.
//!
//! ```text
//! marker 4 | kind u32 | length u64 | check 16 | payload | zeros to a multiple of 16
//! ```
//! A record begins at a multiple of 16. Its check is the first half of the BLAKE3 of salt, offset, kind, length, payload
//! and zeros; the salt is the file's own. A copy of a record inside another's payload, or at another place, is therefore
//! no record, and a reader that has lost its way may take the next valid one for true.

use std::io::{self, Write};
use std::ops::Range;

use super::digest::Digest;

const MARKER: [u8; 4] = [0xb7, b'm', b'm', b'f'];
pub(super) const ALIGN: usize = 16;
pub(super) const HEADER: usize = 32;

/// A record whose check agreed.
pub(super) struct Record<'a> {
    pub(super) kind: u32,
    /// Where it begins, in bytes from the start of the file.
    pub(super) offset: u64,
    /// Where the next one begins.
    pub(super) end: u64,
    pub(super) payload: &'a [u8],
}

/// Appends a record that will stand at `offset` of its file, and returns its length in bytes.
pub(super) fn encode(out: &mut Vec<u8>, salt: &Digest, offset: u64, kind: u32, parts: &[&[u8]]) -> u64 {
    let start = out.len();
    let length = parts.iter().map(|part| part.len()).sum();
    let pieces = |piece: &mut dyn FnMut(&[u8])| parts.iter().for_each(|part| piece(part));
    write(out, salt, offset, (kind, length), &pieces).expect("memory takes all bytes");
    (out.len() - start) as u64
}

/// Hands over a payload, piece by piece; the same whenever it is asked.
pub(super) type Pieces<'a> = dyn Fn(&mut dyn FnMut(&[u8])) + 'a;

/// Writes a record of that kind and length of payload, which is never in memory twice.
pub(super) fn write(
    out: &mut dyn Write,
    salt: &Digest,
    offset: u64,
    (kind, length): (u32, usize),
    pieces: &Pieces<'_>,
) -> io::Result<()> {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&MARKER);
    header[4..8].copy_from_slice(&kind.to_le_bytes());
    header[8..16].copy_from_slice(&(length as u64).to_le_bytes());
    let zeros = [0; ALIGN];
    let padding = &zeros[..length.next_multiple_of(ALIGN) - length];
    let mut hasher = begun(salt, offset, &header[4..16]);
    pieces(&mut |piece| _ = hasher.update(piece));
    header[16..].copy_from_slice(&hasher.update(padding).finalize().as_bytes()[..16]);
    out.write_all(&header)?;
    let mut trouble = Ok(());
    pieces(&mut |piece| {
        if trouble.is_ok() {
            trouble = out.write_all(piece);
        }
    });
    trouble?;
    out.write_all(padding)
}

/// Returns the record at `position` of `bytes`, which stand at `base` in their file; `None` where there is no whole and
/// undamaged one.
pub(super) fn read<'a>(bytes: &'a [u8], base: u64, position: usize, salt: &Digest) -> Option<Record<'a>> {
    let header = bytes.get(position..)?.first_chunk::<HEADER>()?;
    if header[..4] != MARKER {
        return None;
    }
    let kind = u32::from_le_bytes(*header[4..].first_chunk()?);
    let length = usize::try_from(u64::from_le_bytes(*header[8..].first_chunk()?)).ok()?;
    let padded = length.checked_next_multiple_of(ALIGN)?;
    let start = position + HEADER;
    let body = bytes.get(start..start.checked_add(padded)?)?;
    let offset = base + position as u64;
    if check(salt, offset, &header[4..16], body) != header[16..] {
        return None;
    }
    Some(Record { kind, offset, end: offset + (HEADER + padded) as u64, payload: &body[..length] })
}

/// Visits every valid record of `bytes` in order, and returns the stretches, in offsets of the file, that hold none.
///
/// `base` must be a multiple of 16. A torn tail is the last stretch.
pub(super) fn scan<'a>(
    bytes: &'a [u8],
    base: u64,
    salt: &Digest,
    visit: &mut dyn FnMut(Record<'a>),
) -> Vec<Range<u64>> {
    let mut damaged = Vec::new();
    let mut lost: Option<usize> = None;
    let mut position = 0;
    while position < bytes.len() {
        match read(bytes, base, position, salt) {
            Some(record) => {
                if let Some(start) = lost.take() {
                    damaged.push(base + start as u64..record.offset);
                }
                position = (record.end - base) as usize;
                visit(record);
            }
            None => {
                lost.get_or_insert(position);
                position += ALIGN;
            }
        }
    }
    if let Some(start) = lost {
        damaged.push(base + start as u64..base + bytes.len() as u64);
    }
    damaged
}

fn check(salt: &Digest, offset: u64, kind_and_length: &[u8], body: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&begun(salt, offset, kind_and_length).update(body).finalize().as_bytes()[..16]);
    half
}

fn begun(salt: &Digest, offset: u64, kind_and_length: &[u8]) -> blake3::Hasher {
    let mut prefix = [0; 52];
    prefix[..32].copy_from_slice(salt.as_bytes());
    prefix[32..40].copy_from_slice(&offset.to_le_bytes());
    prefix[40..].copy_from_slice(kind_and_length);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&prefix);
    hasher
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> (Vec<u8>, Digest, Vec<u64>) {
        let salt = Digest::of(b"file");
        let (mut bytes, mut starts) = (Vec::new(), Vec::new());
        for text in ["first", "the second, of more than sixteen bytes", ""] {
            let offset = bytes.len() as u64;
            starts.push(offset);
            encode(&mut bytes, &salt, offset, 1, &[text.as_bytes()]);
        }
        starts.push(bytes.len() as u64);
        (bytes, salt, starts)
    }

    #[test]
    fn every_flipped_bit_costs_one_record_and_is_noticed() {
        let (bytes, salt, starts) = three();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut seen = Vec::new();
            let damaged = scan(&bytes, 0, &salt, &mut |record| seen.push(record.offset));
            let hit = starts.iter().rposition(|start| *start <= bit as u64 / 8).unwrap();
            assert_eq!((damaged.len(), &damaged[0]), (1, &(starts[hit]..starts[hit + 1])), "bit {bit}");
            let kept: Vec<u64> = (0..3).filter(|at| *at != hit).map(|at| starts[at]).collect();
            assert_eq!(seen, kept, "bit {bit}");
        }
    }

    #[test]
    fn a_copy_inside_a_damaged_record_is_no_record() {
        let (inner, salt, _) = three();
        let mut bytes = Vec::new();
        encode(&mut bytes, &salt, 0, 1, &[&inner]);
        bytes[0] ^= 1;
        let mut seen = 0;
        let damaged = scan(&bytes, 0, &salt, &mut |_| seen += 1);
        assert_eq!((seen, damaged.len()), (0, 1));
    }
}

//! Where a store is, so that a copy is noticed (docs/spec/store.md, "Place").

use sha2::{Digest, Sha256};
use std::fs::Metadata;
use std::time::UNIX_EPOCH;

const LEN: usize = 49;

/// What is known of a file's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub inode: Option<u64>,
    pub born_ns: Option<u64>,
    pub bound_to: [u8; 32],
}

impl Place {
    pub fn of(file: &Metadata, bound_to: &[u8]) -> Self {
        // Not the device's number: it changes with the order in which disks are found.
        #[cfg(unix)]
        let inode = Some(std::os::unix::fs::MetadataExt::ino(file));
        #[cfg(not(unix))]
        let inode = None;
        let born = file.created().ok();
        let born_ns = born
            .and_then(|born| born.duration_since(UNIX_EPOCH).ok())
            .and_then(|since| u64::try_from(since.as_nanos()).ok());
        Self {
            inode,
            born_ns,
            bound_to: Sha256::digest(bound_to).into(),
        }
    }

    /// Whether both can be the same place: what one side does not know does not count.
    pub fn is(&self, other: &Self) -> bool {
        let same = |a: Option<u64>, b: Option<u64>| a.is_none() || b.is_none() || a == b;
        same(self.inode, other.inode)
            && same(self.born_ns, other.born_ns)
            && self.bound_to == other.bound_to
    }

    pub fn encode(&self) -> Vec<u8> {
        let known = u8::from(self.inode.is_some()) | u8::from(self.born_ns.is_some()) << 1;
        let mut out = Vec::with_capacity(LEN);
        out.push(known);
        out.extend(self.inode.unwrap_or(0).to_be_bytes());
        out.extend(self.born_ns.unwrap_or(0).to_be_bytes());
        out.extend(self.bound_to);
        out
    }

    /// `None` if the bytes are not an encoded place.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LEN] = bytes.try_into().ok()?;
        let (known, rest) = bytes.split_first()?;
        let (inode, rest) = rest.split_first_chunk::<8>()?;
        let (born, bound_to) = rest.split_first_chunk::<8>()?;
        let place = Self {
            inode: (known & 1 != 0).then_some(u64::from_be_bytes(*inode)),
            born_ns: (known & 2 != 0).then_some(u64::from_be_bytes(*born)),
            bound_to: bound_to.try_into().ok()?,
        };
        (place.encode() == bytes).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_encoded_in_one_way_and_unknowns_do_not_count() {
        let whole = Place {
            inode: Some(7),
            born_ns: Some(9),
            bound_to: [3; 32],
        };
        let without = Place {
            born_ns: None,
            ..whole
        };
        for place in [whole, without] {
            assert_eq!(Place::decode(&place.encode()), Some(place));
        }
        assert!(whole.is(&without) && without.is(&whole));
        let other = Place {
            inode: Some(8),
            ..whole
        };
        assert!(!whole.is(&other));
        let mut bytes = without.encode();
        bytes[16] = 1; // a time of birth that is said not to be known
        assert_eq!(Place::decode(&bytes), None);
        assert_eq!(Place::decode(&bytes[1..]), None);
    }
}

//! The Merkle tree of RFC 6962 §2.1 over wraps, with SHA-256.
//!
//! `leaf = SHA-256(0x00 || data)`, `node = SHA-256(0x01 || left || right)`;
//! the left subtree holds the largest power of two smaller than the count.

use crate::primitives::hash::sha256;

/// A hash in the tree.
pub type Hash = [u8; 32];

/// The hash of a leaf whose data is the concatenation of `parts`.
#[must_use]
pub fn leaf_hash(parts: &[&[u8]]) -> Hash {
    let mut all: Vec<&[u8]> = vec![&[0x00]];
    all.extend_from_slice(parts);
    sha256(&all)
}

fn node_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[0x01], left, right])
}

fn split(count: usize) -> usize {
    // The largest power of two that is smaller than `count`, which is > 1.
    1 << (usize::BITS - 1 - (count - 1).leading_zeros())
}

/// The root over `leaves`; `None` for no leaves.
#[must_use]
pub fn root(leaves: &[Hash]) -> Option<Hash> {
    match leaves {
        [] => None,
        [one] => Some(*one),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            Some(node_hash(&root(left)?, &root(right)?))
        }
    }
}

/// The audit path (RFC 6962 §2.1.1) of leaf `index`, from the leaf upwards.
#[must_use]
pub fn proof(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) = if index < left.len() {
        (proof(left, index)?, root(right)?)
    } else {
        (proof(right, index - left.len())?, root(left)?)
    };
    path.push(sibling);
    Some(path)
}

/// Recomputes the root from a leaf and its audit path (RFC 9162 §2.1.3.2).
/// `None` if the path has not exactly the length that the place demands.
#[must_use]
pub fn root_from_proof(leaf: Hash, index: u32, count: u32, path: &[Hash]) -> Option<Hash> {
    if index >= count {
        return None;
    }
    let (mut node, mut last) = (index, count - 1);
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_of_every_small_tree_proves_itself_and_nothing_else() {
        for count in 1u32..40 {
            let leaves: Vec<Hash> = (0..count).map(|i| leaf_hash(&[&i.to_be_bytes()])).collect();
            let whole = root(&leaves);
            for index in 0..count {
                let path = proof(&leaves, index as usize).unwrap();
                let leaf = leaves[index as usize];
                assert_eq!(root_from_proof(leaf, index, count, &path), whole);
                for wrong in 0..count {
                    if wrong != index {
                        assert_ne!(root_from_proof(leaf, wrong, count, &path), whole);
                    }
                }
                let mut long = path.clone();
                long.push([0; 32]);
                assert_ne!(root_from_proof(leaf, index, count, &long), whole);
                if !path.is_empty() {
                    assert_ne!(root_from_proof(leaf, index, count, &path[1..]), whole);
                }
            }
        }
    }
}

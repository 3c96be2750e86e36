//! A Merkle tree that only grows, kept as its *compact range*: the roots of its full subtrees.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tlog_tiles::{EMPTY_HASH, Hash, node_hash, record_hash};

/// The root of a tree: 32 bytes. Shown and serialised in standard base64, as in a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Root(pub [u8; 32]);

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl From<Root> for String {
    fn from(root: Root) -> Self {
        root.to_string()
    }
}

impl TryFrom<String> for Root {
    type Error = InvalidTree;

    fn try_from(text: String) -> Result<Self, InvalidTree> {
        hash(&text).map(Self)
    }
}

fn hash(text: &str) -> Result<[u8; 32], InvalidTree> {
    let bytes = STANDARD.decode(text).map_err(|_| InvalidTree::NoHash)?;
    bytes.try_into().map_err(|_| InvalidTree::NoHash)
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({self})")
    }
}

/// The Merkle tree of RFC 9162 (section 2.1) over a log, with SHA-256: `size` leaves, of which nothing is kept but one
/// hash for each bit that is set in `size`, 64 at the most.
///
/// A leaf's input is 32 bytes: the hash by which the next event on a subject names the message
/// (`assent_contract::event_hash::EventHash`), of every message in the order of the log, also of those that are no
/// events. So the size is the last sequence, and the root depends on nothing but the messages: a log that was restored
/// has the same.
///
/// Serialised as `{"size": 3, "hashes": ["<base64>", "<base64>"]}`, the largest subtree first; what can't be a tree is
/// refused when it is read.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Tree {
    size: u64,
    /// The roots of the full subtrees, the largest (and first in the log) first.
    hashes: Vec<[u8; 32]>,
}

impl Tree {
    /// Adds the next message of the log, by its hash.
    pub fn push(&mut self, leaf: [u8; 32]) {
        let mut hash = record_hash(&leaf);
        // Each subtree at the end that is as large as the new one becomes one with it.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(Hash(left), hash);
        }
        self.hashes.push(hash.0);
        self.size += 1;
    }

    /// How many messages there are: the sequence of the last one.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root over all of them. Of none: SHA-256 of nothing.
    pub fn root(&self) -> Root {
        let mut subtrees = self.hashes.iter().rev().map(|hash| Hash(*hash));
        let Some(last) = subtrees.next() else {
            return Root(EMPTY_HASH.0);
        };
        Root(subtrees.fold(last, |right, left| node_hash(left, right)).0)
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({} leaves, {:?})", self.size, self.root())
    }
}

/// A stored tree or root is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTree {
    /// A tree of that size has another number of hashes.
    #[error("a tree of size {size} has {expected} hashes, not {found}")]
    OtherNumberOfHashes {
        /// The size that was named.
        size: u64,
        /// How many hashes such a tree has.
        expected: u32,
        /// How many there are.
        found: usize,
    },
    /// Not 32 bytes in base64.
    #[error("a hash of a tree is 32 bytes in base64")]
    NoHash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    size: u64,
    hashes: Vec<String>,
}

impl From<Tree> for Stored {
    fn from(tree: Tree) -> Self {
        Self {
            size: tree.size,
            hashes: tree
                .hashes
                .iter()
                .map(|hash| STANDARD.encode(hash))
                .collect(),
        }
    }
}

impl TryFrom<Stored> for Tree {
    type Error = InvalidTree;

    fn try_from(stored: Stored) -> Result<Self, InvalidTree> {
        let (expected, found) = (stored.size.count_ones(), stored.hashes.len());
        if u32::try_from(found) != Ok(expected) {
            let size = stored.size;
            return Err(InvalidTree::OtherNumberOfHashes {
                size,
                expected,
                found,
            });
        }
        let hashes = stored.hashes.iter().map(|text| hash(text));
        Ok(Self {
            size: stored.size,
            hashes: hashes.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::{prop_assert, prop_assert_eq, proptest};
    use sha2::{Digest as _, Sha256};

    use super::{Root, Tree};

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().into()
    }

    /// The root as RFC 9162, section 2.1.1, defines it: `MTH(D_n)`.
    fn merkle_tree_hash(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => sha256(&[]),
            [leaf] => sha256(&[&[0], leaf]),
            more => {
                let mut left = 1;
                while left * 2 < more.len() {
                    left *= 2;
                }
                let (left, right) = more.split_at(left);
                sha256(&[&[1], &merkle_tree_hash(left), &merkle_tree_hash(right)])
            }
        }
    }

    fn leaf(number: u64) -> [u8; 32] {
        sha256(&[&number.to_be_bytes()])
    }

    fn tree(leaves: &[[u8; 32]]) -> Tree {
        let mut tree = Tree::default();
        for leaf in leaves {
            tree.push(*leaf);
        }
        tree
    }

    #[test]
    fn size_and_root_are_those_of_the_standard_at_every_size() {
        let leaves: Vec<_> = (0..130).map(leaf).collect();
        let mut growing = Tree::default();
        for (size, next) in (0..).zip(&leaves) {
            assert_eq!(growing.size(), size);
            let so_far = &leaves[..usize::try_from(size).unwrap()];
            assert_eq!(growing.root().0, merkle_tree_hash(so_far), "{size}");
            growing.push(*next);
        }
    }

    proptest! {
        #[test]
        fn a_tree_that_was_stored_grows_on_as_if_it_had_not_been(before in 0_u64..40, after in 0_u64..40) {
            let leaves: Vec<_> = (0..before + after).map(leaf).collect();
            let (first, rest) = leaves.split_at(usize::try_from(before).unwrap());
            let stored = serde_json::to_string(&tree(first)).unwrap();
            let mut again: Tree = serde_json::from_str(&stored).unwrap();
            for leaf in rest {
                again.push(*leaf);
            }
            prop_assert_eq!(&again, &tree(&leaves));
            prop_assert_eq!(serde_json::to_string(&again).unwrap(), serde_json::to_string(&tree(&leaves)).unwrap());
        }

        #[test]
        fn what_has_another_number_of_hashes_is_no_tree(size in any::<u64>(), found in 0_usize..70) {
            let hash = "A".repeat(43) + "=";
            let stored = serde_json::json!({"size": size, "hashes": vec![hash; found]});
            let read: Result<Tree, _> = serde_json::from_value(stored);
            prop_assert_eq!(read.is_ok(), usize::try_from(size.count_ones()).unwrap() == found);
        }

        #[test]
        fn any_leaf_that_is_changed_dropped_or_moved_changes_the_root(size in 2_u64..40, at in any::<u64>()) {
            let leaves: Vec<_> = (0..size).map(leaf).collect();
            let root = tree(&leaves).root();
            let at = usize::try_from(at % (size - 1)).unwrap();
            let mut changed = leaves.clone();
            changed[at][31] ^= 1;
            prop_assert!(tree(&changed).root() != root);
            let mut moved = leaves.clone();
            moved.swap(at, at + 1);
            prop_assert!(tree(&moved).root() != root);
            let mut dropped = leaves;
            dropped.remove(at);
            prop_assert!(tree(&dropped).root() != root);
        }
    }

    #[test]
    fn how_a_tree_is_stored_stays_as_it_is() {
        let stored = r#"{"size":3,"hashes":["OgZuD0DGoZgev6YNJBFiXQUXriLC/Ix8F4T/inXHhWU=","rKoEZjqFR6L3DGDMGPk3h5axPE+aCPcNatrmYjZbMMY="]}"#;
        let tree = tree(&[[1; 32], [2; 32], [3; 32]]);
        assert_eq!(serde_json::to_string(&tree).unwrap(), stored);
        for bad in [
            r#"{"size":1,"hashes":["AAAA"]}"#,
            r#"{"size":1,"hashes":["?"]}"#,
            r#"{"size":0,"hashes":[],"more":1}"#,
            r#"{"size":-1,"hashes":[]}"#,
        ] {
            assert!(serde_json::from_str::<Tree>(bad).is_err(), "{bad}");
        }
        let root = serde_json::to_string(&tree.root()).unwrap();
        assert_eq!(root, format!("\"{}\"", tree.root()));
        assert_eq!(serde_json::from_str::<Root>(&root).unwrap(), tree.root());
        assert!(serde_json::from_str::<Root>("\"AAAA\"").is_err());
    }
}

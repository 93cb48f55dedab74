//! The hashes of RFC 6962, section 2.1.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// The root of the tree without leaves.
pub fn empty() -> Hash {
    Sha256::digest([]).into()
}

/// The hash of a leaf with this content.
pub fn leaf(content: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(content).finalize().into()
}

/// The hash of the node above these two.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

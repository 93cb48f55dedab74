//! A Merkle tree that only grows, as the roots of its perfect subtrees: adding a leaf and computing the root need no
//! other leaves.

use super::hash::{self, Hash};

/// The perfect subtrees of a tree, from the largest on: one for each bit that is set in the size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Reads the output of `to_bytes` for a tree of this size; `None` if the length does not fit the size.
    pub fn from_bytes(size: i64, bytes: &[u8]) -> Option<Self> {
        let size = u64::try_from(size).ok()?;
        let (roots, rest) = bytes.as_chunks::<32>();
        let fits = rest.is_empty() && roots.len() == size.count_ones() as usize;
        fits.then(|| Frontier { size, roots: roots.to_vec() })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.roots.concat()
    }

    /// The number of leaves.
    pub fn size(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX)
    }

    /// Adds a leaf with this content.
    pub fn push(&mut self, content: &[u8]) {
        self.push_leaf(hash::leaf(content));
    }

    /// Adds a leaf whose hash this is.
    pub fn push_leaf(&mut self, leaf: Hash) {
        let mut root = leaf;
        // Each bit that carries joins two subtrees of the same size.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                root = hash::node(&left, &root);
            }
        }
        self.roots.push(root);
        self.size += 1;
    }

    /// The root of the whole tree.
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else { return hash::empty() };
        roots.fold(*last, |right, left| hash::node(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition in RFC 6962, literally.
    fn defined(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => hash::empty(),
            [one] => hash::leaf(one),
            many => {
                let split = many.len().next_power_of_two() / 2;
                hash::node(&defined(&many[..split]), &defined(&many[split..]))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_test_vectors_of_certificate_transparency() {
        let leaves: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        let mut tree = Frontier::default();
        assert_eq!(
            hex::encode(tree.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (leaf, root) in leaves.into_iter().zip([
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ]) {
            tree.push(leaf);
            assert_eq!(hex::encode(tree.root()), root);
        }
    }

    proptest! {
        #[test]
        fn the_root_is_the_defined_one_wherever_the_tree_was_stored_and_read_back(
            leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..80),
            stored_at in 0usize..80,
        ) {
            let mut tree = Frontier::default();
            for (index, leaf) in leaves.iter().enumerate() {
                if index == stored_at {
                    tree = Frontier::from_bytes(tree.size(), &tree.to_bytes()).unwrap();
                }
                tree.push(leaf);
                prop_assert_eq!(tree.root(), defined(&leaves[..=index]));
            }
            prop_assert_eq!(tree.size(), i64::try_from(leaves.len()).unwrap());
            prop_assert_eq!(Frontier::from_bytes(tree.size() + 1, &tree.to_bytes()).is_some(),
                tree.size().count_ones() == (tree.size() + 1).count_ones());
        }
    }
}

//! Identifiers by a short index. Pure.

use uuid::Uuid;

use super::numbered::Numbered;

/// Each identifier once, in the order of its first use; no identifier has an index too.
#[derive(Default)]
pub struct Index {
    known: Numbered<Option<Uuid>, u32>,
    all: Vec<Option<Uuid>>,
}

impl Index {
    pub fn of(&mut self, id: Option<Uuid>) -> u32 {
        let all = &mut self.all;
        *self.known.entry(id).or_insert_with(|| {
            all.push(id);
            (all.len() - 1) as u32
        })
    }

    pub fn get(&self, index: usize) -> Option<Uuid> {
        self.all.get(index).copied().flatten()
    }

    /// All identifiers.
    pub fn ids(&self) -> Vec<Uuid> {
        self.all.iter().copied().flatten().collect()
    }
}

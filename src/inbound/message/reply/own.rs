//! What the desk itself sent on a ticket, to find it again in a reply.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::lines::Line;

/// The number of words that are compared at once.
const WORDS: usize = 5;

/// The fewest words of a quotation without marks: so many in the same order are no coincidence.
const FEWEST_WORDS: usize = 12;

/// The fewest lines of a quotation without marks: one line could be quoted on purpose.
const FEWEST_LINES: usize = 2;

/// The shortest sentence that is recognised behind a `>`, in bytes of its words.
const SHORTEST_SENTENCE: usize = 8;

/// The words that the desk sent on a ticket. Empty by default: then nothing is recognised.
#[derive(Debug, Default)]
pub struct OwnTexts {
    hashes: RandomState,
    /// Each sequence of `WORDS` words.
    sequences: HashSet<u64>,
    /// Each line and each sentence.
    sentences: HashSet<u64>,
}

impl OwnTexts {
    /// `texts`: the bodies of the messages of the desk. It takes memory of about 16 bytes for each word.
    pub fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut own = OwnTexts::default();
        for text in texts {
            let words: Vec<String> = text.lines().flat_map(words).collect();
            for sequence in words.windows(WORDS) {
                own.sequences.insert(own.hashes.hash_one(sequence));
            }
            for line in text.lines() {
                own.remember(line);
                line.split_inclusive(['.', '?', '!', ':']).for_each(|sentence| own.remember(sentence));
            }
        }
        own
    }

    fn remember(&mut self, sentence: &str) {
        let words: Vec<String> = words(sentence).collect();
        if words.iter().map(String::len).sum::<usize>() >= SHORTEST_SENTENCE {
            self.sentences.insert(self.hashes.hash_one(words.as_slice()));
        }
    }

    /// For each line, whether it repeats what the desk sent: lines without marks only where several in sequence do.
    pub fn find(&self, lines: &[Line]) -> Vec<bool> {
        let mut found = vec![false; lines.len()];
        if self.sentences.is_empty() && self.sequences.is_empty() {
            return found;
        }
        let (mut all, mut of_line): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut counts = vec![0; lines.len()];
        for (index, line) in lines.iter().enumerate() {
            for word in words(line.words) {
                all.push(word);
                of_line.push(index);
                counts[index] += 1;
            }
        }
        let mut covered = vec![false; all.len()];
        for (at, sequence) in all.windows(WORDS).enumerate() {
            if self.sequences.contains(&self.hashes.hash_one(sequence)) {
                covered[at..at + WORDS].fill(true);
            }
        }
        let mut left = counts.clone();
        for (at, index) in of_line.iter().enumerate() {
            left[*index] -= usize::from(covered[at]);
        }
        let mut at = 0;
        for (index, line) in lines.iter().enumerate() {
            let words = &all[at..at + counts[index]];
            at += counts[index];
            let is_sentence = line.is_quoted() && self.sentences.contains(&self.hashes.hash_one(words));
            found[index] = counts[index] > 0 && (left[index] == 0 || is_sentence);
        }
        keep_single_lines(lines, &counts, &mut found);
        found
    }
}

/// Takes back lines without marks that are too few in sequence.
fn keep_single_lines(lines: &[Line], counts: &[usize], found: &mut [bool]) {
    let mut at = 0;
    while at < lines.len() {
        if !found[at] {
            at += 1;
            continue;
        }
        let is_marked = lines[at].is_quoted();
        let is_run =
            |index: usize| counts[index] == 0 || found[index] && lines[index].is_quoted() == is_marked;
        let end = (at..lines.len()).find(|index| !is_run(*index)).unwrap_or(lines.len());
        let run = (at..end).filter(|index| found[*index]);
        let (rows, words) = run.fold((0, 0), |(rows, words), index| (rows + 1, words + counts[index]));
        if !is_marked && (rows < FEWEST_LINES || words < FEWEST_WORDS) {
            found[at..end].fill(false);
        }
        at = end;
    }
}

/// The words of a line, without case and punctuation.
fn words(line: &str) -> impl Iterator<Item = String> + '_ {
    line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

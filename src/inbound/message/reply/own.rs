//! What the desk itself sent on a ticket, to find it again in a reply.

use std::borrow::Cow;
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

/// The fewest words of the beginning of a line that are recognised, marked or not.
const SHORTEST_BEGINNING: usize = 3;
const SHORTEST_UNMARKED_BEGINNING: usize = 4;

/// Whether the desk sent a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// There are no words, or only the target of a link.
    Empty,
    Yes {
        words: usize,
    },
    No,
}

/// The words that the desk sent on a ticket. Empty by default: then nothing is recognised.
#[derive(Debug, Default)]
pub struct OwnTexts {
    hashes: RandomState,
    /// Each sequence of `WORDS` words.
    sequences: HashSet<u64>,
    /// Each line and each sentence.
    sentences: HashSet<u64>,
    /// Each line, however short.
    whole: HashSet<u64>,
    /// Each beginning of a line.
    beginnings: HashSet<u64>,
    /// The symbols in them, which are no words: `☐`.
    symbols: HashSet<char>,
}

/// The words of the lines of a text, and which of them are in a sequence that the desk sent.
struct Found {
    all: Vec<String>,
    counts: Vec<usize>,
    /// For each line the number of words that are in no sequence.
    left: Vec<usize>,
}

impl OwnTexts {
    /// `texts`: the bodies of the messages of the desk. It takes memory of about 50 bytes for each word.
    pub fn new<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut own = OwnTexts::default();
        for text in texts {
            let with_links: Vec<String> = text.lines().flat_map(words).collect();
            let lines = text.lines().map(without_links);
            let without: Vec<String> = lines.flat_map(|line| words(&line).collect::<Vec<_>>()).collect();
            for sequence in with_links.windows(WORDS).chain(without.windows(WORDS)) {
                own.sequences.insert(own.hashes.hash_one(sequence));
            }
            own.symbols.extend(text.chars().filter(|c| is_symbol(*c)));
            for line in text.lines() {
                own.remember(line);
                own.remember_line(line);
                own.remember_line(&without_links(line));
                line.split_inclusive(['.', '?', '!', ':']).for_each(|sentence| own.remember(sentence));
            }
        }
        own
    }

    fn remember_line(&mut self, line: &str) {
        let words: Vec<String> = words(line).collect();
        if !words.is_empty() {
            self.whole.insert(self.hashes.hash_one(words.as_slice()));
        }
        let mut before = 0;
        for word in &words {
            before = self.hashes.hash_one((before, word));
            self.beginnings.insert(before);
        }
    }

    fn remember(&mut self, sentence: &str) {
        let words: Vec<String> = words(sentence).collect();
        if words.iter().map(String::len).sum::<usize>() >= SHORTEST_SENTENCE {
            self.sentences.insert(self.hashes.hash_one(words.as_slice()));
        }
    }

    fn sequences_in(&self, lines: &[Line]) -> Found {
        let (mut all, mut of_line): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut counts = vec![0; lines.len()];
        for (index, line) in lines.iter().enumerate() {
            for word in words(&without_links(line.words)) {
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
        Found { all, counts, left }
    }

    /// For each line, whether the desk sent it: also the beginning of a line alone, lines that are broken in other
    /// places, and lines with links.
    pub fn sent(&self, lines: &[Line]) -> Vec<Sent> {
        if self.whole.is_empty() {
            return vec![Sent::No; lines.len()];
        }
        let Found { all, counts, left } = self.sequences_in(lines);
        let mut at = 0;
        let each = lines.iter().enumerate().map(|(index, line)| {
            let words = &all[at..at + counts[index]];
            at += counts[index];
            let shortest = if line.is_quoted() { SHORTEST_BEGINNING } else { SHORTEST_UNMARKED_BEGINNING };
            let is_sent = |words: &[String]| {
                self.whole.contains(&self.hashes.hash_one(words))
                    || words.len() >= shortest && self.beginnings.contains(&self.beginning(words))
            };
            match words.len() {
                0 if line.words.chars().all(is_drawn) || line.words.contains("://") => Sent::Empty,
                0 => Sent::No,
                _ if line.words.chars().any(|c| is_symbol(c) && !self.symbols.contains(&c)) => Sent::No,
                count if left[index] == 0 || is_sent(words) => Sent::Yes { words: count },
                // The number of an entry of a list.
                count
                    if words[0].bytes().all(|b| b.is_ascii_digit()) && count > 1 && is_sent(&words[1..]) =>
                {
                    Sent::Yes { words: count }
                }
                _ => Sent::No,
            }
        });
        each.collect()
    }

    fn beginning(&self, words: &[String]) -> u64 {
        words.iter().fold(0, |before, word| self.hashes.hash_one((before, word)))
    }

    /// For each line, whether it repeats what the desk sent: lines without marks only where several in sequence do.
    pub fn find(&self, lines: &[Line]) -> Vec<bool> {
        let mut found = vec![false; lines.len()];
        if self.sentences.is_empty() && self.sequences.is_empty() {
            return found;
        }
        let Found { all, counts, left } = self.sequences_in(lines);
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

/// Marks in a form, and faces: `☒`, `✓`, `👍`.
fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}')
}

/// Punctuation that says nothing alone, other than `?`, `👍`.
fn is_drawn(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation() && !matches!(c, '?' | '!')
        || matches!(c, '•' | '·' | '—' | '–')
}

/// The line without the targets of links that programs add: `Ver <https://desk.test/1>`.
fn without_links(line: &str) -> Cow<'_, str> {
    const STARTS: [&str; 4] = ["<http", "[http", "(http", "<mailto:"];
    if !line.contains([')', '>', ']']) || !line.contains(':') {
        return Cow::Borrowed(line);
    }
    let without = |word: &str| {
        let end = word.trim_end_matches(['.', ',', ';', ':']);
        if !end.ends_with([')', '>', ']']) {
            return word.len();
        }
        // The beginning could be at the end of the line above.
        if end.starts_with("http") && end.ends_with('>') {
            return 0;
        }
        STARTS.iter().filter_map(|start| word.find(start)).min().unwrap_or(word.len())
    };
    let words: Vec<&str> = line.split_whitespace().map(|word| &word[..without(word)]).collect();
    Cow::Owned(words.join(" "))
}

//! Which lines of a reply are words of its author.

use super::announcements;
use super::attributions::{self, Certainty};
use super::fields::{self, Field, Kind};
use super::header_blocks;
use super::lines::Line;
use super::mobile;
use super::own::{OwnTexts, Sent};
use super::separators::{self, Separator};
use super::within;

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Words of the author, which may be the beginning of the line alone.
    Kept(&'a str),
    /// A line of a message that the author passes on.
    Forwarded(&'a str),
    /// A quotation, or what introduces it.
    Cut,
}

/// The decision of each line.
pub fn decisions<'a>(lines: &[Line<'a>], own: &OwnTexts) -> Vec<Decision<'a>> {
    let mut scan = Scan {
        lines,
        fields: lines.iter().map(fields::read).collect(),
        repeats: own.find(lines),
        sent: own.sent(lines),
        decisions: lines.iter().map(|line| Decision::Kept(line.raw)).collect(),
        words_above: false,
        no_code_before: 0,
        below_attribution: false,
        block_end: 0,
        in_quoted_mail: false,
    };
    let mut at = 0;
    while at < lines.len() {
        at = scan.step(at);
    }
    within::restore(lines, &scan.fields, &scan.sent, &mut scan.decisions);
    scan.decisions
}

struct Scan<'l, 'a> {
    lines: &'l [Line<'a>],
    fields: Vec<Option<Field<'a>>>,
    /// Whether the line repeats what the desk sent.
    repeats: Vec<bool>,
    /// The same of each line for itself, however short.
    sent: Vec<Sent>,
    decisions: Vec<Decision<'a>>,
    /// Whether there are words of the author above. If not, what is below a header is not left out: nothing would be
    /// left.
    words_above: bool,
    /// The lines up to here have no end of code.
    no_code_before: usize,
    /// Whether marked lines are below an attribution.
    below_attribution: bool,
    /// The end of the marked lines that were looked at last, and whether a mail program marked them.
    block_end: usize,
    in_quoted_mail: bool,
}

impl Scan<'_, '_> {
    /// Decides about the line, or about several; the next one.
    fn step(&mut self, at: usize) -> usize {
        let line = &self.lines[at];
        if line.is_blank() {
            return at + 1;
        }
        if line.words.starts_with("```") && !line.is_quoted() {
            return self.end_of_code(at);
        }
        match separators::read(line) {
            Some(Separator::Forwarded) => return self.forward_rest(at),
            Some(Separator::Original) if self.words_above && !self.is_announced(at) => {
                return self.cut_rest(at);
            }
            _ => {}
        }
        if !line.is_quoted()
            && let Some(next) = self.header_block(at)
        {
            self.words_above = true;
            return next;
        }
        if let Some(next) = self.handed_on(at).or_else(|| self.attribution(at)) {
            return next;
        }
        if line.is_quoted() && self.is_quotation(at) || self.repeats[at] {
            self.decisions[at] = Decision::Cut;
        } else {
            self.words_above |= !mobile::is_added(line.words);
        }
        at + 1
    }

    /// Code between two lines of three backquotes is not looked at.
    fn end_of_code(&mut self, at: usize) -> usize {
        const MOST_LINES: usize = 400;
        self.words_above = true;
        if at < self.no_code_before {
            return at + 1;
        }
        let below = self.lines[at + 1..].iter().take(MOST_LINES);
        let length = below.take_while(|line| !line.is_quoted()).position(|line| line.words == "```");
        if length.is_none() {
            self.no_code_before = at + MOST_LINES;
        }
        length.map_or(at + 1, |length| at + length + 2)
    }

    fn header_block(&mut self, at: usize) -> Option<usize> {
        let field = self.fields[at]?;
        if self.words_above && header_blocks::is_on_one_line(&field) && !self.is_announced(at) {
            return Some(self.cut_rest(at));
        }
        if header_blocks::is_above_block(self.lines, &self.fields, at) {
            return None;
        }
        let block = header_blocks::at(self.lines, &self.fields, at)?;
        let end = at + block.lines;
        if !self.words_above && block.is_mail && self.is_of_desk(end) {
            return Some(self.cut_rest(at));
        }
        if self.words_above && block.is_mail {
            let announced = self.is_announced(at) || self.has_answers_within(at);
            if !announced {
                return Some(self.cut_rest(at));
            }
            // Only what the desk sent is left out below: answers may be between.
            if self.repeats_soon(end) {
                self.decisions[at..end].fill(Decision::Cut);
            }
        }
        Some(end)
    }

    fn attribution(&mut self, at: usize) -> Option<usize> {
        if self.lines[at].is_quoted() && !self.lines[at].raw.trim_start().starts_with(">>>") {
            return None;
        }
        let found = attributions::at(self.lines, at)?;
        let next = at + found.lines;
        let below = self.lines[next..].iter().position(|line| !line.is_blank()).map(|skipped| next + skipped);
        let marked = below
            .is_some_and(|below| self.lines[below].is_quoted() && !self.lines[below].words.ends_with(">>>"));
        let repeats = below.is_some_and(|below| self.repeats[below]);
        if !marked && !repeats && found.certainty == Certainty::IfMarked {
            return None;
        }
        let to_end = found.is_followed || !marked && found.certainty == Certainty::Certain;
        if to_end && !self.words_above && found.before.is_empty() {
            if self.is_of_desk(next) {
                return Some(self.cut_rest(at));
            }
            return Some(next);
        }
        let answers_within = to_end && !found.is_followed && self.has_answers_within(at);
        let end = if to_end && !answers_within { self.lines.len() } else { next };
        self.decisions[at..end].fill(Decision::Cut);
        if !found.before.is_empty() {
            self.decisions[at] = Decision::Kept(found.before);
        }
        self.below_attribution |= marked;
        Some(end)
    }

    /// Whether a marked line is a quotation: it is below an attribution, or the lines around it contain one.
    fn is_quotation(&mut self, at: usize) -> bool {
        if self.below_attribution {
            return true;
        }
        if at >= self.block_end {
            let length = self.lines[at..].iter().take_while(|line| line.is_quoted()).count();
            self.block_end = at + length;
            let is_certain = |at: usize| {
                attributions::at(self.lines, at).is_some_and(|found| found.certainty == Certainty::Certain)
            };
            let has_header = header_blocks::marked(self.lines, &self.fields, at) && !self.is_announced(at);
            self.in_quoted_mail = has_header || (at..self.block_end).any(is_certain);
        }
        self.in_quoted_mail
    }

    /// Keeps all below an attribution if the author hands it on, unless the desk sent it.
    fn handed_on(&mut self, at: usize) -> Option<usize> {
        if self.lines[at].is_quoted() || !self.words_above {
            return None;
        }
        let found = attributions::at(self.lines, at).filter(|found| found.before.is_empty())?;
        if !announcements::hands_on(self.lines, at) {
            return None;
        }
        let next = at + found.lines;
        (!self.repeats_soon(next) && !self.is_of_desk(next)).then(|| self.forward_rest(at))
    }

    fn is_announced(&self, at: usize) -> bool {
        announcements::announces(self.lines, at)
    }

    /// Whether the author says that answers are within the quotation: `Respondo en rojo.`
    fn has_answers_within(&self, at: usize) -> bool {
        const WORDS: &[&str] = &[
            "abajo",
            "en rojo",
            "en azul",
            "en verde",
            "en negrilla",
            "en negrita",
            "en amarillo",
            "entre líneas",
            "resaltado",
            "mis comentarios",
            "mis respuestas",
            "mis observaciones",
            "see below",
            "answers below",
            "inline",
            "my comments",
            "my answers",
            "in red",
            "in blue",
            "em vermelho",
            "em azul",
            "meus comentários",
            "en rouge",
            "ci-dessous",
            "mes commentaires",
            "in rot",
            "siehe unten",
            "in rosso",
            "qui sotto",
        ];
        let above = self.lines[..at].iter().rev().take(6).find(|line| !line.words.is_empty());
        let lower = above.map(|line| line.beginning().to_lowercase()).unwrap_or_default();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric() && c != '-').collect();
        let sentence = format!(" {} ", words.join(" "));
        WORDS.iter().any(|phrase| sentence.contains(&format!(" {phrase} ")))
    }

    /// Whether a quotation begins with what the desk sent, before the next one.
    fn is_of_desk(&self, at: usize) -> bool {
        const MOST_LINES: usize = 12;
        let begins = |at: &usize| {
            self.fields[*at].is_some_and(|field| field.kind == Kind::From)
                || attributions::at(self.lines, *at).is_some()
        };
        let end = (at..self.lines.len()).take(MOST_LINES).find(begins);
        let end = end.unwrap_or((at + MOST_LINES).min(self.lines.len()));
        within::is_of_desk(self.sent[at..end].iter())
    }

    /// Whether soon below a line there is what the desk sent.
    fn repeats_soon(&self, at: usize) -> bool {
        self.repeats[at..].iter().take(40).any(|repeats| *repeats)
    }

    fn cut_rest(&mut self, at: usize) -> usize {
        self.decisions[at..].fill(Decision::Cut);
        self.lines.len()
    }

    fn forward_rest(&mut self, at: usize) -> usize {
        for (decision, line) in self.decisions[at..].iter_mut().zip(&self.lines[at..]) {
            *decision = Decision::Forwarded(line.raw);
        }
        self.lines.len()
    }
}

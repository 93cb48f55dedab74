//! The text that is left of a reply.

use super::lines::{Line, is_rule, is_title, trim};
use super::scan::Decision;
use super::{Reply, mobile, postscripts, signatures};

/// Joins the words of the author; all of the text if there are none.
pub fn assemble(text: &str, lines: &[Line], decisions: &[Decision]) -> Reply {
    let mut kept = Kept::default();
    let mut run: Vec<&str> = Vec::new();
    let mut is_forwarded = false;
    for (line, decision) in lines.iter().zip(decisions) {
        match decision {
            Decision::Kept(words) => run.push(words),
            Decision::Forwarded(words) => {
                is_forwarded = true;
                run.push(words);
            }
            Decision::Cut => {
                kept.add(std::mem::take(&mut run), true);
                kept.is_cut |= !line.is_blank();
            }
        }
    }
    match is_forwarded {
        true => kept.push(&run),
        false => kept.add(run, false),
    }
    if kept.text.is_empty() { Reply::whole(text) } else { kept.finish() }
}

/// The most signatures at the end of words: of a person and of a mailing list.
const MOST_SIGNATURES: usize = 3;

#[derive(Default)]
struct Kept {
    text: String,
    cuts: Vec<usize>,
    is_cut: bool,
    /// Whether an empty line separates the next words from the text.
    gap: bool,
}

impl Kept {
    /// Adds lines without what a program put at their end.
    fn add(&mut self, mut run: Vec<&str>, before_cut: bool) {
        let mut shortened = false;
        let mut above_mobile = false;
        for _ in 0..MOST_SIGNATURES {
            let length = run.len();
            while let Some(last) = run.last().map(|line| trim(line)) {
                let is_mobile = mobile::is_added(last);
                let drawn = before_cut && (is_rule(last) || is_title(last)) || above_mobile && last == "--";
                if !(last.is_empty() || drawn || is_mobile) {
                    break;
                }
                above_mobile |= is_mobile;
                self.is_cut |= !last.is_empty();
                run.pop();
            }
            if let Some(start) = signatures::start(&run) {
                self.is_cut = true;
                let postscript = postscripts::start(&run[start..]).map(|below| start + below);
                if let Some(postscript) = postscript {
                    let below = run.split_off(postscript);
                    run.truncate(start);
                    self.push(&run);
                    self.gap = true;
                    run = below;
                    continue;
                }
                run.truncate(start);
            }
            if run.len() == length {
                break;
            }
            shortened = true;
        }
        self.push(&run);
        self.gap |= shortened;
    }

    fn push(&mut self, run: &[&str]) {
        let is_word = |line: &&str| !trim(line).is_empty();
        let Some(first) = run.iter().position(is_word) else {
            self.gap |= !run.is_empty();
            return;
        };
        let last = run.iter().rposition(is_word).unwrap_or(first);
        if !self.text.is_empty() {
            self.text.push_str(if self.gap || first > 0 { "\n\n" } else { "\n" });
            self.cuts.push(self.text.len());
        }
        for (index, line) in run[first..=last].iter().enumerate() {
            let line = if self.text.is_empty() { line.trim_start() } else { line };
            if index > 0 {
                self.text.push('\n');
            }
            self.text.push_str(line);
        }
        self.text.truncate(self.text.trim_end().len());
        self.gap = last + 1 < run.len();
    }

    fn finish(self) -> Reply {
        Reply { text: self.text, is_cut: self.is_cut, cuts: self.cuts }
    }
}

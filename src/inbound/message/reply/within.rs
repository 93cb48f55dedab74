//! What the author wrote within a quotation of the desk's own message: a form that is filled in, words between the
//! lines, words below a quotation without marks.

use super::attributions;
use super::fields::Field;
use super::header_blocks;
use super::lines::{Line, is_rule, is_title};
use super::mobile;
use super::own::Sent;
use super::scan::Decision;
use super::separators::{self, Separator};

/// So many lines, or words, that the desk sent make a quotation one of the desk.
const FEWEST_LINES: usize = 2;
const FEWEST_WORDS: usize = 8;

/// What a line of a quotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It is outside of quotations.
    Outside,
    Blank,
    /// The header of a quotation, and what programs add.
    Litter,
    Sent,
    /// The desk did not send it.
    Other,
}

/// Gives the lines back that the desk did not send, in quotations of what it sent, and leaves out what remained of them.
pub fn restore<'a>(
    lines: &[Line<'a>],
    fields: &[Option<Field<'a>>],
    sent: &[Sent],
    decisions: &mut [Decision<'a>],
) {
    if !sent.iter().any(|sent| matches!(sent, Sent::Yes { .. })) || !decisions.contains(&Decision::Cut) {
        return;
    }
    let (roles, starts) = roles(lines, fields, sent, decisions);
    let mut from = 0;
    for to in starts.into_iter().chain([lines.len()]) {
        let part = roles[from..to].iter().zip(&sent[from..to]);
        if is_of_desk(part.filter(|(role, _)| **role == Role::Sent).map(|(_, sent)| sent)) {
            restore_part(&lines[from..to], &roles[from..to], &mut decisions[from..to]);
        }
        from = to;
    }
}

/// The role of each line, and where each quotation begins.
fn roles(
    lines: &[Line],
    fields: &[Option<Field>],
    sent: &[Sent],
    decisions: &[Decision],
) -> (Vec<Role>, Vec<usize>) {
    let mut roles = vec![Role::Outside; lines.len()];
    let mut starts = Vec::new();
    let in_quotation = quotations(lines, decisions);
    let mut in_header = false;
    let mut at = 0;
    while at < lines.len() {
        let line = &lines[at];
        if !in_quotation[at] {
            in_header &= line.is_blank();
            at += 1;
            continue;
        }
        if let Some(length) = header(lines, fields, at) {
            let end = (at + length).min(lines.len());
            roles[at..end].fill(Role::Litter);
            starts.push(at);
            (in_header, at) = (true, end);
            continue;
        }
        roles[at] = match sent[at] {
            _ if line.words.is_empty() => Role::Blank,
            Sent::Yes { .. } => Role::Sent,
            _ if in_header && fields[at].is_some() => Role::Litter,
            Sent::Empty => Role::Litter,
            Sent::No if is_added(line.beginning()) => Role::Litter,
            Sent::No => Role::Other,
        };
        in_header &= matches!(roles[at], Role::Blank | Role::Litter);
        at += 1;
    }
    leave_out_notices(lines, &mut roles);
    (roles, starts)
}

/// The lines that were left out, and the marked lines around them.
fn quotations(lines: &[Line], decisions: &[Decision]) -> Vec<bool> {
    let mut found: Vec<bool> = decisions.iter().map(|decision| *decision == Decision::Cut).collect();
    let mut at = 0;
    while at < lines.len() {
        let length = lines[at..].iter().take_while(|line| line.is_quoted()).count();
        if found[at..at + length].contains(&true) {
            found[at..at + length].fill(true);
        }
        at += length.max(1);
    }
    found
}

/// The number of lines of what introduces a quotation.
fn header(lines: &[Line], fields: &[Option<Field>], at: usize) -> Option<usize> {
    if separators::read(&lines[at]) == Some(Separator::Original) {
        return Some(1);
    }
    if let Some(field) = &fields[at] {
        if header_blocks::is_on_one_line(field) {
            return Some(1);
        }
        let block = header_blocks::at(lines, fields, at).filter(|block| block.is_mail);
        if block.is_some() {
            return block.map(|block| block.lines);
        }
    }
    attributions::at(lines, at).filter(|found| found.before.is_empty()).map(|found| found.lines)
}

/// What programs write within a quotation.
fn is_added(words: &str) -> bool {
    let is_picture = words.starts_with('[')
        && words.ends_with(']')
        && ["cid:", "image", "imagen", "logo", "http"].iter().any(|word| words.to_lowercase().contains(word));
    is_picture || is_rule(words) || is_title(words) || words == "--" || mobile::is_added(words)
}

/// Notices that the servers of an organization put below or above each message.
fn leave_out_notices(lines: &[Line], roles: &mut [Role]) {
    const NAMES: &[&str] = &[
        "confidencial",
        "confidential",
        "disclaimer",
        "privileg",
        "medio ambiente",
        "environment",
        "correo externo",
        "external email",
        "mensaje externo",
    ];
    const REST: &[&str] = &[
        "destinatari",
        "recipient",
        "divulg",
        "disclos",
        "prohib",
        "intended",
        "por error",
        "in error",
        "elimin",
        "delete",
        "imprim",
        "print",
        "adjuntos",
        "attachments",
        "enlaces",
        "links",
    ];
    let mut at = 0;
    while at < lines.len() {
        let length = roles[at..].iter().take_while(|role| **role == Role::Other).count();
        if length == 0 {
            at += 1;
            continue;
        }
        let words: Vec<&str> = lines[at..at + length].iter().map(Line::beginning).collect();
        let words = words.join(" ").to_lowercase();
        let has = |names: &[&str]| names.iter().any(|name| words.contains(name));
        if words.len() >= 60 && has(NAMES) && has(REST) {
            roles[at..at + length].fill(Role::Litter);
        }
        at += length;
    }
}

/// Whether enough of these lines are of the desk.
pub fn is_of_desk<'s>(sent: impl Iterator<Item = &'s Sent>) -> bool {
    let (rows, words) = sent.fold((0, 0), |(rows, words), sent| match sent {
        Sent::Yes { words: more } => (rows + 1, words + more),
        _ => (rows, words),
    });
    rows >= FEWEST_LINES || words >= FEWEST_WORDS
}

fn restore_part<'a>(lines: &[Line<'a>], roles: &[Role], decisions: &mut [Decision<'a>]) {
    let mut restored = None;
    for (at, role) in roles.iter().enumerate() {
        match role {
            Role::Other if decisions[at] == Decision::Cut => {
                let words = if lines[at].is_quoted() { lines[at].words } else { lines[at].raw };
                decisions[at] = Decision::Kept(words);
                if let Some(above) = restored {
                    decisions[above + 1..at].fill(Decision::Kept(""));
                }
                restored = Some(at);
            }
            Role::Blank => {
                if lines[at].is_quoted() {
                    decisions[at] = Decision::Cut;
                }
            }
            Role::Outside if lines[at].is_blank() => {}
            Role::Sent | Role::Litter => {
                decisions[at] = Decision::Cut;
                restored = None;
            }
            Role::Outside | Role::Other => restored = None,
        }
    }
}

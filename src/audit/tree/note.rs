//! Tree heads as text: C2SP checkpoints (`tlog-checkpoint`) in C2SP signed notes (`signed-note`), which other tools
//! read.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};

use super::hash::Hash;
use crate::config::audit_keys::{PublicKey, Signer};

/// The beginning of a signature line.
const SIGNATURE: &str = "— ";

/// The head of a tree: its size, its root and when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: i64,
    pub root: Hash,
    /// `None` if another tool made the note.
    pub at: Option<DateTime<Utc>>,
}

impl Checkpoint {
    /// The text that is signed.
    fn text(&self) -> String {
        let root = BASE64_STANDARD.encode(self.root);
        let mut text = format!("{}\n{}\n{root}\n", self.origin, self.size);
        if let Some(at) = self.at {
            text.push_str(&format!("time {}\n", at.to_rfc3339_opts(SecondsFormat::Micros, true)));
        }
        text
    }

    /// The signed note.
    pub fn sign(&self, signer: &Signer) -> String {
        let (text, public) = (self.text(), signer.public());
        let signature = BASE64_STANDARD.encode([&public.id()[..], &signer.sign(&text)].concat());
        format!("{text}\n{SIGNATURE}{} {signature}\n", public.name)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let origin = lines.next()?.to_owned();
        let size: i64 = lines.next()?.parse().ok()?;
        let root = BASE64_STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let at = lines.find_map(|line| line.strip_prefix("time ")?.parse().ok());
        (size >= 0).then_some(Checkpoint { origin, size, root, at })
    }
}

/// A signed note that was read.
#[derive(Debug)]
pub struct Note {
    pub checkpoint: Checkpoint,
    text: String,
    signatures: Vec<Vec<u8>>,
}

impl Note {
    /// The first note in a text, such as that of a mail. Line ends may be those of any system.
    ///
    /// # Errors
    /// A text, if there is none.
    pub fn find(text: &str) -> Result<Self, String> {
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let missing = || "there is no signed tree head in it".to_owned();
        let first = lines.iter().position(|line| line.starts_with(SIGNATURE)).ok_or_else(missing)?;
        let end = first.checked_sub(1).filter(|end| lines[*end].is_empty()).ok_or_else(missing)?;
        let begin = lines[..end].iter().rposition(|line| line.is_empty()).map_or(0, |empty| empty + 1);
        let text: String = lines[begin..end].iter().map(|line| format!("{line}\n")).collect();
        let signatures = lines[first..].iter().map_while(|line| line.strip_prefix(SIGNATURE));
        let signatures = signatures
            .filter_map(|line| {
                BASE64_STANDARD.decode(line.split_once(' ')?.1).ok()?.get(4..).map(<[u8]>::to_vec)
            })
            .collect();
        let checkpoint = Checkpoint::parse(&text).ok_or(
            "the tree head in it cannot be read: expected origin, size and root in base64, a line each",
        )?;
        Ok(Note { checkpoint, text, signatures })
    }

    /// Whether one of these keys signed it.
    pub fn is_signed_by(&self, keys: &[PublicKey]) -> bool {
        self.signatures.iter().any(|signature| keys.iter().any(|key| key.verifies(&self.text, signature)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(byte: &str) -> Signer {
        Signer::new("mesa.example/audit", &byte.repeat(32)).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: "mesa.example/audit".to_owned(),
            size: 42,
            root: [7; 32],
            at: "2026-11-28T05:00:00Z".parse().ok(),
        }
    }

    #[test]
    fn a_note_has_the_lines_of_a_checkpoint_and_is_found_in_a_mail() {
        let note = checkpoint().sign(&signer("01"));
        let lines: Vec<&str> = note.lines().collect();
        assert_eq!(lines[..2], ["mesa.example/audit", "42"]);
        assert_eq!((lines[2].len(), lines[3], lines[4]), (44, "time 2026-11-28T05:00:00.000000Z", ""));
        assert!(lines[5].starts_with("— mesa.example/audit "));
        let mail = format!("Señores:\n\nguarden esto.\n\n{note}\nMesa de Servicios\n").replace('\n', "\r\n");
        for text in [&note, &mail] {
            let found = Note::find(text).unwrap();
            assert_eq!(found.checkpoint, checkpoint());
            assert!(found.is_signed_by(&[signer("02").public().clone(), signer("01").public().clone()]));
        }
    }

    #[test]
    fn what_was_changed_or_signed_by_another_is_not_signed() {
        let note = checkpoint().sign(&signer("01"));
        let keys = [signer("01").public().clone()];
        for changed in [note.replace("42", "41"), note.replace("05:00", "06:00")] {
            assert!(!Note::find(&changed).unwrap().is_signed_by(&keys), "{changed}");
        }
        assert!(!Note::find(&note).unwrap().is_signed_by(&[signer("02").public().clone()]));
        for text in ["", "— a b", "\n— a b", "x\n-1\nAAAA\n\n— a b"] {
            assert!(Note::find(text).is_err(), "{text:?}");
        }
    }
}

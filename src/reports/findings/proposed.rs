//! What is proposed: by the author, and by the improvement actions. Pure.

use super::{ReportFinding, ReportMark, counted, shortened};
use crate::improvement::actions::ActionStatus;
use crate::language::Text;
use crate::reports::proposals::ReportAction;

/// The number of actions on the first page.
const MOST_ACTIONS: usize = 5;
/// The number of characters of a text on the first page.
const MOST_CHARACTERS: usize = 180;

/// The author's proposals, how many actions there are, and the most urgent of them.
pub fn findings(proposals: Option<&str>, actions: &[ReportAction]) -> Vec<ReportFinding> {
    let mut all = Vec::new();
    if let Some(text) = proposals {
        let text = shortened(text, 2 * MOST_CHARACTERS);
        let text = Text::made(format!("El autor propone: {text}"), format!("The author proposes: {text}"));
        all.push(ReportFinding::new(ReportMark::Proposed, &text));
    }
    if actions.is_empty() {
        let text = Text::new(
            "No hay acciones de mejoramiento abiertas ni propuestas.",
            "There are no open or proposed improvement actions.",
        );
        all.push(ReportFinding::new(ReportMark::Nothing, &text));
        return all;
    }
    all.push(summary(actions));
    let mut urgent: Vec<&ReportAction> = actions.iter().collect();
    urgent.sort_by_key(|one| (!one.overdue, one.status == ActionStatus::Draft, one.due_on, one.number));
    all.extend(urgent.iter().take(MOST_ACTIONS).map(|one| ReportFinding::new(mark(one), &sentence(one))));
    all
}

pub fn mark(action: &ReportAction) -> ReportMark {
    match (action.overdue, action.status) {
        (true, _) => ReportMark::Overdue,
        (false, ActionStatus::Draft) => ReportMark::Proposed,
        (false, _) => ReportMark::Open,
    }
}

fn summary(actions: &[ReportAction]) -> ReportFinding {
    let count = |wanted: fn(&ReportAction) -> bool| {
        i64::try_from(actions.iter().filter(|one| wanted(one)).count()).unwrap_or(i64::MAX)
    };
    let open = count(|one| one.status == ActionStatus::Open);
    let overdue = count(|one| one.overdue);
    let drafts = count(|one| one.status == ActionStatus::Draft);
    let [open_text, overdue_text, draft_text] = [
        counted(open, ["abierta", "abiertas"], ["open", "open"]),
        counted(overdue, ["vencida", "vencidas"], ["overdue", "overdue"]),
        counted(drafts, ["propuesta", "propuestas"], ["proposed", "proposed"]),
    ];
    let (mut es, mut en) = (
        format!("Acciones de mejoramiento: {}", open_text.es),
        format!("Improvement actions: {}", open_text.en),
    );
    if overdue > 0 {
        es.push_str(&format!(" ({})", overdue_text.es));
        en.push_str(&format!(" ({})", overdue_text.en));
    }
    es.push_str(&format!(", {}.", draft_text.es));
    en.push_str(&format!(", {}.", draft_text.en));
    let mark = match (overdue, open) {
        (1.., _) => ReportMark::Overdue,
        (_, 1..) => ReportMark::Open,
        _ => ReportMark::Proposed,
    };
    ReportFinding::new(mark, &Text::made(es, en))
}

fn sentence(one: &ReportAction) -> Text {
    let action = shortened(&one.action, MOST_CHARACTERS);
    let action = action.trim_end_matches('.');
    let (number, owner) = (one.number, &one.owner_full_name);
    Text::made(
        format!(
            "No. {number}: {action}. Responsable: {owner}; fecha límite: {}.",
            one.due_on.format("%d/%m/%Y")
        ),
        format!("No. {number}: {action}. Responsible: {owner}; due on {}.", one.due_on.format("%Y-%m-%d")),
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn action(number: i32, due_on: &str, status: ActionStatus, overdue: bool) -> ReportAction {
        ReportAction {
            improvement_action_id: Uuid::nil(),
            number,
            action: "Establecer un turno.".to_owned(),
            owner_full_name: "Ana Restrepo".to_owned(),
            due_on: due_on.parse().unwrap(),
            status,
            overdue,
        }
    }

    #[test]
    fn overdue_actions_come_first_and_are_counted() {
        let found = findings(
            Some("Turno\nlos sábados."),
            &[
                action(1, "2026-10-01", ActionStatus::Draft, false),
                action(2, "2026-12-01", ActionStatus::Open, false),
                action(3, "2026-09-01", ActionStatus::Open, true),
            ],
        );
        let marks: Vec<ReportMark> = found.iter().map(|one| one.mark).collect();
        use ReportMark::{Open, Overdue, Proposed};
        assert_eq!(marks, [Proposed, Overdue, Overdue, Open, Proposed]);
        assert_eq!(found[0].text_es, "El autor propone: Turno los sábados.");
        assert_eq!(found[1].text_es, "Acciones de mejoramiento: 2 abiertas (1 vencida), 1 propuesta.");
        assert_eq!(found[1].text_en, "Improvement actions: 2 open (1 overdue), 1 proposed.");
        assert_eq!(
            found[2].text_es,
            "No. 3: Establecer un turno. Responsable: Ana Restrepo; fecha límite: 01/09/2026."
        );
        assert_eq!(
            found[2].text_en,
            "No. 3: Establecer un turno. Responsible: Ana Restrepo; due on 2026-09-01."
        );
    }

    #[test]
    fn without_actions_it_says_so() {
        let found = findings(None, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].mark, ReportMark::Nothing);
        assert_eq!(found[0].text_en, "There are no open or proposed improvement actions.");
        let many: Vec<ReportAction> =
            (1..=9).map(|number| action(number, "2026-12-01", ActionStatus::Open, false)).collect();
        assert_eq!(findings(None, &many).len(), 1 + MOST_ACTIONS);
    }
}

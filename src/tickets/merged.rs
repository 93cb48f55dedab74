//! Tickets that were merged into others, directly or through others.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::problem::Result;

/// The ticket that this one was merged into, directly or through others; `None` if it was merged into none.
pub fn merged_into(db: &mut PgConnection, id: i64) -> Result<Option<i64>> {
    #[derive(QueryableByName)]
    struct Target {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let found: Option<Target> = diesel::sql_query(
        "WITH RECURSIVE up (id, depth) AS ( \
             SELECT related_id, 1 FROM ticket_relations WHERE ticket_id = $1 AND kind = 'duplicate_of' \
             UNION SELECT r.related_id, up.depth + 1 FROM ticket_relations r JOIN up ON r.ticket_id = up.id \
             WHERE r.kind = 'duplicate_of' AND up.depth < 100) \
         SELECT id FROM up ORDER BY depth DESC, id LIMIT 1",
    )
    .bind::<BigInt, _>(id)
    .get_result(db)
    .optional()?;
    Ok(found.map(|target| target.id))
}

/// Ends that the requesters of a duplicate, and of the tickets merged into it, watch the ticket that it was merged into,
/// and the tickets that this one was merged into. A person with another duplicate of that ticket watches on. The
/// relation must have been removed before.
pub fn unfollow(tx: &mut PgConnection, duplicate: i64, into: i64) -> Result<()> {
    diesel::sql_query(
        "WITH RECURSIVE down (id) AS ( \
             SELECT $1 UNION SELECT r.ticket_id FROM ticket_relations r JOIN down ON r.related_id = down.id \
             WHERE r.kind = 'duplicate_of'), \
         up (id) AS ( \
             SELECT $2 UNION SELECT r.related_id FROM ticket_relations r JOIN up ON r.ticket_id = up.id \
             WHERE r.kind = 'duplicate_of'), \
         remaining (about, id) AS ( \
             SELECT up.id, r.ticket_id FROM up JOIN ticket_relations r ON r.related_id = up.id AND r.kind = 'duplicate_of' \
             UNION SELECT m.about, r.ticket_id FROM remaining m JOIN ticket_relations r ON r.related_id = m.id \
             WHERE r.kind = 'duplicate_of') \
         DELETE FROM ticket_watchers w \
         WHERE w.reason = 'duplicate_merged' AND w.ticket_id IN (SELECT id FROM up) \
             AND w.user_id IN (SELECT t.requester_id FROM tickets t JOIN down ON down.id = t.id) \
             AND NOT EXISTS (SELECT FROM remaining m JOIN tickets t ON t.id = m.id \
                 WHERE m.about = w.ticket_id AND t.requester_id = w.user_id)",
    )
    .bind::<BigInt, _>(duplicate)
    .bind::<BigInt, _>(into)
    .execute(tx)?;
    Ok(())
}

//! A later version of the server adds columns while copies of this version run.

use crate::harness::Desk;

/// A prepared statement with `*` would fail for as long as its connection lives.
#[test]
fn a_running_server_lives_with_the_columns_of_a_later_version() {
    let desk = Desk::open();
    let director = desk.director();
    let work = || {
        for state in ["closed", "archived", "on_hold", "escalated"] {
            desk.ticket_in(state);
        }
        for path in [
            "/tickets?q=impresora",
            "/tickets/counts?by=status,assignee",
            "/kb/articles?q=impresora",
            "/users?q=rosa",
            "/statistics?from_date=2026-01-01&through_date=2026-03-31&by=unit,person",
            "/reports/quarterly/2026/1",
            "/audit/log",
            "/audit/verification",
            "/surveys",
        ] {
            director.get(path).ok();
        }
    };
    work();
    desk.database.run(
        "DO $$ DECLARE name text; BEGIN \
         FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace \
                     AND relkind IN ('r', 'p') AND NOT relispartition LOOP \
             EXECUTE format('ALTER TABLE %I ADD COLUMN added_later integer', name); \
         END LOOP; END $$",
    );
    for _ in 0..3 {
        work();
    }
}

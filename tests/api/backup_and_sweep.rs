//! A backup contains every file that its snapshot references, no matter how long the backup takes.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use mesa::attachments::removed;
use tempfile::TempDir;

use crate::backup::{restore, take};
use crate::harness::{Database, Desk};

#[test]
fn files_removed_during_a_backup_are_deleted_after_it() {
    let desk = Desk::open();
    let copy = desk.copy();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("desk.mesa");
    let one = desk.ticket_in("received");
    desk.technician().upload(&format!("{one}/attachments"), "nota.txt", "La placa es 10432.").created();
    let sweep = |desk: &mesa::http::desk::Desk| {
        actix_web::rt::System::new().block_on(removed::sweep(desk, TimeDelta::zero())).unwrap()
    };
    // The backup has taken its snapshot and waits for this table, whose rows it counts.
    let mut blocker = desk.database.connect();
    blocker.batch_execute("BEGIN; LOCK TABLE units IN ACCESS EXCLUSIVE MODE").unwrap();
    std::thread::scope(|scope| {
        let backup = scope.spawn(|| take(&desk, &file));
        let waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'units'::regclass AND NOT granted";
        let start = Instant::now();
        while desk.database.count(waiting) == 0 {
            assert!(!backup.is_finished() && start.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
        desk.database.run(
            "SET session_replication_role = replica;
             WITH gone AS (DELETE FROM attachments RETURNING storage_key)
             INSERT INTO removed_files SELECT storage_key, now() - interval '2 hours' FROM gone
             ON CONFLICT (storage_key) DO UPDATE SET removed_at = EXCLUDED.removed_at",
        );
        let swept = (sweep(desk.shared()), sweep(copy.shared()));
        blocker.batch_execute("COMMIT").unwrap();
        assert_eq!(swept, (0, 0));
        assert_eq!(backup.join().unwrap().unwrap().files, 1);
    });
    assert_eq!((sweep(copy.shared()), sweep(desk.shared())), (1, 0));

    let (database, files) = (Database::empty(), TempDir::new().unwrap());
    restore(&database, &files, &file).unwrap();
    let restored = Desk::on(database, files, &[]);
    let attachment = &restored.technician().get(&format!("{one}/attachments")).items()[0];
    let content = format!("/attachments/{}/content", attachment["id"].as_str().unwrap());
    assert_eq!(restored.technician().get(&content).text(), "La placa es 10432.");
}

//! Activity 6: followups, public or private.

mod entry;
mod handlers;
mod publication;
mod write;

pub use entry::{Followup, FollowupVisibility, by_ids, open_to_files, visible};
pub use handlers::{FollowupCreate, add, apply, list, read};
pub use publication::publish;
pub use write::{Mailed, Reserved, write_and_tell, write_public, write_reserved};

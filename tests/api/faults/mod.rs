//! What becomes of the desk, and of what it acknowledged, where something beside it fails. The full counts are those of
//! `.ci/faults`.

mod clock;
mod full_disk;
mod half_handshakes;
mod hostile_clients;
mod killed_postgres;
mod killed_server;
mod load;
pub mod place;
mod rude_clients;
mod stopped_postgres;
mod stopping;
mod time_limits;
mod uploads;

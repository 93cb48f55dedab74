//! What an operator does and what happens to a database that is not Mesa's own: failover, standbys, servers that do not
//! answer, and stops behind a balancer.

mod draining;
mod failover;
mod node;
mod pooler;
mod read_only;
mod standby;
mod starting;

//! The personal data of a requester (habeas data, Ley 1581 de 2012): given to them, and taken out of the desk.

pub mod anonymization;
pub mod export;
mod traces;

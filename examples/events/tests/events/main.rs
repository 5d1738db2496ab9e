//! The application as its visitors meet it: a real process with a real database, HTTP, signals and kills.
#![cfg(unix)]

mod app;
mod kill;
mod place;
mod registrations;
mod schedules;
mod sign_up;

//! The example programs as their users meet them: real processes with real files, sockets, signals and kills.
#![cfg(unix)]

mod chain;
mod console;
mod database_schedules;
mod environments;
mod external_scheduler;
mod folder;
mod http;
mod kill;
mod machines;
mod next_ticks;
mod place;
mod program;
mod quickstart;
mod several_keys;
mod web;
mod zones;

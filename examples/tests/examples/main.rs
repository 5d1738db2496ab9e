//! The example programs as their users meet them: real processes with real files, sockets, signals and kills.
#![cfg(unix)]

mod chain;
mod console;
mod folder;
mod http;
mod kill;
mod machines;
mod next_ticks;
mod place;
mod program;
mod quickstart;
mod web;

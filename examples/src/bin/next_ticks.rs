//! When a schedule fires: for the person who writes one, and line by line for programs.
//!
//! ```text
//! cargo run -p examples --bin next_ticks -- '0 9 * * MON-FRI' Europe/Berlin
//! cargo run -p examples --bin next_ticks -- 'every 90s' UTC 2026-03-29T00:00:00Z 20
//! ```
//!
//! With arguments it prints the schedule in plain words, what happens to it when clocks change, and its next ticks. Without any it reads lines
//! of four parts with a tabulator between them, `EXPRESSION ZONE AFTER N`, and prints one line for each: the next N ticks in RFC 3339 with
//! the zone's offset, with commas between them, or `error: …`. A schedule has no ticks after 2099, so there may be fewer than N.

use std::error::Error;
use std::io::{self, BufRead, Read, Write};
use std::process::ExitCode;
use std::str::FromStr;

use jobs_runtime::Timestamp;
use jobs_runtime::schedule::{Schedule, Spec, Zone};

const USAGE: &str = "Usage: next_ticks EXPRESSION [ZONE [AFTER [N]]], or lines of them on standard input";

/// The most ticks of one answer.
const MOST: usize = 10_000;

/// The longest line that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// What went wrong, in one line.
type Problem = Box<dyn Error>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        [] => lines(&mut io::stdin().lock(), &mut io::BufWriter::new(io::stdout().lock())),
        [text, rest @ ..] if rest.len() <= 3 => table(text, rest).and_then(|table| Ok(io::stdout().write_all(table.as_bytes())?)),
        _ => Err("too many words".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("next_ticks: {problem}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Answers each line of the input by one of the output.
fn lines(input: &mut impl BufRead, output: &mut impl Write) -> Result<(), Problem> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(output.flush()?);
        }
        let is_whole = line.last() == Some(&b'\n') || (line.len() as u64) < LONGEST;
        let answer = if is_whole {
            answer(&String::from_utf8_lossy(&line))
        } else {
            pass_over(input)?;
            Err(format!("the line is longer than {LONGEST} bytes").into())
        };
        match answer {
            Ok(ticks) => writeln!(output, "{ticks}")?,
            // A message is one line, whatever the text was.
            Err(problem) => writeln!(output, "error: {}", problem.to_string().replace(['\n', '\r'], " "))?,
        }
    }
}

/// Reads to the end of the line.
fn pass_over(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (end, count) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (true, at + 1),
            None => (buffer.is_empty(), buffer.len()),
        };
        input.consume(count);
        if end {
            return Ok(());
        }
    }
}

fn answer(line: &str) -> Result<String, Problem> {
    let parts: Vec<&str> = line.trim_end_matches(['\n', '\r']).split('\t').collect();
    let [text, zone, after, number] = parts[..] else {
        return Err(format!("{} parts instead of EXPRESSION, ZONE, AFTER and N", parts.len()).into());
    };
    let schedule = schedule(text, zone)?;
    let ticks = ticks(&schedule, self::after(after)?, self::number(number)?);
    Ok(ticks.map(|tick| shown(&schedule, tick)).collect::<Vec<_>>().join(","))
}

fn table(text: &str, rest: &[String]) -> Result<String, Problem> {
    let schedule = schedule(text, rest.first().map_or("UTC", String::as_str))?;
    let after = rest.get(1).map_or_else(|| Ok(Timestamp::now()), |text| self::after(text))?;
    let number = rest.get(2).map_or(Ok(10), |text| self::number(text))?;
    let mut table = format!("{}\n{}\n", schedule.spec(), schedule.describe());
    if let Some(note) = schedule.clock_changes() {
        table.push_str(note);
        table.push('\n');
    }
    table.push('\n');
    let zone = schedule.zone().time_zone();
    let mut offset = None;
    for tick in ticks(&schedule, after, number) {
        let here = tick.to_zoned(zone.clone());
        // Where the clock has changed since the tick before.
        let change = offset.is_some_and(|before| before != here.offset());
        offset = Some(here.offset());
        let mark = if change { "  the clock has changed" } else { "" };
        let line = format!("{}  {}  {tick}{mark}", here.strftime("%a"), shown(&schedule, tick));
        table.push_str(&line);
        table.push('\n');
    }
    Ok(table)
}

/// Reads a cron expression, or `every` and a period.
fn schedule(text: &str, zone: &str) -> Result<Schedule, Problem> {
    let zone = Zone::parse(zone)?;
    let spec = match text.trim().strip_prefix("every ") {
        Some(period) => Spec::parse_every(period.trim())?,
        None => Spec::parse_cron(text)?,
    };
    if spec == Spec::Once {
        return Err("`@once` fires when it is first seen, and has no ticks that could be told before".into());
    }
    Ok(Schedule::new(&spec, zone))
}

fn after(text: &str) -> Result<Timestamp, Problem> {
    Timestamp::from_str(text).map_err(|error| format!("`{text}` is no instant such as 2026-03-29T00:00:00Z: {error}").into())
}

fn number(text: &str) -> Result<usize, Problem> {
    let number = text.parse().ok().filter(|number| *number <= MOST);
    number.ok_or_else(|| format!("`{text}` is no number of ticks from 0 to {MOST}").into())
}

fn ticks(schedule: &Schedule, after: Timestamp, number: usize) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(schedule.next_after(after), |tick| schedule.next_after(*tick)).take(number)
}

/// In RFC 3339, with the zone's offset.
fn shown(schedule: &Schedule, tick: Timestamp) -> String {
    tick.to_zoned(schedule.zone().time_zone().clone()).strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()
}

//! Processor time of child processes: what the compiler itself needed, whatever else the machine did meanwhile.

/// Ticks in a second of every time under `/proc` (proc(5), `USER_HZ`).
const TICKS: f64 = 100.0;

/// User seconds of all children that have ended so far, and of their children.
pub fn of_children() -> Result<f64, String> {
    let path = "/proc/self/stat";
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{path}, where Linux tells the processor time of child processes, cannot be read: {error}"))?;
    // The second field is the program's name in round brackets, and may have anything in it; `cutime` is the sixteenth.
    let ticks = text.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(13));
    let ticks = ticks.and_then(|ticks| ticks.parse::<u32>().ok());
    ticks.map(|ticks| f64::from(ticks) / TICKS).ok_or_else(|| format!("{path} has no `cutime`: {text}"))
}

/// User seconds of the children that `work` starts and waits for.
pub fn of(work: impl FnOnce() -> Result<(), String>) -> Result<f64, String> {
    let before = of_children()?;
    work()?;
    Ok(of_children()? - before)
}

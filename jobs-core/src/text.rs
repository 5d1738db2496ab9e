//! One mistake in a short text that somebody wrote: where it is, what it is, and what to write instead.
//!
//! Names, durations, backoffs, schedules and zones report their mistakes in this one shape, so that the macro can draw the
//! same caret under an attribute that the runtime draws under a line of the configuration.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// The longest word [`did_you_mean`] compares, in bytes; a longer one is not a typing mistake.
const LONGEST_WORD: usize = 64;
/// How many characters of a long text [`TextError::render`] keeps before the mistake.
const CONTEXT: usize = 40;
/// How many characters [`TextError::render`] shows at most.
const WIDTH: usize = 120;

/// One mistake in a short text: its place, its description, and what to write instead.
///
/// `Display` gives the message and the help in one line; [`render`](Self::render) draws the text with a caret line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// The bytes of the text that are wrong; empty when something is missing at that place.
    pub span: Range<usize>,
    /// What is wrong: a lower-case fragment that names the value and the limit.
    pub message: String,
    /// What to write instead, if that is known.
    pub help: Option<String>,
}

impl TextError {
    /// A mistake at `span` (bytes of the text) without help. Control characters that the message quotes are written as escapes.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: printable(message.into()), help: None }
    }

    /// The same mistake with a sentence on what to write instead.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(printable(help.into()));
        self
    }

    /// The same mistake seen from a longer text, in which the judged part begins at byte `start`.
    #[must_use]
    pub fn shifted(mut self, start: usize) -> Self {
        self.span = self.span.start.saturating_add(start)..self.span.end.saturating_add(start);
        self
    }

    /// The message, then `text` with a line of carets under the mistake, then the help.
    ///
    /// `text` is the text that was judged. Columns are counted in characters, control characters are shown as spaces, and of
    /// a long text only the part around the mistake is shown.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        let column = |byte: usize| text.char_indices().take_while(|(at, _)| *at < byte).count();
        let (start, end) = (column(self.span.start), column(self.span.end));
        let skipped = if start > WIDTH - CONTEXT { start - CONTEXT } else { 0 };
        let shown: String = text.chars().skip(skipped).take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let indent = start - skipped;
        let carets = end.saturating_sub(start).clamp(1, WIDTH - indent);
        let mut drawn = format!("{}\n  {shown}\n  {:indent$}{:^<carets$}", self.message, "", "");
        if let Some(help) = &self.help {
            drawn.push_str("\nhelp: ");
            drawn.push_str(help);
        }
        drawn
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TextError {}

/// The text as a terminal may show it, with control characters as escapes: what somebody wrote must not be able to move the cursor.
#[must_use]
pub fn printable(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The word of `known` nearest to `wrong`, if it is near enough to be meant.
///
/// Near enough is at most a third of the letters of `wrong`, and at least one: inserted, missing, changed, or swapped with
/// its neighbour. Case does not count. The first of equally near words wins. Words over 64 bytes are never near.
pub fn did_you_mean<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.is_empty() || wrong.len() > LONGEST_WORD {
        return None;
    }
    let wrong: Vec<char> = wrong.to_lowercase().chars().collect();
    let limit = (wrong.len() / 3).max(1);
    known
        .filter(|word| word.len() <= LONGEST_WORD)
        .map(|word| (distance(&wrong, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= limit && *distance < word.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// A word as it stands in a message: whole up to 32 characters, else its beginning.
#[must_use]
pub fn shown(word: &str) -> Cow<'_, str> {
    match word.char_indices().nth(32) {
        Some((cut, _)) => Cow::Owned(format!("{}...", &word[..cut])),
        None => Cow::Borrowed(word),
    }
}

/// The optimal string alignment distance: Levenshtein's with swapped neighbours as one mistake.
fn distance(left: &[char], right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut row = last.clone();
    for (i, &a) in left.iter().enumerate() {
        row[0] = i + 1;
        for (j, &b) in right.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a == right[j - 1] && left[i - 1] == b {
                best = best.min(before_last[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        std::mem::swap(&mut before_last, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{TextError, did_you_mean};

    #[test]
    fn display_is_one_line_with_the_help_last() {
        let error = TextError::new(0..1, "hour 24 is out of range");
        assert_eq!(error.to_string(), "hour 24 is out of range");
        let error = error.with_help("midnight is 0");
        assert_eq!(error.to_string(), "hour 24 is out of range; midnight is 0");
    }

    #[test]
    fn what_would_steer_a_terminal_is_written_as_an_escape() {
        let error = TextError::new(0..3, "`\u{1b}[2J` is not a minute").with_help("did you mean `\0`?");
        assert_eq!(error.to_string(), "`\\u{1b}[2J` is not a minute; did you mean `\\u{0}`?");
        assert!(!error.render("\u{1b}[2J\r").contains(['\u{1b}', '\r']));
    }

    #[test]
    fn carets_stand_under_characters_not_bytes() {
        let error = TextError::new(5..7, "wrong").with_help("write b");
        assert_eq!(error.render("äö ab"), "wrong\n  äö ab\n     ^^\nhelp: write b");
    }

    #[test]
    fn an_empty_span_gets_one_caret() {
        assert_eq!(TextError::new(1..1, "a unit is missing").render("5"), "a unit is missing\n  5\n   ^");
    }

    #[test]
    fn a_long_text_is_shown_only_around_the_mistake() {
        let text = "x".repeat(5_000);
        let drawn = TextError::new(4_000..4_003, "wrong").render(&text);
        assert!(drawn.len() < 300, "{drawn}");
        assert!(drawn.ends_with("^^^"));
    }

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let units = ["hour", "minute", "second"];
        for (wrong, found) in
            [("minuet", Some("minute")), ("HOUR", Some("hour")), ("secnd", Some("second")), ("parsec", None), ("", None)]
        {
            assert_eq!(did_you_mean(wrong, units.into_iter()), found, "{wrong}");
        }
        assert_eq!(did_you_mean("x", ["s"].into_iter()), None);
        assert_eq!(did_you_mean(&"s".repeat(65), units.into_iter()), None);
    }

    proptest! {
        #[test]
        fn render_never_panics_and_stays_short(text in ".{0,300}", start in 0_usize..400, len in 0_usize..400) {
            let drawn = TextError::new(start..start + len, "wrong").render(&text);
            prop_assert!(drawn.lines().count() <= 3);
            prop_assert!(drawn.chars().count() < 300);
        }

        #[test]
        fn one_swap_is_always_found(word in "[a-z]{4,20}", at in 0_usize..3) {
            let mut wrong: Vec<char> = word.chars().collect();
            wrong.swap(at, at + 1);
            let wrong: String = wrong.into_iter().collect();
            prop_assert_eq!(did_you_mean(&wrong, [word.as_str()].into_iter()), Some(word.as_str()));
        }
    }
}

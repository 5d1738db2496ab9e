//! How a value is shown: short, on one line, and without the password it may carry.

use std::borrow::Cow;

/// How many characters of a value a message shows.
const SHOWN: usize = 80;
/// What stands for a password.
const MASK: &str = "***";
/// What a parameter that carries a secret ends with, before its `=`.
const SECRET_WORDS: [&str; 6] = ["password", "passwd", "pwd", "secret", "token", "key"];

/// The text with every password masked: what stands between `:` and `@`, and parameters such as `password=`.
///
/// It rather masks too much than too little, because a password may hold any character.
pub(super) fn mask(text: &str) -> Cow<'_, str> {
    match mask_credentials(text) {
        Some(masked) => Cow::Owned(mask_parameters(&masked).unwrap_or(masked)),
        None => mask_parameters(text).map_or(Cow::Borrowed(text), Cow::Owned),
    }
}

/// The text as a message shows it, in backticks.
pub(super) fn shown(text: &str) -> String {
    format!("`{}`", plain(text))
}

/// The text as a message shows it: masked, cut, with control characters escaped.
pub(super) fn plain(text: &str) -> String {
    let text = mask(text);
    let mut shown = String::new();
    for c in text.chars().take(SHOWN) {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

/// `scheme://user:***@host` for `scheme://user:password@host`; a scheme is not needed.
fn mask_credentials(text: &str) -> Option<String> {
    let at = text.rfind('@')?;
    let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let start = text[..at].find("://").filter(|end| text[..*end].chars().all(scheme)).map_or(0, |end| end + "://".len());
    let password = start + text[start..at].find(':')? + 1;
    (password < at).then(|| format!("{}{MASK}{}", &text[..password], &text[at..]))
}

/// `password=***` for `password=…`, up to the next `&` or the end.
fn mask_parameters(text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut done = 0;
    while let Some(equals) = text[done..].find('=').map(|at| done + at + 1) {
        masked.push_str(&text[done..equals]);
        let name = text[done..equals - 1].trim_ascii_end().to_ascii_lowercase();
        done = equals;
        if SECRET_WORDS.iter().any(|word| name.ends_with(word)) {
            done += text[equals..].find('&').unwrap_or(text.len() - equals);
            masked.push_str(MASK);
        }
    }
    masked.push_str(&text[done..]);
    (masked != text).then_some(masked)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{mask, shown};

    #[test]
    fn passwords_are_masked_wherever_a_store_url_may_carry_them() {
        for (text, masked) in [
            ("postgres://ann:hunter2@db/jobs", "postgres://ann:***@db/jobs"),
            ("postgres://ann:p@ss:w/rd@db/jobs", "postgres://ann:***@db/jobs"),
            ("postgres://ann:a://b@db", "postgres://ann:***@db"),
            ("ann:hunter2@db", "ann:***@db"),
            ("postgres://db/jobs?user=ann&password=hunter2&x=1", "postgres://db/jobs?user=ann&password=***&x=1"),
            ("postgres://a:b@db?sslPassword=c", "postgres://a:***@db?sslPassword=***"),
            ("host=db password = 'a b' user=x", "host=db password =***"),
            ("sqlite://jobs.db", "sqlite://jobs.db"),
            ("postgres://ann@db:5432/jobs", "postgres://ann@db:5432/jobs"),
            ("@daily", "@daily"),
            ("", ""),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn shown_values_are_short_and_on_one_line() {
        assert_eq!(shown("a\nb\u{7}"), "`a\\nb\\u{7}`");
        assert_eq!(shown(&"é".repeat(81)), format!("`{}...`", "é".repeat(80)));
    }

    proptest! {
        #[test]
        fn no_password_of_any_characters_is_shown(password in "[^\u{0}]{0,20}") {
            let url = format!("postgres://u:ZZZ{password}ZZZ@h");
            prop_assert!(!shown(&url).contains("ZZZ"), "{}", shown(&url));
        }
    }
}

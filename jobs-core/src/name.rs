//! What a job, a queue, a schedule or a tag may be called, so that every store, log and URL can carry the name as it is.

use crate::text::TextError;

/// The longest name, in bytes.
pub const MAX_BYTES: usize = 128;

const ALLOWED: &str = "allowed are ASCII letters, digits and `_ - . : /`";

/// Checks a name: 1 to 128 bytes, first an ASCII letter, digit or `_`, then ASCII letters, digits and `_ - . : /`.
///
/// `what` says whose name it is in the message, such as `"queue"`.
pub fn check(what: &str, text: &str) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::new(0..0, format!("{what} name is empty")).with_help(format!("write 1 to {MAX_BYTES} characters")));
    }
    let wrong = text.char_indices().find(|&(at, c)| !(c.is_ascii_alphanumeric() || c == '_' || (at > 0 && "-.:/".contains(c))));
    if let Some((at, c)) = wrong {
        let (message, help) = if "-.:/".contains(c) {
            (format!("{what} name begins with {c:?}"), "begin with an ASCII letter, a digit or `_`".to_owned())
        } else {
            (format!("{what} name has {c:?} in it"), ALLOWED.to_owned())
        };
        return Err(TextError::new(at..at + c.len_utf8(), message).with_help(help));
    }
    if text.len() > MAX_BYTES {
        let message = format!("{what} name has {} bytes, the limit is {MAX_BYTES}", text.len());
        return Err(TextError::new(MAX_BYTES..text.len(), message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_BYTES, check};

    #[test]
    fn ordinary_names_pass() {
        for name in ["a", "_", "0", "send_email", "billing/invoices:v2.1-eu", &"x".repeat(MAX_BYTES)] {
            assert_eq!(check("queue", name), Ok(()), "{name}");
        }
    }

    #[test]
    fn each_mistake_names_the_place_and_the_rule() {
        for (name, span, message) in [
            ("", 0..0, "queue name is empty"),
            ("a b", 1..2, "queue name has ' ' in it"),
            ("grün", 2..4, "queue name has 'ü' in it"),
            ("-a", 0..1, "queue name begins with '-'"),
            ("a\n", 1..2, "queue name has '\\n' in it"),
            (&"x".repeat(129), 128..129, "queue name has 129 bytes, the limit is 128"),
        ] {
            let error = check("queue", name).unwrap_err();
            assert_eq!((error.span, error.message.as_str()), (span, message));
        }
    }

    proptest! {
        #[test]
        fn a_name_passes_exactly_when_it_fits_the_pattern(name in "[A-Za-z0-9_]?[A-Za-z0-9_.:/ é-]{0,130}") {
            let first = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:/".contains(c));
            prop_assert_eq!(check("tag", &name).is_ok(), first && rest && name.len() <= 128);
        }
    }
}

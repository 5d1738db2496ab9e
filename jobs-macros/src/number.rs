//! Whole numbers as they stand in an attribute: read from their text, however long it is.

use proc_macro2::{Literal, TokenTree};

/// The longest text of a number that is looked into; longer ones are out of every range.
const MAX_BYTES: usize = 64;

/// A number as written.
pub(crate) struct Number {
    /// With its sign, without underscores and suffix.
    pub(crate) text: String,
    /// The type behind it, which is one too much.
    pub(crate) suffix: String,
    /// `None` for one that is too large.
    pub(crate) value: Option<i32>,
}

/// The whole number that the tokens are. `-1` may be one token or two, by where it stands.
pub(crate) fn read(tokens: &[TokenTree]) -> Option<Number> {
    match tokens {
        [TokenTree::Literal(literal)] => parse(&literal.to_string()),
        [TokenTree::Punct(minus), TokenTree::Literal(literal)] if minus.as_char() == '-' => parse(&format!("-{literal}")),
        [TokenTree::Punct(minus), TokenTree::Group(_)] if minus.as_char() == '-' => {
            let inner = crate::value::ungroup(tokens[1..].to_vec());
            matches!(inner[..], [TokenTree::Literal(_)]).then(|| parse(&format!("-{}", crate::value::stream(&inner))))?
        }
        _ => None,
    }
}

/// Whether a literal is a string, or a number that is quickly read: the time for a long one grows with its square.
pub(crate) fn is_short(literal: &Literal) -> bool {
    let text = literal.to_string();
    text.len() <= MAX_BYTES || !text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
}

fn parse(text: &str) -> Option<Number> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (prefix, radix) = match rest.get(..2) {
        Some("0x") => ("0x", 16),
        Some("0o") => ("0o", 8),
        Some("0b") => ("0b", 2),
        _ => ("", 10),
    };
    let rest = &rest[prefix.len()..];
    let end = rest.find(|c: char| !(c.is_digit(radix) || c == '_')).unwrap_or(rest.len());
    let (digits, suffix) = rest.split_at(end);
    let is_float = radix == 10 && suffix.starts_with(['.', 'e', 'E', 'f']);
    let digits: String = digits.chars().filter(|c| *c != '_').collect();
    if digits.is_empty() || is_float {
        return None;
    }
    let value = if digits.len() <= MAX_BYTES { i32::from_str_radix(&format!("{sign}{digits}"), radix).ok() } else { None };
    Some(Number { text: format!("{sign}{prefix}{digits}"), suffix: suffix.to_owned(), value })
}

#[cfg(test)]
mod tests {
    use super::read;

    /// The value as text, or that it is too large.
    fn value(text: &str) -> Option<String> {
        let tokens: proc_macro2::TokenStream = text.parse().unwrap();
        let number = read(&tokens.into_iter().collect::<Vec<_>>())?;
        Some(number.value.map_or_else(|| "too large".to_owned(), |value| value.to_string()))
    }

    #[test]
    fn numbers_are_read_in_every_spelling() {
        for (text, expected) in [
            ("7", 7),
            ("-7", -7),
            ("- 7", -7),
            ("1_000", 1000),
            ("0x10", 16),
            ("-0b101", -5),
            ("0o17", 15),
            ("007", 7),
            ("0xe1", 225),
            ("2147483647", i32::MAX),
        ] {
            assert_eq!(value(text), Some(expected.to_string()), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_number_is_none_and_what_is_too_large_has_no_value() {
        for text in ["1.0", "1e3", "1f32", "a", "\"1\"", "'1'", "- -1", "+1", "(1)", "1 1"] {
            assert_eq!(value(text), None, "{text}");
        }
        for text in ["2147483648", "0xffffffff", &"9".repeat(100_000), &format!("0x{}", "f".repeat(100_000))] {
            assert_eq!(value(text).as_deref(), Some("too large"), "{}", text.len());
        }
    }
}

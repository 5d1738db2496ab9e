//! What somebody may have meant by a value of the wrong kind, written as the key takes it.

use proc_macro2::{Delimiter, TokenTree};
use quote::ToTokens;
use syn::Lit;

use crate::value::{between_commas, literal, stream, ungroup};

/// The longest value that is written back to its author.
const MAX_BYTES: usize = 64;

/// The string that tokens without quotes were meant to be, if `fits` says so.
pub(crate) fn as_string(tokens: &[TokenTree], fits: impl Fn(&str) -> bool) -> Option<String> {
    if tokens.len() > MAX_BYTES || tokens.iter().any(|token| matches!(token, TokenTree::Group(_))) {
        return None;
    }
    let written = match literal(tokens) {
        Some(Lit::ByteStr(text)) => String::from_utf8(text.value()).unwrap_or_default(),
        Some(Lit::CStr(text)) => text.value().into_string().unwrap_or_default(),
        Some(Lit::Char(letter)) => letter.value().to_string(),
        _ => stream(tokens).to_string(),
    };
    let squeezed: String = written.split_whitespace().collect();
    let joined = written.replace(" / ", "/").replace("/ ", "/").replace(" - ", "-").replace(" , ", ",");
    let seconds = format!("{squeezed}s");
    let mut meant = [written, joined, squeezed, seconds].into_iter();
    meant.find(|text| text.len() <= MAX_BYTES && fits(text))
}

/// Whether the tokens name a constant or call something, which a macro cannot look into.
pub(crate) fn is_code(tokens: &[TokenTree]) -> bool {
    match tokens {
        [TokenTree::Ident(word)] => {
            let word = word.to_string();
            word.len() > 3 && word.contains(char::is_uppercase) && !word.contains(char::is_lowercase)
        }
        [TokenTree::Ident(_), TokenTree::Punct(sign), ..] => "!:.".contains(sign.as_char()),
        [TokenTree::Ident(_), TokenTree::Group(_), ..] => true,
        _ => false,
    }
}

/// The list that a single string, or strings between other brackets, were meant to be.
pub(crate) fn as_list(tokens: &[TokenTree]) -> Option<String> {
    let strings = |group: &proc_macro2::Group| {
        let elements = between_commas(group.stream()).into_iter().map(|element| match literal(&ungroup(element)) {
            Some(Lit::Str(text)) => Some(text.to_token_stream().to_string()),
            _ => None,
        });
        elements.collect::<Option<Vec<String>>>().map(|elements| elements.join(", "))
    };
    let inside = match tokens {
        [TokenTree::Literal(_)] => match literal(tokens)? {
            Lit::Str(text) => text.to_token_stream().to_string(),
            _ => return None,
        },
        [.., TokenTree::Group(group)] if group.delimiter() != Delimiter::None => strings(group)?,
        _ => return None,
    };
    (inside.len() <= MAX_BYTES && !inside.is_empty()).then(|| format!("[{inside}]"))
}

/// The number that stands in quotes, or that has nothing but zeros behind its point.
pub(crate) fn as_number(tokens: &[TokenTree]) -> Option<i32> {
    match literal(tokens)? {
        Lit::Str(text) => text.value().trim().parse().ok(),
        Lit::Float(number) => number.base10_digits().trim_end_matches('0').strip_suffix('.')?.parse().ok(),
        _ => None,
    }
}

/// The path that stands in quotes, made absolute.
pub(crate) fn as_path(tokens: &[TokenTree]) -> Option<String> {
    let Some(Lit::Str(text)) = literal(tokens) else { return None };
    let path = text.parse_with(syn::Path::parse_mod_style).ok()?;
    let path = path.to_token_stream().to_string().replace(' ', "");
    let absolute = path.starts_with("::") || path.starts_with("crate::");
    (path.len() <= MAX_BYTES).then(|| if absolute { path } else { format!("::{path}") })
}

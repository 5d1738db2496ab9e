//! The entries between the brackets of `#[job(..)]` and of `schedule(..)`: where each begins, which key it has, and what stands
//! behind that.

use jobs_core::duration;
use jobs_core::text::{did_you_mean, shown};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Lit;
use syn::ext::IdentExt;

use crate::errors::Errors;
use crate::foreign;
use crate::keys::{KEYS, Key, Read};
use crate::value::{Value, is_comma, literal, stream, ungroup};

/// Where entries stand.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// Between the brackets of the attribute.
    Attribute,
    /// Between those of `schedule(..)`.
    Schedule,
}

impl Place {
    fn keys(self) -> impl Iterator<Item = &'static str> {
        let stands_here = move |key: &&Key| self == Self::Attribute || matches!(key.read, Read::Schedule(_));
        KEYS.iter().filter(stands_here).map(|key| key.name)
    }

    fn all_keys(self) -> String {
        let names: Vec<&str> = self.keys().collect();
        format!("the keys are {}", names.join(", "))
    }
}

/// The keys as written, also those whose value is wrong.
#[derive(Default)]
pub(crate) struct Written(Vec<Ident>);

impl Written {
    /// The key of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Ident> {
        self.0.iter().find(|key| key.unraw() == name)
    }

    /// Adds a key. Whether it may stand here: the second of a name is reported.
    pub(crate) fn add(&mut self, key: &Ident, known: &Key, errors: &mut Errors) -> bool {
        if !known.repeats && self.get(known.name).is_some() {
            errors.push(key, format_args!("`{key}` is given twice"), "keep one of them");
            return false;
        }
        self.0.push(key.clone());
        true
    }
}

/// One entry: its key, and what stands behind it.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) known: &'static Key,
    behind: Vec<TokenTree>,
}

impl Entry {
    /// Finds the key, or reports why there is none.
    pub(crate) fn read(entry: &[TokenTree], place: Place, errors: &mut Errors) -> Option<Self> {
        let Some(TokenTree::Ident(key)) = entry.first() else {
            refuse_keyless(entry, place, errors);
            return None;
        };
        let Some(known) = KEYS.iter().find(|known| key.unraw() == known.name) else {
            refuse_unknown(key, place, errors);
            return None;
        };
        Some(Self { key: key.clone(), known, behind: entry[1..].to_vec() })
    }

    /// The value, in the form that the key takes.
    pub(crate) fn value(self, errors: &mut Errors) -> Option<Value> {
        let Self { key, known, behind } = self;
        let example = known.example;
        let tokens = match &behind[..] {
            [TokenTree::Group(group)] if known.takes_brackets() && group.delimiter() == Delimiter::Parenthesis => Some(behind),
            _ if known.takes_brackets() => {
                let message = format_args!("`{key}` takes round brackets");
                let tokens = if behind.is_empty() { key.to_token_stream() } else { stream(&behind) };
                errors.push(
                    tokens,
                    message,
                    format_args!("write `{}`", brackets_around(&key, &behind).unwrap_or(example.into())),
                );
                return None;
            }
            [] => None,
            [equals, value, ..] if is_equals(equals) && !is_equals(value) => Some(behind[1..].to_vec()),
            _ => {
                errors.push(&key, format_args!("`{key}` wants one `=` and a value"), format_args!("write `{example}`"));
                return None;
            }
        };
        Some(Value { key, example, tokens })
    }
}

/// What was meant by `schedule = "0 9 * * *"`.
fn brackets_around(key: &Ident, behind: &[TokenTree]) -> Option<String> {
    let [equals, value @ ..] = behind else { return None };
    let Some(Lit::Str(text)) = literal(&ungroup(value.to_vec())) else { return None };
    let is_schedule = key.unraw() == "schedule" && is_equals(equals);
    is_schedule.then(|| format!("{} = {}", key_of(&text.value(), Place::Schedule), shown(&text.to_token_stream().to_string())))
}

/// The tokens between the commas, and between what stands for a comma or lacks one.
pub(crate) fn entries(attribute: TokenStream, errors: &mut Errors) -> Vec<Vec<TokenTree>> {
    let tokens = ungroup(attribute.into_iter().collect());
    let mut entries = Vec::new();
    let mut entry: Vec<TokenTree> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if is_comma(token) {
            if entry.is_empty() {
                errors.push(token, "a comma too many", "write one comma between two keys");
            } else {
                entries.push(std::mem::take(&mut entry));
            }
            continue;
        }
        let is_word = matches!(token, TokenTree::Ident(_));
        let begins_a_key = is_word && tokens.get(at + 1).is_some_and(is_equals);
        let ends_a_value = entry.len() != 2 && entry.last().is_some_and(|last| !is_equals(last));
        let ends_brackets = matches!(&entry[..], [TokenTree::Ident(_), TokenTree::Group(_)]);
        if (begins_a_key && ends_a_value) || (is_word && ends_brackets) {
            let separator = entry.pop_if(|last| matches!(last, TokenTree::Punct(punct) if punct.as_char() == ';'));
            let found = separator.as_ref().unwrap_or(token);
            errors.push(found, format_args!("a comma is missing before `{token}`"), "write one comma between two keys");
            entries.push(std::mem::take(&mut entry));
        }
        entry.push(token.clone());
    }
    if !entry.is_empty() {
        entries.push(entry);
    }
    entries
}

pub(crate) fn is_equals(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=')
}

fn refuse_unknown(key: &Ident, place: Place, errors: &mut Errors) {
    let text = key.unraw().to_string();
    let message = format!("unknown key `{}`", shown(&text));
    let help = foreign::instead_of(&text)
        .or_else(|| did_you_mean(&text, place.keys()).map(|near| format!("did you mean `{near}`?")))
        .unwrap_or_else(|| place.all_keys());
    errors.push(key, message, help);
}

fn refuse_keyless(entry: &[TokenTree], place: Place, errors: &mut Errors) {
    if let [TokenTree::Literal(key), equals, ..] = entry
        && is_equals(equals)
    {
        return errors.push(
            key,
            "a key has no quotes",
            format_args!("write `{} = ..`", shown(key.to_string().trim_matches('"'))),
        );
    }
    let Some(Lit::Str(text)) = literal(&ungroup(entry.to_vec())) else {
        return errors.push(stream(entry), "a key is missing here", place.all_keys());
    };
    let key = key_of(&text.value(), place);
    errors.push(&text, "a value without a key", format_args!("write `{key} = {}`", shown(&text.to_token_stream().to_string())));
}

/// The key that a text without one belongs to.
fn key_of(value: &str, place: Place) -> &'static str {
    match place {
        _ if duration::parse(value).is_ok() => "every",
        _ if value.starts_with('@') || value.trim().contains(' ') => "cron",
        Place::Attribute => "name",
        Place::Schedule => "key",
    }
}

//! Reads the keys of `#[job(..)]` into values. A wrong entry is reported and passed over; the others still count.

use std::time::Duration;

use jobs_core::text::{did_you_mean, shown};
use jobs_core::{Backoff, duration};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Lit, LitStr};

use crate::errors::Errors;
use crate::foreign;
use crate::keys::KEYS;
use crate::value::{Value, is_comma, literal, stream, ungroup};

/// The values of an attribute. A value that is wrong is reported and left out.
#[derive(Default)]
pub(crate) struct Options {
    /// The keys as written, also those whose value is wrong.
    written: Vec<Ident>,
    pub(crate) name: Option<String>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) queue: Option<String>,
    pub(crate) priority: i32,
    pub(crate) retries: Option<i32>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cron: Option<String>,
    pub(crate) every: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) run_on_start: bool,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) krate: Option<syn::Path>,
}

impl Options {
    /// Reads the tokens between the brackets of `#[job(..)]`.
    pub(crate) fn read(attribute: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        for entry in entries(attribute, errors) {
            options.read_entry(entry, errors);
        }
        options
    }

    /// The key of this name, if it was written.
    pub(crate) fn written(&self, name: &str) -> Option<&Ident> {
        self.written.iter().find(|key| key.unraw() == name)
    }

    /// The key that makes the clock start the job, if there is one.
    pub(crate) fn scheduled(&self) -> Option<&Ident> {
        let by_start = || self.written("run_on_start").filter(|_| self.run_on_start);
        self.written("cron").or_else(|| self.written("every")).or_else(by_start)
    }

    fn read_entry(&mut self, entry: Vec<TokenTree>, errors: &mut Errors) {
        let mut tokens = entry.into_iter().peekable();
        let key = match tokens.next() {
            Some(TokenTree::Ident(key)) => key,
            other => return refuse_keyless(&other.into_iter().chain(tokens).collect::<Vec<_>>(), errors),
        };
        let Some(known) = KEYS.iter().find(|known| key.unraw() == known.name) else {
            return refuse_unknown(&key, errors);
        };
        if self.written(known.name).is_some() {
            errors.push(&key, format_args!("`{key}` is given twice"), "keep one of them");
            return;
        }
        self.written.push(key.clone());
        let tokens = match tokens.next() {
            None => None,
            Some(token) if is_equals(&token) && tokens.peek().is_some_and(|next| !is_equals(next)) => Some(tokens.collect()),
            Some(_) => {
                errors.push(&key, format_args!("`{key}` wants one `=` and a value"), format_args!("write `{}`", known.example));
                return;
            }
        };
        (known.read)(self, &Value { key, example: known.example, tokens }, errors);
    }
}

/// The tokens between the commas, and between what stands for a comma or lacks one.
fn entries(attribute: TokenStream, errors: &mut Errors) -> Vec<Vec<TokenTree>> {
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
        let begins_a_key = matches!(token, TokenTree::Ident(_)) && tokens.get(at + 1).is_some_and(is_equals);
        let ends_a_value = entry.len() != 2 && entry.last().is_some_and(|last| !is_equals(last));
        if begins_a_key && ends_a_value {
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

fn is_equals(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=')
}

fn refuse_unknown(key: &Ident, errors: &mut Errors) {
    let text = key.unraw().to_string();
    let message = format!("unknown key `{}`", shown(&text));
    let help = foreign::instead_of(&text)
        .or_else(|| did_you_mean(&text, KEYS.iter().map(|key| key.name)).map(|near| format!("did you mean `{near}`?")));
    errors.push(key, message, help.unwrap_or_else(all_keys));
}

fn refuse_keyless(entry: &[TokenTree], errors: &mut Errors) {
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
        return errors.push(stream(entry), "a key is missing here", all_keys());
    };
    let value = text.value();
    let key = match () {
        () if duration::parse(&value).is_ok() => "every",
        () if value.starts_with('@') || value.trim().contains(' ') => "cron",
        () => "name",
    };
    errors.push(&text, "a value without a key", format_args!("write `{key} = {}`", shown(&text.to_token_stream().to_string())));
}

fn all_keys() -> String {
    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    format!("the keys are {}", names.join(", "))
}

//! Reads the keys of `#[job(..)]` into values. A wrong entry is reported and passed over; the others still count.

use std::time::Duration;

use jobs_core::text::did_you_mean;
use jobs_core::{Backoff, duration};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;

use crate::errors::Errors;
use crate::keys::{FOREIGN, KEYS};
use crate::value::Value;

/// The values of an attribute. A value that is wrong is reported and left out.
#[derive(Default)]
pub(crate) struct Options {
    /// The keys as written, also those whose value is wrong.
    written: Vec<Ident>,
    pub(crate) name: Option<String>,
    pub(crate) aliases: Vec<String>,
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
    pub(crate) tags: Vec<String>,
    pub(crate) krate: Option<syn::Path>,
}

impl Options {
    /// Reads the tokens between the brackets of `#[job(..)]`.
    pub(crate) fn read(attribute: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        for entry in entries(attribute) {
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
            other => return refuse_keyless(other.into_iter().chain(tokens).collect(), errors),
        };
        let Some(known) = KEYS.iter().find(|known| key.unraw() == known.name) else {
            return refuse_unknown(&key, errors);
        };
        if self.written(known.name).is_some() {
            errors.push(&key, format_args!("`{key}` is given twice"), "keep one of them");
            return;
        }
        self.written.push(key.clone());
        let is_equals = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=');
        let tokens = match tokens.next() {
            None => None,
            Some(token) if is_equals(&token) && tokens.peek().is_some() => Some(tokens.collect()),
            Some(_) => {
                errors.push(&key, format_args!("`{key}` wants one `=` and a value"), format_args!("write `{}`", known.example));
                return;
            }
        };
        (known.read)(self, &Value { key, example: known.example, tokens }, errors);
    }
}

/// The tokens between the commas.
fn entries(attribute: TokenStream) -> Vec<Vec<TokenTree>> {
    let tokens: Vec<TokenTree> = attribute.into_iter().collect();
    let mut entries: Vec<Vec<TokenTree>> = tokens
        .split_inclusive(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
        .map(<[TokenTree]>::to_vec)
        .collect();
    for entry in &mut entries {
        // A comma alone stays, to be refused.
        if entry.len() > 1 {
            entry.pop_if(|last| matches!(last, TokenTree::Punct(punct) if punct.as_char() == ','));
        }
    }
    entries
}

fn refuse_unknown(key: &Ident, errors: &mut Errors) {
    let text = key.unraw().to_string();
    if text == "delay" {
        let help = "give it to one job when you enqueue it: `send_email::job(..).delay(..)`";
        return errors.push(key, "a delay belongs to one job, not to its kind", help);
    }
    if let Some((_, ours)) = FOREIGN.iter().find(|(theirs, _)| *theirs == text) {
        let first = if text.ends_with("attempts") { ", which does not count the first attempt" } else { "" };
        return errors.push(key, format_args!("unknown key `{text}`"), format_args!("it is called `{ours}` here{first}"));
    }
    let names = || KEYS.iter().map(|key| key.name);
    match did_you_mean(&text, names()) {
        Some(near) => errors.push(key, format_args!("unknown key `{text}`"), format_args!("did you mean `{near}`?")),
        None => errors.push(key, format_args!("unknown key `{text}`"), all_keys()),
    }
}

fn refuse_keyless(entry: TokenStream, errors: &mut Errors) {
    let Ok(text) = syn::parse2::<syn::LitStr>(entry.clone()) else {
        return errors.push(entry, "a key is missing here", all_keys());
    };
    let value = text.value();
    let key = match () {
        () if duration::parse(&value).is_ok() => "every",
        () if value.starts_with('@') || value.trim().contains(' ') => "cron",
        () => "name",
    };
    errors.push(&text, "a value without a key", format_args!("write `{key} = {}`", text.to_token_stream()));
}

fn all_keys() -> String {
    let names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    format!("the keys are {}", names.join(", "))
}

//! The value of one key: which kinds there are, and the sentence for each that is not what the key takes.
//!
//! Values are matched token by token and never parsed as expressions, so that no depth of brackets can exhaust the stack.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jobs_core::text::shown;
use jobs_core::{TextError, name};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::{Lit, LitStr};

use crate::errors::Errors;
use crate::mend;
use crate::number::{self, Number};

/// What stands behind `key =`, not yet judged.
pub(crate) struct Value {
    /// The key as the user wrote it.
    pub(crate) key: Ident,
    /// How the key is written, such as `queue = "mail"`.
    pub(crate) example: &'static str,
    /// The tokens behind `=`, or the brackets behind a key that takes them; `None` for a key alone.
    pub(crate) tokens: Option<Vec<TokenTree>>,
}

impl Value {
    /// A string that `parse` accepts.
    pub(crate) fn parsed<T>(&self, parse: impl Fn(&str) -> Result<T, TextError>, errors: &mut Errors) -> Option<T> {
        let tokens = self.tokens(errors)?;
        let Some(Lit::Str(text)) = literal(&tokens) else {
            let help = if mend::is_code(&tokens) {
                Some("write the string itself: a macro cannot look into constants and calls".to_owned())
            } else {
                mend::as_string(&tokens, |text| parse(text).is_ok()).map(|text| self.write(&format!("{text:?}")))
            };
            return self.refuse(&tokens, "takes a string", help, errors);
        };
        checked(&text, parse, errors)
    }

    /// A string that may name something; `what` says whose name it is.
    pub(crate) fn name(&self, what: &str, errors: &mut Errors) -> Option<String> {
        self.parsed(|text| named(what, text), errors)
    }

    /// A list of such strings, none of them twice.
    pub(crate) fn names(&self, what: &str, errors: &mut Errors) -> Option<Vec<LitStr>> {
        let tokens = self.tokens(errors)?;
        let [TokenTree::Group(list)] = &tokens[..] else {
            let help = mend::as_list(&tokens).map(|list| self.write(&list));
            return self.refuse(&tokens, "takes a list of strings", help, errors);
        };
        if list.delimiter() != Delimiter::Bracket {
            let help = mend::as_list(&tokens).map(|list| self.write(&list));
            return self.refuse(&tokens, "takes a list of strings", help, errors);
        }
        let elements = between_commas(list.stream());
        if elements.is_empty() {
            errors.push(list, format_args!("`{}` is an empty list", self.key), "leave the key out");
        }
        let (mut names, mut seen) = (Vec::new(), BTreeSet::new());
        for element in elements {
            let element = ungroup(element);
            let Some(Lit::Str(text)) = literal(&element) else {
                let found = if element.is_empty() { tokens.clone() } else { element };
                self.refuse::<()>(&found, "takes a list of strings", None, errors);
                continue;
            };
            match checked(&text, |text| named(what, text), errors) {
                Some(name) if seen.contains(&name) => {
                    errors.push(&text, format_args!("`{}` is given twice", shown(&name)), "keep one of them");
                }
                Some(name) => {
                    seen.insert(name);
                    names.push(text);
                }
                None => {}
            }
        }
        Some(names)
    }

    /// A whole number within `range`.
    pub(crate) fn integer(&self, range: RangeInclusive<i32>, errors: &mut Errors) -> Option<i32> {
        let tokens = self.tokens(errors)?;
        let Some(Number { text, suffix, value }) = number::read(&tokens) else {
            let help =
                mend::as_number(&tokens).filter(|number| range.contains(number)).map(|number| self.write(&number.to_string()));
            return self.refuse(&tokens, "takes a whole number", help, errors);
        };
        if !suffix.is_empty() {
            let message = format_args!("a number here has no suffix `{}`", shown(&suffix));
            errors.push(stream(&tokens), message, self.write(&shown(&text)));
            return None;
        }
        let value = value.filter(|value| range.contains(value));
        if value.is_none() {
            let (low, high) = (range.start(), range.end());
            let message = format_args!("`{}` is {}, which is out of range {low} to {high}", self.key, shown(&text));
            let limit = if text.starts_with('-') { low } else { high };
            errors.push(stream(&tokens), message, self.write(&limit.to_string()));
        }
        value
    }

    /// A string that `parse` accepts, `true` (`on`), which the key alone means as well, or `false` (`None`). An error was reported.
    pub(crate) fn switch<T>(
        &self,
        on: T,
        parse: impl Fn(&str) -> Result<T, TextError>,
        takes: &str,
        errors: &mut Errors,
    ) -> Result<Option<T>, ()> {
        if self.tokens.is_none() {
            return Ok(Some(on));
        }
        let tokens = self.tokens(errors).ok_or(())?;
        match (&tokens[..], literal(&tokens)) {
            ([TokenTree::Ident(word)], _) if word == "true" => Ok(Some(on)),
            ([TokenTree::Ident(word)], _) if word == "false" => Ok(None),
            (_, Some(Lit::Str(text))) if !matches!(&*text.value(), "true" | "false") => {
                checked(&text, parse, errors).map(Some).ok_or(())
            }
            _ => {
                let help = mend::as_string(&tokens, |text| parse(text).is_ok()).map(|text| self.write(&format!("{text:?}")));
                self.refuse(&tokens, takes, help, errors).ok_or(())
            }
        }
    }

    /// What stands between the brackets behind the key.
    pub(crate) fn inside(&self) -> TokenStream {
        match self.tokens.as_deref() {
            Some([TokenTree::Group(group)]) => group.stream(),
            _ => TokenStream::new(),
        }
    }

    /// An absolute path.
    pub(crate) fn path(&self, errors: &mut Errors) -> Option<syn::Path> {
        let tokens = self.tokens(errors)?;
        let has_brackets = tokens.iter().any(|token| matches!(token, TokenTree::Group(_)));
        let path = if has_brackets { None } else { syn::Path::parse_mod_style.parse2(stream(&tokens)).ok() };
        let Some(path) = path else {
            let help = mend::as_path(&tokens).map(|path| self.write(&path));
            return self.refuse(&tokens, "takes a path", help, errors);
        };
        let begins_at_a_crate = |segment: &syn::PathSegment| segment.ident == "crate" || segment.ident == "$crate";
        if path.leading_colon.is_none() && !path.segments.first().is_some_and(begins_at_a_crate) {
            let help = "begin with `::`, `crate::` or `$crate::`: the path is used in places where other names are in scope";
            errors.push(&path, "`crate` takes an absolute path", help);
            return None;
        }
        Some(path)
    }

    fn tokens(&self, errors: &mut Errors) -> Option<Vec<TokenTree>> {
        let Some(tokens) = self.tokens.clone() else {
            errors.push(&self.key, format_args!("`{}` has no value", self.key), format_args!("write `{}`", self.example));
            return None;
        };
        Some(ungroup(tokens))
    }

    fn write(&self, value: &str) -> String {
        format!("write `{} = {value}`", self.key)
    }

    fn refuse<T>(&self, found: &[TokenTree], takes: &str, help: Option<String>, errors: &mut Errors) -> Option<T> {
        let help = help.unwrap_or_else(|| format!("write `{}`", self.example));
        errors.push(stream(found), format_args!("`{}` {takes}", self.key), help);
        None
    }
}

/// The tokens between the commas. A comma at the end is none too many.
pub(crate) fn between_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut parts: Vec<Vec<TokenTree>> = tokens.split(is_comma).map(<[TokenTree]>::to_vec).collect();
    parts.pop_if(|last| last.is_empty());
    parts
}

pub(crate) fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')
}

/// The tokens without the invisible brackets that a `macro_rules!` leaves around what it passes on.
pub(crate) fn ungroup(mut tokens: Vec<TokenTree>) -> Vec<TokenTree> {
    while let [TokenTree::Group(group)] = &tokens[..]
        && group.delimiter() == Delimiter::None
    {
        tokens = group.stream().into_iter().collect();
    }
    tokens
}

/// The one literal that the tokens are.
pub(crate) fn literal(tokens: &[TokenTree]) -> Option<Lit> {
    match tokens {
        [TokenTree::Literal(literal)] if number::is_short(literal) => Some(Lit::new(literal.clone())),
        _ => None,
    }
}

pub(crate) fn stream(tokens: &[TokenTree]) -> TokenStream {
    tokens.iter().cloned().collect()
}

/// What `parse` makes of a string without a suffix, which the compiler would drop in silence.
fn checked<T>(text: &LitStr, parse: impl Fn(&str) -> Result<T, TextError>, errors: &mut Errors) -> Option<T> {
    if !text.suffix().is_empty() {
        let message = format_args!("a string here has no suffix `{}`", shown(text.suffix()));
        let without = LitStr::new(&shown(&text.value()), text.span());
        errors.push(text, message, format_args!("write `{}`", without.to_token_stream()));
        return None;
    }
    parse(&text.value()).map_err(|error| errors.push_text(text, &error)).ok()
}

fn named(what: &str, text: &str) -> Result<String, TextError> {
    name::check(what, text).map(|()| text.to_owned())
}

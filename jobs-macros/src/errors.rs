//! Collects every mistake of one job, so that one build reports them all, each under the tokens it is about.

use std::fmt::Display;

use jobs_core::TextError;
use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far. A test that drops them unread fails.
#[derive(Default)]
pub(crate) struct Errors {
    all: Option<syn::Error>,
    read: bool,
}

impl Errors {
    /// Adds a mistake under `tokens`, with a sentence on what to write instead.
    pub(crate) fn push(&mut self, tokens: impl ToTokens, message: impl Display, help: impl Display) {
        self.add(syn::Error::new_spanned(tokens, format_args!("{message}\nhelp: {help}")));
    }

    /// Adds a mistake in the text of `literal`, drawn with a caret line: the compiler cannot underline a part of a literal.
    pub(crate) fn push_text(&mut self, literal: &syn::LitStr, error: &TextError) {
        self.add(syn::Error::new_spanned(literal, error.render(&literal.value())));
    }

    /// Adds what the parser said.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.all {
            Some(all) => all.combine(error),
            None => self.all = Some(error),
        }
    }

    /// One `compile_error!` for each mistake, if there are any.
    pub(crate) fn finish(mut self) -> Option<TokenStream> {
        self.read = true;
        self.all.take().map(syn::Error::into_compile_error)
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(!cfg!(test) || self.read || std::thread::panicking(), "mistakes were collected and never reported");
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::Errors;

    #[test]
    fn every_mistake_becomes_an_error_of_its_own() {
        let mut errors = Errors::default();
        errors.push(quote!(a), "first", "one");
        errors.push(quote!(b), "second", "two");
        let tokens = errors.finish().unwrap().to_string();
        assert_eq!(tokens.matches("compile_error").count(), 2, "{tokens}");
        assert!(Errors::default().finish().is_none());
    }

    #[test]
    fn mistakes_that_nobody_reads_are_noticed() {
        let dropped = std::panic::catch_unwind(|| drop(Errors::default()));
        assert!(dropped.is_err());
    }
}

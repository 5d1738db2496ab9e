//! The head of the fn: what the macro reads of it, and what each parameter is. The body stays tokens that nobody looks into.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, GenericArgument, Pat, PatType, PathArguments, PathSegment, ReturnType, Type, Visibility};

use crate::depth::too_deep;
use crate::errors::Errors;
use crate::item::{begins_a_fn, not_a_fn, without_body};

/// A fn up to its body.
pub(crate) struct Head {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: syn::Signature,
    /// Whether it is more than a declaration in a trait or an `extern` block.
    pub(crate) has_body: bool,
}

impl Parse for Head {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if !begins_a_fn(&input.fork()) {
            return Err(not_a_fn(input));
        }
        let sig = input.parse()?;
        let body = input.parse::<TokenStream>()?;
        let has_body = body.into_iter().any(|token| matches!(token, TokenTree::Group(_)));
        Ok(Self { attrs, vis, sig, has_body })
    }
}

/// Whether the compiler refuses such a type in a signature by itself: one without a size, one to be guessed, and `!`.
pub(crate) fn is_refused_by_rustc(ty: &Type) -> bool {
    let is_punct =
        |token: Option<&TokenTree>, sign: char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    let tokens = flat(ty);
    let around = |at: usize| (at.checked_sub(1).and_then(|before| tokens.get(before)), tokens.get(at + 1));
    let calls_a_macro = |at: usize| matches!(around(at).0, Some(TokenTree::Ident(_)));
    let mut refused = match inner(ty) {
        Type::TraitObject(_) | Type::Slice(_) => true,
        Type::Path(path) => path.path.is_ident("str"),
        _ => false,
    };
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '!' && calls_a_macro(at) => return false,
            TokenTree::Punct(sign) if sign.as_char() == '!' => refused = true,
            // Neither `'_` nor the nameless parameter of a fn pointer.
            TokenTree::Ident(word) if word == "_" => {
                let (before, after) = around(at);
                refused |= !is_punct(before, '\'') && !is_punct(after, ':');
            }
            _ => {}
        }
    }
    refused
}

impl Head {
    /// Reads the head of an item, and reports why it is none.
    pub(crate) fn read(item: &TokenStream, errors: &mut Errors) -> Option<Self> {
        if let Some(token) = too_deep(item) {
            errors.push(token, "the head of this fn is nested too deep", "give its long type a name: `type Long = ..`");
            return None;
        }
        syn::parse2(without_body(item)).map_err(|error| errors.add(error)).ok()
    }

    /// The name of the fn without `r#`.
    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    /// The name as it stands in what the macro writes: at the user's place, but known as generated, so that the lints on names
    /// and on dead code leave it alone.
    pub(crate) fn handle(&self) -> Ident {
        generated(&self.sig.ident)
    }

    /// Whether the compiler refuses this head by itself, so that nothing is left to say.
    pub(crate) fn is_refused_by_rustc(&self) -> bool {
        let is_both = self.sig.constness.is_some() && self.sig.asyncness.is_some();
        let in_types = self.typed().map(|param| &*param.ty).chain(self.returned()).any(is_refused_by_rustc);
        is_both || self.sig.variadic.is_some() || in_types
    }

    /// The type that the fn returns, if it is written.
    pub(crate) fn returned(&self) -> Option<&Type> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    /// The parameters without `self`.
    pub(crate) fn typed(&self) -> impl Iterator<Item = &PatType> {
        self.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        })
    }

    /// What each parameter is, in order.
    pub(crate) fn params(&self) -> impl Iterator<Item = Param<'_>> {
        self.typed().filter_map(Param::of)
    }
}

/// A parameter: owned travels, borrowed is injected.
pub(crate) enum Param<'a> {
    /// Stored with the job under its name.
    Argument(&'a Ident, &'a Type),
    /// Lent by the runtime, found by its type.
    Service(&'a Type),
    /// Made for this run alone, and lent by `&mut`.
    Own(&'a Type),
    /// `&JobContext`.
    Context,
}

impl<'a> Param<'a> {
    /// `None` for an argument without a plain name, which `check` reports.
    fn of(param: &'a PatType) -> Option<Self> {
        match borrowed(&param.ty) {
            Some(reference) if last_segment(&reference.elem).is_some_and(|last| last.ident == "JobContext") => {
                Some(Self::Context)
            }
            Some(reference) if reference.mutability.is_some() => Some(Self::Own(inner(&reference.elem))),
            Some(reference) => Some(Self::Service(inner(&reference.elem))),
            None => Some(Self::Argument(plain_name(&param.pat)?, &param.ty)),
        }
    }
}

/// The name of a pattern that is one: `to` or `mut to`.
pub(crate) fn plain_name(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(&pat.ident),
        _ => None,
    }
}

/// The reference that a type is, if it is one.
pub(crate) fn borrowed(ty: &Type) -> Option<&syn::TypeReference> {
    match inner(ty) {
        Type::Reference(reference) => Some(reference),
        _ => None,
    }
}

/// The last segment of a type that is a path.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match inner(ty) {
        Type::Path(ty) => ty.path.segments.last(),
        _ => None,
    }
}

/// The types between the angle brackets of a segment.
pub(crate) fn types_of(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let generics = match &segment.arguments {
        PathArguments::AngleBracketed(generics) => Some(generics.args.iter()),
        _ => None,
    };
    generics.into_iter().flatten().filter_map(|arg| match arg {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The type without round brackets and without the invisible ones that a `macro_rules!` leaves.
pub(crate) fn inner(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => inner(&group.elem),
        Type::Paren(paren) => inner(&paren.elem),
        ty => ty,
    }
}

/// A name of the user, for use in what the macro writes.
pub(crate) fn generated(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(ident.span().resolved_at(Span::call_site()));
    ident
}

/// Every token of a tree, whatever brackets it stands in.
pub(crate) fn flat(tokens: &impl ToTokens) -> Vec<TokenTree> {
    let mut all = Vec::new();
    for token in tokens.to_token_stream() {
        match token {
            TokenTree::Group(group) => all.extend(flat(&group.stream())),
            token => all.push(token),
        }
    }
    all
}

/// Whether one of the tokens is this word.
pub(crate) fn mentions(tokens: &impl ToTokens, word: &str) -> bool {
    flat(tokens).iter().any(|token| matches!(token, TokenTree::Ident(ident) if ident == word))
}

/// Whether a type borrows for less than `'static`, as far as its tokens tell. What a fn type or a `Fn` trait takes and gives is no
/// part of what it holds, and a lifetime named by `for<..>` is any.
pub(crate) fn borrows(ty: &impl ToTokens) -> bool {
    borrows_among(&ty.to_token_stream().into_iter().collect::<Vec<_>>(), &mut vec!["static".to_owned()])
}

/// `free` are the lifetimes that are no loans.
fn borrows_among(tokens: &[TokenTree], free: &mut Vec<String>) -> bool {
    let is_punct =
        |token: Option<&TokenTree>, sign: char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    let lifetime = |at: usize| match (tokens.get(at), tokens.get(at + 1)) {
        (tick, Some(TokenTree::Ident(name))) if is_punct(tick, '\'') => Some(name.to_string()),
        _ => None,
    };
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is_loan = match token {
            TokenTree::Ident(word) if word == "for" && is_punct(tokens.get(at + 1), '<') => {
                while !is_punct(tokens.get(at), '>') && at < tokens.len() {
                    free.extend(lifetime(at));
                    at += 1;
                }
                false
            }
            TokenTree::Ident(word) if matches!(&*word.to_string(), "fn" | "Fn" | "FnMut" | "FnOnce") => {
                if matches!(tokens.get(at + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis) {
                    at += 1;
                    if is_punct(tokens.get(at + 1), '-') && is_punct(tokens.get(at + 2), '>') {
                        at += 2;
                        at += given(&tokens[at + 1..]);
                    }
                }
                false
            }
            TokenTree::Punct(punct) if punct.as_char() == '&' => lifetime(at + 1).is_none_or(|name| !free.contains(&name)),
            TokenTree::Punct(punct) if punct.as_char() == '\'' => lifetime(at).is_some_and(|name| !free.contains(&name)),
            TokenTree::Group(group) => borrows_among(&group.stream().into_iter().collect::<Vec<_>>(), free),
            _ => false,
        };
        if is_loan {
            return true;
        }
        at += 1;
    }
    false
}

/// How many tokens the type behind an arrow has: up to a `+`, a comma, or the end of the brackets around it.
pub(crate) fn given(tokens: &[TokenTree]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Punct(punct) = token else { continue };
        match punct.as_char() {
            '<' => depth += 1,
            '>' | '+' | ',' if depth == 0 => return at,
            '>' => depth -= 1,
            _ => {}
        }
    }
    tokens.len()
}

//! What a run has for itself: the rules on `&mut T`, and the type under which its value is found.
//!
//! Such a value is made before the run and handed to it, so it borrows from nothing. Where its type has lifetimes, as
//! `Transaction<'_, Postgres>`, they are `'static`, and so the type is written where it is looked up.

use proc_macro2::{Delimiter, Group, Ident, Punct, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{PatType, PathSegment, Type};

use crate::errors::Errors;
use crate::parameters::{owned, shown};
use crate::signature::{Head, Param, flat, given, inner, last_segment, mentions, plain_name, types_of};

/// Applies the rules for `&mut T`.
pub(crate) fn check(param: &PatType, reference: &syn::TypeReference, head: &Head, errors: &mut Errors) {
    let ty = inner(&reference.elem);
    let looked_up = LookedUp::of(ty);
    let in_its_place = |ty: &Type| LookedUp::of(ty).tokens.to_string() == looked_up.tokens.to_string();
    if last_segment(ty).is_some_and(|last| last.ident == "JobContext") {
        errors.push(reference, "the context of a job is shared", "write `&JobContext`");
    } else if let Some(argument) = argument(ty) {
        let message = format_args!("`&mut {}` cannot be an argument: borrowed parameters are services", shown(ty));
        let name = plain_name(&param.pat).map_or_else(|| "value".to_owned(), ToString::to_string);
        let help = format_args!("for an argument write `mut {name}: {argument}`, for a service of one run a struct of its own");
        errors.push(reference, message, help);
    } else if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static") {
        let help = format_args!("write `&mut {}`", shown(ty));
        errors.push(lifetime, "a parameter of a job is borrowed for one run only", help);
    } else if matches!(ty, Type::TraitObject(_)) {
        let send = if mentions(ty, "Send") { "" } else { " + Send" };
        let help = format_args!("write `&mut Box<{}{send}>`, and provide that", shown(ty));
        errors.push(ty, "a service of one run has a type of its own: it cannot be found by its trait", help);
    } else if looked_up.has_references {
        let help = "write types that own what they hold; what others hold as well may be in an `Arc`";
        errors.push(ty, "a service of one run cannot hold a reference: nothing that it could borrow from lives as long", help);
    } else if own_types(head).take_while(|other| !std::ptr::eq(*other, ty)).any(in_its_place) {
        let message = format_args!("`&mut {}` stands here twice: a run has one service of each type", shown(ty));
        errors.push(reference, message, "take one of them away, or give it a struct of its own");
    } else if let Some(lifetime) = looked_up.named.iter().find(|lifetime| is_used_elsewhere(lifetime, head)) {
        let message = format_args!("`'{}` cannot be named here: what a run has for itself borrows from nothing", lifetime.name);
        errors.push(&lifetime.tokens, message, "write `'_` in its place, as in `&mut Transaction<'_, Postgres>`");
    }
}

/// The types behind `&mut`, in order.
fn own_types(head: &Head) -> impl Iterator<Item = &Type> {
    head.params().filter_map(|param| match param {
        Param::Own(ty) => Some(ty),
        _ => None,
    })
}

/// The argument that was meant, where nobody means a service.
fn argument(ty: &Type) -> Option<String> {
    let is_owned = |last: &PathSegment| last.ident == "String" || last.ident == "Vec" && types_of(last).next().is_some();
    owned(ty).or_else(|| last_segment(ty).is_some_and(is_owned).then(|| shown(ty)))
}

/// Whether a lifetime of the fn ties what is lent to more than the types behind `&mut`, so that it cannot be `'static`.
fn is_used_elsewhere(lifetime: &Lifetime, head: &Head) -> bool {
    let uses = |tokens: &dyn Fn() -> Vec<TokenTree>| {
        let is_it = |pair: &&[TokenTree]| is_punct(&pair[0], '\'') && is_word(&pair[1], &lifetime.name);
        tokens().windows(2).filter(is_it).count()
    };
    let declared = head.sig.generics.lifetimes().filter(|param| param.lifetime.ident == lifetime.name).count();
    let lent: usize = own_types(head).map(|ty| uses(&|| flat(ty))).sum();
    uses(&|| flat(&head.sig)) > declared + lent
}

/// A lifetime that the fn names.
pub(crate) struct Lifetime {
    name: Ident,
    tokens: TokenStream,
}

/// A type behind `&mut`, with `'static` for the lifetimes that depend on the fn.
///
/// What a fn type or a `Fn` trait takes and gives has lifetimes of its own where they are not named, and `for<..>` names some.
#[derive(Default)]
pub(crate) struct LookedUp {
    pub(crate) tokens: TokenStream,
    /// Whether it holds a `&` that is not `'static`.
    has_references: bool,
    /// The lifetimes of the fn that stand in it.
    named: Vec<Lifetime>,
    free: Vec<String>,
}

impl LookedUp {
    pub(crate) fn of(ty: &Type) -> Self {
        let mut looked_up = Self::default();
        looked_up.tokens = looked_up.written(&ty.to_token_stream().into_iter().collect::<Vec<_>>(), false);
        looked_up
    }

    fn written(&mut self, tokens: &[TokenTree], of_a_fn: bool) -> TokenStream {
        let mut written = TokenStream::new();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at + 1..];
            let taken = match (token, rest) {
                (TokenTree::Ident(word), [open, ..]) if word == "for" && is_punct(open, '<') => {
                    let names = rest.iter().take_while(|token| !is_punct(token, '>')).count();
                    self.free.extend(rest[..names].iter().filter_map(|token| match token {
                        TokenTree::Ident(name) => Some(name.to_string()),
                        _ => None,
                    }));
                    written.extend(tokens[at..=at + names].iter().cloned());
                    names
                }
                (TokenTree::Ident(word), [TokenTree::Group(takes), behind @ ..])
                    if FNS.iter().any(|name| word == name) && takes.delimiter() == Delimiter::Parenthesis =>
                {
                    let gives = match behind {
                        [dash, arrow, gives @ ..] if is_punct(dash, '-') && is_punct(arrow, '>') => 2 + given(gives),
                        _ => 0,
                    };
                    written.extend([token.clone()]);
                    written.extend(self.written(&rest[..=gives], true));
                    1 + gives
                }
                (TokenTree::Punct(tick), [TokenTree::Ident(name), ..]) if tick.as_char() == '\'' => {
                    written.extend([token.clone(), self.lifetime(tick, name, of_a_fn)]);
                    1
                }
                (TokenTree::Group(group), _) => {
                    let inside = self.written(&group.stream().into_iter().collect::<Vec<_>>(), of_a_fn);
                    let mut moved = Group::new(group.delimiter(), inside);
                    moved.set_span(group.span());
                    written.extend([TokenTree::Group(moved)]);
                    0
                }
                _ => {
                    let lifetime = matches!(rest, [tick, name, ..] if is_punct(tick, '\'') && self.is_free(name));
                    self.has_references |= is_punct(token, '&') && !of_a_fn && !lifetime;
                    written.extend([token.clone()]);
                    0
                }
            };
            at += 1 + taken;
        }
        written
    }

    /// The name that stands behind the tick of a lifetime.
    fn lifetime(&mut self, tick: &Punct, name: &Ident, of_a_fn: bool) -> TokenTree {
        let token = TokenTree::Ident(name.clone());
        if self.is_free(&token) || (name == "_" && of_a_fn) {
            return token;
        }
        if name != "_" {
            let tokens = [TokenTree::Punct(tick.clone()), token];
            self.named.push(Lifetime { name: name.clone(), tokens: tokens.into_iter().collect() });
        }
        TokenTree::Ident(Ident::new("static", name.span()))
    }

    fn is_free(&self, name: &TokenTree) -> bool {
        is_word(name, "static") || self.free.iter().any(|free| is_word(name, free))
    }
}

/// Whose brackets and arrow hold what they take and give.
const FNS: [&str; 4] = ["fn", "Fn", "FnMut", "FnOnce"];

fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_word<T: ?Sized>(token: &TokenTree, word: &T) -> bool
where
    Ident: PartialEq<T>,
{
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

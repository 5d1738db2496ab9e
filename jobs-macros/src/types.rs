//! The user's types, each written once beside the fn and then called by a name.
//!
//! A type that the compiler does not find is looked up in the fn and again here. It is reported once only if both reports are
//! equal, to the last word of the advice to make it a type parameter: that depends on whether it stands between angle brackets
//! and on where its item has its generics. So the types stand as bare as in the fn, in items whose names are at the place of its
//! name. Wherever a bound is put on one, its name spans the user's own tokens, under which the broken bound is then reported.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;

use crate::own::LookedUp;
use crate::signature::{Head, Param};

/// What the fn's types are called.
pub(crate) struct Named {
    /// The items that give the names.
    pub(crate) items: TokenStream,
    /// For each parameter the name of its type; nothing for the context.
    params: Vec<Type>,
    /// The name of what the fn returns.
    pub(crate) returned: TokenStream,
}

impl Named {
    /// Gives each type a name.
    pub(crate) fn new(p: &TokenStream, head: &Head, params: &[Param]) -> Self {
        let mut items = TokenStream::new();
        let mut named = |nth: usize, ty: &Type, written: TokenStream| {
            let alias = alias(head, nth);
            items.extend(quote!(type #alias = #written;));
            Type::Verbatim(over(ty, &quote!(#alias as #p::Same), "Type"))
        };
        let mut name = |(nth, param): (usize, &Param)| match param {
            Param::Argument(_, ty) | Param::Service(ty) => named(nth, ty, ty.to_token_stream()),
            Param::Own(ty) => named(nth, ty, LookedUp::of(ty).tokens),
            Param::Context => Type::Verbatim(TokenStream::new()),
        };
        let params = params.iter().enumerate().map(&mut name).collect();
        let handle = head.handle();
        let returned = head.returned().map_or_else(|| quote!(()), |ty| over(ty, &quote!(#handle as #p::Job), "Return"));
        Self { items, params, returned }
    }

    /// The parameters with the names of their types.
    pub(crate) fn params<'a>(&'a self, params: &[Param<'a>]) -> Vec<Param<'a>> {
        let named = params.iter().zip(&self.params).map(|(param, ty)| match param {
            Param::Argument(name, _) => Param::Argument(name, ty),
            Param::Service(_) => Param::Service(ty),
            Param::Own(_) => Param::Own(ty),
            Param::Context => Param::Context,
        });
        named.collect()
    }
}

/// The name of the type of the parameter in this place.
pub(crate) fn alias(head: &Head, nth: usize) -> Ident {
    format_ident!("__JobType{nth}", span = head.sig.ident.span())
}

/// `impl` at the place of the fn's name, so that its generics are where the fn has its own.
pub(crate) fn implement(head: &Head) -> TokenStream {
    quote_spanned!(head.sig.ident.span()=> impl)
}

/// `<inside>::last` over the tokens of `ty`.
fn over(ty: &Type, inside: &TokenStream, last: &str) -> TokenStream {
    let (begin, end) = ends(ty.to_token_stream());
    let begin = quote_spanned!(begin=> <);
    let last = Ident::new(last, end);
    let end = quote_spanned!(end=> >::#last);
    quote!(#begin #inside #end)
}

/// The places of the first and the last token.
fn ends(tokens: TokenStream) -> (Span, Span) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let of = |token: Option<&TokenTree>, is_first: bool| match token {
        None => Span::call_site(),
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::None => {
            let (first, last) = ends(group.stream());
            if is_first { first } else { last }
        }
        Some(TokenTree::Group(group)) => {
            if is_first {
                group.span_open()
            } else {
                group.span_close()
            }
        }
        Some(token) => token.span(),
    };
    (of(tokens.first(), true), of(tokens.last(), false))
}

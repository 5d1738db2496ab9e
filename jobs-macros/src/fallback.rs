//! What is written when there are mistakes: a handler struct of the same shape, so that nothing else fails because of them.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, Type};

use crate::attr::Options;
use crate::expand::{beside, follows_all, private, returns};
use crate::signature::{Head, borrowed, borrows, generated, is_refused_by_rustc, mentions, plain_name};
use crate::types::implement;

/// The errors, and beside them a handler struct where one can stand.
pub(crate) fn expand(head: Option<&Head>, options: &Options, errors: Option<&TokenStream>) -> TokenStream {
    // A method stands in an `impl` block and a fn without a body in a trait, where no struct can. Of two attributes the second
    // writes the struct.
    let stands_alone = |head: &&Head| head.sig.receiver().is_none() && head.has_body && !mentions(&head.sig, "Self");
    let is_last = |head: &&Head| head.attrs.iter().all(|attr| attr.path().segments.last().is_none_or(|last| last.ident != "job"));
    let handle = head.filter(stands_alone).filter(is_last).map(|head| stub(head, options));
    quote!(#errors #handle)
}

fn stub(head: &Head, options: &Options) -> TokenStream {
    let p = private(options);
    let (handle, name) = (head.handle(), head.name());
    let (generics, bounds) = (&head.sig.generics, &head.sig.generics.where_clause);
    let params = head.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) if borrowed(&param.ty).is_none() => Some(param),
        _ => None,
    });
    let params = params.map(|param| {
        let name = plain_name(&param.pat).map_or_else(|| quote!(_), |name| generated(name).into_token_stream());
        let cfg = param.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
        let ty = if is_refused_by_rustc(&param.ty) { quote!(impl #p::Sized) } else { param.ty.to_token_stream() };
        quote!(#(#cfg)* #name: #ty)
    });
    let is_plain = |ty: &Type| !mentions(ty, "impl") && !borrows(ty) && !is_refused_by_rustc(ty) && generics.params.is_empty();
    let returns = if head.returned().is_none_or(is_plain) {
        returns(head)
    } else {
        quote!(
            type Return = ();
        )
    };
    let follows = follows_all(&p, &handle);
    let implement = implement(head);
    let inside = quote! {
        #implement #handle {
            pub const NAME: &'static #p::str = #name;

            #[allow(unused_variables)]
            pub fn job #generics (#(#params),*) -> #p::JobBuilder<Self> #bounds {
                #p::unreachable!()
            }
        }

        #implement #p::Job for #handle {
            const NAME: &'static #p::str = #name;
            #returns
            fn entry() -> &'static #p::JobEntry {
                #p::unreachable!()
            }
        }

        #follows
    };
    beside(head, &inside)
}

//! What is written when there are mistakes: a handler struct of the same shape, so that nothing else fails because of them.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{FnArg, Type};

use crate::attr::Options;
use crate::expand::{beside, follows_all, private, returns};
use crate::signature::{Head, borrowed, borrows, generated, mentions, plain_name};

/// The errors, and beside them a handler struct where one can stand.
pub(crate) fn expand(head: Option<&Head>, options: &Options, errors: Option<&TokenStream>) -> TokenStream {
    // A method stands in an `impl` block, where no struct can.
    let handle = head.filter(|head| head.sig.receiver().is_none()).map(|head| stub(head, options));
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
        let ty = &param.ty;
        quote!(#(#cfg)* #name: #ty)
    });
    let is_plain = |ty: &Type| !mentions(ty, "impl") && !borrows(ty) && generics.params.is_empty();
    let returns = if head.returned().is_none_or(is_plain) {
        returns(head)
    } else {
        quote!(
            type Return = ();
        )
    };
    let follows = follows_all(&p, &handle);
    let inside = quote! {
        impl #handle {
            pub const NAME: &'static #p::str = #name;

            #[allow(unused_variables)]
            pub fn job #generics (#(#params),*) -> #p::JobBuilder<Self> #bounds {
                #p::unreachable!()
            }
        }

        impl #p::Job for #handle {
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

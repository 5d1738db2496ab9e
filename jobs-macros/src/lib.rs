//! Under construction.
use proc_macro::TokenStream;
/// Under construction.
#[proc_macro_attribute]
pub fn job(_: TokenStream, item: TokenStream) -> TokenStream { item }

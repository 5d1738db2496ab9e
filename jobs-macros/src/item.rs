//! What the attribute stands on, before anything of it is known: whether that is a fn, and what it is if not.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::ParseStream;

/// The item with nothing in its last braces, which may be nested deeper than syn can read.
pub(crate) fn without_body(item: &TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.last_mut()
        && body.delimiter() == Delimiter::Brace
    {
        let span = body.span();
        *body = Group::new(Delimiter::Brace, TokenStream::new());
        body.set_span(span);
    }
    tokens.into_iter().collect()
}

/// Whether `fn` follows, behind any of the words that may stand in front of it.
pub(crate) fn begins_a_fn(ahead: ParseStream) -> bool {
    while let Ok(word) = ahead.call(Ident::parse_any) {
        match word.to_string().as_str() {
            "fn" => return true,
            "async" | "const" | "unsafe" | "safe" | "default" | "gen" => {}
            "extern" => drop(ahead.parse::<Option<syn::LitStr>>()),
            _ => return false,
        }
    }
    false
}

/// Says what stands here in the place of a fn.
pub(crate) fn not_a_fn(input: ParseStream) -> syn::Error {
    let words = input.fork();
    let what = loop {
        let help = match words.call(Ident::parse_any).map(|word| word.to_string()).as_deref() {
            Ok("unsafe" | "default" | "safe" | "auto") => continue,
            Ok("impl") => "an `impl` block\nhelp: write a free fn, and borrow what `self` holds as a service: `&Mailer`",
            Ok("trait") => "a trait\nhelp: write a free fn, and borrow who does the work as a service: `&dyn Mailer`",
            Ok("mod") => "a module\nhelp: write it above each fn of the module that is a job",
            Ok("struct" | "union") => "a struct\nhelp: its fields become the parameters of the fn",
            Ok("enum") => "an enum\nhelp: write one job for each of its variants, or take it as an argument",
            Ok("const" | "static") => "a value\nhelp: write `async fn` in its place",
            Ok("extern") => "an `extern` block\nhelp: write an `async fn` that calls the foreign fn",
            Ok("use") => "an import\nhelp: write it where the fn is",
            Ok("type") => "a type\nhelp: write it above an `async fn`",
            Ok("macro_rules" | "macro") => "a macro\nhelp: write it above the fn that the macro writes",
            _ => "this\nhelp: write it above an `async fn`",
        };
        break help;
    };
    input.error(format_args!("`#[job]` belongs on an `async fn`, not on {what}"))
}

/// Whether these tokens are a statement or an expression, on which the compiler refuses attributes by itself.
pub(crate) fn is_no_item(item: &TokenStream) -> bool {
    const BEGIN: [&str; 8] = ["let", "move", "if", "match", "loop", "while", "for", "return"];
    let mut tokens = item.clone().into_iter().filter(|token| !matches!(token, TokenTree::Group(_)));
    match (tokens.next(), tokens.next()) {
        (Some(TokenTree::Ident(word)), next) if word == "async" => {
            !matches!(next, Some(TokenTree::Ident(next)) if next != "move")
        }
        (Some(TokenTree::Ident(word)), _) => BEGIN.iter().any(|begin| word == begin),
        (Some(TokenTree::Punct(sign)), _) => sign.as_char() == '|',
        _ => false,
    }
}

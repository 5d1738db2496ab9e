//! How deep the head of an item is nested. Parsing it recurses, and the stack is the compiler's.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// As deep as types may be that the compiler looks into by default.
const DEEPEST: usize = 128;

/// A token at which the head of `item`, all but its last braces, is nested deeper than can be parsed safely.
pub(crate) fn too_deep(item: &TokenStream) -> Option<TokenTree> {
    let mut tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    tokens.pop_if(|last| matches!(last, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace));
    too_deep_among(tokens)
}

/// The same of tokens that are no item.
pub(crate) fn too_deep_among(tokens: Vec<TokenTree>) -> Option<TokenTree> {
    // Of each stream that is open: what is left of it, how many angle brackets are open, and how many signs stand in front.
    let mut open = vec![(tokens.into_iter(), 0_usize, 0_usize)];
    while let Some((stream, angles, signs)) = open.last_mut() {
        let Some(token) = stream.next() else {
            open.pop();
            continue;
        };
        match &token {
            TokenTree::Punct(sign) => match sign.as_char() {
                '<' => *angles += 1,
                '>' => *angles = angles.saturating_sub(1),
                ',' | ';' => *signs = 0,
                '&' | '*' | '-' | '!' => *signs += 1,
                _ => {}
            },
            TokenTree::Group(group) => open.push((group.stream().into_iter().collect::<Vec<_>>().into_iter(), 0, 0)),
            _ => {}
        }
        if open.iter().map(|(_, angles, signs)| 1 + angles + signs).sum::<usize>() > DEEPEST {
            return Some(token);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::too_deep;

    #[test]
    fn ordinary_heads_are_flat_and_towers_are_not() {
        let tower = |open: &str, close: &str, height| format!("async fn f(a: {}u8{})", open.repeat(height), close.repeat(height));
        for (open, close) in [("Vec<", ">"), ("(", ")"), ("[", "]"), ("(u8, ", ")"), ("&", ""), ("*const ", ""), ("fn() -> ", "")]
        {
            assert!(too_deep(&tower(open, close, 40).parse().unwrap()).is_none(), "{open}");
            assert!(too_deep(&tower(open, close, 200).parse().unwrap()).is_some(), "{open}");
            assert!(too_deep(&tower(open, close, 20_000).parse().unwrap()).is_some(), "{open}");
        }
        let wide = format!(
            "async fn f({}) -> Result<(), E> {{ {} }}",
            "a: &Vec<u8>, ".repeat(1_000),
            "{".repeat(500) + &"}".repeat(500)
        );
        assert!(too_deep(&wide.parse().unwrap()).is_none());
    }
}

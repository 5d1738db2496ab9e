//! Texts that somebody might write: right ones with some mistakes in them, and such as nobody would.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One mistake in a text.
#[derive(Clone, Debug)]
enum Mistake {
    /// Something is missing.
    Remove(Index, usize),
    /// Something stands there that should not.
    Insert(Index, String),
    /// Something stands there instead.
    Replace(Index, char),
    /// Two neighbours in the wrong order.
    Swap(Index),
    /// A part of it again and again.
    Repeat(Index, usize, usize),
    /// Broken off.
    Cut(Index),
}

impl Mistake {
    fn make(&self, text: &str) -> String {
        let mut text: Vec<char> = text.chars().collect();
        let place = |at: &Index| if text.is_empty() { 0 } else { at.index(text.len()) };
        match self {
            Self::Remove(at, length) => {
                let from = place(at);
                text.drain(from..text.len().min(from + length));
            }
            Self::Insert(at, more) => {
                let from = place(at);
                text.splice(from..from, more.chars());
            }
            Self::Replace(at, with) => {
                let from = place(at);
                text.splice(from..text.len().min(from + 1), [*with]);
            }
            Self::Swap(at) => {
                let from = place(at);
                if from + 1 < text.len() {
                    text.swap(from, from + 1);
                }
            }
            Self::Repeat(at, length, times) => {
                let from = place(at);
                let part: Vec<char> = text[from..text.len().min(from + length)].to_vec();
                text.splice(from..from, part.repeat(*times));
            }
            Self::Cut(at) => {
                let from = place(at);
                text.truncate(from);
            }
        }
        text.into_iter().collect()
    }
}

/// A character that means something somewhere, or is easily forgotten.
fn character() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => select("0123456789-+*/,.:;@#?!~ '\"`\\()[]{}<>=$%&|_eEnNlLwW".chars().collect::<Vec<_>>()),
        2 => select("\0\u{1}\u{1b}\u{7f}\r\n\t\u{85}\u{a0}\u{ad}\u{202e}\u{feff}\u{fffd}\u{10ffff}éßİµ１٣—".chars().collect::<Vec<_>>()),
        1 => any::<char>(),
    ]
}

fn mistake() -> impl Strategy<Value = Mistake> {
    prop_oneof![
        3 => (any::<Index>(), 1_usize..4).prop_map(|(at, length)| Mistake::Remove(at, length)),
        4 => (any::<Index>(), vec(character(), 1..4)).prop_map(|(at, more)| Mistake::Insert(at, more.into_iter().collect())),
        3 => (any::<Index>(), character()).prop_map(|(at, with)| Mistake::Replace(at, with)),
        2 => any::<Index>().prop_map(Mistake::Swap),
        1 => (any::<Index>(), 1_usize..20, prop_oneof![4 => 1_usize..20, 1 => 100_usize..3_000])
            .prop_map(|(at, length, times)| Mistake::Repeat(at, length, times)),
        1 => any::<Index>().prop_map(Mistake::Cut),
    ]
}

/// A right text with no mistake in it, or a few.
pub(super) fn almost(right: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (right, vec(mistake(), 0..5)).prop_map(|(right, mistakes)| mistakes.iter().fold(right, |text, mistake| mistake.make(&text)))
}

/// A text of anything.
pub(super) fn anything() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => vec(character(), 0..40).prop_map(String::from_iter),
        1 => vec(any::<char>(), 0..200).prop_map(String::from_iter),
        // Bytes that were taken for text.
        1 => vec(any::<u8>(), 0..100).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        1 => (character(), 0_usize..20_000).prop_map(|(character, times)| character.to_string().repeat(times)),
    ]
}

/// One of these texts with some mistakes in it, or anything.
pub(super) fn texts(right: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![5 => almost(select(right).prop_map(str::to_owned)), 1 => anything()]
}

//! No attribute and no item makes the macro panic, overflow the stack or take long.

use std::time::{Duration, Instant};

use proc_macro2::{TokenStream, TokenTree};
use proptest::prelude::*;

use crate::job_tokens;
use crate::keys::KEYS;

/// Far above what any of these takes, and far below what a person would wait for.
const LONG: Duration = Duration::from_secs(5);

fn expand(attribute: &str, item: &str) -> Option<TokenStream> {
    Some(job_tokens(attribute.parse().ok()?, item.parse().ok()?))
}

#[test]
fn hostile_values_are_answered_quickly_and_shortly() {
    let deep = |open: &str, close: &str| open.repeat(20_000) + "1" + &close.repeat(20_000);
    let values = [
        format!("{:?}", "x".repeat(100_000)),
        format!("{:?}", "*/1,".repeat(25_000) + "* * * * *"),
        format!("{:?}", "1m, ".repeat(25_000)),
        format!("{:?}", "1h".repeat(50_000)),
        format!("{:?}", "é\u{0}\u{202e}".repeat(30_000)),
        format!("{:?}", " ".repeat(100_000)),
        "9".repeat(100_000),
        "-0x".to_owned() + &"f".repeat(100_000),
        "1".to_owned() + &"_".repeat(100_000),
        "1.".to_owned() + &"0".repeat(100_000),
        deep("(", ")"),
        deep("[", "]"),
        deep("-", ""),
        deep("!", ""),
        deep("a::<", ">"),
        "a::".repeat(50_000) + "b",
        format!("[{}]", "\"a\", ".repeat(20_000)),
        format!("[{}]", "1, ".repeat(20_000)),
        format!("[{}]", (0..20_000).map(|n| format!("\"a{n}\"")).collect::<Vec<_>>().join(", ")),
    ];
    for key in KEYS {
        for value in &values {
            for attribute in [
                format!("{} = {value}", key.name),
                format!("{}({value})", key.name),
                format!("schedule({} = {value})", key.name),
                format!("every = \"5m\", args({} = {value})", key.name),
            ] {
                let start = Instant::now();
                let tokens = expand(&attribute, "async fn f(name: u8) {}").expect("tokens");
                assert!(start.elapsed() < LONG, "{}: {:?}", &attribute[..30], start.elapsed());
                drop(tokens);
            }
        }
    }
    let sentence = expand(&format!("cron = {}", values[1]), "async fn f() {}").expect("tokens").to_string();
    assert!(sentence.len() < 5_000, "{}", sentence.len());
}

#[test]
fn hostile_lists_of_keys_are_answered_quickly() {
    let start = Instant::now();
    for attribute in
        ["queue = \"a\", ".repeat(5_000), "qeue, ".repeat(5_000), ",".repeat(5_000), "a ".repeat(50_000), "= ".repeat(50_000)]
    {
        expand(&format!("schedule({attribute})"), "async fn f() {}").expect("tokens");
        expand(&format!("every = \"5m\", args({attribute})"), "async fn f(a: u8) {}").expect("tokens");
        expand(&attribute, "async fn f() {}").expect("tokens");
    }
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
}

#[test]
fn values_of_arguments_are_parsed_only_as_deep_as_the_stack_reaches() {
    for word in [
        "return ",
        "&",
        "!",
        "-",
        "|a| ",
        "move || ",
        "if a {} else ",
        "break ",
        "a = ",
        "a..",
        "x as u8 + ",
        "f(",
        "[",
        "{",
        "::a::<",
    ] {
        for times in [60, 120, 250, 20_000] {
            drop(expand(&format!("every = \"5m\", args(a = {} 1)", word.repeat(times)), "async fn f(a: u8) {}"));
            let closed = word.repeat(times) + "1" + &")".repeat(if word == "f(" { times } else { 0 });
            drop(expand(&format!("every = \"5m\", args(a = {closed})"), "async fn f(a: u8) {}"));
        }
    }
    for (open, close) in
        [("f(", ")"), ("[", "]"), ("{", "}"), ("(", ")"), ("a[", "]"), ("a::<", ">::b"), ("if a {", "}"), ("|| {", "}")]
    {
        for times in [30, 60, 100, 20_000] {
            let value = open.repeat(times) + "1" + &close.repeat(times);
            let tokens: Vec<TokenTree> = expand(&format!("every = \"5m\", args(a = {value})"), "async fn f(a: u8) {}")
                .expect("tokens")
                .into_iter()
                .collect();
            drop(tokens);
        }
    }
}

#[test]
fn towers_in_the_head_are_refused_before_they_are_parsed() {
    for (open, close) in
        [("Vec<", ">"), ("(", ")"), ("[", "; 1]"), ("&", ""), ("*const ", ""), ("fn() -> ", ""), ("impl Fn() -> ", "")]
    {
        let ty = open.repeat(20_000) + "u8" + &close.repeat(20_000);
        for item in [
            format!("async fn f(a: {ty}) {{}}"),
            format!("async fn f() -> {ty} {{}}"),
            format!("async fn f() where {ty}: Send {{}}"),
            format!("async fn f<T: Into<{ty}>>() {{}}"),
        ] {
            // The item itself is too deep to be printed.
            let tokens: Vec<TokenTree> = expand("", &item).expect("tokens").into_iter().collect();
            let said = tokens.last().map(ToString::to_string).unwrap_or_default();
            assert!(said.contains("nested too deep"), "{}: {said}", &item[..30]);
        }
    }
    let body = format!("async fn f() {{ {} }}", "{".repeat(20_000) + &"}".repeat(20_000));
    assert!(expand("", &body).is_some());
}

/// Words and signs of attributes, some of them in brackets.
fn soup(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = prop::sample::select(words).prop_map(str::to_owned);
    let leaf = prop_oneof![8 => word, 1 => "[a-zé_0-9\"'#]{1,6}", 1 => "\"[^\"\\\\]{0,12}\""];
    let tree = leaf.prop_recursive(4, 48, 8, |inner| {
        (prop::sample::select(&["()", "[]", "{}", "<>"][..]), prop::collection::vec(inner, 0..8))
            .prop_map(|(brackets, inside)| format!("{}{}{}", &brackets[..1], inside.join(" "), &brackets[1..]))
    });
    prop::collection::vec(tree, 0..16).prop_map(|parts| parts.join(" "))
}

const ATTRIBUTE: &[&str] = &[
    "name",
    "aliases",
    "queue",
    "priority",
    "retries",
    "backoff",
    "timeout",
    "cron",
    "every",
    "tz",
    "key",
    "run_on_start",
    "misfire",
    "overlap",
    "jitter",
    "starts",
    "ends",
    "args",
    "schedule",
    "(a = 5)",
    "(every = \"1h\")",
    "tags",
    "crate",
    "unique",
    "r#type",
    "=",
    "=",
    "=",
    ",",
    ",",
    ";",
    ":",
    "::",
    "-",
    "!",
    "&",
    "'a",
    "true",
    "false",
    "5",
    "-1",
    "0xff",
    "1.5",
    "3u8",
    "99999999999",
    "\"mail\"",
    "\"5m\"",
    "\"@daily\"",
    "\"0 2 * * *\"",
    "\"0 0 30 2 *\"",
    "\"UTC\"",
    "\"\"",
    "\"fixed 30s\"",
    "\"all 20\"",
    "\"deployment\"",
    "\"2027-01-31\"",
    "b\"x\"",
    "c\"x\"",
    "r#\"x\"#",
    "'x'",
    "vec!",
    "concat!",
    "A::B",
];

const HEAD: &[&str] = &[
    "async",
    "fn",
    "f",
    "u8",
    "pub",
    "(",
    ")",
    "unsafe",
    "const",
    "extern",
    "\"C\"",
    "where",
    "for",
    "<",
    ">",
    "'a",
    "'static",
    "'_",
    "impl",
    "dyn",
    "mut",
    "ref",
    "self",
    "Self",
    "&",
    "&&",
    "*",
    "!",
    "_",
    "->",
    ":",
    "::",
    ",",
    ";",
    "=",
    "..",
    "...",
    "a",
    "b",
    "T",
    "str",
    "String",
    "Vec",
    "Option",
    "Result",
    "Arc",
    "Box",
    "Cow",
    "JobContext",
    "#",
    "[job]",
    "[cfg(x)]",
    "struct",
    "enum",
    "trait",
    "mod",
    "let",
    "move",
    "|",
    "crate",
    "super",
    "in",
    "default",
    "gen",
    "safe",
    "1",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_attribute_makes_the_macro_panic(attribute in soup(ATTRIBUTE)) {
        drop(expand(&attribute, "async fn f(a: Option<u8>, b: &u8) {}"));
    }

    #[test]
    fn no_argument_of_a_schedule_makes_the_macro_panic(value in soup(HEAD), other in soup(ATTRIBUTE)) {
        drop(expand(&format!("every = \"5m\", args(a = {value}, b = {other})"), "async fn f(a: Option<u8>, b: u8) {}"));
        drop(expand(&format!("schedule(every = \"5m\", args({value}), {other})"), "async fn f(a: Option<u8>, b: u8) {}"));
    }

    #[test]
    fn no_item_makes_the_macro_panic(item in soup(HEAD), params in soup(HEAD), returned in soup(HEAD)) {
        drop(expand("every = \"5m\"", &item));
        drop(expand("", &format!("async fn f({params}) {{}}")));
        drop(expand("", &format!("async fn f(a: {params}) -> {returned} {{}}")));
        drop(expand("nonsense", &format!("async fn f<{item}>(a: &{params}) {{}}")));
        drop(expand("", &format!("async fn f<'a>(a: &mut A<'a, {params}>, b: &'a mut {params}, c: &mut ({params})) {{}}")));
    }
}

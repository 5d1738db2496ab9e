//! The texts of the crates that are compared: the same fns, each with three arguments and a service.

use std::fmt::Write;

/// What stands around each fn.
#[derive(Clone, Copy)]
pub enum Style {
    /// Nothing.
    Plain,
    /// `#[job]`.
    Attribute,
    /// What a macro would write that derives serde's traits for a struct of the arguments, and else does the same.
    Derived,
}

/// The types of the arguments, in turn.
const TYPES: [&str; 7] = ["String", "u32", "Option<String>", "Vec<u64>", "bool", "i64", "Vec<String>"];

/// The source of a crate with so many fns.
pub fn source(style: Style, jobs: usize) -> String {
    let mut text = String::from("#![allow(dead_code, non_camel_case_types)]\n");
    if let Style::Attribute = style {
        text.push_str("use jobs_runtime::job;\n");
    }
    text.push_str("pub struct Db;\nimpl Db { async fn ready(&self) {} }\n");
    for number in 0..jobs {
        item(&mut text, style, number).expect("a text takes all that is written");
    }
    text
}

fn item(text: &mut String, style: Style, number: usize) -> std::fmt::Result {
    let [a, b, c] = [number, number / 7, number / 49].map(|at| TYPES[at % TYPES.len()]);
    let with_keys = number.is_multiple_of(4);
    match style {
        Style::Attribute if with_keys => writeln!(text, r#"#[job(queue = "mail", retries = 5, timeout = "30s")]"#)?,
        Style::Attribute => writeln!(text, "#[job]")?,
        Style::Plain | Style::Derived => {}
    }
    writeln!(
        text,
        "pub async fn job_{number}(db: &Db, a: {a}, b: {b}, c: {c}) -> Result<(), String> {{ \
         db.ready().await; let _ = (a, b, c); Ok(()) }}"
    )?;
    if let Style::Derived = style {
        derived(text, number, [a, b, c], with_keys)?;
    }
    Ok(())
}

fn derived(text: &mut String, number: usize, [a, b, c]: [&str; 3], with_keys: bool) -> std::fmt::Result {
    let (queue, retries, timeout) = if with_keys {
        (r#""mail""#, "p::Some(5)", "p::Some(p::Duration::new(30, 0))")
    } else {
        ("p::DEFAULT_QUEUE", "p::None", "p::None")
    };
    writeln!(
        text,
        r#"
#[doc(hidden)]
pub struct job_{number} {{}}
const _: () = {{
    use jobs_runtime::__private as p;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Arguments {{ a: {a}, b: {b}, c: {c} }}

    impl job_{number} {{
        pub const NAME: &'static str = "job_{number}";

        pub fn job(a: {a}, b: {b}, c: {c}) -> p::JobBuilder<Self> {{
            let mut writer = p::ArgumentWriter::new();
            writer.put(&p::codec::<Arguments>("arguments"), &Arguments {{ a, b, c }});
            p::JobBuilder::new(writer)
        }}
    }}

    static ENTRY: p::JobEntry = p::JobEntry {{
        name: p::Cow::Borrowed("job_{number}"),
        module: p::module_path!(),
        location: p::Location {{ file: p::file!(), line: p::line!() }},
        aliases: p::Cow::Borrowed(&[]),
        queue: p::Cow::Borrowed({queue}),
        priority: 0,
        retries: {retries},
        backoff: p::None,
        timeout: {timeout},
        tags: p::Cow::Borrowed(&[]),
        schedule: p::None,
        arguments: &[p::argument::<{a}>("a"), p::argument::<{b}>("b"), p::argument::<{c}>("c")],
        services: &[p::service::<Db>()],
        handler: p::Handler::Fn(|call| {{
            let mut reader = call.arguments();
            let p::Some(Arguments {{ a, b, c }}) = reader.take(&p::codec::<Arguments>("arguments")) else {{
                return p::Err(reader.error());
            }};
            let scope = call.scope;
            p::Ok(p::Box::pin(async move {{
                let db = scope.service::<Db>()?;
                let settle = p::settle::<Result<(), String>>();
                settle(job_{number}(db, a, b, c).await)
            }}))
        }}),
    }};

    impl p::Job for job_{number} {{
        const NAME: &'static str = "job_{number}";
        type Return = Result<(), String>;
        fn entry() -> &'static p::JobEntry {{ &ENTRY }}
    }}

    p::inventory::submit! {{ p::Linked(&ENTRY) }}
}};"#
    )
}

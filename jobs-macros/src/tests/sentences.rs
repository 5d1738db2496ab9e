//! What is said of each mistake: the words and the number of errors. Their places are in the tests of the compiler's output.

use proc_macro2::TokenStream;
use quote::quote;

use super::mistakes;
use crate::job_tokens;

/// The one mistake of an attribute on `async fn send(to: String)`.
fn mistake(attribute: &str) -> String {
    let found = mistakes(attribute, "async fn send(to: Option<String>) {}");
    assert_eq!(found.len(), 1, "{attribute}: {found:?}");
    found.into_iter().next().unwrap_or_default()
}

#[test]
fn keys_of_other_systems_lead_to_ours() {
    for (theirs, ours) in [("max_retries", "retries"), ("crontab", "cron"), ("timezone", "tz"), ("interval", "every")] {
        assert_eq!(mistake(&format!("{theirs} = 1")), format!("unknown key `{theirs}`\nhelp: it is called `{ours}` here"));
    }
}

#[test]
fn a_wrong_value_is_given_back_as_the_key_takes_it() {
    for (attribute, help) in [
        ("queue = mail", r#"queue = "mail""#),
        ("queue = 5", r#"queue = "5""#),
        ("queue = 'm'", r#"queue = "m""#),
        ("queue = b\"mail\"", r#"queue = "mail""#),
        ("queue = c\"mail\"", r#"queue = "mail""#),
        ("queue = \"mail\"s", r#""mail""#),
        ("timeout = 30s", r#"timeout = "30s""#),
        ("timeout = 30", r#"timeout = "30s""#),
        ("timeout = 1h30m", r#"timeout = "1h30m""#),
        ("backoff = fixed 30s", r#"backoff = "fixed 30s""#),
        ("backoff = exponential", r#"backoff = "exponential""#),
        ("cron = 0 2 * * *", r#"cron = "0 2 * * *""#),
        ("cron = @daily", r#"cron = "@daily""#),
        ("cron = \"@daily\", tz = Europe/Berlin", r#"tz = "Europe/Berlin""#),
        ("cron = \"@daily\", tz = UTC", r#"tz = "UTC""#),
        ("every = 5m", r#"every = "5m""#),
        ("every = \"@daily\"", r#"cron = "@daily""#),
        ("retries = \"3\"", "retries = 3"),
        ("retries = 3.0", "retries = 3"),
        ("retries = 3u8", "retries = 3"),
        ("retries = 1001", "retries = 1000"),
        ("priority = -1001", "priority = -1000"),
        ("retries = three", "retries = 5"),
        ("run_on_start = \"true\"", "run_on_start"),
        ("run_on_start = 1", "run_on_start"),
        ("tags = \"mail\"", r#"tags = ["mail"]"#),
        ("tags = (\"a\", \"b\")", r#"tags = ["a", "b"]"#),
        ("tags = vec![\"a\"]", r#"tags = ["a"]"#),
        ("tags = &[\"a\"]", r#"tags = ["a"]"#),
        ("crate = \"jobs_runtime\"", "crate = ::jobs_runtime"),
        ("crate = \"crate::work\"", "crate = crate::work"),
        ("queue = |x| x", r#"queue = "critical""#),
        ("queue", r#"queue = "critical""#),
        ("queue =", r#"queue = "critical""#),
        ("\"0 2 * * *\"", r#"cron = "0 2 * * *""#),
        ("\"5m\"", r#"every = "5m""#),
        ("\"send_mail\"", r#"name = "send_mail""#),
    ] {
        let text = mistake(attribute);
        assert!(text.ends_with(&format!("\nhelp: write `{help}`")), "{attribute}: {text}");
    }
}

#[test]
fn each_mistake_of_the_attribute_has_its_sentence() {
    for (attribute, said) in [
        ("queue = \"a\" retries = 3", "a comma is missing before `retries`"),
        ("queue = \"a\"; retries = 3", "a comma is missing before `retries`"),
        ("run_on_start queue = \"a\"", "a comma is missing before `queue`"),
        ("queue = \"a\",, retries = 3", "a comma too many"),
        (",", "a comma too many"),
        ("\"queue\" = \"a\"", "a key has no quotes"),
        ("= \"a\"", "a key is missing here"),
        ("5", "a key is missing here"),
        ("queue: \"a\"", "`queue` wants one `=` and a value"),
        ("queue == \"a\"", "`queue` wants one `=` and a value"),
        ("queue = QUEUE", "`queue` takes a string\nhelp: write the string itself"),
        ("queue = queues::MAIL", "`queue` takes a string\nhelp: write the string itself"),
        ("queue = concat!(\"a\")", "`queue` takes a string\nhelp: write the string itself"),
        ("queue = mail()", "`queue` takes a string\nhelp: write the string itself"),
        ("tags = []", "`tags` is an empty list\nhelp: leave the key out"),
        ("tags = [\"a\", \"a\"]", "`a` is given twice\nhelp: keep one of them"),
        ("tags = [\"a\",, \"b\"]", "`tags` takes a list of strings"),
        ("aliases = [\"send\"]", "`send` is the name of this job already"),
        ("name = \"mail\", aliases = [\"mail\"]", "`mail` is the name of this job already"),
        ("aliases = [\"\"]", "alias name is empty"),
        ("tz = \"UTC\"", "`tz` needs `cron`"),
        ("every = \"5m\", tz = \"UTC\"", "`tz` needs `cron`"),
        ("cron = \"@once\", tz = \"UTC\"", "`tz` means nothing to `@once`"),
        ("key = \"night\"", "`key` needs a schedule"),
        ("run_on_start = false, key = \"night\"", "`key` needs a schedule"),
        ("cron = \"@daily\", every = \"5m\"", "`cron` and `every` exclude each other"),
        ("cron = \"0 0 30 2 *\"", "30 February never happens"),
        ("crate = jobs_runtime", "`crate` takes an absolute path"),
        ("crate = ::a<u8>", "`crate` takes a path"),
    ] {
        assert!(mistake(attribute).starts_with(said), "{attribute}: {}", mistake(attribute));
    }
}

#[test]
fn each_mistake_of_the_signature_has_its_sentence() {
    for (item, said) in [
        ("fn f() {}", "a job must be an `async fn`"),
        ("const fn f() {}", "a job must be an `async fn`"),
        ("async unsafe fn f() {}", "a job cannot be an `unsafe fn`"),
        ("async extern \"C\" fn f() {}", "a job cannot be an `extern fn`"),
        ("async fn f<T>(a: T) {}", "a job cannot be generic"),
        ("async fn f<'a, T, const N: usize>(a: &'a T) {}", "a job cannot be generic"),
        ("async fn f(&self) {}", "a job cannot be a method"),
        ("async fn f(self: Arc<Self>) {}", "a job cannot be a method"),
        ("async fn f(a: u8) -> Self {}", "a job cannot stand in an `impl` block"),
        ("async fn f(a: u8);", "a job needs a body"),
        ("fn f(a: u8);", "a job needs a body"),
        ("#[job] async fn f() {}", "`#[job]` stands twice on this fn"),
        ("#[tokio::main] async fn f() {}", "a job cannot be the `main` of the program"),
        ("#[tokio::test] async fn f() {}", "a job cannot be a test"),
        ("async fn u8() {}", "a job cannot be called `u8`"),
        ("async fn größe() {}", "job name has 'ö' in it"),
        ("async fn f() -> ! {}", "a job cannot return `!`"),
        ("async fn f() -> impl Sized {}", "a job's return type must be written out"),
        ("async fn f(a: &Db) -> Result<&str, E> {}", "a job cannot return something borrowed"),
        ("async fn f() -> Result<(), Box<dyn std::error::Error>> {}", "the error of a job crosses threads"),
        ("async fn f() -> Result<(), Box<dyn Error + Send + 'static>> {}", "the error of a job crosses threads"),
        ("async fn f(a: impl Sized) {}", "a parameter of a job needs a type"),
        ("async fn f(#[cfg(unix)] a: u8) {}", "a parameter of a job cannot be conditional"),
        ("async fn f((a, b): (u8, u8)) {}", "an argument of a job needs a name"),
        ("async fn f(_: u8) {}", "an argument of a job needs a name"),
        ("async fn f(ref a: u8) {}", "an argument of a job needs a name"),
        ("async fn f(a: &str) {}", "`&str` cannot be an argument"),
        ("async fn f(a: &'static str) {}", "`&str` cannot be an argument"),
        ("async fn f(a: &[Vec<u8>]) {}", "`&[Vec<u8>]` cannot be an argument"),
        ("async fn f(a: &Path) {}", "`&Path` cannot be an argument"),
        ("async fn f(a: &mut str) {}", "`&mut str` cannot be an argument"),
        ("async fn f(a: &mut [u8]) {}", "`&mut [u8]` cannot be an argument"),
        ("async fn f(a: &'static mut String) {}", "`&mut String` cannot be an argument"),
        ("async fn f(a: &mut std::vec::Vec<u8>) {}", "`&mut std::vec::Vec<u8>` cannot be an argument"),
        ("async fn f(a: &'static mut Db) {}", "a parameter of a job is borrowed for one run only\nhelp: write `&mut Db`"),
        ("async fn f(a: &mut dyn Mailer) {}", "a service of one run has a type of its own"),
        ("async fn f(a: &mut (dyn Mailer + Send)) {}", "a service of one run has a type of its own"),
        ("async fn f(a: &mut &Db) {}", "a service of one run cannot hold a reference"),
        ("async fn f<'a>(a: &mut Held<&'a Db>) {}", "a service of one run cannot hold a reference"),
        ("async fn f(a: &mut Db, b: &Db, c: &mut Db) {}", "`&mut Db` stands here twice"),
        ("async fn f<'a>(a: &mut Tx<'a>, c: &mut Tx<'_>) {}", "`&mut Tx<'_>` stands here twice"),
        ("async fn f<'a>(a: &'a mut Tx<'a>) {}", "`'a` cannot be named here"),
        ("async fn f<'a>(db: &'a Db, a: &mut (Tx<'a>, Tx<'a>)) {}", "`'a` cannot be named here"),
        ("async fn f<'a, 'b: 'a>(a: &'b mut Tx<'a>) {}", "`'a` cannot be named here"),
        ("async fn f(a: Option<&mut Db>) {}", "a service cannot be optional"),
        ("async fn f(a: &mut JobContext) {}", "the context of a job is shared"),
        ("async fn f(a: &'static Db) {}", "a parameter of a job is borrowed for one run only"),
        ("async fn f(a: &&Db) {}", "a service cannot borrow"),
        ("async fn f(a: JobContext) {}", "the context of a job is borrowed"),
        ("async fn f(a: Arc<Db>) {}", "an `Arc` cannot be an argument"),
        ("async fn f(a: Option<&str>) {}", "a service cannot be optional"),
        ("async fn f(a: Box<dyn Send>) {}", "a trait object cannot be an argument"),
        ("async fn f(a: Cow<'_, str>) {}", "a `Cow` that borrows cannot be an argument"),
        ("async fn f(a: Vec<&'static str>) {}", "an argument cannot borrow"),
        ("async fn f(a: (u8, &str)) {}", "an argument cannot borrow"),
        ("struct S;", "`#[job]` belongs on an `async fn`, not on a struct"),
        ("pub(crate) enum E {}", "`#[job]` belongs on an `async fn`, not on an enum"),
        ("unsafe impl A for B {}", "`#[job]` belongs on an `async fn`, not on an `impl` block"),
        ("trait T {}", "`#[job]` belongs on an `async fn`, not on a trait"),
        ("mod m {}", "`#[job]` belongs on an `async fn`, not on a module"),
        ("const A: u8 = 1;", "`#[job]` belongs on an `async fn`, not on a value"),
        ("unsafe extern \"C\" {}", "`#[job]` belongs on an `async fn`, not on an `extern` block"),
        ("make!();", "`#[job]` belongs on an `async fn`, not on this"),
    ] {
        let found = mistakes("", item);
        assert!(found.len() == 1 && found[0].starts_with(said), "{item}: {found:?}");
    }
}

#[test]
fn what_was_meant_by_a_mutable_borrow_is_written_back() {
    for (parameter, help) in [
        ("mut to: &mut String", "for an argument write `mut to: String`, for a service of one run a struct of its own"),
        ("to: &mut str", "for an argument write `mut to: String`, for a service of one run a struct of its own"),
        ("_: &mut Vec<u8>", "for an argument write `mut value: Vec<u8>`, for a service of one run a struct of its own"),
        ("a: &mut dyn Mailer", "write `&mut Box<dyn Mailer + Send>`, and provide that"),
        ("a: &mut (dyn Mailer + Send)", "write `&mut Box<dyn Mailer + Send>`, and provide that"),
        ("a: Option<&mut Db>", "for a service write `&mut Db`, for an argument that may be missing `Option<Db>`"),
    ] {
        let found = mistakes("", &format!("async fn f({parameter}) {{}}"));
        assert!(found.len() == 1 && found[0].ends_with(&format!("\nhelp: {help}")), "{parameter}: {found:?}");
    }
}

#[test]
fn a_lifetime_behind_a_mutable_borrow_is_static_where_it_is_the_fns() {
    for (written, looked_up) in [
        ("Tx<'_, Pg>", "Tx<'static, Pg>"),
        ("Tx<'c, Pg>", "Tx<'static, Pg>"),
        ("Tx<'static, Pg>", "Tx<'static, Pg>"),
        ("a::Tx<(Vec<[B<'_>; 2]>, C<'c>)>", "a::Tx<(Vec<[B<'static>; 2]>, C<'static>)>"),
        ("Box<dyn Visit<'_> + Send + '_>", "Box<dyn Visit<'static> + Send + 'static>"),
        ("Held<&'static Db>", "Held<&'static Db>"),
        // These are no lifetimes of the fn.
        ("fn(&'_ str, A<'_>) -> B<'_>", "fn(&'_ str, A<'_>) -> B<'_>"),
        ("Box<dyn Fn(&str) -> B<'_> + '_>", "Box<dyn Fn(&str) -> B<'_> + 'static>"),
        ("(Box<dyn FnMut(A<'_>, A<'c>) + Send>, A<'_>)", "(Box<dyn FnMut(A<'_>, A<'static>) + Send>, A<'static>)"),
        ("Box<dyn for<'x> Visit<'x, A<'_>>>", "Box<dyn for<'x> Visit<'x, A<'static>>>"),
        ("Box<dyn Give<for<'x, 'y> fn(&'x A<'y>) -> &'x str>>", "Box<dyn Give<for<'x, 'y> fn(&'x A<'y>) -> &'x str>>"),
    ] {
        let item = format!("async fn f<'c>(own: &mut {written}) {{}}");
        let tokens = job_tokens(TokenStream::new(), item.parse().unwrap()).to_string();
        let alias = format!("type __JobType0 = {looked_up};").replace(' ', "");
        assert!(tokens.replace(' ', "").contains(&alias), "{written}: {tokens}");
    }
}

#[test]
fn nobody_supplies_the_arguments_of_a_schedule() {
    for (ty, refused) in [("u8", true), ("String", true), ("(u8, u8)", true), ("[u8; 4]", true), ("Option<u8>", false)] {
        for clock in ["cron = \"@daily\"", "every = \"5m\"", "run_on_start"] {
            let found = mistakes(clock, &format!("async fn f(a: {ty}) {{}}"));
            assert_eq!(found.len(), usize::from(refused), "{clock} {ty}: {found:?}");
            assert!(found.iter().all(|text| text.starts_with("nobody can supply `a`")), "{found:?}");
        }
    }
    // Whether it is an alias of an `Option`, the compiler knows.
    let tokens = job_tokens(
        quote!(every = "5m"),
        quote!(
            async fn f(a: Days) {}
        ),
    )
    .to_string();
    assert!(tokens.contains("unsupplied ::") && tokens.contains("= Days ;"), "{tokens}");
}

#[test]
fn what_the_compiler_refuses_is_left_to_it() {
    for item in [
        "async fn f(a: _) {}",
        "async fn f(a: Vec<_>) {}",
        "async fn f(a: !) {}",
        "async fn f(a: str) {}",
        "async fn f(a: [u8]) {}",
        "async fn f(a: dyn Send) {}",
        "async fn f(a: u8, ...) {}",
        "const async fn f() {}",
        "async fn f() -> Result<_, String> {}",
    ] {
        let tokens = job_tokens(TokenStream::new(), item.parse().unwrap()).to_string();
        assert!(!tokens.contains("compile_error") && !tokens.contains("submit"), "{item}: {tokens}");
    }
    assert_eq!(mistakes("", "async fn f() -> Result<(), Box<dyn Error + Send + Sync>> {}"), [""; 0]);
    for item in ["async fn f(a: &Iter<'_>, b: &fn(_: u8)) {}", "async fn f(a: &array![u8; _]) {}"] {
        let tokens = job_tokens(TokenStream::new(), item.parse().unwrap()).to_string();
        assert!(tokens.contains("compile_error") || tokens.contains("submit"), "{item}: {tokens}");
    }
}

#[test]
fn numbers_reach_exactly_to_their_limits() {
    for (attribute, accepted) in [
        ("retries = 1000", true),
        ("retries = 1001", false),
        ("retries = -1", false),
        ("priority = -1000", true),
        ("priority = -1001", false),
        ("priority = 99999999999999999999", false),
        ("priority = 0x10", true),
        ("timeout = \"1ms\"", true),
        ("timeout = \"999us\"", false),
        ("timeout = \"30d\"", true),
        ("timeout = \"30d1ms\"", false),
    ] {
        assert_eq!(mistakes(attribute, "async fn f() {}").is_empty(), accepted, "{attribute}");
    }
}

#[test]
fn one_mistake_is_one_error() {
    for (attribute, item) in [
        ("cron = \"61 * * * *\", tz = \"UTC\"", "async fn f() {}"),
        ("name = \"a b\"", "async fn größe() {}"),
        ("every = \"0s\", key = \"k\"", "async fn f() {}"),
        ("run_on_start = 3", "async fn f(a: u8) {}"),
        ("", "async fn f(a: Arc<&T>) {}"),
        ("", "async fn f<T>(a: T) -> Result<T, T> {}"),
        ("", "async fn f(a: &mut [u8]) {}"),
        ("", "async fn f<'a>(a: &'a mut Tx<&'a u8>, b: &mut Tx<'_>) {}"),
        ("queue(\"mail\")", "async fn f() {}"),
        ("cron = \"@daily\"", "async fn f(a: Arc<u8>, b: Option<u8>) {}"),
        ("", "struct S;"),
    ] {
        assert_eq!(mistakes(attribute, item).len(), 1, "{attribute} {item}: {:?}", mistakes(attribute, item));
    }
}

//! What is said of mistakes in schedules: the words and the number of errors. Their places are in the tests of the compiler's output.

use super::mistakes;

/// The mistakes of an attribute on a fn with two arguments, of which one may be missing.
fn found(attribute: &str) -> Vec<String> {
    mistakes(attribute, "async fn greet(db: &Db, ctx: &JobContext, greeting: String, only: Option<u8>) {}")
}

/// The one mistake of an attribute on a fn without arguments.
fn mistake(attribute: &str) -> String {
    let found = mistakes(attribute, "async fn sweep() {}");
    assert_eq!(found.len(), 1, "{attribute}: {found:?}");
    found.into_iter().next().unwrap_or_default()
}

#[test]
fn every_form_of_a_schedule_is_read() {
    for attribute in [
        r#"every = "5m", misfire = "once""#,
        r#"every = "5m", misfire = "all", overlap = "allow", jitter = "1ms""#,
        r#"cron = "@daily", misfire = "all within 2h", overlap = "cancel", jitter = "1d""#,
        r#"run_on_start = true, overlap = "skip""#,
        r#"run_on_start = "process", key = "a""#,
        r#"run_on_start = "deployment", misfire = "skip""#,
        r#"every = "5m", starts = "2027-01-31", ends = "2027-01-31T00:00:01""#,
        r#"every = "5m", starts = "2027-01-31T12:00:00Z", ends = "2027-01-31""#,
        r#"every = "5m", tz = "Europe/Berlin", starts = "2027-01-31""#,
        r#"cron = "@once", tz = "Europe/Berlin", starts = "2027-01-31 08:00""#,
        r#"schedule(every = "5m")"#,
        r#"schedule(every = "5m",), schedule(run_on_start, key = "b"), queue = "mail","#,
        r#"schedule(every = "5m", key = "a"), cron = "@daily", schedule(every = "5m", key = "b")"#,
        r#"key = "sweeper", every = "5m", schedule(every = "6m")"#,
        r#"name = "sweeper", every = "5m", schedule(every = "6m", key = "sweep")"#,
    ] {
        assert_eq!(mistakes(attribute, "async fn sweep() {}"), [""; 0], "{attribute}");
    }
    for attribute in [
        r#"every = "5m", args(greeting = "hi")"#,
        r#"every = "5m", args(greeting = String::new(), only = None,)"#,
        r#"every = "5m", args(only = Some(1), greeting = map::<u8, Vec<(u8, u8)>>(1, 2)[0].a == b)"#,
        r#"every = "5m", args(greeting = <A<B, C> as D>::E, only = if a < b { None } else { f(|a, b| a >= b) })"#,
        r#"every = "5m", args(greeting = format!("{}, {}", 1, 2), only = match a { _ => None })"#,
        r#"schedule(every = "5m", args(greeting = "a")), schedule(every = "6m", key = "b", args(greeting = "b"))"#,
    ] {
        assert_eq!(found(attribute), [""; 0], "{attribute}");
    }
}

#[test]
fn what_belongs_to_a_schedule_needs_one() {
    for key in
        [r#"misfire = "skip""#, r#"overlap = "allow""#, r#"jitter = "5m""#, r#"starts = "2027-01-31""#, r#"ends = "2027-01-31""#]
    {
        let name = key.split(' ').next().unwrap();
        let said = format!("`{name}` needs a schedule\nhelp: add `cron`, `every` or `run_on_start`");
        assert_eq!(mistake(key), said);
        assert_eq!(mistake(&format!("run_on_start = false, {key}")), said);
        assert_eq!(mistake(&format!("schedule(every = \"5m\"), {key}")), said);
        assert_eq!(
            mistake(&format!("schedule({key})")),
            "this schedule has no times\nhelp: add `cron`, `every` or `run_on_start`"
        );
    }
    assert!(found("args(greeting = \"hi\")")[0].starts_with("`args` needs a schedule\nhelp: "));
    let all = mistakes(r#"misfire = "skip", overlap = "skip", jitter = "5m""#, "async fn sweep() {}");
    assert_eq!(all.len(), 3, "{all:?}");
}

#[test]
fn a_wrong_value_of_a_schedule_has_its_sentence() {
    for (attribute, said) in [
        (r#"misfire = "onse""#, "`onse` is no policy for missed ticks; did you mean `once`?"),
        (r#"misfire = "all 0""#, "`0` is not a number from 1 to 1000"),
        (r"misfire = skip", "`misfire` takes a string\nhelp: write `misfire = \"skip\"`"),
        (r"misfire = all 20 within 2h", "`misfire` takes a string\nhelp: write `misfire = "),
        (r"misfire", "`misfire` has no value"),
        (r#"overlap = "skipp""#, "`skipp` is no policy for overlaps; did you mean `skip`?"),
        (r"overlap = false", "`overlap` takes a string"),
        (r#"jitter = "0s""#, "jitter 0s is out of range 1ms to 1d"),
        (r#"jitter = "1d1ms""#, "jitter 1d1ms is out of range 1ms to 1d"),
        (r#"jitter = "1s1us""#, "jitter 1s1us is not a whole number of milliseconds"),
        (r"jitter = 5m", "`jitter` takes a string\nhelp: write `jitter = \"5m\"`"),
        (r"jitter = 30", "`jitter` takes a string\nhelp: write `jitter = \"30s\"`"),
        (r#"starts = "31.1.2027""#, "a year of 4 digits is missing here"),
        (r"starts = 2027-01-31", "`starts` takes a string\nhelp: write `starts = \"2027-01-31\"`"),
        (r#"ends = "2027-02-29""#, "day 29 is not between 1 and 28"),
        (r#"starts = "2027-01-31", ends = "2027-01-31""#, "`ends` 2027-01-31T00:00:00 is not after `starts` 2027-01-31T00:00:00"),
        (r#"starts = "2027-01-31T08:00Z", ends = "2027-01-31T09:00+01:00""#, "`ends` 2027-01-31T09:00:00+01:00 is not after"),
        (r#"run_on_start = "deploiment""#, "`deploiment` is no occasion of a run on start; did you mean `deployment`?"),
        (
            r"run_on_start = deployment",
            "`run_on_start` takes `true`, `false`, `\"process\"` or `\"deployment\"`\nhelp: write `run_on_start = \"deployment\"`",
        ),
        (r#"key = "a b""#, "key name has"),
    ] {
        for attribute in [format!("every = \"5m\", {attribute}"), format!("schedule(every = \"5m\", {attribute})")] {
            assert!(mistake(&attribute).starts_with(said), "{attribute}: {}", mistake(&attribute));
        }
    }
}

#[test]
fn each_mistake_of_several_schedules_has_its_sentence() {
    for (attribute, said) in [
        ("schedule()", "this schedule has no times\nhelp: add `cron`, `every` or `run_on_start`"),
        ("schedule", "`schedule` takes round brackets\nhelp: write `schedule(every = "),
        ("schedule = \"0 9 * * *\"", "`schedule` takes round brackets\nhelp: write `cron = \"0 9 * * *\"`"),
        ("schedule = \"5m\"", "`schedule` takes round brackets\nhelp: write `every = \"5m\"`"),
        ("schedule[every = \"5m\"]", "`schedule` takes round brackets"),
        ("schedule(\"0 9 * * *\")", "a value without a key\nhelp: write `cron = \"0 9 * * *\"`"),
        ("schedule(evry = \"5m\")", "unknown key `evry`\nhelp: did you mean `every`?"),
        ("schedule(frobnicate = 1)", "unknown key `frobnicate`\nhelp: the keys are cron, every, tz, key, run_on_start, misfire"),
        ("schedule(splay = \"5m\")", "unknown key `splay`\nhelp: it is called `jitter` here"),
        (
            "schedule(every = \"5m\", queue = \"a\")",
            "`queue` belongs to the job, not to one of its schedules\nhelp: write it outside",
        ),
        (
            "schedule(every = \"5m\", name = \"a\")",
            "`name` belongs to the job, not to one of its schedules\nhelp: a schedule is named",
        ),
        ("schedule(schedule(every = \"5m\"))", "`schedule` belongs to the job, not to one of its schedules\nhelp: write each"),
        ("schedule(every = \"5m\", every = \"6m\")", "`every` is given twice"),
        ("schedule(every = \"5m\", cron = \"@daily\")", "`cron` and `every` exclude each other"),
        ("schedule(every = \"5m\", tz = \"UTC\")", "`tz` needs `cron`"),
        ("schedule(every = \"5m\") schedule(every = \"6m\", key = \"a\")", "a comma is missing before `schedule`"),
        ("schedule(every = \"5m\") queue = \"a\"", "a comma is missing before `queue`"),
        ("schedule(every = \"5m\" key = \"a\")", "a comma is missing before `key`"),
        (
            "schedule(every = \"5m\"), schedule(every = \"6m\")",
            "a second schedule without a key: both would have the name of the job, `sweep`",
        ),
        ("every = \"5m\", schedule(every = \"6m\")", "a second schedule without a key"),
        (
            "every = \"5m\", key = \"a\", schedule(every = \"6m\", key = \"a\")",
            "`a` is the key of another schedule of this job already",
        ),
        ("every = \"5m\", schedule(every = \"6m\", key = \"sweep\")", "`sweep` is the key of another schedule"),
        (
            "schedule(every = \"6m\", key = \"sweep\"), schedule(every = \"5m\")",
            "without a key this schedule has the name of the job, `sweep`",
        ),
    ] {
        assert!(mistake(attribute).starts_with(said), "{attribute}: {}", mistake(attribute));
    }
}

#[test]
fn each_mistake_in_the_arguments_of_a_schedule_has_its_sentence() {
    for (args, said) in [
        (
            "args(greting = \"hi\")",
            "this fn has no argument `greting`\nhelp: did you mean `greeting`? its arguments are greeting, only",
        ),
        ("args(days = 3)", "this fn has no argument `days`\nhelp: its arguments are greeting, only"),
        ("args(greeting = \"hi\", db = 3)", "`db` is borrowed: the runtime gives it"),
        ("args(greeting = \"hi\", greeting = \"ho\")", "`greeting` is given twice"),
        ("args(greeting = \"hi\", only = \"x\")", "`only` is an `Option`\nhelp: write `only = Some(\"x\".into())`"),
        (
            "args(only = Some(1))",
            "nobody can supply `greeting`: `every` starts this job by itself\nhelp: give it there, `args(greeting = ..)`",
        ),
        ("args()", "`args` is empty"),
        ("args", "`args` takes round brackets\nhelp: write `args("),
        ("args = [\"hi\"]", "`args` takes round brackets"),
        ("args(\"hi\")", "a value without the name of its parameter"),
        ("args(greeting)", "`greeting` wants one `=` and a value\nhelp: write `greeting = ..`"),
        ("args(greeting: \"hi\")", "`greeting` wants one `=` and a value"),
        ("args(greeting =)", "`greeting` has no value"),
        ("args(greeting = \"hi\",, only = None)", "a comma too many between the arguments"),
        ("args(greeting = \"hi\" only = None)", "a comma is missing before `only`"),
        ("args(greeting = \"hi\"; only = None)", "a comma is missing before `only`"),
        ("args(greeting = a b)", "the value of `greeting` is no expression"),
        ("args(greeting = 1 +)", "the value of `greeting` is no expression"),
    ] {
        for attribute in [format!("every = \"5m\", {args}"), format!("schedule(every = \"5m\", {args})")] {
            let found = found(&attribute);
            assert!(found.len() == 1 && found[0].starts_with(said), "{attribute}: {found:?}");
        }
    }
    let nobody = mistakes("every = \"5m\", args(a = 1, b = 2)", "async fn sweep(db: &Db) {}");
    assert!(nobody.len() == 1 && nobody[0].starts_with("`args` has nobody to give to"), "{nobody:?}");
}

#[test]
fn every_schedule_has_to_give_what_is_no_option() {
    let attribute = r#"cron = "@daily", args(greeting = "hi"), schedule(every = "5m", key = "b")"#;
    let all = found(attribute);
    assert!(all.len() == 1 && all[0].starts_with("nobody can supply `greeting`: `every` starts this job"), "{all:?}");
    let long = format!("every = \"5m\", args(greeting = [{}])", "1, ".repeat(300));
    assert!(found(&long)[0].starts_with("the value of `greeting` has more than 256 tokens"), "{:?}", found(&long));
}

#[test]
fn mistakes_of_all_schedules_are_said_at_once() {
    let attribute = r#"misfire = "no", every = "5m", args(greeting = "a", oly = 1),
        schedule(cron = "61 * * * *", key = "b", args(greeting = "a")), schedule(retries = 3), schedule(every = "5m", args(greeting = ))"#;
    let all = found(attribute);
    assert_eq!(all.len(), 6, "{all:#?}");
}

#[test]
fn a_text_for_what_is_no_text_is_refused_with_what_to_write() {
    for (ty, text, help) in [
        ("u32", "3", "write `a = 3`"),
        ("f64", "-1.5", "write `a = -1.5`"),
        ("bool", "true", "write `a = true`"),
        ("u8", "three", "write `a = ..`, with a value of that type"),
    ] {
        let found = mistakes(&format!("every = \"5m\", args(a = {text:?})"), &format!("async fn sweep(a: {ty}) {{}}"));
        assert_eq!(found, [format!("`a` is of type `{ty}`, not a text\nhelp: {help}")]);
    }
}

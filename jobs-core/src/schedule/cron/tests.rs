//! What the dialect accepts and means, and the place and advice of each mistake.

use proptest::prelude::*;

use super::{CronExpr, Field};

fn values(text: &str, field: Field) -> Vec<u8> {
    let expr = CronExpr::parse(text).unwrap_or_else(|error| panic!("{}", error.render(text)));
    expr.values(field).collect()
}

#[test]
fn fields_mean_what_crontab_says() {
    use Field::{DayOfMonth, DayOfWeek, Hour, Minute, Month, Second};
    for (text, field, expected) in [
        ("5 * * * *", Second, vec![0]),
        ("*/20 5 * * * *", Second, vec![0, 20, 40]),
        ("*/20 5 * * * *", Minute, vec![5]),
        ("1,3-5,9 * * * *", Minute, vec![1, 3, 4, 5, 9]),
        ("10-30/10,5 * * * *", Minute, vec![5, 10, 20, 30]),
        ("10-20/15 * * * *", Minute, vec![10]),
        ("*/60 * * * *", Minute, vec![0]),
        ("007 * * * *", Minute, vec![7]),
        ("0 */24 * * *", Hour, vec![0]),
        ("0 0 */10 * *", DayOfMonth, vec![1, 11, 21, 31]),
        ("0 0 * jan,DEC-dec,Mar-5 *", Month, vec![1, 3, 4, 5, 12]),
        ("0 0 * * 0", DayOfWeek, vec![0]),
        ("0 0 * * 7", DayOfWeek, vec![0]),
        ("0 0 * * 1-5", DayOfWeek, vec![1, 2, 3, 4, 5]),
        ("0 0 * * 5-7", DayOfWeek, vec![0, 5, 6]),
        ("0 0 * * FRI-SUN", DayOfWeek, vec![0, 5, 6]),
        ("0 0 * * 6-sun", DayOfWeek, vec![0, 6]),
        ("0 0 * * SUN-SUN", DayOfWeek, vec![0]),
        ("0 0 * * SUN-TUE", DayOfWeek, vec![0, 1, 2]),
        ("0 0 * * mon-7", DayOfWeek, vec![0, 1, 2, 3, 4, 5, 6]),
        ("0 0 * * 1-7/2", DayOfWeek, vec![0, 1, 3, 5]),
        ("0 0 * * */2", DayOfWeek, vec![0, 2, 4, 6]),
        ("0 0 * * */7", DayOfWeek, vec![0]),
        ("@weekly", DayOfWeek, vec![0]),
        (" @Yearly ", Month, vec![1]),
        ("\t0  0 *\n* *", Hour, vec![0]),
    ] {
        assert_eq!(values(text, field), expected, "{text}");
    }
}

#[test]
fn nicknames_are_their_five_fields() {
    for (name, fields) in [
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
    ] {
        assert_eq!(CronExpr::parse(name), CronExpr::parse(fields));
        assert!(CronExpr::parse(name).is_ok());
    }
}

#[test]
fn the_first_character_decides_the_class_and_the_day_rule() {
    for (text, fixed, either) in [
        ("0 2 * * *", true, false),
        ("*/10 30 1 * * *", true, false),
        ("0-59 0-23 1 * MON", true, true),
        ("*/15 2 1-31 * 0-6", false, true),
        ("0 */2 */2 * MON", false, false),
        ("0 *,3 1 * *,MON", false, false),
        ("0 3,*/4 1,*/2 * MON", true, true),
    ] {
        let expr = CronExpr::parse(text).unwrap();
        assert_eq!((expr.is_fixed(), expr.either_day()), (fixed, either), "{text}");
    }
}

#[test]
fn a_weekday_saves_a_date_that_never_occurs() {
    for text in ["0 0 30 2 MON", "0 0 29 2 *", "0 0 31 2,3 *", "0 0 29 2 */7", "0 0 */31 2 *"] {
        assert!(CronExpr::parse(text).is_ok(), "{text}");
    }
}

/// Text, the part that is marked, and how the message begins.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("", "", "cron expression is empty; write `minute hour"),
    ("0 9 * *", "0 9 * *", "cron expression has 4 fields, not 5 or 6; write `minute hour"),
    ("9", "9", "cron expression has 1 field, not 5 or 6"),
    (" 0 0 9 * * * 2027", "0 0 9 * * * 2027", "cron expression has 7 fields, not 5 or 6; there is no year: write 5"),
    ("0 9 * * MON , WED FRI", "0 9 * * MON , WED FRI", "cron expression has 8 fields"),
    ("60 * * * *", "60", "minute 60 is out of range 0-59; write 0"),
    ("0 24 * * *", "24", "hour 24 is out of range 0-23; midnight is 0"),
    ("0 1,99,2 * * *", "99", "hour 99 is out of range 0-23; allowed are 0-23"),
    ("0 0 0 * *", "0", "day of month 0 is out of range 1-31; the first day is 1"),
    ("0 0 * 13 *", "13", "month 13 is out of range 1-12; allowed are 1-12 and JAN-DEC"),
    ("0 0 * * 8", "8", "day of week 8 is out of range 0-7; allowed are 0-7 (0 and 7 are Sunday)"),
    ("60 0 0 * * *", "60", "second 60 is out of range 0-59"),
    (
        "0 99999999999999999999999999999999999999 * * *",
        "99999999999999999999999999999999999999",
        "hour 99999999999999999999999999999999... is out",
    ),
    ("0 0 * MON *", "MON", "`MON` is a day of week, not a month"),
    ("0 0 * * jan", "jan", "`JAN` is a month, not a day of week"),
    ("MON 0 * * *", "MON", "`MON` is a day of week, not a minute"),
    ("0 0 * * MONDAY", "MONDAY", "`MONDAY` is not a day of week; did you mean `MON`?"),
    ("0 0 * JNA *", "JNA", "`JNA` is not a month; did you mean `JAN`?"),
    ("x 0 * * *", "x", "`x` is not a minute; allowed are 0-59"),
    ("+5 0 * * *", "+5", "`+5` is not a minute"),
    ("٣ 0 * * *", "٣", "`٣` is not a minute"),
    ("0 0 ? * MON", "?", "`?` belongs to another dialect of cron; write `*`"),
    ("0 0 L * *", "L", "`L`, the last day, is not supported; write `28-31`"),
    ("0 0 L-3 * *", "L", "`L`, the last day"),
    ("0 0 * * 5L", "5L", "`L`, the last day"),
    ("0 0 * * friL", "friL", "`L`, the last day"),
    ("0 0 15W * *", "15W", "`W`, the nearest working day, is not supported"),
    ("0 0 LW * *", "LW", "`W`, the nearest working day"),
    ("0 0 * * MON#2", "MON#2", "`#`, the n-th weekday of a month, is not supported"),
    ("0~30 0 * * *", "0~30", "`~`, a random value, is not supported"),
    (
        "*/90 * * * *",
        "90",
        "minute step 90 is larger than the field, which has 60 values; a step begins anew in each hour: write `every = \"90m\"`",
    ),
    (
        "0 */36 * * *",
        "36",
        "hour step 36 is larger than the field, which has 24 values; a step begins anew in each day: write `every = \"36h\"`",
    ),
    ("0 0 * */13 *", "13", "month step 13 is larger"),
    ("0 0 * * */8", "8", "day of week step 8 is larger than the field, which has 7 values"),
    ("*/0 * * * *", "0", "minute step is 0; write 1-60"),
    ("*/ * * * *", "", "minute step lacks a number; write 1-60"),
    ("*/x * * * *", "x", "minute step `x` is not a number"),
    ("*/5/2 * * * *", "5/2", "minute step `5/2` is not a number"),
    ("5/15 * * * *", "5/15", "step `/15` follows a single value; write a range, such as `5-59/15`"),
    ("0 0 * * MON/2", "MON/2", "step `/2` follows a single value; write a range, such as `MON-SAT/2`"),
    ("0 22-2 * * *", "22-2", "hour range 22-2 runs backwards; write `22-23,0-2`"),
    ("0 23-0 * * *", "23-0", "hour range 23-0 runs backwards; write `23,0`"),
    ("0 20-4/3 * * *", "20-4", "hour range 20-4 runs backwards; write the values: `20,23,2`"),
    ("0 0 * DEC-FEB *", "DEC-FEB", "month range DEC-FEB runs backwards; write `DEC,JAN-FEB`"),
    ("0 0 * * FRI-MON", "FRI-MON", "day of week range FRI-MON runs backwards; write `FRI-SAT,SUN-MON`"),
    ("0 0 * * 5-0", "5-0", "day of week range 5-0 runs backwards; Sunday is also 7: write `5-7`"),
    ("0 0 * * 7-2", "7-2", "day of week range 7-2 runs backwards; write Sunday as 0: `0-2`"),
    ("1,,2 * * * *", "", "minute field has an empty item"),
    (",1 * * * *", "", "minute field has an empty item"),
    ("1, * * * *", "", "minute field has an empty item"),
    ("-5 * * * *", "", "minute range lacks a value here"),
    ("5- * * * *", "", "minute range lacks a value here"),
    ("1-2-3 * * * *", "2-3", "`2-3` is not a minute"),
    ("** * * * *", "**", "`**` is not an item of a minute field; write `*`, or a step"),
    ("*5 * * * *", "*5", "`*5` is not an item"),
    ("*-5 * * * *", "*-5", "`*-5` is not an item"),
    ("0 0 30 2 *", "30", "30 February never happens; write a day up to 29"),
    ("0 0 0 31 4,6 *", "31", "31 April and June never happen; write a day up to 30"),
    ("0 0 30 2 */2", "30", "30 February never happens"),
    ("0 0 31 4,6,9,11 *", "31", "31 April, June, September and November never happen"),
    ("0 0 30,31 2 *", "30,31", "30 to 31 February never happen"),
    ("@dayly", "@dayly", "`@dayly` is not a cron nickname; did you mean `@daily`?"),
    ("@once", "@once", "`@once` is not a cron nickname; a schedule that fires once ever"),
    ("@reboot", "@reboot", "`@reboot` is not a cron nickname; write `run_on_start`"),
    ("@every 5m", "@every", "`@every` is not a cron nickname; write `every = \"5m\"`"),
    ("@daily 5 *", "5 *", "nothing may follow `@daily`"),
];

#[test]
fn each_mistake_has_its_place_and_its_advice() {
    for &(text, marked, said) in MISTAKES {
        let error = CronExpr::parse(text).unwrap_err();
        assert!(error.to_string().starts_with(said), "{text}: {error}");
        assert_eq!(&text[error.span], marked, "{text}");
    }
}

#[test]
fn advice_of_the_form_write_this_is_itself_accepted() {
    for text in [
        "5/15 * * * *",
        "0 0 * * MON/2",
        "0 22-2 * * *",
        "0 20-4/3 * * *",
        "0 0 * DEC-FEB *",
        "0 0 * * FRI-MON",
        "0 0 * * 5-0",
        "0 0 * * 7-2",
    ] {
        let error = CronExpr::parse(text).unwrap_err();
        let advice = error.help.unwrap().split('`').nth(1).unwrap().to_owned();
        let mut better = text.to_owned();
        let field = better.split(' ').find(|field| field.len() > 1).unwrap().to_owned();
        better = better.replace(&field, &advice);
        assert!(CronExpr::parse(&better).is_ok(), "{better}");
    }
}

#[test]
fn a_long_text_is_refused_before_it_is_read() {
    let text = format!("{} * * * *", "0,".repeat(600) + "0");
    assert!(CronExpr::parse(&text).unwrap_err().message.contains("the limit is 1024"));
    let text = format!("{} * * * *", "0,".repeat(500) + "0");
    assert_eq!(values(&text, Field::Minute), [0]);
}

#[test]
fn display_is_the_short_form() {
    for (text, shown) in [
        ("0 0 9 * * MON-FRI", "0 9 * * 1-5"),
        ("*/15 */20 9-17 1,2,3,5 * SUN", "0,15,30,45 */20 9-17 1-3,5 * 0"),
        ("*,5 0-23 * 1-12 */2,3", "* 0-23 * * */2,3"),
        ("@hourly", "0 * * * *"),
    ] {
        let expr = CronExpr::parse(text).map(|expr| expr.to_string());
        assert_eq!(expr.as_deref(), Ok(shown));
    }
}

/// Text that is mostly a cron expression.
pub(crate) fn any_cron() -> impl Strategy<Value = String> {
    fn field(low: u8, high: u8) -> impl Strategy<Value = String> {
        let value = low..=high;
        let item = prop_oneof![
            4 => Just("*".to_owned()),
            4 => value.clone().prop_map(|v| v.to_string()),
            2 => (1..=high - low + 1).prop_map(|step| format!("*/{step}")),
            2 => (value.clone(), value.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
            1 => (value.clone(), value, 1..=high - low + 1)
                .prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b))),
        ];
        prop::collection::vec(item, 1..=3).prop_map(|items| items.join(","))
    }
    let seconds = prop_oneof![3 => Just(None), 1 => field(0, 59).prop_map(Some)];
    (seconds, field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)).prop_map(
        |(second, minute, hour, dom, month, dow)| {
            let five = format!("{minute} {hour} {dom} {month} {dow}");
            second.map_or(five.clone(), |second| format!("{second} {five}"))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn display_reads_back_as_the_same_expression(text in any_cron()) {
        if let Ok(expr) = CronExpr::parse(&text) {
            prop_assert_eq!(CronExpr::parse(&expr.to_string()), Ok(expr));
        }
    }

    #[test]
    fn any_text_gives_an_answer_with_a_place_inside_it(
        text in "([0-9]{1,2}|MON|sun|JAN|L|W|#|\\?|@|@daily|~|é|[*/,-]| | |\\* \\* |0 0 1 ){0,20}",
    ) {
        if let Err(error) = CronExpr::parse(&text) {
            prop_assert!(text.get(error.span.clone()).is_some());
            prop_assert!(error.render(&text).lines().count() <= 4);
        }
    }
}

//! What happens by the clock: the report and the clean-up.

use std::collections::BTreeMap;

use serde_json::json;

use crate::app::{App, errors_of};
use crate::place::{Place, on_both};

on_both!(schedules_are_declared_with_their_zones, a_registration_is_in_one_report, old_events_are_removed);

async fn schedules_are_declared_with_their_zones(place: &Place) {
    let _app = App::start(place).await;
    let schedules = place.client().await.schedules().list().await.unwrap();
    let times: BTreeMap<&str, (&str, &str)> = schedules.iter().map(|view| (view.key(), view.record.times_text())).collect();
    let expected = [("clean_up", ("cron 0 3 * * *", "Europe/Berlin")), ("report", ("cron 0 8 * * *", "UTC"))];
    assert_eq!(times, expected.into());
    assert_eq!(schedules.iter().map(|view| &*view.record.schedule.job.queue).collect::<Vec<_>>(), ["low", "default"]);
}

async fn a_registration_is_in_one_report(place: &Place) {
    let app = App::start(place).await;
    let client = place.client().await;
    let event = app.create("/events", &json!({"title": "Far away", "starts_at": "2999-01-01T18:00:00Z"})).await;
    for number in 1..=3 {
        let user = app.create("/users", &json!({"email": format!("{number}@example.com"), "name": "Guest"})).await;
        let registration = app.ask(&format!("POST /events/{event}/registrations"), &json!({"user": user})).await;
        assert_eq!(registration.0, 201);
    }
    place.until_done(&client, 6).await;
    for done in [8, 10] {
        client.schedules().trigger("report").await.unwrap();
        place.until_done(&client, done).await;
    }
    let mail = place.mail();
    let reports = mail.values().filter(|text| text.contains("To: organiser@events.example"));
    let counts: Vec<&str> =
        reports.filter_map(|text| text.lines().find(|line| line.starts_with("New registrations: "))).collect();
    // In the order of the jobs' ids, which is that of time.
    assert_eq!(counts, ["New registrations: 3", "New registrations: 0"]);
    assert_eq!(errors_of(place), "");
}

async fn old_events_are_removed(place: &Place) {
    let app = App::start(place).await;
    let client = place.client().await;
    for (title, starts_at) in [("Old", "2001-01-01T00:00:00Z"), ("New", "2999-01-01T00:00:00Z")] {
        app.create("/events", &json!({"title": title, "starts_at": starts_at})).await;
    }
    let job = client.schedules().trigger("clean_up").await.unwrap();
    place.until_done(&client, 1).await;
    assert_eq!(client.output::<u64>(job).await.unwrap(), Some(1));
    let left: Vec<String> = sqlx::query_scalar("SELECT title FROM events").fetch_all(&place.rows().await).await.unwrap();
    assert_eq!(left, ["New"]);
}

//! A registration is a guest, a seat and a reminder.

use std::collections::BTreeSet;
use std::time::Duration;

use jobs_runtime::{State, Timestamp};
use serde_json::{Value, json};

use crate::app::{App, errors_of};
use crate::place::{Place, on_both};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

on_both!(
    a_reminder_waits_until_a_day_before_the_event,
    a_reminder_that_is_late_is_sent_at_once,
    one_who_signs_off_is_not_reminded,
    every_guest_gets_one_seat,
);

/// An event that starts so much from now, to the second.
async fn event_in(app: &App, time: Duration) -> (i64, Timestamp) {
    let starts_at = Timestamp::from_second((Timestamp::now() + time).as_second()).unwrap();
    (app.create("/events", &json!({"title": "Meeting", "starts_at": starts_at.to_string()})).await, starts_at)
}

async fn user(app: &App, name: &str) -> i64 {
    app.create("/users", &json!({"email": format!("{name}@example.com"), "name": name})).await
}

async fn register(app: &App, event: i64, user: i64) -> u16 {
    app.ask(&format!("POST /events/{event}/registrations"), &json!({"user": user})).await.0
}

async fn a_reminder_waits_until_a_day_before_the_event(place: &Place) {
    let app = App::start(place).await;
    let client = place.client().await;
    let ann = user(&app, "ann").await;
    let (event, starts_at) = event_in(&app, 7 * DAY).await;
    assert_eq!(register(&app, event, ann).await, 201);
    let reminder = client.job_named(format!("reminder-{event}-{ann}")).await.unwrap().expect("it is stored");
    assert_eq!((reminder.state, reminder.run_at), (State::Scheduled, starts_at - DAY));
    // Once more: nothing is added. The welcome and the seat are done meanwhile.
    assert_eq!(register(&app, event, ann).await, 200);
    place.until_done(&client, 2).await;
    assert_eq!(client.counts().await.unwrap().live(), 1);
    assert_eq!(client.job(reminder.id).await.unwrap().unwrap().run_at, starts_at - DAY);
    assert_eq!(register(&app, event, 99).await, 404);
    assert_eq!((client.counts().await.unwrap().live(), place.mail().len()), (1, 1));
    assert_eq!(errors_of(place), "");
}

async fn a_reminder_that_is_late_is_sent_at_once(place: &Place) {
    let app = App::start(place).await;
    let client = place.client().await;
    let ann = user(&app, "ann").await;
    let (event, starts_at) = event_in(&app, HOUR).await;
    assert_eq!(register(&app, event, ann).await, 201);
    place.until_done(&client, 3).await;
    let mail = place.mail();
    let reminders: Vec<_> = mail.values().filter(|text| text.contains("Subject: Reminder: Meeting")).collect();
    let [text] = reminders[..] else { panic!("{mail:#?}") };
    assert!(text.contains("To: ann <ann@example.com>") && text.contains(&format!("Meeting starts at {starts_at}.")), "{text}");
}

async fn one_who_signs_off_is_not_reminded(place: &Place) {
    let app = App::start(place).await;
    let client = place.client().await;
    let ann = user(&app, "ann").await;
    let (event, _) = event_in(&app, 7 * DAY).await;
    register(&app, event, ann).await;
    let name = format!("reminder-{event}-{ann}");
    let reminder = client.job_named(name.clone()).await.unwrap().expect("it is stored");
    assert_eq!(app.ask(&format!("DELETE /events/{event}/registrations/{ann}"), &Value::Null).await.0, 204);
    assert_eq!(client.job(reminder.id).await.unwrap().map(|job| job.state), Some(State::Cancelled));
    // The name is free for the next one.
    assert_eq!(register(&app, event, ann).await, 201);
    assert_ne!(client.job_named(name).await.unwrap().expect("it is stored").id, reminder.id);
}

async fn every_guest_gets_one_seat(place: &Place) {
    let app = App::start(place).await;
    let client = place.client().await;
    let (event, _) = event_in(&app, 7 * DAY).await;
    let guests = 12_i64;
    for number in 1..=guests {
        let user = user(&app, &format!("guest{number}")).await;
        assert_eq!(register(&app, event, user).await, 201);
    }
    place.until_done(&client, 24).await;
    let (status, text) = app.ask(&format!("GET /events/{event}/registrations"), &Value::Null).await;
    let list: Vec<Value> = serde_json::from_str(&text).unwrap();
    let seats: BTreeSet<i64> = list.iter().filter_map(|guest| guest["seat"].as_i64()).collect();
    assert_eq!((status, list.len()), (200, 12));
    assert_eq!(seats, (1..=guests).collect());
    assert_eq!(errors_of(place), "");
}

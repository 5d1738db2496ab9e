//! The application, killed: what was accepted is done, once in the database and once in the folder of mail.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{App, errors_of};
use crate::place::{Place, on_both};

/// How often the application is killed at any moment.
const KILLS: u64 = 5;

/// Within this time from its start.
const LATEST: u64 = 400;

on_both!(killed_before_the_mail_it_sends_it_after_the_next_start, killed_at_any_moment_every_user_has_one_mail_and_one_seat);

async fn killed_before_the_mail_it_sends_it_after_the_next_start(place: &Place) {
    let app = App::start(place).await;
    let client = place.client().await;
    // So that it is surely before.
    client.pause_queue("critical").await.unwrap();
    app.create("/users", &json!({"email": "ann@example.com", "name": "Ann"})).await;
    app.kill().await;
    assert!(place.mail().is_empty());
    client.resume_queue("critical").await.unwrap();
    let _app = App::start(place).await;
    place.until_done(&client, 1).await;
    let mail = place.mail();
    assert!(mail.len() == 1 && mail.values().all(|text| text.contains("To: Ann <ann@example.com>")), "{mail:#?}");
}

async fn killed_at_any_moment_every_user_has_one_mail_and_one_seat(place: &Place) {
    let seed = std::env::var("JOBS_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("JOBS_TEST_SEED={seed}");
    let app = App::start(place).await;
    let event = app.create("/events", &json!({"title": "Far away", "starts_at": "2999-01-01T18:00:00Z"})).await;
    let (mut app, mut signed_up, mut number) = (Some(app), BTreeSet::new(), 0);
    for kill in 0..KILLS {
        let running = match app.take() {
            Some(app) => app,
            None => App::start(place).await,
        };
        let visits = async {
            loop {
                number += 1;
                let email = format!("{number}@example.com");
                let user = json!({"email": email, "name": format!("Guest {number}")}).to_string();
                let Some((201, text)) = running.try_ask("POST /users", &user).await else { continue };
                signed_up.insert(email);
                let created: Value = serde_json::from_str(&text).unwrap();
                let guest = json!({"user": created["id"]}).to_string();
                running.try_ask(&format!("POST /events/{event}/registrations"), &guest).await;
            }
        };
        let moment = Duration::from_millis(seed.rotate_left(u32::try_from(kill * 11).unwrap()) % LATEST);
        let _ = tokio::time::timeout(moment, visits).await;
        running.kill().await;
    }
    let _app = App::start(place).await;
    let (client, rows) = (place.client().await, place.rows().await);
    let users: Vec<String> = sqlx::query_scalar("SELECT email FROM users").fetch_all(&rows).await.unwrap();
    let guests: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM registrations").fetch_one(&rows).await.unwrap();
    // A visitor whose answer was lost may have been signed up; all others know.
    let users: BTreeSet<String> = users.into_iter().collect();
    assert!(signed_up.is_subset(&users), "{signed_up:?} {users:?}");
    println!("{} users, {guests} guests", users.len());
    let done = users.len() as u64 + u64::try_from(guests).unwrap();
    place.until_done(&client, done).await;
    let mail = place.mail();
    let to = |text: &String| text.lines().find_map(|line| line.strip_prefix("To: ").map(str::to_owned));
    let mut addressed: Vec<String> = mail.values().filter_map(to).collect();
    addressed.sort();
    let mut expected: Vec<String> =
        users.iter().map(|email| format!("\"Guest {}\" <{email}>", email.trim_end_matches("@example.com"))).collect();
    expected.sort();
    assert_eq!(addressed, expected);
    let seats: Vec<i64> = sqlx::query_scalar("SELECT seat FROM registrations ORDER BY seat").fetch_all(&rows).await.unwrap();
    assert_eq!(seats, (1..=guests).collect::<Vec<_>>());
    let taken: i64 = sqlx::query_scalar("SELECT seats_taken FROM events").fetch_one(&rows).await.unwrap();
    assert_eq!(taken, guests, "{}", errors_of(place));
}

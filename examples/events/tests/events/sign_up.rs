//! A sign-up is a user and a mail, or neither.

use serde_json::{Value, json};

use crate::app::{App, errors_of};
use crate::place::{Place, on_both};

on_both!(
    a_sign_up_writes_the_user_and_sends_one_mail,
    a_refused_sign_up_leaves_neither_user_nor_job,
    what_is_no_request_is_refused_with_a_reason,
    asked_to_stop_it_ends_well,
);

async fn a_sign_up_writes_the_user_and_sends_one_mail(place: &Place) {
    let app = App::start(place).await;
    let client = place.client().await;
    let ann = app.create("/users", &json!({"email": "ann@example.com", "name": " Ann "})).await;
    place.until_done(&client, 1).await;
    let user: (i64, String, String) =
        sqlx::query_as("SELECT id, email, name FROM users").fetch_one(&place.rows().await).await.unwrap();
    assert_eq!(user, (ann, "ann@example.com".to_owned(), "Ann".to_owned()));
    let mail = place.mail();
    let [(job, text)] = mail.iter().collect::<Vec<_>>()[..] else { panic!("{mail:#?}") };
    for line in ["To: Ann <ann@example.com>", "Subject: Welcome", &format!("Message-ID: <{job}@events.example>")] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
    // The file is named after the job, so that a second run replaces it.
    let record = client.job(job.parse().unwrap()).await.unwrap().expect("it is that of the job");
    assert_eq!((record.kind.as_str(), record.queue.as_str()), ("welcome", "critical"));
    assert_eq!(errors_of(place), "");
}

async fn a_refused_sign_up_leaves_neither_user_nor_job(place: &Place) {
    let app = App::start(place).await;
    let client = place.client().await;
    // So that every job that was stored can be seen.
    client.pause_queue("critical").await.unwrap();
    let ann = json!({"email": "ann@example.com", "name": "Ann"});
    app.create("/users", &ann).await;
    for _ in 0..3 {
        assert_eq!(app.ask("POST /users", &ann).await, (409, "this address has signed up\n".to_owned()));
    }
    let users: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(&place.rows().await).await.unwrap();
    assert_eq!((users, client.counts().await.unwrap().live()), (1, 1));
    client.resume_queue("critical").await.unwrap();
    place.until_done(&client, 1).await;
    assert_eq!(place.mail().len(), 1);
}

async fn what_is_no_request_is_refused_with_a_reason(place: &Place) {
    let app = App::start(place).await;
    let event = json!({"title": "Past", "starts_at": "2001-01-01T00:00:00Z"});
    assert_eq!(app.create("/events", &event).await, 1);
    for (request, body, status, why) in [
        ("POST /users", json!({"email": "nobody", "name": "Ann"}), 400, "email"),
        ("POST /users", json!({"email": "ann@example.com", "name": " \n"}), 400, "`name` is empty"),
        ("POST /users", json!({"email": "ann@example.com"}), 400, "missing field `name`"),
        ("POST /users", Value::Null, 400, "EOF"),
        ("POST /events", json!({"title": "Soon", "starts_at": "tomorrow"}), 400, "starts_at"),
        ("POST /events/x/registrations", json!({"user": 1}), 400, "x"),
        ("POST /events/99/registrations", json!({"user": 1}), 404, "no such event"),
        ("POST /events/1/registrations", json!({"user": 1}), 409, "this event has begun"),
        ("DELETE /events/1/registrations/1", Value::Null, 404, "no such registration"),
        ("GET /users", Value::Null, 405, ""),
    ] {
        let answer = app.ask(request, &body).await;
        assert!(answer.0 == status && answer.1.contains(why), "{request} {body}: {answer:?}");
    }
    assert_eq!(place.client().await.counts().await.unwrap().live(), 0);
    assert_eq!(errors_of(place), "");
}

async fn asked_to_stop_it_ends_well(place: &Place) {
    let app = App::start(place).await;
    let (status, health) = app.ask("GET /health", &Value::Null).await;
    assert!(status == 200 && health.contains("heartbeat: Running"), "{health}");
    app.create("/users", &json!({"email": "ann@example.com", "name": "Ann"})).await;
    let (status, last) = app.stop().await;
    assert!(status.success(), "{status}, {}", errors_of(place));
    assert_eq!((last.as_deref(), errors_of(place).as_str()), (Some("stopped"), ""));
    // Whether its mail was sent before the end or is sent now: it is sent once.
    let _app = App::start(place).await;
    place.until_done(&place.client().await, 1).await;
    assert_eq!(place.mail().len(), 1);
}

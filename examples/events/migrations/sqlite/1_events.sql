CREATE TABLE users (
    id    INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name  TEXT NOT NULL
);

-- Times are seconds since the Unix epoch.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    title       TEXT NOT NULL,
    starts_at   BIGINT NOT NULL,
    seats_taken BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE registrations (
    event_id BIGINT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    user_id  BIGINT NOT NULL REFERENCES users (id),
    -- None until it is confirmed.
    seat     BIGINT,
    reported BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (event_id, user_id)
);

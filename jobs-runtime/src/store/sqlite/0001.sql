-- Live jobs only. A finished job moves to jobs_history.
CREATE TABLE jobs_job (
    seq         INTEGER PRIMARY KEY,            -- order of enqueue, and the key that everything inside goes by
    id          BLOB    NOT NULL UNIQUE,        -- UUID version 7, made by the caller
    kind        TEXT    NOT NULL,
    queue       TEXT    NOT NULL,
    priority    INTEGER NOT NULL,               -- smaller runs first
    state       TEXT    NOT NULL,
    run_at      INTEGER NOT NULL,               -- this and every time: microseconds since the Unix epoch
    created_at  INTEGER NOT NULL,
    payload     TEXT    NOT NULL,               -- a JSON object keyed by parameter name
    token       INTEGER NOT NULL DEFAULT 0,     -- the number of claims; only grows
    failures    INTEGER NOT NULL DEFAULT 0,
    crashes     INTEGER NOT NULL DEFAULT 0,     -- above 0: on probation
    snoozes     INTEGER NOT NULL DEFAULT 0,
    crash_tokens TEXT,                          -- the tokens under which its crashes were counted: `,2,5,`
    worker      INTEGER,                        -- jobs_worker.seq of the holder
    started_at  INTEGER,
    retries     INTEGER,                        -- its own number of retries; else the kind's
    timeout     INTEGER,                        -- its own timeout in milliseconds; else the kind's
    name        TEXT,
    unique_key  TEXT,
    tags        TEXT,                           -- a JSON list
    metadata    TEXT,                           -- a JSON object
    tenant      TEXT,
    user        TEXT,
    schedule    TEXT,
    tick        INTEGER,
    parent      BLOB,                           -- the id of the job on which it follows
    chain       TEXT,                           -- the jobs that follow on it, a JSON list
    cancel      TEXT,                           -- somebody asked the running job to stop, for this reason
    parked_by   TEXT,                           -- parked: a JSON list of the argument shapes that could not decode it, empty where the kind is unknown
    error       TEXT,                           -- why it stands where it stands
    errors      TEXT,                           -- the last failures, a JSON list
    -- What a program could not read, or would never take, is refused from whoever writes it: one such row would stop everybody.
    CONSTRAINT jobs_job_ids CHECK (length(id) = 16 AND (parent IS NULL OR length(parent) = 16)),
    CONSTRAINT jobs_job_state CHECK (state IN ('scheduled', 'available', 'running', 'retryable', 'blocked', 'parked')
        AND (state <> 'running' OR worker IS NOT NULL)
        AND (state <> 'parked' OR (parked_by IS NOT NULL AND json_valid(parked_by)))),
    CONSTRAINT jobs_job_counts CHECK (token BETWEEN 0 AND 4611686018427387904 AND failures BETWEEN 0 AND 1000000000
        AND crashes BETWEEN 0 AND 1000000000 AND snoozes BETWEEN 0 AND 1000000000)
) STRICT;

-- One entry for each job that a worker may take, striped by kind: kinds that nobody here knows are never walked over.
CREATE INDEX jobs_ready     ON jobs_job (queue, kind, priority, run_at) WHERE state = 'available' AND crashes = 0;
CREATE INDEX jobs_probation ON jobs_job (queue, kind, priority, run_at) WHERE state = 'available' AND crashes > 0;
CREATE INDEX jobs_due       ON jobs_job (run_at, state) WHERE state IN ('scheduled', 'retryable');
CREATE INDEX jobs_running   ON jobs_job (worker) WHERE state = 'running';
CREATE INDEX jobs_parked    ON jobs_job (kind, parked_by) WHERE state = 'parked';
CREATE INDEX jobs_cancel    ON jobs_job (worker) WHERE cancel IS NOT NULL;
CREATE INDEX jobs_scheduled ON jobs_job (schedule) WHERE schedule IS NOT NULL;
CREATE INDEX jobs_following ON jobs_job (parent) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX jobs_name   ON jobs_job (name) WHERE name IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs_job (unique_key) WHERE unique_key IS NOT NULL;

-- Finished jobs, in the order in which they ended.
CREATE TABLE jobs_history (
    place       INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL UNIQUE,
    token       INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    queue       TEXT    NOT NULL,
    priority    INTEGER NOT NULL,
    state       TEXT    NOT NULL,
    run_at      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    started_at  INTEGER,
    finished_at INTEGER NOT NULL,
    payload     TEXT    NOT NULL,               -- empty once pruned within the repeat window
    failures    INTEGER NOT NULL,
    crashes     INTEGER NOT NULL,
    snoozes     INTEGER NOT NULL,
    retries     INTEGER,
    timeout     INTEGER,
    name        TEXT,
    unique_key  TEXT,
    tags        TEXT,
    metadata    TEXT,
    tenant      TEXT,
    user        TEXT,
    schedule    TEXT,
    tick        INTEGER,
    parent      BLOB,
    chain       TEXT,
    error       TEXT,
    errors      TEXT,
    output      TEXT,
    CONSTRAINT jobs_history_ids CHECK (length(id) = 16 AND (parent IS NULL OR length(parent) = 16)),
    CONSTRAINT jobs_history_state CHECK (state IN ('completed', 'failed', 'cancelled')),
    CONSTRAINT jobs_history_token CHECK (token BETWEEN 0 AND 4611686018427387904)
) STRICT;

CREATE INDEX jobs_ended ON jobs_history (state, place) WHERE state <> 'completed';
CREATE INDEX jobs_followed ON jobs_history (parent) WHERE parent IS NOT NULL;

-- How many finished jobs the history holds, so that nobody has to count them.
CREATE TABLE jobs_tally (
    state TEXT PRIMARY KEY,
    jobs  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO jobs_tally (state, jobs) VALUES ('completed', 0), ('failed', 0), ('cancelled', 0);

-- Queues that give no jobs.
CREATE TABLE jobs_paused_queue (
    queue TEXT PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs_worker (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    build      TEXT    NOT NULL,
    kinds      TEXT    NOT NULL,                -- which set of rows of jobs_kind it can run
    queues     TEXT    NOT NULL,                -- a JSON list
    schedules  TEXT    NOT NULL DEFAULT '[]',   -- the keys of those in its code, a JSON list
    lease      INTEGER NOT NULL,                -- milliseconds
    beat       INTEGER NOT NULL DEFAULT 0,      -- grows with each renewal; others judge by whether it moves
    started_at INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL
) STRICT;

-- What builds can run. Workers of one build share their rows.
CREATE TABLE jobs_kind (
    kinds    TEXT NOT NULL,
    name     TEXT NOT NULL,
    shape    TEXT NOT NULL,
    queue    TEXT NOT NULL,                     -- this and the next: what a job has that says nothing of it
    priority INTEGER NOT NULL,
    tags     TEXT,                              -- a JSON list
    started_at INTEGER NOT NULL,                -- when the last worker of the build started
    PRIMARY KEY (name, kinds)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs_schedule (
    key           TEXT PRIMARY KEY,
    kind          TEXT    NOT NULL,
    spec          TEXT    NOT NULL,             -- cron 0 2 * * *, every 10s, or never
    zone          TEXT    NOT NULL,
    group_name    TEXT,                         -- the group that it is replaced with
    build         TEXT,                         -- the build whose code it stands in; none for one that the store alone has
    definition    TEXT    NOT NULL,             -- all else that was declared or saved, a JSON object
    version       INTEGER NOT NULL,             -- grows with each change but for ticks
    last_tick     INTEGER NOT NULL,             -- only grows, but for one that a wrong clock has put far ahead
    paused_at     INTEGER,                      -- by hand
    retired_at    INTEGER,                      -- since when it is gone from all code
    override_spec TEXT,                         -- times that were given by hand
    override_zone TEXT,
    queued        TEXT    NOT NULL DEFAULT '[]', -- ticks that wait for the last run to end, a JSON list
    started       TEXT    NOT NULL DEFAULT '[]' -- the last builds for which it ran on start, a JSON list
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_schedule_group ON jobs_schedule (group_name) WHERE group_name IS NOT NULL;

-- Every tick that was dealt with. It stands for all ticks after `since`.
CREATE TABLE jobs_tick (
    schedule TEXT    NOT NULL,
    instant  INTEGER NOT NULL,
    cause    TEXT    NOT NULL,                  -- time, start or request
    since    INTEGER NOT NULL,
    dealt_at INTEGER NOT NULL,
    outcome  TEXT    NOT NULL,                  -- fired, queued, or why it was skipped
    missed   INTEGER NOT NULL,                  -- earlier ticks that it stands for, counted up to 1,000
    job      BLOB,
    PRIMARY KEY (schedule, instant)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_tick_age ON jobs_tick (dealt_at);

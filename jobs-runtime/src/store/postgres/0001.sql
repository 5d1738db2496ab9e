-- Live jobs only. A finished job moves to history. No foreign keys and no triggers: every claim and completion goes through here.
CREATE TABLE {s}.job (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- order of enqueue, and the key that everything inside goes by
    id          uuid        NOT NULL UNIQUE,                      -- version 7, made by the caller
    kind        text COLLATE "C" NOT NULL,
    queue       text COLLATE "C" NOT NULL,
    priority    smallint    NOT NULL,                             -- smaller runs first
    state       text COLLATE "C" NOT NULL,
    run_at      timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    payload     text        NOT NULL,                             -- a JSON object keyed by parameter name, word for word
    token       bigint      NOT NULL DEFAULT 0,                   -- the number of claims; only grows
    failures    integer     NOT NULL DEFAULT 0,
    crashes     integer     NOT NULL DEFAULT 0,                   -- above 0: on probation
    snoozes     integer     NOT NULL DEFAULT 0,
    crash_tokens bigint[],                                        -- the tokens under which its crashes were counted
    worker      bigint,                                           -- worker.seq of the holder
    started_at  timestamptz,
    retries     integer,                                          -- its own number of retries; else the kind's
    timeout     bigint,                                           -- its own timeout in milliseconds; else the kind's
    name        text COLLATE "C",
    unique_key  text COLLATE "C",
    tags        text,                                             -- a JSON list
    metadata    text,                                             -- a JSON object
    tenant      text,
    "user"      text,
    schedule    text COLLATE "C",
    tick        timestamptz,
    parent      uuid,                                             -- the job on which it follows
    chain       text,                                             -- the jobs that follow on it, a JSON list
    cancel      text,                                             -- somebody asked the running job to stop, for this reason
    parked_by   text[] COLLATE "C",                                           -- parked: the argument shapes that could not decode it, none where the kind is unknown
    error       text,                                             -- why it stands where it stands
    errors      jsonb,                                            -- the last failures, a list
    -- What a program could not read, or would never take, is refused from whoever writes it: one such row would stop everybody.
    CONSTRAINT job_state CHECK (state IN ('scheduled', 'available', 'running', 'retryable', 'blocked', 'parked')
        AND (state <> 'running' OR worker IS NOT NULL) AND (state <> 'parked' OR parked_by IS NOT NULL)
        AND (parked_by IS NULL OR (coalesce(array_ndims(parked_by), 1) = 1 AND coalesce(array_lower(parked_by, 1), 1) = 1
            AND array_position(parked_by, NULL) IS NULL))),
    -- An index takes no more than a third of a page; what becomes available must fit.
    CONSTRAINT job_names CHECK (octet_length(kind) <= 1000 AND octet_length(queue) <= 1000),
    CONSTRAINT job_times CHECK (run_at >= '0001-01-01 00:00:00+00' AND run_at < '9999-12-30 22:00:01+00'
        AND created_at >= '0001-01-01 00:00:00+00' AND created_at < '9999-12-30 22:00:01+00'
        AND (started_at IS NULL OR (started_at >= '0001-01-01 00:00:00+00' AND started_at < '9999-12-30 22:00:01+00'))
        AND (tick IS NULL OR (tick >= '0001-01-01 00:00:00+00' AND tick < '9999-12-30 22:00:01+00'))),
    CONSTRAINT job_counts CHECK (token BETWEEN 0 AND 4611686018427387904 AND failures BETWEEN 0 AND 1000000000
        AND crashes BETWEEN 0 AND 1000000000 AND snoozes BETWEEN 0 AND 1000000000
        AND (crash_tokens IS NULL OR (coalesce(array_ndims(crash_tokens), 1) = 1 AND coalesce(array_lower(crash_tokens, 1), 1) = 1
            AND coalesce(array_length(crash_tokens, 1), 0) <= 64)))
) WITH (
    autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0.0, autovacuum_analyze_threshold = 10000
);

-- One entry for each job that a worker may take, striped by kind: kinds that nobody here knows are never walked over.
CREATE INDEX job_ready     ON {s}.job (queue, kind, priority, run_at, seq) WHERE state = 'available' AND crashes = 0;
CREATE INDEX job_probation ON {s}.job (queue, kind, priority, run_at, seq) WHERE state = 'available' AND crashes > 0;
CREATE INDEX job_due       ON {s}.job (run_at) WHERE state IN ('scheduled', 'retryable');
CREATE INDEX job_running   ON {s}.job (worker) WHERE state = 'running';
CREATE INDEX job_parked    ON {s}.job (kind, parked_by) WHERE state = 'parked';
CREATE INDEX job_cancel    ON {s}.job (worker) WHERE cancel IS NOT NULL;
CREATE INDEX job_scheduled ON {s}.job (schedule) WHERE schedule IS NOT NULL;
CREATE INDEX job_following ON {s}.job (parent) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX job_name   ON {s}.job (name) WHERE name IS NOT NULL;
CREATE UNIQUE INDEX job_unique ON {s}.job (unique_key) WHERE unique_key IS NOT NULL;

-- Finished jobs, by how they ended and by the day: a day whose retention is over is dropped whole.
CREATE SEQUENCE {s}.history_place;
CREATE TABLE {s}.history (
    place       bigint      NOT NULL DEFAULT nextval('{s}.history_place'),  -- the order in which they ended
    id          uuid        NOT NULL,
    token       bigint      NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    queue       text COLLATE "C" NOT NULL,
    priority    smallint    NOT NULL,
    state       text COLLATE "C" NOT NULL,
    run_at      timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,
    finished_at timestamptz NOT NULL,
    payload     text,                                             -- missing once pruned within the repeat window
    failures    integer     NOT NULL,
    crashes     integer     NOT NULL,
    snoozes     integer     NOT NULL,
    retries     integer,
    timeout     bigint,
    name        text COLLATE "C",
    unique_key  text COLLATE "C",
    tags        text,
    metadata    text,
    tenant      text,
    "user"      text,
    schedule    text COLLATE "C",
    tick        timestamptz,
    parent      uuid,
    chain       text,
    error       text,
    errors      jsonb,
    output      text,
    CONSTRAINT history_times CHECK (run_at >= '0001-01-01 00:00:00+00' AND run_at < '9999-12-30 22:00:01+00'
        AND created_at >= '0001-01-01 00:00:00+00' AND created_at < '9999-12-30 22:00:01+00'
        AND finished_at >= '0001-01-01 00:00:00+00' AND finished_at < '9999-12-30 22:00:01+00'
        AND (started_at IS NULL OR (started_at >= '0001-01-01 00:00:00+00' AND started_at < '9999-12-30 22:00:01+00'))
        AND (tick IS NULL OR (tick >= '0001-01-01 00:00:00+00' AND tick < '9999-12-30 22:00:01+00'))),
    CONSTRAINT history_token CHECK (token BETWEEN 0 AND 4611686018427387904)
) PARTITION BY LIST (state);

CREATE TABLE {s}.history_completed PARTITION OF {s}.history FOR VALUES IN ('completed') PARTITION BY RANGE (finished_at);
CREATE TABLE {s}.history_failed    PARTITION OF {s}.history FOR VALUES IN ('failed')    PARTITION BY RANGE (finished_at);
CREATE TABLE {s}.history_cancelled PARTITION OF {s}.history FOR VALUES IN ('cancelled') PARTITION BY RANGE (finished_at);
-- Where no day was made in time.
CREATE TABLE {s}.history_completed_other PARTITION OF {s}.history_completed DEFAULT;
CREATE TABLE {s}.history_failed_other    PARTITION OF {s}.history_failed    DEFAULT;
CREATE TABLE {s}.history_cancelled_other PARTITION OF {s}.history_cancelled DEFAULT;
-- By which their rows are removed one by one.
CREATE INDEX ON {s}.history_completed_other (finished_at);
CREATE INDEX ON {s}.history_failed_other    (finished_at);
CREATE INDEX ON {s}.history_cancelled_other (finished_at);
CREATE INDEX ON {s}.history (id);
CREATE INDEX ON {s}.history (place);
CREATE INDEX ON {s}.history (parent) WHERE parent IS NOT NULL;

-- How many finished jobs the history holds, as sums of small changes: one row that all change would hold everybody up.
CREATE TABLE {s}.tally (
    state text COLLATE "C" NOT NULL,
    day   date   NOT NULL,                                        -- on which they ended, UTC: it goes with its day
    jobs  bigint NOT NULL
);

-- Queues that give no jobs.
CREATE TABLE {s}.paused_queue (
    queue text COLLATE "C" PRIMARY KEY,
    since timestamptz NOT NULL,
    CONSTRAINT paused_queue_times CHECK (since >= '0001-01-01 00:00:00+00' AND since < '9999-12-30 22:00:01+00')
);

CREATE TABLE {s}.worker (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         uuid        NOT NULL UNIQUE,
    name       text COLLATE "C" NOT NULL,
    build      text        NOT NULL,
    kinds      text COLLATE "C" NOT NULL,                              -- which set of rows of kind it can run
    queues     text[]      NOT NULL,
    schedules  text[]      NOT NULL DEFAULT '{}',                 -- the keys of those in its code
    lease      bigint      NOT NULL,                              -- milliseconds
    started_at timestamptz NOT NULL,
    renewed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Workers that are gone and whose jobs may not all be free yet, so that nobody needs to look at every running job for them.
CREATE TABLE {s}.dead_worker (
    seq bigint PRIMARY KEY                                        -- what worker.seq was
);

-- What builds can run. Workers of one build share their rows.
CREATE TABLE {s}.kind (
    kinds    text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    shape    text COLLATE "C" NOT NULL,
    queue    text COLLATE "C" NOT NULL,                           -- this and the next: what a job has that says nothing of it
    priority smallint NOT NULL,
    tags     text,                                                -- a JSON list
    started_at timestamptz NOT NULL,                              -- when the last worker of the build started
    PRIMARY KEY (name, kinds)
);

CREATE TABLE {s}.schedule (
    key           text COLLATE "C" PRIMARY KEY,
    kind          text COLLATE "C" NOT NULL,
    spec          text        NOT NULL,                           -- cron 0 2 * * *, every 10s, or never
    zone          text        NOT NULL,
    group_name    text COLLATE "C",                               -- the group that it is replaced with
    build         text,                                           -- the build whose code it stands in; none for one that the store alone has
    definition    text        NOT NULL,                           -- all else that was declared or saved, a JSON object
    version       bigint      NOT NULL,                           -- grows with each change but for ticks
    last_tick     timestamptz NOT NULL,                           -- only grows, but for one that a wrong clock has put far ahead
    paused_at     timestamptz,                                    -- by hand
    retired_at    timestamptz,                                    -- since when it is gone from all code
    override_spec text,                                           -- times that were given by hand
    override_zone text,
    queued        text        NOT NULL DEFAULT '[]',              -- ticks that wait for the last run to end, a JSON list
    started       text        NOT NULL DEFAULT '[]',              -- the last builds for which it ran on start, a JSON list
    CONSTRAINT schedule_names CHECK (octet_length(key) <= 1000 AND octet_length(kind) <= 1000 AND octet_length(group_name) <= 1000),
    CONSTRAINT schedule_times CHECK (last_tick >= '0001-01-01 00:00:00+00' AND last_tick < '9999-12-30 22:00:01+00'
        AND (paused_at IS NULL OR (paused_at >= '0001-01-01 00:00:00+00' AND paused_at < '9999-12-30 22:00:01+00'))
        AND (retired_at IS NULL OR (retired_at >= '0001-01-01 00:00:00+00' AND retired_at < '9999-12-30 22:00:01+00')))
);
CREATE INDEX schedule_group ON {s}.schedule (group_name) WHERE group_name IS NOT NULL;

-- Every tick that was dealt with. It stands for all ticks after `since`.
CREATE TABLE {s}.tick (
    schedule text COLLATE "C" NOT NULL,
    instant  timestamptz NOT NULL,
    cause    text COLLATE "C" NOT NULL,                           -- time, start or request
    since    timestamptz NOT NULL,
    dealt_at timestamptz NOT NULL,
    outcome  text COLLATE "C" NOT NULL,                           -- fired, queued, or why it was skipped
    missed   integer     NOT NULL,                                -- earlier ticks that it stands for, counted up to 1,000
    job      uuid,
    PRIMARY KEY (schedule, instant)
);
CREATE INDEX tick_age ON {s}.tick (dealt_at);

BEGIN;
CREATE SCHEMA IF NOT EXISTS "jobs";
CREATE TABLE IF NOT EXISTS "jobs".migration (version integer PRIMARY KEY, oldest integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
-- Live jobs only. A finished job moves to history. No foreign keys and no triggers: every claim and completion goes through here.
CREATE TABLE "jobs".job (
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
CREATE INDEX job_ready     ON "jobs".job (queue, kind, priority, run_at, seq) WHERE state = 'available' AND crashes = 0;
CREATE INDEX job_probation ON "jobs".job (queue, kind, priority, run_at, seq) WHERE state = 'available' AND crashes > 0;
CREATE INDEX job_due       ON "jobs".job (run_at) WHERE state IN ('scheduled', 'retryable');
CREATE INDEX job_running   ON "jobs".job (worker) WHERE state = 'running';
CREATE INDEX job_parked    ON "jobs".job (kind, parked_by) WHERE state = 'parked';
CREATE INDEX job_cancel    ON "jobs".job (worker) WHERE cancel IS NOT NULL;
CREATE INDEX job_scheduled ON "jobs".job (schedule) WHERE schedule IS NOT NULL;
CREATE INDEX job_following ON "jobs".job (parent) WHERE parent IS NOT NULL;
CREATE UNIQUE INDEX job_name   ON "jobs".job (name) WHERE name IS NOT NULL;
CREATE UNIQUE INDEX job_unique ON "jobs".job (unique_key) WHERE unique_key IS NOT NULL;

-- Finished jobs, by how they ended and by the day: a day whose retention is over is dropped whole.
CREATE SEQUENCE "jobs".history_place;
CREATE TABLE "jobs".history (
    place       bigint      NOT NULL DEFAULT nextval('"jobs".history_place'),  -- the order in which they ended
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

CREATE TABLE "jobs".history_completed PARTITION OF "jobs".history FOR VALUES IN ('completed') PARTITION BY RANGE (finished_at);
CREATE TABLE "jobs".history_failed    PARTITION OF "jobs".history FOR VALUES IN ('failed')    PARTITION BY RANGE (finished_at);
CREATE TABLE "jobs".history_cancelled PARTITION OF "jobs".history FOR VALUES IN ('cancelled') PARTITION BY RANGE (finished_at);
-- Where no day was made in time.
CREATE TABLE "jobs".history_completed_other PARTITION OF "jobs".history_completed DEFAULT;
CREATE TABLE "jobs".history_failed_other    PARTITION OF "jobs".history_failed    DEFAULT;
CREATE TABLE "jobs".history_cancelled_other PARTITION OF "jobs".history_cancelled DEFAULT;
-- By which their rows are removed one by one.
CREATE INDEX ON "jobs".history_completed_other (finished_at);
CREATE INDEX ON "jobs".history_failed_other    (finished_at);
CREATE INDEX ON "jobs".history_cancelled_other (finished_at);
CREATE INDEX ON "jobs".history (id);
CREATE INDEX ON "jobs".history (place);
CREATE INDEX ON "jobs".history (parent) WHERE parent IS NOT NULL;

-- How many finished jobs the history holds, as sums of small changes: one row that all change would hold everybody up.
CREATE TABLE "jobs".tally (
    state text COLLATE "C" NOT NULL,
    day   date   NOT NULL,                                        -- on which they ended, UTC: it goes with its day
    jobs  bigint NOT NULL
);

-- Queues that give no jobs.
CREATE TABLE "jobs".paused_queue (
    queue text COLLATE "C" PRIMARY KEY,
    since timestamptz NOT NULL,
    CONSTRAINT paused_queue_times CHECK (since >= '0001-01-01 00:00:00+00' AND since < '9999-12-30 22:00:01+00')
);

CREATE TABLE "jobs".worker (
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
CREATE TABLE "jobs".dead_worker (
    seq bigint PRIMARY KEY                                        -- what worker.seq was
);

-- What builds can run. Workers of one build share their rows.
CREATE TABLE "jobs".kind (
    kinds    text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    shape    text COLLATE "C" NOT NULL,
    queue    text COLLATE "C" NOT NULL,                           -- this and the next: what a job has that says nothing of it
    priority smallint NOT NULL,
    tags     text,                                                -- a JSON list
    started_at timestamptz NOT NULL,                              -- when the last worker of the build started
    PRIMARY KEY (name, kinds)
);

CREATE TABLE "jobs".schedule (
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
CREATE INDEX schedule_group ON "jobs".schedule (group_name) WHERE group_name IS NOT NULL;

-- Every tick that was dealt with. It stands for all ticks after `since`.
CREATE TABLE "jobs".tick (
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
CREATE INDEX tick_age ON "jobs".tick (dealt_at);

-- The contract with other transactions, other languages and plain SQL: stable, and described in the guide (page `transactions`). Each
-- function runs with the rights of its caller, finds nothing by its search path, and changes nothing where its transaction fails. Its plans
-- are kept for as long as the session lives, so they may not be those of tables that were empty when the first one was made.

-- Stores jobs: `jobs` is one JSON object, or a list of them. One row for each, in order: the id, and whether this call stored it. A job
-- whose id is there, live or finished, and a job whose name a live one bears, is not stored; the row has the id that is there.
CREATE FUNCTION "jobs".enqueue(jobs text) RETURNS TABLE (place integer, id uuid, created boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $jobs_contract$
#variable_conflict use_column
DECLARE
    list     json := CASE json_typeof(jobs::json) WHEN 'object' THEN json_build_array(jobs::json) ELSE jobs::json END;
    wrong    text;
    ids      uuid[];       -- one for each job
    known    uuid[];       -- those of them that may have been used before
    made     uuid[] := '{}';
    more     uuid[];
    finished uuid[] := '{}';
    answers  uuid[];       -- the id that stands there, for each job
    own      boolean[];    -- and whether this call stored it
    missing  boolean;
    others   boolean := current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted');
BEGIN
    IF list IS NULL OR json_typeof(list) <> 'array' THEN
        RAISE EXCEPTION 'jobs: a job is a JSON object, and several are a list of them' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF json_array_length(list) > 100000 THEN
        RAISE EXCEPTION 'jobs: % jobs in one call are more than the 100000 that one transaction may hold', json_array_length(list)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    SELECT string_agg('job ' || m.place || ': ' || m.what, '; ' ORDER BY m.place, m.what) INTO wrong FROM (
        SELECT e.place, 'is ' || json_typeof(e.job) || ', and must be an object' AS what
        FROM json_array_elements(list) WITH ORDINALITY AS e (job, place) WHERE json_typeof(e.job) <> 'object' LIMIT 20
    ) AS m;
    IF wrong IS NULL THEN
        BEGIN
        SELECT string_agg('job ' || m.place || ': ' || m.what, '; ' ORDER BY m.place, m.what) INTO wrong FROM (
            SELECT e.place, '`' || left(k.key, 60) || CASE WHEN k.key <> ALL ('{id,kind,payload,queue,priority,run_at,delay,created_at,name,retries,'
                'timeout,tags,metadata,tenant,user,parent,chain,fresh}') THEN '` is no key of a job' ELSE '` cannot be ' || json_typeof(k.value) END AS what
            FROM json_array_elements(list) WITH ORDINALITY AS e (job, place), json_each(e.job) AS k (key, value)
            WHERE json_typeof(k.value) <> ALL (CASE
                WHEN k.key IN ('id', 'kind', 'queue', 'name', 'tenant', 'user', 'parent') THEN '{string,"null"}'
                WHEN k.key IN ('priority', 'retries', 'timeout', 'delay', 'created_at') THEN '{number,"null"}'
                WHEN k.key = 'run_at' THEN '{string,number,"null"}' WHEN k.key = 'fresh' THEN '{boolean,"null"}'
                WHEN k.key IN ('payload', 'metadata', 'tags', 'chain') THEN '{object,array,string,number,boolean,"null"}' ELSE '{}' END::text[])
            UNION ALL
            SELECT n.place, x.what FROM ROWS FROM (json_to_recordset(list) AS (id text, kind text, payload text, queue text, priority text,
                run_at text, delay text, created_at text, name text, retries text, timeout text, tags text, metadata text, parent text, chain text))
                WITH ORDINALITY AS n (id, kind, payload, queue, priority, run_at, delay, created_at, name, retries, timeout, tags, metadata,
                parent, chain, place), LATERAL (VALUES
                (n.kind IS NULL, 'has no `kind`'),
                (n.kind !~ '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$', '`kind` is no name'),
                (n.queue !~ '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$', '`queue` is no name'),
                (n.name !~ '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$', '`name` is no name'),
                (n.id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', '`id` is no UUID'),
                (n.parent !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', '`parent` is no UUID'),
                (CASE WHEN n.payload IS NOT NULL THEN json_typeof(n.payload::json) <> 'object' END, '`payload` is no object'),
                (octet_length(n.payload) > 1048576, '`payload` takes more than 1048576 bytes'),
                (CASE WHEN n.metadata IS NOT NULL THEN json_typeof(n.metadata::json) <> 'object' END, '`metadata` is no object'),
                (CASE WHEN n.chain IS NOT NULL THEN json_typeof(n.chain::json) <> 'array' END, '`chain` is no list'),
                (CASE WHEN n.tags IS NULL THEN false WHEN json_typeof(n.tags::json) <> 'array' THEN true
                    ELSE EXISTS (SELECT 1 FROM json_array_elements(n.tags::json) AS t (tag) WHERE json_typeof(t.tag) <> 'string'
                        OR t.tag #>> '{}' !~ '^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$') END, '`tags` is no list of names'),
                (CASE WHEN n.priority ~ '^-?[0-9]{1,5}$' THEN n.priority::integer NOT BETWEEN -32768 AND 32767 ELSE n.priority IS NOT NULL END,
                    '`priority` is no whole number from -32768 to 32767'),
                (CASE WHEN n.retries ~ '^[0-9]{1,10}$' THEN n.retries::bigint > 2147483647 ELSE n.retries IS NOT NULL END,
                    '`retries` is no whole number from 0'),
                (CASE WHEN n.timeout ~ '^[0-9]{1,14}$' THEN n.timeout::bigint = 0 ELSE n.timeout IS NOT NULL END,
                    '`timeout` is no whole number of milliseconds'),
                (n.delay !~ '^[0-9]{1,14}$', '`delay` is no whole number of milliseconds'),
                (n.delay IS NOT NULL AND n.run_at IS NOT NULL, '`delay` and `run_at` exclude each other'),
                (n.run_at !~ '^(-?[0-9]{1,18}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))$',
                    '`run_at` is neither a time such as 2026-05-01T12:00:00Z nor a number of microseconds since 1970'),
                (CASE WHEN n.run_at ~ '^-?[0-9]{1,18}$' THEN n.run_at::bigint NOT BETWEEN -62135596800000000 AND 253402207200000000 END,
                    '`run_at` is not between the years 1 and 9999'),
                (n.created_at !~ '^-?[0-9]{1,18}$', '`created_at` is no number of microseconds since 1970')
            ) AS x (wrong, what) WHERE x.wrong LIMIT 20
        ) AS m;
        EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
            wrong := 'a `payload`, `metadata`, `tags` or `chain` that is a text must hold JSON: ' || SQLERRM;
        END;
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'jobs: %', wrong USING ERRCODE = 'invalid_parameter_value', HINT = 'A name has 1 to 128 letters, digits and '
            '_ - . : / and begins with a letter, a digit or _. Keys: kind, payload, id, queue, priority, run_at or delay, name, retries, '
            'timeout, tags, metadata, tenant, user, parent, chain.';
    END IF;

    -- A UUID of version 7 (RFC 9562) for each job that brings none.
    SELECT array_agg(coalesce(n.id::uuid, (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
            || substr(n.chance, 1, 3) || substr('89ab', (ascii(substr(n.chance, 4, 1)) & 3) + 1, 1) || substr(n.chance, 5, 15))::uuid)
            ORDER BY n.place),
        array_agg(n.id::uuid) FILTER (WHERE n.id IS NOT NULL),
        coalesce(bool_or(n.id IS NOT NULL AND n.fresh IS DISTINCT FROM 'true'), false)
    INTO ids, known, missing
    FROM (SELECT i.id, i.fresh, i.place, encode(sha256(convert_to(random()::text || random()::text || clock_timestamp()::text
            || pg_backend_pid() || '.' || i.place, 'UTF8')), 'hex') AS chance
        FROM ROWS FROM (json_to_recordset(list) AS (id text, fresh text)) WITH ORDINALITY AS i (id, fresh, place)) AS n;
    IF missing AND others THEN
        RAISE EXCEPTION 'jobs: a job with an id of its own cannot be stored by a transaction of the isolation level %', current_setting('transaction_isolation')
            USING ERRCODE = 'feature_not_supported', HINT = 'It would not see that the job has finished since it began. Use READ COMMITTED, or no id.';
    END IF;

    FOR try IN 1..10 LOOP
        WITH stored AS (
            INSERT INTO "jobs".job (id, kind, queue, priority, state, run_at, created_at, payload, name, retries, timeout, tags, metadata, tenant,
                "user", parent, chain)
            SELECT ids[n.place], n.kind, coalesce(n.queue, d.queue, 'default'), coalesce(n.priority, d.priority, 0),
                CASE WHEN t.due <= t.now THEN 'available' ELSE 'scheduled' END, t.due, t.now, coalesce(n.payload, '{}'), n.name, n.retries,
                n.timeout, CASE WHEN n.tags IS NULL THEN d.tags WHEN json_array_length(n.tags::json) > 0 THEN n.tags END, n.metadata, n.tenant,
                n."user", n.parent, CASE WHEN json_array_length(n.chain::json) > 0 THEN n.chain END
            FROM ROWS FROM (json_to_recordset(list) AS (kind text, payload text, queue text, priority smallint, run_at text, delay bigint,
                created_at bigint, name text, retries integer, timeout bigint, tags text, metadata text, tenant text, "user" text, parent uuid,
                chain text)) WITH ORDINALITY AS n (kind, payload, queue, priority, run_at, delay, created_at, name, retries, timeout, tags,
                metadata, tenant, "user", parent, chain, place)
            -- What the worker that started last says of the kind.
            LEFT JOIN LATERAL (SELECT k.queue, k.priority, k.tags FROM "jobs".kind AS k WHERE k.name = n.kind
                ORDER BY k.started_at DESC, k.kinds LIMIT 1) AS d ON true,
            LATERAL (SELECT coalesce(timestamptz 'epoch' + n.created_at * interval '1 microsecond', now()) AS now) AS c,
            LATERAL (SELECT CASE
                WHEN n.run_at ~ '^-?[0-9]+$' THEN timestamptz 'epoch' + n.run_at::bigint * interval '1 microsecond'
                ELSE coalesce(n.run_at::timestamptz, c.now + coalesce(n.delay, 0) * interval '1 millisecond') END AS at) AS a,
            LATERAL (SELECT c.now, least(a.at, timestamptz '9999-12-30 22:00:00+00') AS due) AS t
            -- What this transaction still sees although it has ended since, the unique index does not.
            WHERE NOT others OR NOT EXISTS (SELECT 1 FROM "jobs".job AS j WHERE j.id = ids[n.place])
            ORDER BY n.place ON CONFLICT DO NOTHING RETURNING job.id
        ) SELECT array_agg(stored.id) INTO more FROM stored;
        made := made || more;
        -- A job that has finished leaves its id in the history, perhaps since the statement above began: this one sees it.
        WITH gone AS (
            DELETE FROM "jobs".job AS j USING (SELECT m.id FROM unnest(made) AS m (id) JOIN unnest(known) AS k (id) ON k.id = m.id
                WHERE EXISTS (SELECT 1 FROM "jobs".history AS h WHERE h.id = m.id)) AS m
            WHERE j.id = m.id RETURNING j.id
        ) SELECT array_agg(gone.id) INTO more FROM gone;
        finished := finished || more;
        SELECT array_agg(n.answer ORDER BY n.place), array_agg(n.own ORDER BY n.place), coalesce(bool_or(n.answer IS NULL), false)
        INTO answers, own, missing
        FROM (
            SELECT n.place, n.own, CASE WHEN n.own OR EXISTS (SELECT 1 FROM "jobs".job AS j WHERE j.id = n.id)
                OR EXISTS (SELECT 1 FROM "jobs".history AS h WHERE h.id = n.id) THEN n.id
                ELSE (SELECT j.id FROM "jobs".job AS j WHERE j.name = n.name) END AS answer
            FROM (
                SELECT i.id, i.name, i.place, row_number() OVER (PARTITION BY i.id ORDER BY i.place) = 1
                    AND EXISTS (SELECT 1 FROM unnest(made) AS m (id) WHERE m.id = i.id)
                    AND NOT EXISTS (SELECT 1 FROM unnest(finished) AS f (id) WHERE f.id = i.id) AS own
                FROM ROWS FROM (unnest(ids), json_to_recordset(list) AS (name text)) WITH ORDINALITY AS i (id, name, place)
            ) AS n
        ) AS n;
        -- Who bore a name may have gone between the statements: then it is free.
        EXIT WHEN NOT missing;
        IF others OR try = 10 THEN
            RAISE EXCEPTION 'jobs: another transaction has just stored or ended a job of this name or id' USING ERRCODE = 'serialization_failure';
        END IF;
    END LOOP;
    RETURN QUERY SELECT n.place::integer, n.id, n.created FROM unnest(answers, own) WITH ORDINALITY AS n (id, created, place) ORDER BY n.place;

    -- Told when the transaction is committed, and once however often it is said. The channel is named after the schema.
    IF cardinality(made) > 0 AND coalesce(current_setting('jobs.notify', true), '') <> 'off' THEN
        PERFORM pg_notify('jobs.' || (SELECT ns.nspname FROM "jobs".migration AS m JOIN pg_class AS c ON c.oid = m.tableoid
            JOIN pg_namespace AS ns ON ns.oid = c.relnamespace WHERE m.version = 1), 'jobs sql');
    END IF;
END
$jobs_contract$;

-- Completes running jobs: `outcomes` is one JSON object, or a list of them: `id`, `token`, and if wanted `output`, `note`, `started_at`,
-- `followers` (jobs that are stored with it). Fails if one of them does not run under its token any more, and with it the transaction, which
-- then has done nothing. Answers how many there were.
CREATE FUNCTION "jobs".complete(outcomes text) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $jobs_contract$
#variable_conflict use_column
DECLARE
    list  json := CASE json_typeof(outcomes::json) WHEN 'object' THEN json_build_array(outcomes::json) ELSE outcomes::json END;
    wrong text;
    done  bigint;
    followers json;
BEGIN
    IF list IS NULL OR json_typeof(list) <> 'array' THEN
        RAISE EXCEPTION 'jobs: an outcome is a JSON object, and several are a list of them' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT string_agg('outcome ' || m.place || ': ' || m.what, '; ' ORDER BY m.place, m.what) INTO wrong FROM (
        SELECT e.place, 'is no object' AS what
        FROM json_array_elements(list) WITH ORDINALITY AS e (outcome, place) WHERE json_typeof(e.outcome) <> 'object' LIMIT 20
    ) AS m;
    IF wrong IS NULL THEN
        SELECT string_agg('outcome ' || m.place || ': ' || m.what, '; ' ORDER BY m.place, m.what) INTO wrong FROM (
            SELECT e.place, '`' || left(k.key, 60) || '` is no key of an outcome' AS what
            FROM json_array_elements(list) WITH ORDINALITY AS e (outcome, place), json_object_keys(e.outcome) AS k (key)
            WHERE k.key <> ALL ('{id,token,output,note,started_at,finished_at,followers}')
            UNION ALL
            SELECT n.place, x.what FROM ROWS FROM (json_to_recordset(list) AS (id text, token text, output text, started_at text, finished_at text,
                followers text)) WITH ORDINALITY AS n (id, token, output, started_at, finished_at, followers, place), LATERAL (VALUES
                (n.id IS NULL OR n.id !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', '`id` is no UUID'),
                (n.token IS NULL OR n.token !~ '^[0-9]{1,18}$', '`token` is no whole number'),
                (n.started_at !~ '^-?[0-9]{1,18}$', '`started_at` is no number of microseconds since 1970'),
                (n.finished_at !~ '^-?[0-9]{1,18}$', '`finished_at` is no number of microseconds since 1970'),
                (CASE WHEN n.followers IS NOT NULL THEN json_typeof(n.followers::json) <> 'array' END, '`followers` is no list')
            ) AS x (wrong, what) WHERE x.wrong LIMIT 20
        ) AS m;
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'jobs: %', wrong USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Keys: id, token, output, note, started_at, followers.';
    END IF;

    WITH o AS (
        SELECT * FROM json_to_recordset(list) AS o (id uuid, token bigint, output text, note text, started_at bigint, finished_at bigint)
    ), moved AS (
        DELETE FROM "jobs".job AS j USING o WHERE j.id = o.id AND j.token = o.token AND j.state || '' = 'running'
        RETURNING j.*, o.output, o.note, timestamptz 'epoch' + o.started_at * interval '1 microsecond' AS began,
            coalesce(timestamptz 'epoch' + o.finished_at * interval '1 microsecond', now()) AS ended
    ), kept AS (
        INSERT INTO "jobs".history (id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, retries, timeout, name, unique_key,
            tags, metadata, tenant, "user", schedule, tick, parent, chain, state, started_at, finished_at, failures, errors, error, output)
        SELECT m.id, m.token, m.kind, m.queue, m.priority, m.run_at, m.created_at, m.payload, m.crashes, m.snoozes, m.retries, m.timeout, m.name,
            m.unique_key, m.tags, m.metadata, m.tenant, m."user", m.schedule, m.tick, m.parent, m.chain, 'completed',
            coalesce(m.began, m.started_at), m.ended, m.failures, m.errors, m.note, m.output FROM moved AS m
    ), counted AS (
        INSERT INTO "jobs".tally (state, day, jobs) SELECT 'completed', (m.ended AT TIME ZONE 'UTC')::date, count(*) FROM moved AS m GROUP BY 2
    ) SELECT count(*) INTO done FROM moved;
    IF done <> json_array_length(list) THEN
        RAISE EXCEPTION 'jobs: % of % jobs do not run under their token any more', json_array_length(list) - done, json_array_length(list)
            USING ERRCODE = 'JB001', HINT = 'The lease was lost, or the job was completed before. Nothing of this transaction may be kept.';
    END IF;

    SELECT json_agg(f.job ORDER BY e.place, f.place) INTO followers
    FROM json_array_elements(list) WITH ORDINALITY AS e (outcome, place),
        json_array_elements(CASE json_typeof(e.outcome -> 'followers') WHEN 'array' THEN e.outcome -> 'followers' ELSE '[]' END)
            WITH ORDINALITY AS f (job, place);
    IF followers IS NOT NULL THEN
        PERFORM "jobs".enqueue(followers::text);
    END IF;
    RETURN done;
END
$jobs_contract$;
INSERT INTO "jobs".migration (version, oldest) VALUES (1, 1);
COMMIT;


-- The contract with other transactions, other languages and plain SQL: stable, and described in the guide (page `transactions`). The texts
-- of errors are constants, since the SQLite of another program, which reads these triggers too, may not know how to compute them.

-- What became of the jobs of the last call. One writer at a time: in its transaction nobody else can have made a call since.
CREATE TABLE jobs_enqueued (
    place   INTEGER PRIMARY KEY,                -- from 1
    id      BLOB    NOT NULL,
    name    TEXT,
    newest  INTEGER NOT NULL,                   -- the newest job before the call
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_enqueued_id ON jobs_enqueued (id);

-- `INSERT INTO jobs_enqueue (jobs) VALUES (?1)` stores jobs: one JSON object, or a list of them. Then `SELECT place, id, created FROM
-- jobs_enqueue` has one row for each, in order: the id, and whether the call stored it. A job whose id is there, live or finished, and a
-- job whose name a live one bears, is not stored; the row has the id that is there.
CREATE VIEW jobs_enqueue (jobs, place, id, created) AS
SELECT NULL, place, lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || substr(hex(id), 13, 4) || '-' || substr(hex(id), 17, 4)
    || '-' || substr(hex(id), 21)), created
FROM jobs_enqueued;

CREATE TRIGGER jobs_enqueue_insert INSTEAD OF INSERT ON jobs_enqueue
BEGIN
    SELECT CASE
        WHEN coalesce(json_valid(NEW.jobs), 0) = 0 OR json_type(NEW.jobs) NOT IN ('object', 'array')
            THEN RAISE(ABORT, 'jobs: a job is a JSON object, and several are a list of them')
        WHEN json_type(NEW.jobs) = 'array' AND json_array_length(NEW.jobs) > 100000
            THEN RAISE(ABORT, 'jobs: more than 100000 jobs in one call')
    END;
    SELECT RAISE(ABORT, 'jobs: each of a list of jobs must be an object')
    FROM json_each(CASE json_type(NEW.jobs) WHEN 'object' THEN '[]' ELSE NEW.jobs END) AS e WHERE e.type <> 'object';
    SELECT RAISE(ABORT, 'jobs: a job has an unknown key; there are kind, payload, id, queue, priority, run_at or delay, name, retries, timeout, tags, metadata, tenant, user, parent, chain')
    FROM json_each(CASE json_type(NEW.jobs) WHEN 'object' THEN '[' || NEW.jobs || ']' ELSE NEW.jobs END) AS e, json_each(e.value) AS k
    WHERE k.key NOT IN ('id', 'kind', 'payload', 'queue', 'priority', 'run_at', 'delay', 'created_at', 'name', 'retries', 'timeout', 'tags',
        'metadata', 'tenant', 'user', 'parent', 'chain', 'fresh');
    SELECT CASE
        -- What looks for letters stops at it.
        WHEN instr(CAST((SELECT group_concat(t.atom, ' ') FROM json_tree(e.value) AS t WHERE t.type = 'text' AND t.path IN ('$', '$.tags')) AS BLOB), x'00') > 0
            THEN RAISE(ABORT, 'jobs: a text of a job has the character NUL in it')
        WHEN coalesce(json_type(e.value, '$.kind'), '') <> 'text' THEN RAISE(ABORT, 'jobs: a job has no `kind`, which is a text')
        WHEN length(json_extract(e.value, '$.kind')) NOT BETWEEN 1 AND 128 OR json_extract(e.value, '$.kind') GLOB '*[^-A-Za-z0-9_.:/]*'
            OR json_extract(e.value, '$.kind') NOT GLOB '[A-Za-z0-9_]*'
            THEN RAISE(ABORT, 'jobs: the `kind` of a job is no name: 1 to 128 letters, digits and _ - . : /, the first a letter, a digit or _')
        WHEN coalesce(json_type(e.value, '$.queue'), 'null') NOT IN ('text', 'null')
            OR length(json_extract(e.value, '$.queue')) NOT BETWEEN 1 AND 128 OR json_extract(e.value, '$.queue') GLOB '*[^-A-Za-z0-9_.:/]*'
            OR json_extract(e.value, '$.queue') NOT GLOB '[A-Za-z0-9_]*'
            THEN RAISE(ABORT, 'jobs: the `queue` of a job is no name: 1 to 128 letters, digits and _ - . : /, the first a letter, a digit or _')
        WHEN coalesce(json_type(e.value, '$.name'), 'null') NOT IN ('text', 'null')
            OR length(json_extract(e.value, '$.name')) NOT BETWEEN 1 AND 128 OR json_extract(e.value, '$.name') GLOB '*[^-A-Za-z0-9_.:/]*'
            OR json_extract(e.value, '$.name') NOT GLOB '[A-Za-z0-9_]*'
            THEN RAISE(ABORT, 'jobs: the `name` of a job is no name: 1 to 128 letters, digits and _ - . : /, the first a letter, a digit or _')
        WHEN json_extract(e.value, '$.id') IS NOT NULL AND (json_type(e.value, '$.id') <> 'text' OR length(json_extract(e.value, '$.id')) <> 36
            OR length(replace(json_extract(e.value, '$.id'), '-', '')) <> 32 OR json_extract(e.value, '$.id') GLOB '*[^-A-Fa-f0-9]*'
            OR json_extract(e.value, '$.id') NOT LIKE '________-____-____-____-____________')
            THEN RAISE(ABORT, 'jobs: the `id` of a job is no UUID')
        WHEN json_extract(e.value, '$.parent') IS NOT NULL AND (json_type(e.value, '$.parent') <> 'text'
            OR length(json_extract(e.value, '$.parent')) <> 36 OR length(replace(json_extract(e.value, '$.parent'), '-', '')) <> 32
            OR json_extract(e.value, '$.parent') GLOB '*[^-A-Fa-f0-9]*'
            OR json_extract(e.value, '$.parent') NOT LIKE '________-____-____-____-____________')
            THEN RAISE(ABORT, 'jobs: the `parent` of a job is no UUID')
        WHEN json_extract(e.value, '$.payload') IS NOT NULL AND (json_type(e.value, '$.payload') NOT IN ('object', 'text')
            OR json_valid(json_extract(e.value, '$.payload')) = 0)
            THEN RAISE(ABORT, 'jobs: the `payload` of a job is no JSON object')
        WHEN json_extract(e.value, '$.payload') IS NOT NULL AND json_type(json_extract(e.value, '$.payload')) <> 'object'
            THEN RAISE(ABORT, 'jobs: the `payload` of a job is no JSON object')
        WHEN length(CAST(json_extract(e.value, '$.payload') AS BLOB)) > 1048576
            THEN RAISE(ABORT, 'jobs: the `payload` of a job takes more than 1048576 bytes')
        WHEN json_extract(e.value, '$.metadata') IS NOT NULL AND (json_type(e.value, '$.metadata') NOT IN ('object', 'text')
            OR json_valid(json_extract(e.value, '$.metadata')) = 0)
            THEN RAISE(ABORT, 'jobs: the `metadata` of a job is no JSON object')
        WHEN json_extract(e.value, '$.metadata') IS NOT NULL AND json_type(json_extract(e.value, '$.metadata')) <> 'object'
            THEN RAISE(ABORT, 'jobs: the `metadata` of a job is no JSON object')
        WHEN json_extract(e.value, '$.tags') IS NOT NULL AND (json_type(e.value, '$.tags') NOT IN ('array', 'text')
            OR json_valid(json_extract(e.value, '$.tags')) = 0)
            THEN RAISE(ABORT, 'jobs: the `tags` of a job are no list of names')
        WHEN json_extract(e.value, '$.tags') IS NOT NULL AND (json_type(json_extract(e.value, '$.tags')) <> 'array'
            OR EXISTS (SELECT 1 FROM json_each(json_extract(e.value, '$.tags')) AS t WHERE t.type <> 'text' OR length(t.value) NOT BETWEEN 1 AND 128 OR instr(CAST(t.value AS BLOB), x'00') > 0
                OR t.value GLOB '*[^-A-Za-z0-9_.:/]*' OR t.value NOT GLOB '[A-Za-z0-9_]*'))
            THEN RAISE(ABORT, 'jobs: the `tags` of a job are no list of names')
        WHEN json_extract(e.value, '$.chain') IS NOT NULL AND (json_type(e.value, '$.chain') NOT IN ('array', 'text')
            OR json_valid(json_extract(e.value, '$.chain')) = 0)
            THEN RAISE(ABORT, 'jobs: the `chain` of a job is no list')
        WHEN json_extract(e.value, '$.chain') IS NOT NULL AND json_type(json_extract(e.value, '$.chain')) <> 'array'
            THEN RAISE(ABORT, 'jobs: the `chain` of a job is no list')
        WHEN json_extract(e.value, '$.priority') IS NOT NULL AND (json_type(e.value, '$.priority') <> 'integer'
            OR json_extract(e.value, '$.priority') NOT BETWEEN -32768 AND 32767)
            THEN RAISE(ABORT, 'jobs: the `priority` of a job is no whole number from -32768 to 32767')
        WHEN json_extract(e.value, '$.retries') IS NOT NULL AND (json_type(e.value, '$.retries') <> 'integer'
            OR json_extract(e.value, '$.retries') NOT BETWEEN 0 AND 2147483647)
            THEN RAISE(ABORT, 'jobs: the `retries` of a job are no whole number from 0')
        WHEN json_extract(e.value, '$.timeout') IS NOT NULL AND (json_type(e.value, '$.timeout') <> 'integer'
            OR json_extract(e.value, '$.timeout') NOT BETWEEN 1 AND 99999999999999)
            THEN RAISE(ABORT, 'jobs: the `timeout` of a job is no whole number of milliseconds')
        WHEN json_extract(e.value, '$.delay') IS NOT NULL AND (json_type(e.value, '$.delay') <> 'integer'
            OR json_extract(e.value, '$.delay') NOT BETWEEN 0 AND 99999999999999)
            THEN RAISE(ABORT, 'jobs: the `delay` of a job is no whole number of milliseconds')
        WHEN json_extract(e.value, '$.delay') IS NOT NULL AND json_extract(e.value, '$.run_at') IS NOT NULL
            THEN RAISE(ABORT, 'jobs: `delay` and `run_at` exclude each other')
        WHEN json_extract(e.value, '$.run_at') IS NOT NULL AND json_type(e.value, '$.run_at') <> 'integer'
            AND (json_type(e.value, '$.run_at') <> 'text' OR json_extract(e.value, '$.run_at') NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][Tt ][0-9][0-9]:[0-9][0-9]*[Zz0-9]'
                OR NOT (json_extract(e.value, '$.run_at') GLOB '*[Zz]' OR json_extract(e.value, '$.run_at') GLOB '*[-+][0-9][0-9]:[0-9][0-9]')
                OR julianday(upper(json_extract(e.value, '$.run_at'))) IS NULL
                OR date(substr(json_extract(e.value, '$.run_at'), 1, 10)) IS NOT substr(json_extract(e.value, '$.run_at'), 1, 10))
            THEN RAISE(ABORT, 'jobs: the `run_at` of a job is neither a time such as 2026-05-01T12:00:00Z nor a number of microseconds since 1970')
        WHEN json_type(e.value, '$.run_at') = 'integer' AND json_extract(e.value, '$.run_at') NOT BETWEEN -62135596800000000 AND 253402207200000000
            THEN RAISE(ABORT, 'jobs: the `run_at` of a job is not between the years 1 and 9999')
        WHEN json_extract(e.value, '$.created_at') IS NOT NULL AND (json_type(e.value, '$.created_at') <> 'integer'
            OR json_extract(e.value, '$.created_at') NOT BETWEEN -62135596800000000 AND 253402207200000000)
            THEN RAISE(ABORT, 'jobs: the `created_at` of a job is no number of microseconds since 1970')
        WHEN coalesce(json_type(e.value, '$.tenant'), 'null') NOT IN ('text', 'null') OR coalesce(json_type(e.value, '$.user'), 'null') NOT IN ('text', 'null')
            THEN RAISE(ABORT, 'jobs: the `tenant` and the `user` of a job are texts')
    END
    FROM json_each(CASE json_type(NEW.jobs) WHEN 'object' THEN '[' || NEW.jobs || ']' ELSE NEW.jobs END) AS e;

    DELETE FROM jobs_enqueued;
    -- A UUID of version 7 (RFC 9562) for each job that brings none.
    INSERT INTO jobs_enqueued (place, id, name, newest, created)
    SELECT e.key + 1, unhex(coalesce(replace(json_extract(e.value, '$.id'), '-', ''), format('%012x', b.millis) || '7' || substr(hex(randomblob(2)), 1, 3)
            || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(8)), 1, 15))),
        json_extract(e.value, '$.name'), b.newest, 0
    FROM json_each(CASE json_type(NEW.jobs) WHEN 'object' THEN '[' || NEW.jobs || ']' ELSE NEW.jobs END) AS e, (
        SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS millis, (SELECT coalesce(max(seq), 0) FROM jobs_job) AS newest
    ) AS b ORDER BY e.key;

    INSERT INTO jobs_job (id, kind, queue, priority, state, run_at, created_at, payload, name, retries, timeout, tags, metadata, tenant, user, parent, chain)
    SELECT n.id, n.kind, coalesce(n.queue, d.queue, 'default'), coalesce(n.priority, d.priority, 0),
        CASE WHEN coalesce(n.run_at, n.now + n.delay * 1000) <= n.now THEN 'available' ELSE 'scheduled' END,
        min(coalesce(n.run_at, n.now + n.delay * 1000), 253402207200000000), n.now,
        coalesce(n.payload, '{}'), n.name, n.retries, n.timeout, CASE WHEN n.tags IS NULL THEN d.tags WHEN n.tags <> '[]' THEN n.tags END,
        n.metadata, n.tenant, n.user, n.parent, CASE WHEN n.chain <> '[]' THEN n.chain END
    FROM (
        SELECT q.place, q.id, q.name, json_extract(e.value, '$.kind') AS kind, json_extract(e.value, '$.queue') AS queue,
            json_extract(e.value, '$.priority') AS priority, json_extract(e.value, '$.payload') AS payload,
            coalesce(json_extract(e.value, '$.delay'), 0) AS delay, json_extract(e.value, '$.retries') AS retries,
            json_extract(e.value, '$.timeout') AS timeout, json_extract(e.value, '$.tags') AS tags, json_extract(e.value, '$.metadata') AS metadata,
            json_extract(e.value, '$.tenant') AS tenant, json_extract(e.value, '$.user') AS user, json_extract(e.value, '$.chain') AS chain,
            CASE WHEN json_extract(e.value, '$.parent') IS NOT NULL THEN unhex(replace(json_extract(e.value, '$.parent'), '-', '')) END AS parent,
            CASE json_type(e.value, '$.run_at') WHEN 'integer' THEN json_extract(e.value, '$.run_at')
                WHEN 'text' THEN CAST(round((julianday(upper(json_extract(e.value, '$.run_at'))) - 2440587.5) * 86400000) AS INTEGER) * 1000 END AS run_at,
            coalesce(json_extract(e.value, '$.created_at'), CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) AS now
        FROM jobs_enqueued AS q
        JOIN json_each(CASE json_type(NEW.jobs) WHEN 'object' THEN '[' || NEW.jobs || ']' ELSE NEW.jobs END) AS e ON e.key + 1 = q.place
        WHERE NOT EXISTS (SELECT 1 FROM jobs_history AS h WHERE h.id = q.id)
    ) AS n
    -- What the worker that started last says of the kind.
    LEFT JOIN jobs_kind AS d ON d.name = n.kind
        AND d.kinds = (SELECT k.kinds FROM jobs_kind AS k WHERE k.name = n.kind ORDER BY k.started_at DESC, k.kinds LIMIT 1)
    WHERE true ORDER BY n.place ON CONFLICT DO NOTHING;

    UPDATE jobs_enqueued SET
        created = EXISTS (SELECT 1 FROM jobs_job AS j WHERE j.id = jobs_enqueued.id AND j.seq > jobs_enqueued.newest)
            AND NOT EXISTS (SELECT 1 FROM jobs_enqueued AS e WHERE e.id = jobs_enqueued.id AND e.place < jobs_enqueued.place),
        id = CASE WHEN EXISTS (SELECT 1 FROM jobs_job AS j WHERE j.id = jobs_enqueued.id)
                OR EXISTS (SELECT 1 FROM jobs_history AS h WHERE h.id = jobs_enqueued.id) THEN id
            ELSE coalesce((SELECT j.id FROM jobs_job AS j WHERE j.name = jobs_enqueued.name), id) END;
END;

-- `INSERT INTO jobs_complete (outcomes) VALUES (?1)` completes running jobs: one JSON object, or a list of them: `id`, `token`, and if wanted
-- `output`, `note`, `started_at`, `followers` (jobs that are stored with it). If one of them does not run under its token any more, the whole
-- transaction is rolled back. `SELECT jobs FROM jobs_complete` has how many completed jobs there are.
CREATE VIEW jobs_complete (outcomes, jobs) AS SELECT NULL, jobs FROM jobs_tally WHERE state = 'completed';

CREATE TRIGGER jobs_complete_insert INSTEAD OF INSERT ON jobs_complete
BEGIN
    SELECT CASE WHEN coalesce(json_valid(NEW.outcomes), 0) = 0 OR json_type(NEW.outcomes) NOT IN ('object', 'array')
        THEN RAISE(ROLLBACK, 'jobs: an outcome is a JSON object, and several are a list of them') END;
    SELECT RAISE(ROLLBACK, 'jobs: each of a list of outcomes must be an object')
    FROM json_each(CASE json_type(NEW.outcomes) WHEN 'object' THEN '[]' ELSE NEW.outcomes END) AS e WHERE e.type <> 'object';
    SELECT RAISE(ROLLBACK, 'jobs: an outcome has an unknown key; there are id, token, output, note, started_at, followers')
    FROM json_each(CASE json_type(NEW.outcomes) WHEN 'object' THEN '[' || NEW.outcomes || ']' ELSE NEW.outcomes END) AS e, json_each(e.value) AS k
    WHERE k.key NOT IN ('id', 'token', 'output', 'note', 'started_at', 'finished_at', 'followers');
    SELECT CASE
        WHEN coalesce(json_type(e.value, '$.id'), '') <> 'text' OR length(json_extract(e.value, '$.id')) <> 36
            OR length(replace(json_extract(e.value, '$.id'), '-', '')) <> 32 OR json_extract(e.value, '$.id') GLOB '*[^-A-Fa-f0-9]*'
            OR json_extract(e.value, '$.id') NOT LIKE '________-____-____-____-____________'
            OR instr(CAST(json_extract(e.value, '$.id') AS BLOB), x'00') > 0 THEN RAISE(ROLLBACK, 'jobs: the `id` of an outcome is no UUID')
        WHEN coalesce(json_type(e.value, '$.token'), '') <> 'integer' THEN RAISE(ROLLBACK, 'jobs: the `token` of an outcome is no whole number')
        WHEN coalesce(json_type(e.value, '$.started_at'), 'null') NOT IN ('integer', 'null')
            OR coalesce(json_type(e.value, '$.finished_at'), 'null') NOT IN ('integer', 'null')
            THEN RAISE(ROLLBACK, 'jobs: `started_at` of an outcome is no number of microseconds since 1970')
        WHEN coalesce(json_type(e.value, '$.note'), 'null') NOT IN ('text', 'null') THEN RAISE(ROLLBACK, 'jobs: the `note` of an outcome is no text')
        WHEN coalesce(json_type(e.value, '$.followers'), 'null') NOT IN ('array', 'null')
            THEN RAISE(ROLLBACK, 'jobs: the `followers` of an outcome are no list')
        WHEN NOT EXISTS (SELECT 1 FROM jobs_job AS j WHERE j.id = unhex(replace(json_extract(e.value, '$.id'), '-', ''))
            AND j.token = json_extract(e.value, '$.token') AND j.state = 'running')
            THEN RAISE(ROLLBACK, 'jobs: a job does not run under its token any more: the lease was lost, or it was completed before; nothing of this transaction is kept')
    END
    FROM json_each(CASE json_type(NEW.outcomes) WHEN 'object' THEN '[' || NEW.outcomes || ']' ELSE NEW.outcomes END) AS e;
    SELECT RAISE(ROLLBACK, 'jobs: two outcomes of one job')
    FROM json_each(CASE json_type(NEW.outcomes) WHEN 'object' THEN '[]' ELSE NEW.outcomes END) AS e
    GROUP BY lower(json_extract(e.value, '$.id')) HAVING count(*) > 1;

    INSERT OR ROLLBACK INTO jobs_history (id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, retries, timeout, name, unique_key, tags,
        metadata, tenant, user, schedule, tick, parent, chain, state, started_at, finished_at, failures, errors, error, output)
    SELECT j.id, j.token, j.kind, j.queue, j.priority, j.run_at, j.created_at, j.payload, j.crashes, j.snoozes, j.retries, j.timeout, j.name, j.unique_key,
        j.tags, j.metadata, j.tenant, j.user, j.schedule, j.tick, j.parent, j.chain, 'completed', coalesce(json_extract(e.value, '$.started_at'), j.started_at),
        coalesce(json_extract(e.value, '$.finished_at'), CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000), j.failures, j.errors,
        json_extract(e.value, '$.note'),
        CASE WHEN json_type(e.value, '$.output') = 'text' THEN json_extract(e.value, '$.output')
            WHEN json_type(e.value, '$.output') <> 'null' THEN e.value -> '$.output' END
    FROM json_each(CASE json_type(NEW.outcomes) WHEN 'object' THEN '[' || NEW.outcomes || ']' ELSE NEW.outcomes END) AS e
    JOIN jobs_job AS j ON j.id = unhex(replace(json_extract(e.value, '$.id'), '-', '')) ORDER BY e.key;
    DELETE FROM jobs_job WHERE id IN (SELECT unhex(replace(json_extract(e.value, '$.id'), '-', ''))
        FROM json_each(CASE json_type(NEW.outcomes) WHEN 'object' THEN '[' || NEW.outcomes || ']' ELSE NEW.outcomes END) AS e);
    UPDATE jobs_tally SET jobs = jobs + CASE json_type(NEW.outcomes) WHEN 'object' THEN 1 ELSE json_array_length(NEW.outcomes) END
    WHERE state = 'completed';
    INSERT INTO jobs_enqueue (jobs)
    SELECT json_extract(e.value, '$.followers')
    FROM json_each(CASE json_type(NEW.outcomes) WHEN 'object' THEN '[' || NEW.outcomes || ']' ELSE NEW.outcomes END) AS e
    WHERE json_array_length(e.value, '$.followers') > 0;
END;

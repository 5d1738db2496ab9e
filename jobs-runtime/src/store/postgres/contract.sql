
-- The contract with other transactions, other languages and plain SQL: stable, and described in the guide (page `transactions`). Each
-- function runs with the rights of its caller, finds nothing by its search path, and changes nothing where its transaction fails. Its plans
-- are kept for as long as the session lives, so they may not be those of tables that were empty when the first one was made.

-- Stores jobs: `jobs` is one JSON object, or a list of them. One row for each, in order: the id, and whether this call stored it. A job
-- whose id is there, live or finished, and a job whose name a live one bears, is not stored; the row has the id that is there.
CREATE FUNCTION {s}.enqueue(jobs text) RETURNS TABLE (place integer, id uuid, created boolean)
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
            INSERT INTO {s}.job (id, kind, queue, priority, state, run_at, created_at, payload, name, retries, timeout, tags, metadata, tenant,
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
            LEFT JOIN LATERAL (SELECT k.queue, k.priority, k.tags FROM {s}.kind AS k WHERE k.name = n.kind
                ORDER BY k.started_at DESC, k.kinds LIMIT 1) AS d ON true,
            LATERAL (SELECT coalesce(timestamptz 'epoch' + n.created_at * interval '1 microsecond', now()) AS now) AS c,
            LATERAL (SELECT CASE
                WHEN n.run_at ~ '^-?[0-9]+$' THEN timestamptz 'epoch' + n.run_at::bigint * interval '1 microsecond'
                ELSE coalesce(n.run_at::timestamptz, c.now + coalesce(n.delay, 0) * interval '1 millisecond') END AS at) AS a,
            LATERAL (SELECT c.now, least(a.at, timestamptz '9999-12-30 22:00:00+00') AS due) AS t
            -- What this transaction still sees although it has ended since, the unique index does not.
            WHERE NOT others OR NOT EXISTS (SELECT 1 FROM {s}.job AS j WHERE j.id = ids[n.place])
            ORDER BY n.place ON CONFLICT DO NOTHING RETURNING job.id
        ) SELECT array_agg(stored.id) INTO more FROM stored;
        made := made || more;
        -- A job that has finished leaves its id in the history, perhaps since the statement above began: this one sees it.
        WITH gone AS (
            DELETE FROM {s}.job AS j USING (SELECT m.id FROM unnest(made) AS m (id) JOIN unnest(known) AS k (id) ON k.id = m.id
                WHERE EXISTS (SELECT 1 FROM {s}.history AS h WHERE h.id = m.id)) AS m
            WHERE j.id = m.id RETURNING j.id
        ) SELECT array_agg(gone.id) INTO more FROM gone;
        finished := finished || more;
        SELECT array_agg(n.answer ORDER BY n.place), array_agg(n.own ORDER BY n.place), coalesce(bool_or(n.answer IS NULL), false)
        INTO answers, own, missing
        FROM (
            SELECT n.place, n.own, CASE WHEN n.own OR EXISTS (SELECT 1 FROM {s}.job AS j WHERE j.id = n.id)
                OR EXISTS (SELECT 1 FROM {s}.history AS h WHERE h.id = n.id) THEN n.id
                ELSE (SELECT j.id FROM {s}.job AS j WHERE j.name = n.name) END AS answer
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
        PERFORM pg_notify('jobs.' || (SELECT ns.nspname FROM {s}.migration AS m JOIN pg_class AS c ON c.oid = m.tableoid
            JOIN pg_namespace AS ns ON ns.oid = c.relnamespace WHERE m.version = 1), 'jobs sql');
    END IF;
END
$jobs_contract$;

-- Completes running jobs: `outcomes` is one JSON object, or a list of them: `id`, `token`, and if wanted `output`, `note`, `started_at`,
-- `followers` (jobs that are stored with it). Fails if one of them does not run under its token any more, and with it the transaction, which
-- then has done nothing. Answers how many there were.
CREATE FUNCTION {s}.complete(outcomes text) RETURNS integer
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
        DELETE FROM {s}.job AS j USING o WHERE j.id = o.id AND j.token = o.token AND j.state || '' = 'running'
        RETURNING j.*, o.output, o.note, timestamptz 'epoch' + o.started_at * interval '1 microsecond' AS began,
            coalesce(timestamptz 'epoch' + o.finished_at * interval '1 microsecond', now()) AS ended
    ), kept AS (
        INSERT INTO {s}.history (id, token, kind, queue, priority, run_at, created_at, payload, crashes, snoozes, retries, timeout, name, unique_key,
            tags, metadata, tenant, "user", schedule, tick, parent, chain, state, started_at, finished_at, failures, errors, error, output)
        SELECT m.id, m.token, m.kind, m.queue, m.priority, m.run_at, m.created_at, m.payload, m.crashes, m.snoozes, m.retries, m.timeout, m.name,
            m.unique_key, m.tags, m.metadata, m.tenant, m."user", m.schedule, m.tick, m.parent, m.chain, 'completed',
            coalesce(m.began, m.started_at), m.ended, m.failures, m.errors, m.note, m.output FROM moved AS m
    ), counted AS (
        INSERT INTO {s}.tally (state, day, jobs) SELECT 'completed', (m.ended AT TIME ZONE 'UTC')::date, count(*) FROM moved AS m GROUP BY 2
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
        PERFORM {s}.enqueue(followers::text);
    END IF;
    RETURN done;
END
$jobs_contract$;

//! Keys that other systems have: what each is called here, or what to do where there is none.

/// What other systems call our keys.
const RENAMED: &[(&str, &[&str])] = &[
    ("name", &["actor_name", "identifier", "job_name", "job_type", "kind", "id", "rename", "task", "task_name", "task_type"]),
    ("aliases", &["alias", "former_names", "legacy_names", "renamed_from"]),
    ("queue", &["channel", "queue_as", "queue_name", "routing_key", "topic"]),
    ("priority", &["prio", "weight"]),
    ("retries", &["max_retries", "maximum_retry_count", "num_retries", "retry", "retry_count", "retry_limit"]),
    (
        "backoff",
        &[
            "backoff_secs",
            "default_retry_delay",
            "max_backoff",
            "max_retry_delay",
            "min_backoff",
            "min_retry_delay",
            "retry_backoff",
            "retry_delay",
            "retry_interval",
            "retry_wait",
        ],
    ),
    (
        "timeout",
        &[
            "deadline",
            "hard_time_limit",
            "job_timeout",
            "max_duration",
            "max_run_time",
            "reserve_for",
            "soft_time_limit",
            "time_limit",
            "timeout_ms",
            "timeout_secs",
            "timeout_seconds",
        ],
    ),
    ("cron", &["cron_expr", "cron_expression", "crontab", "periodic", "pattern", "recurring", "scheduled"]),
    ("every", &["fixed_delay", "fixed_rate", "interval", "period", "repeat", "repeat_every", "run_every"]),
    ("tz", &["cron_tz", "time_zone", "timezone", "zone"]),
    ("key", &["schedule_id", "schedule_key", "schedule_name"]),
    (
        "run_on_start",
        &[
            "immediately",
            "on_deploy",
            "on_start",
            "on_startup",
            "reboot",
            "run_at_start",
            "run_immediately",
            "run_on_deployment",
            "run_on_startup",
        ],
    ),
    (
        "misfire",
        &[
            "catch_up",
            "catchup",
            "coalesce",
            "misfire_handling",
            "misfire_instruction",
            "misfire_policy",
            "missed",
            "missed_ticks",
        ],
    ),
    (
        "overlap",
        &[
            "concurrency_policy",
            "disable_concurrent_execution",
            "max_active_runs",
            "max_instances",
            "no_overlap",
            "overlap_policy",
            "overlapping",
            "without_overlapping",
        ],
    ),
    ("jitter", &["fuzz", "random_delay", "randomized_delay", "randomized_delay_sec", "splay", "spread"]),
    ("starts", &["begins", "from", "not_before", "start", "start_at", "start_date", "start_time", "starting_at", "starts_at"]),
    ("ends", &["end", "end_at", "end_date", "end_time", "ending_at", "ends_at", "not_after", "stop_at", "until"]),
    ("args", &["argument", "arguments", "input", "kwargs", "parameters", "params", "payload"]),
    ("schedule", &["periodic_task", "schedules", "trigger", "triggers"]),
    ("tags", &["labels", "tag"]),
    ("crate", &["crate_path", "krate", "path"]),
];

/// Keys that count the first attempt, as `retries` does not.
const ATTEMPTS: &[&str] = &["attempts", "max_attempts", "tries"];

/// What is done elsewhere, and where.
const ELSEWHERE: &[(&str, &[&str])] = &[
    (
        "a delay belongs to one job: give it when you enqueue, `.delay(..)`",
        &["countdown", "delay", "initial_delay", "run_in", "schedule_in", "wait"],
    ),
    (
        "an instant belongs to one job: give it when you enqueue, `.at(..)`",
        &["at", "eta", "run_at", "schedule_at", "scheduled_at", "timestamp", "wait_until"],
    ),
    (
        "name one job when you enqueue it, `.name(..)`: while it lives, the same name is stored once",
        &[
            "dedupe",
            "dedup",
            "dedupe_key",
            "deduplication",
            "idempotency_key",
            "job_id",
            "job_key",
            "lock",
            "singleton",
            "uniq",
            "unique",
            "unique_by",
            "unique_for",
            "unique_key",
            "unique_opts",
            "unique_until",
        ],
    ),
    (
        "give the job a queue, and limit that where the runtime is built: `.queue(\"critical\", 8)`",
        &[
            "concurrency",
            "concurrency_limit",
            "enqueue_limit",
            "limit",
            "limits_concurrency",
            "max_concurrency",
            "max_running",
            "ordered",
            "parallelism",
            "perform_limit",
            "pool",
            "rate",
            "rate_limit",
            "throttle",
            "total_limit",
            "workers",
        ],
    ),
    (
        "ticks that were missed are made up for by `misfire`: `misfire = \"all 20 within 2h\"` fires the last 20 of two hours",
        &["backfill", "backfill_period", "misfire_grace_time", "starting_deadline_seconds"],
    ),
    (
        "return `Verdict::discard(..)` from the fn for an error that no retry can mend",
        &["autoretry_for", "discard_on", "dont_autoretry_for", "retry_for", "retry_if", "retry_on", "retry_when", "throws"],
    ),
    (
        "do it in the fn: `ctx.is_last_attempt()` of a `ctx: &JobContext` says when nothing follows",
        &["after", "dead", "dead_letter", "on_discard", "on_error", "on_failure", "on_success", "retries_exhausted"],
    ),
    ("test `ctx.created_at()` of a `ctx: &JobContext` at the begin of the fn", &["expires", "expires_in", "max_age", "ttl"]),
    (
        "how long finished jobs are kept is a setting: `retention.completed`, `retention.failed`, `retention.cancelled`",
        &["failure_ttl", "keep", "keep_for", "remove_on_complete", "remove_on_fail", "result_ttl", "retention"],
    ),
    (
        "what the fn returns is kept with the job; return nothing to keep nothing",
        &["ignore_result", "result", "store_result", "store_results", "track_started"],
    ),
    (
        "how long a claimed job stays claimed is a setting: `lease`",
        &["acks_late", "heartbeat", "lease", "lock_duration", "stalled_interval", "visibility_timeout"],
    ),
    (
        "parameters of the fn are the arguments, and borrowed ones are what the runtime lends: `ctx: &JobContext`, `db: &Db`",
        &["bind", "context", "ctx", "data", "extensions", "services", "state"],
    ),
    (
        "a setting turns a schedule off: `enabled = false` under `[jobs.send_email]` in `jobs.toml`",
        &["disabled", "enabled", "paused", "active"],
    ),
    ("metadata belongs to one job: give it when you enqueue, `.metadata(key, value)`", &["meta", "metadata"]),
    ("a tenant belongs to one job: give it when you enqueue, `.tenant(..)`", &["group", "tenant"]),
    ("`exponential` spreads its waits by chance already", &["backoff_jitter", "retry_jitter"]),
    ("write a doc comment above the fn", &["desc", "description", "doc", "docs"]),
    ("arguments are stored as JSON, in the way of their `Serialize`", &["codec", "content_type", "encoding", "serializer"]),
    ("jobs of old and new builds share a name: add an argument as an `Option`, or give the fn another `name`", &["version"]),
    ("put blocking work into `tokio::task::spawn_blocking` in the fn", &["blocking", "sync", "thread"]),
];

/// What to write instead of a key of another system, if we know that key.
pub(crate) fn instead_of(key: &str) -> Option<String> {
    let key = snake_case(key);
    let ours = RENAMED.iter().find(|(_, theirs)| theirs.contains(&&*key)).map(|(ours, _)| format!("it is called `{ours}` here"));
    let attempts =
        || ATTEMPTS.contains(&&*key).then(|| "it is called `retries` here, which does not count the first attempt".to_owned());
    let elsewhere = || ELSEWHERE.iter().find(|(_, keys)| keys.contains(&&*key)).map(|(instead, _)| (*instead).to_owned());
    ours.or_else(attempts).or_else(elsewhere)
}

/// `maxAttempts` and `MaxAttempts` as `max_attempts`.
fn snake_case(key: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in key.char_indices() {
        if letter.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{ATTEMPTS, ELSEWHERE, RENAMED, instead_of};
    use crate::keys::KEYS;

    #[test]
    fn every_key_stands_once_and_none_is_ours() {
        let mut seen = BTreeSet::new();
        let all = RENAMED.iter().chain(ELSEWHERE).flat_map(|(_, keys)| keys.iter()).chain(ATTEMPTS);
        for key in all {
            assert!(seen.insert(key), "`{key}` stands twice");
            assert!(KEYS.iter().all(|ours| ours.name != *key), "`{key}` is ours");
        }
        assert!(seen.len() > 150);
    }

    #[test]
    fn what_they_are_called_here_is_a_key() {
        for (ours, _) in RENAMED {
            assert!(KEYS.iter().any(|key| key.name == *ours), "{ours}");
        }
    }

    #[test]
    fn case_does_not_count() {
        for key in ["max_attempts", "maxAttempts", "MaxAttempts"] {
            assert_eq!(instead_of(key).as_deref(), Some("it is called `retries` here, which does not count the first attempt"));
        }
        assert_eq!(instead_of("frobnicate"), None);
    }
}

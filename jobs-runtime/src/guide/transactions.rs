//! The caller's transaction: jobs that are stored, and completed, together with the application's own writes.

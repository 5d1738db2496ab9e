//! Identities: of a job, made by whoever enqueues it, and of a worker, made anew at each start.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Builds a UUID version 7 (RFC 9562) of a time in milliseconds since the Unix epoch and 74 bits of chance.
            #[must_use]
            pub fn from_parts(unix_millis: u64, chance: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(unix_millis, &chance).into_uuid())
            }

            /// Wraps a UUID of any version.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }

            /// The 16 bytes, most significant first.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads 16 bytes, most significant first.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

identity! {
    /// Names one job for ever. The caller makes it, so that an enqueue whose answer was lost may be repeated.
    JobId
}

/// The namespace of [`JobId::of_delivery`].
const DELIVERIES: Uuid = Uuid::from_u128(0x6d1f_0c52_8f0b_4a7e_9b57_2f4c_3d90_a1e8);

impl JobId {
    /// The id of the job that a delivery of a scheduler makes: always the same for the same schedule and delivery (a UUID version 5, RFC
    /// 9562).
    #[must_use]
    pub fn of_delivery(schedule: &str, delivery: &str) -> Self {
        // Neither can be taken for a part of the other.
        Self(Uuid::new_v5(&DELIVERIES, format!("{}:{schedule}{delivery}", schedule.len()).as_bytes()))
    }
}

identity! {
    /// Names one worker process from its start, or from its last lost lease, to its end.
    WorkerId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_has_one_id() {
        let id = JobId::of_delivery("daily", "42");
        assert_eq!(id, JobId::of_delivery("daily", "42"));
        assert_eq!(id.as_uuid().get_version_num(), 5);
        for (schedule, delivery) in [("daily4", "2"), ("dail", "y42"), ("daily", "43"), ("", "daily42")] {
            assert_ne!(id, JobId::of_delivery(schedule, delivery));
        }
    }

    #[test]
    fn an_id_is_a_uuid_of_version_seven_and_reads_back() {
        let id = JobId::from_parts(1_700_000_000_000, [7; 10]);
        assert_eq!(id.as_uuid().get_version_num(), 7);
        assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
        assert_eq!(JobId::from_bytes(*id.as_bytes()), id);
    }

    #[test]
    fn ids_of_later_milliseconds_sort_later() {
        assert!(JobId::from_parts(1, [255; 10]) < JobId::from_parts(2, [0; 10]));
    }
}

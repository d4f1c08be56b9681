//! Tells a missing permission from a user who may not be touched: by the first writes all being refused alike.

/// So many writes must be refused alike before the run stops.
const FIRST_WRITES: u32 = 20;

/// Watches how the first writes of a run end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PermissionWatch {
    refused: u32,
    code: String,
    has_seen_another_end: bool,
}

impl PermissionWatch {
    /// Notes the end of a write: the error code where it was refused with 403, `None` for any other end.
    ///
    /// Returns `true` once: when the first 20 writes were all refused with 403 and the same code.
    pub fn note(&mut self, forbidden: Option<&str>) -> bool {
        if self.has_seen_another_end {
            return false;
        }
        match forbidden {
            Some(code) if self.refused == 0 || self.code == code => {
                code.clone_into(&mut self.code);
                self.refused += 1;
                self.refused == FIRST_WRITES
            }
            Some(_) | None => {
                self.has_seen_another_end = true;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stops_at(ends: &[Option<&str>]) -> Option<usize> {
        let mut watch = PermissionWatch::default();
        ends.iter().position(|end| watch.note(*end))
    }

    #[test]
    fn twenty_equal_refusals_at_the_start_stop_the_run() {
        assert_eq!(stops_at(&[Some("accessDenied"); 30]), Some(19));
        assert_eq!(stops_at(&[Some("accessDenied"); 19]), None);
    }

    #[test]
    fn one_other_end_shows_that_the_permission_is_there() {
        for at in 0..20 {
            let mut ends = vec![Some("accessDenied"); 60];
            ends[at] = None;
            assert_eq!(stops_at(&ends), None, "{at}");
            if at > 0 {
                ends[at] = Some("Authorization_RequestDenied");
                assert_eq!(stops_at(&ends), None, "{at}");
            }
        }
    }
}

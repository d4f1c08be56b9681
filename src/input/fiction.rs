//! Numbers that are nobody's: they may be set, though no provider has them.

/// Numbers that are nobody's, which samples and rehearsals are made of.
///
/// The strictest check, `is_valid_number`, knows ranges and not subscribers, so most of the numbers kept for fiction
/// pass it (+1 206 555 0123). These do not, because their ranges are given out to no provider.
const FICTION: [&str; 5] = [
    "+44 7700900", // Ofcom: mobiles for drama use
    "+44 1632960", // Ofcom: no area
    "+33 63998",   // ARCEP: works of fiction
    "+353 20910",  // ComReg: drama
    "+1 555555",   // The samples in the documentation of Microsoft Graph: +1 5555551234
];

/// Whether a number, as `+{country code} {number}`, is nobody's.
pub(super) fn is_fiction(formatted: &str) -> bool {
    FICTION.iter().any(|range| formatted.starts_with(range))
}

//! The simulator's flags, decided.

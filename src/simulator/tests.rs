//! The tenant answers as the documents say.

//! Hands the process to the application.

fn main() {}

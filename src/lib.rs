//! authwave changes the authentication methods of many Microsoft Entra ID users through Microsoft Graph.
//!
//! The modules are the floors of one house, declared ground floor first; imports go down only.
//! ARCHITECTURE.md draws the plan.

// Floor 1: the words, pure decisions, when a request may leave, and sending one, once.
pub mod model;
pub mod pace;
pub mod policy;
pub mod transport;

// Floor 2: the API, and siblings that do not know each other.
pub mod graph;
pub mod input;
pub mod journal;
pub mod progress;
pub mod report;
pub mod results;
pub mod sign_in;
pub mod simulator;
pub mod telemetry;

// Floor 3: what a row does, in calls.
pub mod actions;

// Floor 4: the run.
pub mod engine;

// Beside it: what the user asked for, decided.
pub mod settings;

// Floor 5: the commands.
pub mod app;

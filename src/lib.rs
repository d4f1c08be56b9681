//! authwave changes the authentication methods of many Microsoft Entra ID users through Microsoft Graph.
//!
//! The modules are the floors of one house, declared ground floor first; imports go down only.
//! ARCHITECTURE.md draws the plan.

// Floor 1: the words, and sending one request once.
pub mod model;
pub mod transport;

// Floor 2: siblings that do not know each other.
pub mod input;
pub mod results;

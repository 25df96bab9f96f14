//! Tests of deploys, rollbacks, and what undoes them.

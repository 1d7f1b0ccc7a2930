//! What the customers of examples/saas-hybrid can do to each other: nothing.

/// What a customer's people and programs try beyond the benchmark.
mod attacks;
/// The checks of the Kubernetes multi-tenancy benchmark.
mod benchmark;
/// Routes of a Gateway in place of Ingresses, on real clusters.
mod gateway;
mod netpol;
mod person;
/// What each admission policy is there for.
mod policies;
/// The checks of the benchmark, before any cluster has seen anything.
mod rendered;
mod ways;

//! What every function has, so that a function's `main` is wiring only.
//!
//! Without features there is no AWS SDK in it, and all of it is tested everywhere:
//!
//! 1. [`settings`]: the environment variables, in one table, and the typed settings that come of them.
//! 2. [`logs`], [`diagnostic`]: what a function says of an invocation, and of one that failed.
//! 3. [`rules`]: the rules that it was deployed with, and the compiler of plans.
//! 4. [`wakeups`]: why settle and deliver were invoked.
//! 5. [`announcement`]: why announce was, and what `CloudFormation` is answered.
//! 6. [`edge`]: invocations in, answers and failures out.
//! 7. [`told`]: what deliver says of channels.
//!
//! The feature `aws` adds what calls AWS: `clients`, `wake` (over SQS) and `world`, all ports in one; `s3` reads rules in a
//! bucket.

pub mod announcement;
#[cfg(feature = "aws")]
pub mod clients;
pub mod diagnostic;
pub mod edge;
pub mod logs;
pub mod rules;
pub mod settings;
pub mod told;
#[cfg(feature = "aws")]
pub mod wake;
pub mod wakeups;
#[cfg(feature = "aws")]
pub mod world;

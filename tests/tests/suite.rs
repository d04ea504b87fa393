//! What crosses crates, in one test binary: one link instead of many, and one place to look.

#[cfg(test)]
mod suite {
    /// Helper: the repository's files, and Rust source without its comments and strings.
    mod source;

    /// The shape of all files: length, module prose, white space, words that do not stay.
    mod tidy;

    /// Which crate may depend on which.
    mod edges;

    /// The documents: invariants name their tests, README's commands are those of CI, ADRs have no gaps.
    mod documents;

    /// The engine has no clock, no I/O, no async and no hash order.
    mod purity;

    /// The page of `dev` and of reports, in a browser.
    mod page;

    /// Whole answers of the command: exit code, standard output, standard error.
    mod cli;

    /// Both folds, driven batch by batch.
    mod folds;

    /// The published conformance cases of CEL, and the table in `docs/cel.md`.
    mod cel_conformance;

    /// The published cases of JSON parsing, as lines of events.
    mod json_vectors;

    /// Helper: rules and events in, output lines out.
    mod replayed;

    /// The engine against a naive second reading of the contract, on random rules and events.
    mod oracle;

    /// The generated documents are not stale: the rules reference and the JSON Schema.
    mod docs;

    /// Helper: the event logs and published vectors beside the repository.
    mod shared_data;

    /// The exact answers of two event logs, computed by SQL.
    mod real_data;

    /// Alerts of whole runs against a naive reading of the contract, however the input is cut.
    mod alerts;

    /// Alerts over those logs, against the same answers.
    mod real_alerts;

    /// What the embedded store keeps of the past, against `replay`.
    mod history;

    /// The whole pipeline in this process, with faults at every port, against `replay`.
    mod simulation;

    /// Functions in processes: environments, the Runtime API, faults, asynchronous invocations, the Invoke API.
    mod lambda_runtime;

    /// Pushes of `CloudEvents` in all forms, the published ones too, as the decoder takes them.
    mod cloud_events;

    /// Scrapes of metrics, by the published cases of `OpenMetrics`.
    mod prometheus;

    /// Pages to a stand-in of PagerDuty that keeps incidents as the real one does.
    mod pagerduty;

    /// The adapters over the AWS SDK, against AWS's stand-ins: `cargo x aws-tests`.
    #[cfg(feature = "aws")]
    mod stand_ins;

    /// The template agrees with the code: variables, binaries, keys of the table, queues, policies.
    mod template;

    /// What AWS says of event sources, seen from a function: the tests behind `docs/lambda-simulator.md`.
    mod lambda_conformance;
}

//! What a function can do wrong, and what its caller is told.

use super::{Bench, Stand, is_alive};
use serde_json::{Value, json};
use streamgauge_lambda::invoke::Outcome;

/// Invokes the probe once: the error's type and message, with ID for the request's id, and how the report line ends.
async fn check(stand: &Stand, payload: &str, error_type: &str, message: &str, status: &str) {
    let (invoked, error) = stand.error(payload).await;
    let id = &*invoked.request_id;
    assert_eq!(error.error_type, error_type);
    assert_eq!(error.message.replace(id, "ID"), message);
    assert!(!error.handled);
    let document: Value = serde_json::from_slice(&error.payload).unwrap();
    assert_eq!(document, json!({"errorType": error_type, "errorMessage": error.message}));
    let report = stand.seen.line(&format!("REPORT RequestId: {id}")).await;
    assert!(report.ends_with(status), "{report}");
}

#[tokio::test]
async fn an_error_of_the_functions_own_is_passed_on_and_the_process_lives() {
    let stand = Bench::new().start();
    let fail = r#"{"id":1,"do":"fail"}"#;
    check(&stand, fail, "ProbeFailure", "record 1: it fails, as it was asked", " ms").await;
    assert_eq!(stand.answer(r#"{"id":2}"#).await["invocation"], 2);
}

#[tokio::test]
async fn a_panic_is_an_error_of_the_functions_own() {
    let stand = Bench::new().start();
    let (_, error) = stand.error(r#"{"id":1,"do":"panic"}"#).await;
    assert_eq!(error.message, "Lambda panicked: it panics, as it was asked");
    assert_eq!(stand.answer(r#"{"id":2}"#).await["invocation"], 2);
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_killed() {
    let stand = Bench::new().short().start();
    let process = stand.answer(r#"{"id":1}"#).await["process"].clone();
    check(
        &stand,
        r#"{"id":2,"do":"hang"}"#,
        "Sandbox.Timedout",
        "RequestId: ID Error: Task timed out after 1.00 seconds",
        "\tStatus: timeout",
    )
    .await;
    assert!(!is_alive(&process));
    let told = stand.seen.log().into_iter().any(|(id, line)| {
        line.ends_with(&format!("Z {} Task timed out after 1.00 seconds", id.unwrap_or_default()))
    });
    assert!(told, "{:?}", stand.seen.log());
    assert_eq!(stand.answer(r#"{"id":3}"#).await["environment"], "probe-environment-2");
}

#[tokio::test]
async fn a_process_that_ends_is_an_error_of_the_runtime() {
    let stand = Bench::new().start();
    let message = |how: &str| format!("RequestId: ID Error: Runtime exited {how}");
    let status = "\tStatus: error\tError Type: Runtime.ExitError";
    for (payload, how) in [
        (r#"{"id":1,"do":"exit"}"#, "with error: exit status 1"),
        (r#"{"id":1,"do":"exit","code":7}"#, "with error: exit status 7"),
        (r#"{"id":1,"do":"exit","code":0}"#, "without providing a reason"),
        (r#"{"id":1,"do":"abort"}"#, "with error: signal: aborted"),
    ] {
        check(&stand, payload, "Runtime.ExitError", &message(how), status).await;
    }
    assert_eq!(stand.answer(r#"{"id":2}"#).await["environment"], "probe-environment-5");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_takes_too_much_memory_is_killed() {
    let stand = Bench::new().start();
    let small = stand.invoke(r#"{"id":1,"do":"allocate","mb":40}"#).await.report;
    let used = small.memory_used_mb.unwrap();
    assert!((40..100).contains(&used), "{used}");
    check(
        &stand,
        // The memory is looked at while the function works, so it has to go on for a while.
        r#"{"Records":[{"messageId":"a","body":"{\"id\":2,\"do\":\"allocate\",\"mb\":100}"},{"messageId":"b","body":"{\"id\":3,\"do\":\"hang\"}"}]}"#,
        "Runtime.OutOfMemory",
        "RequestId: ID Error: Runtime exited with error: signal: killed",
        "\tStatus: error\tError Type: Runtime.OutOfMemory",
    )
    .await;
}

#[tokio::test]
async fn memory_is_not_looked_at_if_that_is_not_wanted() {
    let stand = Bench::new().settings(|settings| settings.enforce_memory = false).start();
    stand.answer(r#"{"id":1,"do":"allocate","mb":200}"#).await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_an_error_and_the_process_lives() {
    let stand = Bench::new().start();
    assert!(matches!(
        stand.invoke(r#"{"id":1,"do":"answer","bytes":6291556}"#).await.outcome,
        Outcome::Answered(body) if body.len() == 6_291_556
    ));
    check(
        &stand,
        r#"{"id":1,"do":"answer","bytes":6291557}"#,
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "\tStatus: error\tError Type: Function.ResponseSizeTooLarge",
    )
    .await;
    assert_eq!(stand.answer(r#"{"id":2}"#).await["environment"], "probe-environment-1");
}

#[tokio::test]
async fn a_start_that_fails_is_tried_again_within_the_invocation() {
    let stand = Bench::new().variable("PROBE_INIT", r#"{"do":"exit","times":1}"#).start();
    let invoked = stand.invoke(r#"{"id":1}"#).await;
    assert!(matches!(invoked.outcome, Outcome::Answered(_)));
    assert_eq!(invoked.report.init, None);
    let (id, line) = stand.seen.log().remove(0);
    assert_eq!(id, None);
    assert!(line.starts_with("INIT_REPORT Init Duration: "), "{line}");
    assert!(
        line.ends_with("\tPhase: init\tStatus: error\tError Type: Runtime.ExitError"),
        "{line}"
    );
}

#[tokio::test]
async fn a_start_that_fails_twice_is_the_invocations_error() {
    let stand = Bench::new().variable("PROBE_INIT", r#"{"do":"exit","code":3}"#).start();
    let message = "RequestId: ID Error: Runtime exited with error: exit status 3";
    let status = "\tStatus: error\tError Type: Runtime.ExitError";
    check(&stand, r#"{"id":1}"#, "Runtime.ExitError", message, status).await;
    let phases: Vec<String> = stand.seen.log().into_iter().map(|(_, line)| line).collect();
    assert!(phases[0].contains("\tPhase: init\t") && phases[1].contains("\tPhase: invoke\t"));
}

#[tokio::test]
async fn an_error_that_a_start_reports_is_passed_on() {
    let stand = Bench::new().variable("PROBE_INIT", r#"{"do":"fail"}"#).start();
    check(&stand, r#"{"id":1}"#, "ProbeInit", "it fails, as it was asked", " MB").await;
}

#[tokio::test]
async fn a_start_that_takes_too_long_is_tried_again_with_the_functions_time_out() {
    let hang = r#"{"do":"hang","times":1}"#;
    // Long enough for the process to write down that it was here, which is what ends its hanging.
    let quick = |bench: Bench| {
        bench.settings(|settings| settings.init_time_max = std::time::Duration::from_secs(1))
    };
    let stand = quick(Bench::new().variable("PROBE_INIT", hang)).start();
    assert!(matches!(stand.invoke(r#"{"id":1}"#).await.outcome, Outcome::Answered(_)));
    let (_, line) = stand.seen.log().remove(0);
    assert!(line.ends_with("\tPhase: init\tStatus: timeout"), "{line}");

    let always = Bench::new().short().variable("PROBE_INIT", r#"{"do":"hang"}"#);
    let message = "RequestId: ID Error: Task timed out after 1.00 seconds";
    check(&quick(always).start(), r#"{"id":1}"#, "Sandbox.Timedout", message, "\tStatus: timeout")
        .await;
}

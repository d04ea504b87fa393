//! What a process is given, when it is started, reused, frozen and ended.

use super::{Bench, is_alive};
use serde_json::Value;
use std::time::Duration;
use streamgauge_lambda::invoke::{Invoke, Outcome};
use streamgauge_lambda::runtime::Runtime;

#[tokio::test]
async fn a_function_gets_the_variables_of_aws_of_its_template_and_of_the_settings() {
    let bench = Bench::new().variable("MINE", "1").settings(|settings| {
        settings.variables.insert("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:1".to_owned());
    });
    let stand = bench.start();
    let variables = stand.answer(r#"{"id":1,"do":"variables"}"#).await;
    let root = stand.function.bootstrap.parent().unwrap().display().to_string();
    for (name, expect) in [
        ("MINE", "1"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_LAMBDA_FUNCTION_NAME", "probe"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "000000000000"),
        ("AWS_SESSION_TOKEN", "probe-environment-1"),
        ("TZ", ":UTC"),
        ("LAMBDA_TASK_ROOT", &root),
        ("PWD", &root),
    ] {
        assert_eq!(variables[name], expect, "{name}");
    }
    assert_eq!(variables["HOME"], Value::Null, "nothing of this process's own is passed on");
    let trace = variables["_X_AMZN_TRACE_ID"].as_str().unwrap();
    assert!(trace.starts_with("Root=1-"), "{trace}");
}

#[tokio::test]
async fn a_warm_environment_is_used_again_and_only_the_first_start_is_reported() {
    let stand = Bench::new().start();
    let first = stand.invoke(r#"{"id":1}"#).await;
    let second = stand.answer(r#"{"id":2}"#).await;
    assert_eq!(second["invocation"], 2);
    assert!(first.report.init.is_some());
    assert!(first.report.billed >= first.report.duration + first.report.init.unwrap());
    assert_eq!((first.report.environment, first.report.memory_mb), (1, 128));
    let third = stand.invoke(r#"{"id":3}"#).await;
    assert_eq!((third.report.init, third.report.environment), (None, 1));
    assert_ne!(first.request_id, third.request_id);
}

#[tokio::test]
async fn at_once_means_another_environment_and_each_has_its_number() {
    let stand = Bench::new().start();
    let mut held = Vec::new();
    for id in 0..3 {
        held.push(stand.invoke_meanwhile(&format!(r#"{{"id":{id}}}"#)));
    }
    let mut numbers = Vec::new();
    for invoked in held {
        numbers.push(invoked.await.unwrap().report.environment);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test]
async fn reserved_concurrency_throttles_and_nothing_runs() {
    let stand = Bench::new().function(|function| function.concurrency_max = Some(1)).start();
    let hung = stand.invoke_meanwhile(r#"{"id":2,"do":"hang"}"#);
    stand.seen.line("START").await;
    let refused = stand.invoke(r#"{"id":3}"#).await;
    assert_eq!(refused.outcome, Outcome::Throttled);
    assert_eq!(refused.report.environment, 0);
    stand.runtime.shutdown().await;
    drop(hung.await);
}

#[tokio::test]
async fn a_caller_who_asks_again_at_once_finds_the_place_free() {
    let stand = Bench::new().function(|function| function.concurrency_max = Some(1)).start();
    for id in 0..50 {
        stand.answer(&format!(r#"{{"id":{id}}}"#)).await;
    }
}

#[tokio::test]
async fn the_limit_for_all_functions_throttles_too() {
    let stand = Bench::new().settings(|settings| settings.environments_max = 1).start();
    let hung = stand.invoke_meanwhile(r#"{"id":2,"do":"hang"}"#);
    stand.seen.line("START").await;
    assert_eq!(stand.invoke(r#"{"id":3}"#).await.outcome, Outcome::Throttled);
    stand.runtime.shutdown().await;
    assert!(matches!(hung.await.unwrap().outcome, Outcome::Unreachable(_)));
}

#[tokio::test]
async fn lines_carry_the_request_that_printed_them() {
    let stand = Bench::new().start();
    let first = stand.invoke(r#"{"id":1,"do":"print","text":"out","lines":2}"#).await.request_id;
    let second =
        stand.invoke(r#"{"id":2,"do":"print","text":"err","to":"stderr"}"#).await.request_id;
    let log = stand.seen.log();
    let of = |id: &str| {
        let lines = log.iter().filter(|(request, _)| request.as_deref() == Some(id));
        lines.map(|(_, line)| line.replace(id, "ID")).collect::<Vec<_>>()
    };
    let lines = of(&first);
    assert_eq!(
        lines[..4],
        ["START RequestId: ID Version: $LATEST", "out", "out", "END RequestId: ID"]
    );
    assert!(lines[4].starts_with("REPORT RequestId: ID\tDuration: "), "{}", lines[4]);
    assert!(lines[4].contains(" MB\tInit Duration: "), "{}", lines[4]);
    assert_eq!(lines.len(), 5);
    assert_eq!(of(&second)[1], "err");
}

#[tokio::test]
async fn a_frozen_environment_stands_still_until_it_is_needed() {
    let stand = Bench::new().settings(|settings| settings.freeze = true).start();
    let first = stand.answer(r#"{"id":1}"#).await;
    // It is frozen once it has asked for its next event, which is after the answer.
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", first["process"]));
    if state().is_ok() {
        while !state().unwrap().contains(") T ") {
            tokio::task::yield_now().await;
        }
    }
    let second = stand.answer(r#"{"id":2}"#).await;
    assert_eq!(second["process"], first["process"]);
    stand.runtime.shutdown().await;
    assert!(!is_alive(&first["process"]), "a frozen process is ended too");
}

#[tokio::test]
async fn shutdown_ends_all_processes_and_what_runs() {
    let stand = Bench::new().start();
    let idle = stand.answer(r#"{"id":1}"#).await;
    let hung = stand.invoke_meanwhile(r#"{"id":2,"do":"hang"}"#);
    stand.seen.line("START").await;
    stand.runtime.shutdown().await;
    assert!(!is_alive(&idle["process"]));
    assert!(matches!(hung.await.unwrap().outcome, Outcome::Unreachable(_)));
    assert!(matches!(stand.invoke(r#"{"id":3}"#).await.outcome, Outcome::Unreachable(_)));
}

#[tokio::test]
async fn dropping_the_runtime_ends_all_processes() {
    let stand = Bench::new().start();
    let idle = stand.answer(r#"{"id":1}"#).await;
    assert!(is_alive(&idle["process"]));
    drop(stand);
    while is_alive(&idle["process"]) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_environment_is_killed_by_its_token() {
    let stand = Bench::new().start();
    let idle = stand.answer(r#"{"id":1}"#).await;
    assert!(stand.runtime.kill("probe-environment-1").await);
    assert!(!is_alive(&idle["process"]));
    assert!(!stand.runtime.kill("probe-environment-1").await, "it is no more");
    assert_eq!(stand.answer(r#"{"id":2}"#).await["environment"], "probe-environment-2");

    let hung = stand.invoke_meanwhile(r#"{"id":4,"do":"hang"}"#);
    while stand.seen.log().iter().filter(|(_, line)| line.starts_with("START")).count() < 3 {
        tokio::task::yield_now().await;
    }
    assert!(stand.runtime.kill("probe-environment-2").await);
    let Outcome::Failed(error) = hung.await.unwrap().outcome else { panic!() };
    assert_eq!(error.error_type, "Runtime.ExitError");
    assert!(error.message.ends_with("Runtime exited with error: signal: killed"));
}

#[tokio::test]
async fn an_environment_that_died_while_idle_is_replaced() {
    let stand = Bench::new().start();
    let idle = stand.answer(r#"{"id":1}"#).await;
    let process = idle["process"].to_string();
    let killed = std::process::Command::new("kill").args(["-9", &process]).status();
    assert!(killed.unwrap().success());
    // Until it was reaped it can be signalled.
    while is_alive(&idle["process"]) {
        tokio::task::yield_now().await;
    }
    assert_eq!(stand.answer(r#"{"id":2}"#).await["environment"], "probe-environment-2");
}

#[tokio::test]
async fn a_binary_that_cannot_run_is_told_before_anything_is_started() {
    let mut bench = Bench::new();
    bench.function.bootstrap = bench.folder.0.join("bootstrap");
    let functions = [bench.function];
    let observer = std::sync::Arc::new(streamgauge_lambda::happening::Nobody);
    let error = Runtime::new(&functions, bench.settings, observer, bench.interfere).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("/bootstrap` of the function `probe` cannot be read; build it first"),
        "{error}"
    );
}

#[tokio::test]
async fn an_unknown_function_is_told_with_those_that_there_are() {
    let stand = Bench::new().start();
    let mut asked = super::invocation("{}");
    asked.function = "settle".into();
    let outcome = stand.runtime.invoke(asked).await.outcome;
    let expect = "there is no function `settle`; there are: probe".to_owned();
    assert_eq!(outcome, Outcome::Unreachable(expect));
}

/// Not a test of its own: what the next test kills. It holds a hanging function until it dies.
#[tokio::test]
async fn held_by_a_process_that_is_killed() {
    if std::env::var_os("STREAMGAUGE_TEST_HOLD").is_none() {
        return;
    }
    let stand = Bench::new().start();
    let idle = stand.answer(r#"{"id":1}"#).await;
    std::fs::write(std::env::var_os("STREAMGAUGE_TEST_HOLD").unwrap(), idle["process"].to_string())
        .unwrap();
    let hung = stand.invoke(r#"{"id":2,"do":"hang"}"#);
    drop(tokio::time::timeout(Duration::from_secs(20), hung).await);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_process_outlives_a_simulator_that_is_killed() {
    if !std::path::Path::new("/usr/bin/setpriv").is_file() {
        return;
    }
    let folder = super::Folder::new();
    let told = folder.0.join("process");
    let mut holder = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "suite::lambda_runtime::environments::held_by_a_process_that_is_killed"])
        .env("STREAMGAUGE_TEST_HOLD", &told)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let process = loop {
        match std::fs::read_to_string(&told) {
            Ok(process) if !process.is_empty() => {
                break Value::from(process.parse::<u32>().unwrap());
            }
            _ => tokio::task::yield_now().await,
        }
    };
    assert!(is_alive(&process));
    holder.kill().unwrap();
    holder.wait().unwrap();
    while is_alive(&process) {
        tokio::task::yield_now().await;
    }
}

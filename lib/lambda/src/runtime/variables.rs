//! The environment variables of a function's process: those that AWS documents for runtimes that bring their own `bootstrap`
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>), and nothing of
//! the environment that the simulator was started in.
//!
//! `AWS_EXECUTION_ENV` is not among them: AWS does not set it for such runtimes. No daemon of X-Ray runs here; what a function
//! sends to its address goes nowhere.

use super::RuntimeSettings;
use crate::stack::Function;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;

/// The version that runs, always.
pub(crate) const LATEST: &str = "$LATEST";
/// Where AWS keeps the libraries of a runtime.
const RUNTIME_DIRECTORY: &str = "/var/runtime";
/// What stands in for a secret: nobody here checks a signature.
const SECRET: &str = "streamgauge";

/// What differs from environment to environment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity<'a> {
    /// The address of its Runtime API, `127.0.0.1:40001`.
    pub(super) api: &'a str,
    /// Its session token.
    pub(super) token: &'a str,
    /// What its log stream's name ends with.
    pub(super) log_stream: &'a str,
    /// When it was started.
    pub(super) started: Timestamp,
}

/// The folder that a bootstrap stands in.
pub(super) fn task_root(bootstrap: &Path) -> &Path {
    bootstrap.parent().unwrap_or_else(|| Path::new("/"))
}

/// All variables of a process. The template's replace AWS's, and the settings' replace both.
pub(super) fn variables(
    function: &Function,
    settings: &RuntimeSettings,
    identity: &Identity<'_>,
) -> BTreeMap<String, String> {
    let root = task_root(&function.bootstrap).display().to_string();
    let date = identity.started.strftime("%Y/%m/%d");
    let libraries = format!(
        "/lib64:/usr/lib64:{RUNTIME_DIRECTORY}:{RUNTIME_DIRECTORY}/lib:{root}:{root}/lib:/opt/lib"
    );
    let ours: [(&str, String); 22] = [
        ("AWS_LAMBDA_RUNTIME_API", identity.api.to_owned()),
        ("_HANDLER", function.handler.clone()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", LATEST.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", format!("{date}/[{LATEST}]{}", identity.log_stream)),
        ("AWS_REGION", settings.region.clone()),
        ("AWS_DEFAULT_REGION", settings.region.clone()),
        ("AWS_ACCESS_KEY_ID", settings.account.clone()),
        ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ("AWS_SESSION_TOKEN", identity.token.to_owned()),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_owned()),
        ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000".to_owned()),
        ("LAMBDA_TASK_ROOT", root.clone()),
        ("LAMBDA_RUNTIME_DIR", RUNTIME_DIRECTORY.to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned()),
        ("LD_LIBRARY_PATH", libraries),
        ("PWD", root),
    ];
    let mut variables: BTreeMap<String, String> =
        ours.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    variables.extend(function.environment.clone());
    variables.extend(settings.variables.clone());
    variables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::tests::function;

    /// The value of a variable, with a function's own and the settings' variables as given.
    fn value(name: &str, own: &[(&str, &str)], extra: &[(&str, &str)]) -> Option<String> {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
        };
        let mut function = function("settle");
        function.environment = owned(own);
        let settings = RuntimeSettings { variables: owned(extra), ..RuntimeSettings::default() };
        let identity = Identity {
            api: "127.0.0.1:4",
            token: "t",
            log_stream: "0af",
            started: "2026-11-22T10:00:00Z".parse().unwrap(),
        };
        variables(&function, &settings, &identity).remove(name)
    }

    #[test]
    fn a_function_gets_what_aws_gives() {
        for (name, expect) in [
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:4"),
            ("AWS_LAMBDA_FUNCTION_NAME", "settle"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/settle"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/11/22/[$LATEST]0af"),
            ("AWS_ACCESS_KEY_ID", "000000000000"),
            ("AWS_SESSION_TOKEN", "t"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("_HANDLER", "bootstrap"),
        ] {
            assert_eq!(value(name, &[], &[]).as_deref(), Some(expect), "{name}");
        }
        assert_eq!(value("HOME", &[], &[]), None);
    }

    #[test]
    fn the_settings_win_over_the_template_and_the_template_over_aws() {
        assert_eq!(value("LANG", &[("LANG", "C")], &[]).as_deref(), Some("C"));
        assert_eq!(value("LANG", &[("LANG", "C")], &[("LANG", "D")]).as_deref(), Some("D"));
        let endpoint = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
        assert_eq!(
            value("AWS_ENDPOINT_URL", &[], &endpoint).as_deref(),
            Some("http://127.0.0.1:1")
        );
    }
}

//! Functions: their settings, their executables, what `Globals` adds.

use super::{FUNCTION, HEAD, check, check_with, function, is_there, right, settings};
use crate::arn::Arn;
use crate::stack::{AsynchronousSettings, Destination};
use crate::template::{Settings, read};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[test]
fn what_is_not_said_has_aws_defaults() {
    let function = right(&function("")).stack.functions.remove(0);
    assert_eq!((function.memory_mb, function.timeout), (128, Duration::from_secs(3)));
    assert_eq!((&*function.name, function.handler.as_str()), ("Count", "bootstrap"));
    assert_eq!(function.arn.as_str(), "arn:aws:lambda:us-east-1:000000000000:function:Count");
    assert_eq!(
        (function.concurrency_max, function.asynchronous),
        (None, AsynchronousSettings::default())
    );
    assert_eq!(function.bootstrap, PathBuf::from("build/bootstrap"));
}

#[test]
fn numbers_have_ranges() {
    check(
        &function("      MemorySize: 127\n"),
        &[
            "8:19: `MemorySize` is a whole number from 128 to 10240, and this is `127`; AWS takes no other",
        ],
    );
    check(
        &function("      Timeout: 901\n"),
        &["8:16: `Timeout` is a whole number from 1 to 900, and this is `901`; AWS takes no other"],
    );
    check(
        &function("      Timeout: 1.5\n"),
        &["8:16: `Timeout` is a whole number from 1 to 900, and this is `1.5`; AWS takes no other"],
    );
    check(
        &function("      Timeout: [1]\n"),
        &[
            "8:16: `Timeout` of an AWS::Serverless::Function is text, and this is a list; write the text",
        ],
    );
    check(
        &function("      EventInvokeConfig: {MaximumRetryAttempts: 3}\n"),
        &[
            "8:49: `MaximumRetryAttempts` is a whole number from 0 to 2, and this is `3`; AWS takes no other",
        ],
    );
}

#[test]
fn unknown_and_refused_properties_are_told() {
    check(
        &function("      Timout: 9\n"),
        &["8:7: an AWS::Serverless::Function has no property `Timout`; did you mean `Timeout`?"],
    );
    check(
        &function("      InlineCode: x\n"),
        &["8:7: there is no inline code for executables; remove it, and give the executable"],
    );
    check(
        &function("      FunctionName: a b\n"),
        &["8:21: `a b` is no name for a function; write at most 64 letters, digits, `-` and `_`"],
    );
    check(
        &function("      Environment: {Variables: {AWS_REGION: x}}\n"),
        &["8:33: the variable `AWS_REGION` is reserved by Lambda; give it another name"],
    );
    check(
        &function("      Environment: {Variables: {1a: x}}\n"),
        &[
            "8:33: `1a` is no name for a variable; write at least two letters, digits and `_`, a letter first",
        ],
    );
    let long = "x".repeat(4096);
    check(
        &function(&format!("      Environment: {{Variables: {{AB: {long}}}}}\n")),
        &[
            "8:21: the variables have 4098 bytes, and AWS takes 4096; put what is large into a file or a parameter store",
        ],
    );
}

#[test]
fn what_can_be_done_without_is_noted() {
    let template =
        right(&function("      Architectures: [arm64]\n      Layers: [!ImportValue x]\n"));
    let notes = template.notes.iter().map(|note| format!("{}: {}", note.position.line, note.text));
    assert_eq!(
        notes.collect::<Vec<_>>(),
        [
            "8: the template asks for arm64, and the executable is run on x86_64: build it for that",
            "9: `Layers`: layers and extensions are not loaded",
        ]
    );
}

#[test]
fn runtimes_are_executables_or_have_a_stand_in() {
    let text = function("").replace("provided.al2023", "python3.13");
    check(
        &text,
        &[
            "7:16: the runtime `python3.13` is not run here, only executables on provided.al2023 and provided.al2; give an executable with --function Count=PATH",
        ],
    );
    check(
        &function("").replace("      Runtime: provided.al2023\n", ""),
        &["3:3: an AWS::Serverless::Function has no `Runtime`; add `Runtime`"],
    );
    let mut given = settings();
    given.executables.insert("Count".to_owned(), "bin/count".into());
    let there = |path: &Path| path == Path::new("bin/count");
    let function = read(&text, &given, &there).unwrap().stack.functions.remove(0);
    assert_eq!(function.bootstrap, PathBuf::from("bin/count"));
    check_with(
        &text,
        &given,
        &["3:3: the executable `bin/count` is not there; check the path after --function"],
    );
    given.executables.clear();
    given.executables.insert("Cuont".to_owned(), "bin/count".into());
    check_with(
        &function_text(),
        &given,
        &["1:1: the template has no function `Cuont`; did you mean `Count`?"],
    );
}

fn function_text() -> String {
    function("")
}

/// Where the executable is found, if only `there` is there.
#[track_caller]
fn check_found(code: &str, there: &str) {
    let text = format!("{HEAD}{}", FUNCTION.replace("CodeUri: build", code))
        + "    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: counter}}\n";
    let mut given = settings();
    given.folder = "stack".into();
    let template = read(&text, &given, &|path| path == Path::new(there));
    let template = template.unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(template.stack.functions[0].bootstrap, PathBuf::from(there));
}

#[test]
fn executables_are_found_where_builds_leave_them() {
    check_found("CodeUri: build", "stack/build/bootstrap");
    check_found("CodeUri: ./build/", "stack/build/bootstrap");
    check_found("CodeUri: bin/count", "stack/bin/count");
    check_found("CodeUri: /opt/x", "/opt/x/bootstrap");
    check_found("CodeUri: .", "stack/target/lambda/counter/bootstrap");
    check_found("CodeUri: counter", "stack/counter/target/lambda/counter/bootstrap");
    check_found("CodeUri: s3://bucket/key", "stack/.aws-sam/build/Count/bootstrap");
    check_found("CodeUri: {Bucket: a, Key: b}", "stack/.aws-sam/build/Count/bootstrap");
}

#[test]
fn an_executable_that_is_not_there_lists_where_it_was_looked_for() {
    let text = function("").replace("CodeUri: build", "CodeUri: ./nowhere");
    check(
        &text,
        &[
            "6:16: there is no executable for the function `Count`; looked for `nowhere/bootstrap`, `nowhere`, `.aws-sam/build/Count/bootstrap`; build it, or give it with --function Count=PATH",
        ],
    );
    let here = Settings { folder: PathBuf::new(), ..settings() };
    let found = read(&text.replace("./nowhere", "."), &here, &|_| false).unwrap_err();
    assert!(found[0].message.ends_with("looked for `bootstrap`, `.aws-sam/build/Count/bootstrap`"));
    let archive =
        read(&text.replace("./nowhere", "a.zip"), &settings(), &|path| path == Path::new("a.zip"));
    assert_eq!(archive.unwrap_err()[0].message, "`a.zip` is an archive, and no executable");
}

#[test]
fn globals_are_merged_as_sam_does() {
    let globals = "Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    CodeUri: build
    Runtime: provided.al2
    Timeout: 60
    Environment: {Variables: {A1: global, B1: global}}
Resources:
";
    let function = "  Count:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 9
      Environment: {Variables: {B1: own, C1: own}}
  Plain: {Type: AWS::Lambda::Function, Properties: {Code: build, Runtime: provided.al2}}
";
    let template = right(&format!("{globals}{function}"));
    let [count, plain] = template.stack.functions.as_slice() else { panic!("two functions") };
    assert_eq!((count.timeout, plain.timeout), (Duration::from_secs(9), Duration::from_secs(3)));
    let variables = count.environment.iter().map(|(name, value)| format!("{name}={value}"));
    assert_eq!(variables.collect::<Vec<_>>(), ["A1=global", "B1=own", "C1=own"]);
    assert_eq!(plain.environment.len(), 0);
}

#[test]
fn asynchronous_invocations_have_settings() {
    let config = "{MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60, DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Lost.Arn}}}";
    let lost = "  Lost: {Type: AWS::SQS::Queue}\n";
    let expect = AsynchronousSettings {
        retry_attempts_max: 0,
        event_age_max: Duration::from_mins(1),
        on_failure: Some(Destination::Queue(Arn::queue("us-east-1", "000000000000", "Lost"))),
    };
    let sam = right(&(function(&format!("      EventInvokeConfig: {config}\n")) + lost));
    assert_eq!(sam.stack.functions[0].asynchronous, expect);
    let properties = config.replacen('{', "{FunctionName: !Ref Count, Qualifier: $LATEST, ", 1);
    let properties = properties.replace("Type: SQS, ", "");
    let own =
        format!("  Config: {{Type: AWS::Lambda::EventInvokeConfig, Properties: {properties}}}\n");
    let plain = right(&(function("") + lost + &own));
    assert_eq!(plain.stack.functions[0].asynchronous, expect);
    check(
        &function(
            "  Config: {Type: AWS::Lambda::EventInvokeConfig, Properties: {FunctionName: other}}\n",
        ),
        &["8:77: the function `other` is not one of this template; name a function with `!Ref`"],
    );
    check(
        &function("      EventInvokeConfig: {DestinationConfig: {OnSuccess: {Destination: x}}}\n"),
        &[
            "8:47: documents about success are not sent here; remove `OnSuccess`, or put it behind a condition",
        ],
    );
}

#[test]
fn what_stands_behind_a_condition_is_left_out() {
    let text = function("      Events: !If [Never, {X: {Type: Kinesi}}, !Ref 'AWS::NoValue']\n")
        + "  Other: {Type: AWS::Serverless::Function, Condition: Never}\nConditions: {Never: !Equals [a, b]}\n";
    let template = right(&text);
    assert_eq!(template.stack.functions.len(), 1);
    assert!(read(&text, &settings(), &is_there).unwrap().stack.kinesis.is_empty());
    check(
        &text.replace(
            "!Ref 'AWS::NoValue'",
            "{X: {Type: SQS, Properties: {Queue: !GetAtt Other.Arn}}}",
        ),
        &[
            "8:84: `Other` is left out, as `Never` does not hold; use `!If` with the same condition here",
        ],
    );
}

#[test]
fn sam_needs_its_transform_and_other_macros_are_not_run() {
    let text = function("").replace("Transform: AWS::Serverless-2016-10-31\n", "");
    check(
        &text,
        &[
            "2:3: `AWS::Serverless::Function` needs SAM's transform; add `Transform: AWS::Serverless-2016-10-31` to the template",
        ],
    );
    let two =
        function("").replace("AWS::Serverless-2016-10-31", "[AWS::Serverless-2016-10-31, Mine]");
    check(
        &two,
        &[
            "1:41: the macro `Mine` is not run here; known here: `AWS::Serverless-2016-10-31`, `AWS::LanguageExtensions`",
        ],
    );
}

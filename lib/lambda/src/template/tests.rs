//! Templates, and what the reader makes of them or says about them.

mod functions;
mod mappings;
mod realistic;
mod robust;
mod schedules;

use super::{Settings, Template, read};
use std::path::Path;

/// The head and one function, to which tests add events and properties.
const HEAD: &str = "Transform: AWS::Serverless-2016-10-31\nResources:\n";
const FUNCTION: &str = "  Count:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: build
      Runtime: provided.al2023
";

/// The settings of all tests: nothing of them depends on the machine.
fn settings() -> Settings {
    Settings { machine: "x86_64".to_owned(), ..Settings::default() }
}

/// What is there: an executable in the folder `build`.
fn is_there(path: &Path) -> bool {
    path == Path::new("build/bootstrap")
}

fn read_with(text: &str, settings: &Settings) -> Result<Template, Vec<String>> {
    read(text, settings, &is_there)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// A template that is right.
#[track_caller]
fn right(text: &str) -> Template {
    read_with(text, &settings()).unwrap_or_else(|problems| panic!("{}", problems.join("\n")))
}

/// Shows a template to the reader: the problems, each as `line:column: message; remedy`.
#[track_caller]
fn check(text: &str, expect: &[&str]) {
    check_with(text, &settings(), expect);
}

#[track_caller]
fn check_with(text: &str, settings: &Settings, expect: &[&str]) {
    assert_eq!(read_with(text, settings).err().unwrap_or_default(), expect, "{text}");
}

/// A template with one function and these lines of properties.
fn function(properties: &str) -> String {
    format!("{HEAD}{FUNCTION}{properties}")
}

/// A template whose function has the variable `V`, and these sections behind it; `Orders` is a stream.
fn variable(value: &str, sections: &str) -> String {
    let variable = format!("      Environment: {{Variables: {{V1: {value}}}}}\n");
    format!("{}  Orders: {{Type: AWS::Kinesis::Stream}}\n{sections}", function(&variable))
}

/// The value of the variable.
#[track_caller]
fn check_value(value: &str, sections: &str, expect: &str) {
    let template = right(&variable(value, sections));
    assert_eq!(template.stack.functions[0].environment["V1"], expect, "{value}");
}

/// What is wrong with the variable, without its place.
#[track_caller]
fn check_value_problem(value: &str, sections: &str, expect: &str) {
    let problems = read_with(&variable(value, sections), &settings()).unwrap_err();
    let texts = problems.iter().map(|problem| problem.splitn(3, ':').last().unwrap().trim_start());
    assert_eq!(texts.collect::<Vec<_>>(), [expect], "{value}");
}

#[test]
fn functions_of_the_language_give_values() {
    check_value("plain", "", "plain");
    check_value("7", "", "7");
    check_value("!Ref Orders", "", "Orders");
    check_value("!GetAtt Orders.Arn", "", "arn:aws:kinesis:us-east-1:000000000000:stream/Orders");
    check_value(
        "{'Fn::GetAtt': [Orders, Arn]}",
        "",
        "arn:aws:kinesis:us-east-1:000000000000:stream/Orders",
    );
    check_value(
        "!Sub '${AWS::Region}/${Orders}/${Orders.Arn}/${!x}'",
        "",
        "us-east-1/Orders/arn:aws:kinesis:us-east-1:000000000000:stream/Orders/${x}",
    );
    check_value("!Sub ['${A}-${Orders}', {A: !Ref 'AWS::StackName'}]", "", "local-Orders");
    check_value("!Join ['-', [a, !Ref Orders, c]]", "", "a-Orders-c");
    check_value("!Join ['', !Split [',', 'a,b']]", "", "ab");
    check_value("!Select [1, !Split [',', 'a,b']]", "", "b");
    check_value("!Select ['0', [a, b]]", "", "a");
    check_value(
        "!FindInMap [Sizes, !Ref 'AWS::Region', large]",
        "Mappings: {Sizes: {us-east-1: {large: 9}}}\n",
        "9",
    );
    check_value("{'Fn::Base64': hello}", "", "aGVsbG8=");
    check_value(
        "!Sub 'arn:${AWS::Partition}:x.${AWS::URLSuffix}:${AWS::AccountId}'",
        "",
        "arn:aws:x.amazonaws.com:000000000000",
    );
}

#[test]
fn parameters_have_defaults_and_are_given() {
    let section = "Parameters: {Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}, List: {Type: CommaDelimitedList, Default: 'a, b'}}\n";
    check_value("!Ref Stage", section, "dev");
    check_value("!Sub '${Stage}!'", section, "dev!");
    check_value("!Join ['+', !Ref List]", section, "a+b");
    let mut given = settings();
    given.parameters.insert("Stage".to_owned(), "prod".to_owned());
    let text = variable("!Ref Stage", section);
    let template = read(&text, &given, &is_there).unwrap();
    assert_eq!(template.stack.functions[0].environment["V1"], "prod");
    given.parameters.insert("Stage".to_owned(), "pord".to_owned());
    check_with(
        &text,
        &given,
        &["10:14: `pord` is not allowed for the parameter `Stage`; did you mean `prod`?"],
    );
    given.parameters.remove("Stage");
    given.parameters.insert("Stge".to_owned(), "dev".to_owned());
    check_with(
        &text,
        &given,
        &["10:13: the template has no parameter `Stge`; did you mean `Stage`?"],
    );
}

#[test]
fn conditions_choose() {
    let section = "Conditions:\n  Big: !Equals [!Ref 'AWS::Region', us-east-1]\n  Small: !Not [!Condition Big]\n  Any: !Or [!Condition Big, !Condition Small]\n  All: !And [!Condition Big, Condition: Small]\n";
    check_value("!If [Big, yes-it-is, !Ref Nowhere]", section, "yes-it-is");
    check_value("!If [Small, a, b]", section, "b");
    check_value("!If [Any, a, b]", section, "a");
    check_value("!If [All, a, b]", section, "b");
    check_value_problem(
        "!If [Bgi, a, b]",
        section,
        "there is no condition `Bgi`; did you mean `Big`?",
    );
    check_value_problem(
        "!If [A1, a, b]",
        "Conditions: {A1: !Condition B1, B1: !Condition A1}\n",
        "the condition `A1` is made of itself; write it out",
    );
}

#[test]
fn what_is_only_known_to_aws_has_a_remedy() {
    let of_stack = "values of other stacks are not known here; take it from a parameter and give it with --parameter Name=Value";
    check_value_problem("!ImportValue x", "", of_stack);
    check_value_problem(
        "'{{resolve:ssm:name}}'",
        "",
        "dynamic references are not resolved here; give the value as a parameter, or as --env NAME=VALUE",
    );
    check_value_problem(
        "!Ref Nowhere",
        "",
        "there is no resource or parameter `Nowhere`; known here: `Count`, `Orders`",
    );
    check_value_problem(
        "!GetAtt Orders.Name",
        "",
        "the attribute `Name` of an AWS::Kinesis::Stream is not known here; known here: `Arn`",
    );
    check_value_problem(
        "!GetAtt Orders",
        "",
        "`GetAtt` takes a resource and its attribute; write `!GetAtt Resource.Attribute`",
    );
    check_value_problem(
        "!Ref P1",
        "Parameters: {P1: {Type: String}}\n",
        "the parameter `P1` has no default; give it with --parameter P1=VALUE",
    );
    check_value_problem(
        "!Ref P1",
        "Parameters: {P1: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /x}}\n",
        "the parameter `P1` is kept by Systems Manager, and is not fetched here; give it with --parameter P1=VALUE",
    );
    check_value_problem(
        "!GetAZs us-east-1",
        "",
        "`GetAZs` is not evaluated here; take the value from a parameter and give it with --parameter Name=Value",
    );
    check_value_problem(
        "!Ref AWS::Regoin",
        "",
        "`AWS::Regoin` is not set by AWS; did you mean `AWS::Region`?",
    );
}

#[test]
fn wrong_calls_of_functions_are_told() {
    check_value_problem(
        "!Sub '${Orders'",
        "",
        "`${` is never closed; add `}`; a literal one is `${!Name}`",
    );
    check_value_problem(
        "!Select [2, [a]]",
        "",
        "there is no `2` in a list of 1; places are counted from 0",
    );
    check_value_problem(
        "!Split ['', a]",
        "",
        "the delimiter is some text; write `!Split [delimiter, text]`",
    );
    check_value_problem(
        "!FindInMap [Sizs, a, b]",
        "Mappings: {Sizes: {a: {b: 1}}}\n",
        "`Sizs` is not known as a mapping; did you mean `Sizes`?",
    );
    check_value_problem(
        "!Equals [a, b]",
        "",
        "`Equals` decides conditions and gives no value; write a condition under `Conditions`, and `!If` here",
    );
    check_value_problem(
        "[a]",
        "",
        "the variable `V1` is text, and this is a list; write the text; `!Join` makes one of a list",
    );
    check_value_problem(
        "yes",
        "",
        "without quotes, YAML 1.1 takes `yes` for something else; put it in quotes",
    );
    check_value_problem(
        "{'Fn::Jion': x}",
        "",
        "`Fn::Jion` is no function of CloudFormation; did you mean `Join`?",
    );
    check_value_problem(
        "!Reff x",
        "",
        "the tag `!Reff` is no function of CloudFormation; did you mean `!Ref`?",
    );
}

#[test]
fn what_is_given_as_a_variable_is_not_evaluated() {
    let mut given = settings();
    given.environment.insert("V1".to_owned(), "given".to_owned());
    let template = read(&variable("!ImportValue x", ""), &given, &is_there).unwrap();
    assert_eq!(template.stack.functions[0].environment["V1"], "given");
}

#[test]
fn names_are_written_or_the_logical_ids() {
    let text = function("      FunctionName: !Sub '${AWS::StackName}-count'\n")
        + "  Orders: {Type: AWS::Kinesis::Stream, Properties: {Name: orders}}
  Lost: {Type: AWS::S3::Bucket}
  Wake: {Type: AWS::SQS::Queue}
";
    let template = right(&text);
    let names = template.names.iter().map(|(id, name)| format!("{id}={name}")).collect::<Vec<_>>();
    assert_eq!(names, ["Count=local-count", "Lost=lost", "Orders=orders", "Wake=Wake"]);
    assert_eq!(template.stack.buckets, ["lost"]);
    let queue = "\n  Wake: {Type: AWS::SQS::Queue}\n  Topic: {Type: AWS::SNS::Topic}\n  T: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub 'x-${Wake.QueueName}'}}\n";
    let value =
        |value: &str| right(&variable(value, queue)).stack.functions[0].environment["V1"].clone();
    assert_eq!(value("!Ref Wake"), "https://sqs.us-east-1.amazonaws.com/000000000000/Wake");
    assert_eq!(value("!GetAtt Wake.Arn"), "arn:aws:sqs:us-east-1:000000000000:Wake");
    assert_eq!(value("!Ref Topic"), "arn:aws:sns:us-east-1:000000000000:Topic");
    assert_eq!(value("!Ref T"), "x-Wake");
    assert_eq!(value("!GetAtt Count.Arn"), "arn:aws:lambda:us-east-1:000000000000:function:Count");
    check_value_problem(
        "!Ref A1",
        "\n  A1: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub 'x${B1}'}}\n  B1: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref A1}}\n",
        "the name of `A1` is made of itself; write it out",
    );
}

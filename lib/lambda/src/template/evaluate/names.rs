//! What resources are called: `Ref` and `GetAtt` of those whose names, ARNs and URLs can be known without AWS.
//!
//! A resource that is given no name is called by its logical id. AWS makes `stack-LogicalId-SUFFIX` of it; a name that is the
//! same in each run is worth more here.

use super::Evaluator;
use crate::template::problem::{Place, did_you_mean, shown};
use crate::template::resource::Resource;
use crate::template::tree::{Content, Node};
use crate::template::value::{Value, What};

/// What a resource gives for a `Ref` or an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Name,
    Arn,
    Url,
}

/// A kind of resource.
struct Kind {
    /// `AWS::SQS::Queue`
    type_name: &'static str,
    /// The property with its name.
    name: &'static str,
    /// What `Ref` gives.
    reference: Form,
    /// The attributes.
    attributes: &'static [(&'static str, Form)],
    /// Its ARN after `arn:aws:`; `{r}`, `{a}` and `{n}` are region, account and name.
    arn: &'static str,
}

const ARN: &[(&str, Form)] = &[("Arn", Form::Arn)];

/// The kinds that are known. What `Ref` and `GetAtt` give:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>.
const KINDS: [Kind; 14] = [
    kind("AWS::Kinesis::Stream", "Name", "kinesis:{r}:{a}:stream/{n}"),
    Kind {
        reference: Form::Url,
        attributes: &[("Arn", Form::Arn), ("QueueName", Form::Name), ("QueueUrl", Form::Url)],
        ..kind("AWS::SQS::Queue", "QueueName", "sqs:{r}:{a}:{n}")
    },
    kind("AWS::S3::Bucket", "BucketName", "s3:::{n}"),
    kind("AWS::Serverless::Function", "FunctionName", "lambda:{r}:{a}:function:{n}"),
    kind("AWS::Lambda::Function", "FunctionName", "lambda:{r}:{a}:function:{n}"),
    kind("AWS::DynamoDB::Table", "TableName", "dynamodb:{r}:{a}:table/{n}"),
    kind("AWS::DynamoDB::GlobalTable", "TableName", "dynamodb:{r}:{a}:table/{n}"),
    kind("AWS::Serverless::SimpleTable", "TableName", "dynamodb:{r}:{a}:table/{n}"),
    Kind {
        reference: Form::Arn,
        attributes: &[("TopicArn", Form::Arn), ("TopicName", Form::Name)],
        ..kind("AWS::SNS::Topic", "TopicName", "sns:{r}:{a}:{n}")
    },
    kind("AWS::Logs::LogGroup", "LogGroupName", "logs:{r}:{a}:log-group:{n}:*"),
    kind("AWS::Events::EventBus", "Name", "events:{r}:{a}:event-bus/{n}"),
    kind("AWS::IAM::Role", "RoleName", "iam::{a}:role/{n}"),
    kind("AWS::Scheduler::ScheduleGroup", "Name", "scheduler:{r}:{a}:schedule-group/{n}"),
    kind("AWS::SSM::Parameter", "Name", "ssm:{r}:{a}:parameter/{n}"),
];

const fn kind(type_name: &'static str, name: &'static str, arn: &'static str) -> Kind {
    Kind { type_name, name, reference: Form::Name, attributes: ARN, arn }
}

impl<'t> Evaluator<'t> {
    /// `!GetAtt Resource.Attribute`, or a list of both.
    pub(super) fn attribute(&mut self, place: Place, node: &'t Node) -> Value {
        let usage = "`!GetAtt Resource.Attribute`";
        let text = match &node.content {
            Content::List(_) => {
                let Some([resource, attribute]) = self.arguments(place, node, usage) else {
                    return Value::broken(place);
                };
                resource.text().zip(attribute.text())
            }
            _ => node.text().and_then(|text| text.split_once('.')),
        };
        let Some((resource, attribute)) = text else {
            return self.broken(
                place,
                "`GetAtt` takes a resource and its attribute",
                format!("write {usage}"),
            );
        };
        match self.attribute_of(place, resource, attribute) {
            Some(value) => Value::text(place, value),
            None => Value::broken(place),
        }
    }

    /// An attribute of a resource; none after a problem.
    pub(super) fn attribute_of(
        &mut self,
        place: Place,
        resource: &str,
        attribute: &str,
    ) -> Option<String> {
        let kind = self.kind_of(place, resource)?;
        if let Some((_, form)) = kind.attributes.iter().find(|(name, _)| *name == attribute) {
            self.formed(place, resource, kind, *form)
        } else {
            let message = format!(
                "the attribute `{}` of an {} is not known here",
                shown(attribute),
                kind.type_name
            );
            let known = kind.attributes.iter().map(|(name, _)| *name);
            self.problem(
                place,
                message,
                did_you_mean(attribute, known, "give the value with --env NAME=VALUE"),
            );
            None
        }
    }

    /// What `Ref` of a resource gives; none after a problem.
    pub(super) fn resource_reference(&mut self, place: Place, resource: &str) -> Option<String> {
        let kind = self.kind_of(place, resource)?;
        self.formed(place, resource, kind, kind.reference)
    }

    fn kind_of(&mut self, place: Place, id: &str) -> Option<&'static Kind> {
        let Some(resource) = self.resources.get(id).copied() else {
            let parameters = self.parameters.entries().iter().map(|entry| entry.key.as_str());
            let known = self.resources.keys().copied().chain(parameters);
            let remedy = did_you_mean(id, known, "add it under `Resources` or `Parameters`");
            let message = format!("there is no resource or parameter `{}`", shown(id));
            self.problem(place, message, remedy);
            return None;
        };
        if let Some((condition_place, condition)) = &resource.condition
            && !self.condition(*condition_place, condition)?
        {
            let message =
                format!("`{}` is left out, as `{}` does not hold", shown(id), shown(condition));
            self.problem(place, message, "use `!If` with the same condition here");
            return None;
        }
        let kind = KINDS.iter().find(|kind| kind.type_name == resource.type_name);
        if kind.is_none() {
            let message = format!(
                "what `{}` gives, an {}, is only known to AWS",
                shown(id),
                shown(&resource.type_name)
            );
            let remedy = "give the value as a parameter, or the variable with --env NAME=VALUE";
            self.problem(place, message, remedy);
        }
        kind
    }

    fn formed(&mut self, place: Place, id: &str, kind: &Kind, form: Form) -> Option<String> {
        let name = self.name_of(place, id)?;
        let settings = self.settings;
        Some(match form {
            Form::Name => name,
            Form::Arn => {
                let arn =
                    kind.arn.replace("{r}", &settings.region).replace("{a}", &settings.account);
                format!("arn:aws:{}", arn.replace("{n}", &name))
            }
            Form::Url => match &settings.queue_endpoint {
                Some(endpoint) => {
                    format!("{}/{}/{name}", endpoint.trim_end_matches('/'), settings.account)
                }
                None => format!(
                    "https://sqs.{}.amazonaws.com/{}/{name}",
                    settings.region, settings.account
                ),
            },
        })
    }

    /// The name of a resource: the one that it is given, else its logical id; none after a problem.
    pub(in crate::template) fn name_of(&mut self, place: Place, id: &str) -> Option<String> {
        if let Some(named) = self.named.get(id) {
            return named.clone();
        }
        let resource = self.resources.get(id).copied()?;
        if !self.begin(place, "name of", &resource.id) {
            return None;
        }
        let kind = KINDS.iter().find(|kind| kind.type_name == resource.type_name);
        let given = kind.and_then(|kind| resource.properties.get(kind.name));
        let name = match given {
            None => Some(unnamed(resource)),
            Some(node) => {
                let value = self.value(node);
                match value.what {
                    What::Nothing => Some(unnamed(resource)),
                    What::Broken => None,
                    What::Text { text, .. } if !text.is_empty() => Some(text),
                    _ => {
                        let message = format!("the name of `{}` is no text", shown(id));
                        self.problem(node.place, message, "write a name, or remove it");
                        None
                    }
                }
            }
        };
        self.busy.remove(&("name of", resource.id.as_str()));
        self.named.insert(&resource.id, name.clone());
        name
    }
}

/// What a resource without a name is called. Buckets have no capital letters, FIFO queues end in `.fifo`.
fn unnamed(resource: &Resource) -> String {
    let is_fifo = resource.properties.get("FifoQueue").and_then(Node::text) == Some("true");
    match resource.type_name.as_str() {
        "AWS::S3::Bucket" => resource.id.to_lowercase(),
        "AWS::SQS::Queue" if is_fifo => format!("{}.fifo", resource.id),
        _ => resource.id.clone(),
    }
}

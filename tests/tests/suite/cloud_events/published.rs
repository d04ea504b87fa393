//! The published cases of `CloudEvents`, read as far as they go: requests in Gherkin, envelopes in YAML.

use serde_json::{Map, Value};

/// A request, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) data: Value,
}

/// The requests of a feature: each outline once for each of its examples.
pub(crate) fn requests(feature: &str) -> Vec<Request> {
    let mut requests = Vec::new();
    for outline in feature.split("Scenario Outline:").skip(1) {
        let (steps, examples) = outline.split_once("Examples:").unwrap();
        let mut rows = examples.lines().filter_map(cells);
        assert_eq!(rows.next().unwrap(), ["contentType"]);
        requests.extend(rows.map(|row| request(&steps.replace("<contentType>", &row[0]))));
    }
    requests
}

fn request(steps: &str) -> Request {
    let quoted: Vec<&str> = steps.split("\"\"\"").skip(1).step_by(2).collect();
    let lines: Vec<&str> = quoted[0].lines().map(str::trim).collect();
    let empty = 1 + lines[1..].iter().position(|line| line.is_empty()).unwrap();
    let headers = lines[2..empty].iter().map(|line| line.split_once(": ").unwrap());
    let table = steps.lines().filter_map(cells).filter(|row| row[0] != "key");
    Request {
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: lines[empty + 1..].join("\n"),
        attributes: table.map(|row| (row[0].clone(), Value::from(row[1].clone()))).collect(),
        data: serde_json::from_str(quoted[1]).unwrap(),
    }
}

/// The cells of a row of a table.
fn cells(line: &str) -> Option<Vec<String>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(|cell| cell.trim().to_owned()).collect())
}

/// An event as a document of YAML.
#[derive(Clone, Debug, Default)]
pub(crate) struct Envelope {
    attributes: Vec<(String, String)>,
    pub(crate) data: String,
}

/// The events of a file.
pub(crate) fn envelopes(text: &str) -> Vec<Envelope> {
    text.split("---\n").map(envelope).filter(|envelope| !envelope.attributes.is_empty()).collect()
}

/// Takes names and values below `ContextAttributes`, those of `Extensions` too, and blocks behind `|`.
fn envelope(text: &str) -> Envelope {
    let mut envelope = Envelope::default();
    let mut section = "";
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.trim_end(), value.trim());
        let depth = name.len() - name.trim_start().len();
        if depth == 0 {
            section = name;
        }
        let mut block = String::new();
        while value == "|"
            && lines.peek().is_some_and(|next| next.len() - next.trim_start().len() > depth)
        {
            block.push_str(lines.next().unwrap().trim_start());
            block.push('\n');
        }
        let value = if value == "|" { block } else { value.trim_matches('"').to_owned() };
        match (section, depth) {
            ("Data", 0) => envelope.data = value,
            ("ContextAttributes", 2..) if !value.is_empty() => {
                envelope.attributes.push((name.trim().to_owned(), value));
            }
            _ => {}
        }
    }
    envelope
}

impl Envelope {
    /// The type of its data; none is JSON.
    pub(crate) fn content_type(&self) -> &str {
        let found = self.attributes.iter().find(|(name, _)| name == "datacontenttype");
        found.map_or("application/json", |(_, value)| value)
    }

    /// The headers of the binary form, encoded as the binding asks for.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let others = self.attributes.iter().filter(|(name, _)| name != "datacontenttype");
        others.map(|(name, value)| (format!("ce-{name}"), encoded(value))).collect()
    }

    /// The event in the JSON format.
    pub(crate) fn event(&self) -> Map<String, Value> {
        let mut event: Map<String, Value> = self
            .attributes
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        event.insert("datacontenttype".to_owned(), self.content_type().into());
        let data = if self.content_type().starts_with("application/json") {
            serde_json::from_str(&self.data).unwrap()
        } else {
            Value::from(self.data.clone())
        };
        event.insert("data".to_owned(), data);
        event
    }
}

fn encoded(value: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' | b'"' | b'%' | 0..=0x1f | 0x7f.. => format!("%{byte:02X}"),
        plain => char::from(plain).to_string(),
    };
    value.bytes().map(byte).collect()
}

//! A reader for the text form of protocol buffers, as far as the published cases use it.
//!
//! A message is a list of named fields in order; a name can stand several times. Values are messages, lists,
//! strings (as bytes; neighbours are joined) and words (numbers, names of constants).

/// The fields of a message, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Message {
    fields: Vec<(String, Field)>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Message(Message),
    Text(Vec<u8>),
    Word(String),
}

impl Message {
    /// The messages of all fields with this name.
    pub(super) fn messages<'m>(&'m self, name: &str) -> impl Iterator<Item = &'m Self> {
        self.all(name).filter_map(|field| {
            if let Field::Message(message) = field { Some(message) } else { None }
        })
    }

    /// The message of the first field with this name.
    pub(super) fn message(&self, name: &str) -> Option<&Self> {
        self.messages(name).next()
    }

    /// The text of the first field with this name, or nothing.
    pub(super) fn text(&self, name: &str) -> String {
        match self.all(name).next() {
            Some(Field::Text(bytes)) => {
                String::from_utf8(bytes.clone()).expect("a string field is UTF-8")
            }
            _ => String::new(),
        }
    }

    /// The word of the first field with this name.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.all(name).find_map(|field| {
            if let Field::Word(word) = field { Some(word.as_str()) } else { None }
        })
    }

    /// The one field of a message that holds a choice.
    pub(super) fn only(&self) -> Option<(&str, &Field)> {
        self.fields.first().map(|(name, field)| (name.as_str(), field))
    }

    fn all<'m>(&'m self, name: &str) -> impl Iterator<Item = &'m Field> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, field)| field)
    }
}

/// Reads a file, which is one message.
pub(super) fn read(text: &str) -> Message {
    let mut reader = Reader { rest: text };
    let message = reader.fields();
    assert!(reader.rest.is_empty(), "the file goes on behind its message: {:.40}", reader.rest);
    message
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn skip_blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n', ',', ';']);
            let Some(comment) = self.rest.strip_prefix('#') else { return };
            self.rest = comment.split_once('\n').map_or("", |(_, after)| after);
        }
    }

    fn take(&mut self, symbol: char) -> bool {
        self.skip_blank();
        let after = self.rest.strip_prefix(symbol);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// The fields up to a closing brace or the end.
    fn fields(&mut self) -> Message {
        let mut message = Message::default();
        loop {
            self.skip_blank();
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return message;
            }
            let name = self.name();
            let colon = self.take(':');
            self.skip_blank();
            assert!(
                colon || self.rest.starts_with('{'),
                "`{name}` has no value: {:.40}",
                self.rest
            );
            if self.take('[') {
                while !self.take(']') {
                    let value = self.value();
                    message.fields.push((name.clone(), value));
                }
            } else {
                let value = self.value();
                message.fields.push((name, value));
            }
        }
    }

    /// A field's name; the name of an extension or of the type of an `Any` stands in brackets.
    fn name(&mut self) -> String {
        if let Some(inside) = self.rest.strip_prefix('[') {
            let (name, after) = inside.split_once(']').expect("a bracket is closed");
            self.rest = after;
            return name.to_owned();
        }
        self.word()
    }

    fn word(&mut self) -> String {
        let end =
            self.rest.find(|next: char| !next.is_ascii_alphanumeric() && !"_.+-".contains(next));
        let (word, after) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        assert!(!word.is_empty(), "expected a word: {:.40}", self.rest);
        self.rest = after;
        word.to_owned()
    }

    fn value(&mut self) -> Field {
        if self.take('{') {
            let message = self.fields();
            assert!(self.take('}'), "a brace is closed");
            return Field::Message(message);
        }
        if !self.rest.starts_with(['"', '\'']) {
            return Field::Word(self.word());
        }
        let mut bytes = Vec::new();
        while self.rest.starts_with(['"', '\'']) {
            self.string(&mut bytes);
            self.skip_blank();
        }
        Field::Text(bytes)
    }

    /// Reads one quoted string and appends what it stands for.
    fn string(&mut self, bytes: &mut Vec<u8>) {
        let mut characters = self.rest.chars();
        let quote = characters.next().expect("the caller saw a quote");
        loop {
            match characters.next().expect("a string is closed") {
                '\\' => escape(&mut characters, bytes),
                next if next == quote => break,
                next => bytes.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        self.rest = characters.as_str();
    }
}

/// Reads what stands behind a backslash.
fn escape(characters: &mut std::str::Chars<'_>, bytes: &mut Vec<u8>) {
    let letter = characters.next().expect("an escape is complete");
    match letter {
        'a' => bytes.push(7),
        'b' => bytes.push(8),
        'f' => bytes.push(12),
        'n' => bytes.push(b'\n'),
        'r' => bytes.push(b'\r'),
        't' => bytes.push(b'\t'),
        'v' => bytes.push(11),
        'x' | 'X' => {
            bytes.push(u8::try_from(number(characters, 2, 16)).expect("two digits are a byte"));
        }
        'u' | 'U' => {
            let code = number(characters, if letter == 'u' { 4 } else { 8 }, 16);
            let character = char::from_u32(code).expect("an escape is a character");
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        '0'..='7' => {
            let first = letter.to_digit(8).expect("the pattern says so");
            let mut code = first;
            for _ in 0..2 {
                let Some(digit) = characters.clone().next().and_then(|next| next.to_digit(8))
                else {
                    break;
                };
                characters.next();
                code = code * 8 + digit;
            }
            bytes.push(u8::try_from(code).expect("an octal escape is a byte"));
        }
        other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn number(characters: &mut std::str::Chars<'_>, digits: usize, radix: u32) -> u32 {
    let mut code = 0;
    for _ in 0..digits {
        let Some(digit) = characters.clone().next().and_then(|next| next.to_digit(radix)) else {
            break;
        };
        characters.next();
        code = code * radix + digit;
    }
    code
}

#[test]
fn messages_are_read_as_they_stand() {
    let text = "# a comment\nname: \"a\" 'b\\303\\277' # more\n n { v: -1.5, v: [2, 3] w <> }"
        .replace(" w <>", "");
    let message = read(&text);
    assert_eq!(message.text("name"), "abÿ");
    let inner = message.message("n").expect("it is there");
    assert_eq!(inner.word("v"), Some("-1.5"));
    assert_eq!(inner.all("v").count(), 3);
    assert!(message.message("w").is_none());
}

//! The syntax of nats-server's configuration, as far as ours uses it.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Value};

pub(super) fn parse(text: &str) -> Value {
    let mut reader = Reader(text.chars().peekable());
    let all = reader.map(None);
    assert_eq!(
        reader.0.next(),
        None,
        "the configuration goes on after its end"
    );
    all
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    /// Skips what separates: space, commas, comments.
    fn skip(&mut self) {
        while let Some(&next) = self.0.peek() {
            if next == '#' {
                while self.0.next_if(|&next| next != '\n').is_some() {}
            } else if next.is_whitespace() || next == ',' {
                self.0.next();
            } else {
                return;
            }
        }
    }

    fn map(&mut self, end: Option<char>) -> Value {
        let mut map = Map::new();
        loop {
            self.skip();
            if self.0.peek().copied() == end {
                self.0.next();
                return Value::Object(map);
            }
            let key = self.word(":={ \n");
            while self.0.next_if(|next| " :=".contains(*next)).is_some() {}
            let value = self.value();
            assert_eq!(map.insert(key.clone(), value), None, "{key} is there twice");
        }
    }

    fn value(&mut self) -> Value {
        match self.0.peek() {
            Some('{') => {
                self.0.next();
                self.map(Some('}'))
            }
            Some('[') => {
                self.0.next();
                let mut list = Vec::new();
                loop {
                    self.skip();
                    if self.0.next_if_eq(&']').is_some() {
                        return Value::Array(list);
                    }
                    list.push(self.value());
                }
            }
            _ => Value::String(self.word(",}]\n")),
        }
    }

    fn word(&mut self, ends: &str) -> String {
        if self.0.next_if_eq(&'"').is_some() {
            let word = std::iter::from_fn(|| self.0.next_if(|next| *next != '"')).collect();
            assert_eq!(self.0.next(), Some('"'), "a text without an end");
            return word;
        }
        let word = std::iter::from_fn(|| self.0.next_if(|next| !ends.contains(*next)));
        let word = word.collect::<String>().trim().to_owned();
        assert_ne!(word, "", "there should be a word");
        word
    }
}

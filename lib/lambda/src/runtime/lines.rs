//! What a process prints, cut into lines.

/// The longest line that is kept, in bytes: CloudWatch Logs takes events of 256 KB,
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>.
pub(crate) const LINE_BYTES_MAX: usize = 256 * 1024;

/// The line that is being printed.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    cut: usize,
}

impl Lines {
    /// Takes what was printed, and gives each line that ended in it.
    pub(super) fn feed(&mut self, printed: &[u8]) -> Vec<String> {
        let mut ended = Vec::new();
        let mut parts = printed.split(|byte| *byte == b'\n');
        if let Some(first) = parts.next() {
            self.append(first);
        }
        for part in parts {
            ended.push(self.line());
            self.append(part);
        }
        ended
    }

    /// The line that has begun and not ended, if there is one.
    pub(super) fn rest(&mut self) -> Option<String> {
        (!self.line.is_empty()).then(|| self.line())
    }

    fn append(&mut self, part: &[u8]) {
        let room = LINE_BYTES_MAX - self.line.len();
        let kept = part.get(..room).unwrap_or(part);
        self.line.extend_from_slice(kept);
        self.cut += part.len() - kept.len();
    }

    fn line(&mut self) -> String {
        let bytes = std::mem::take(&mut self.line);
        let text =
            String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(&bytes)).into_owned();
        match std::mem::take(&mut self.cut) {
            0 => text,
            cut => format!("{text} ... ({cut} bytes more)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of what was printed in pieces, and what is left at the end.
    fn check(pieces: &[&str], expect: &[&str], rest: Option<&str>) {
        let mut lines = Lines::default();
        let ended: Vec<String> =
            pieces.iter().flat_map(|piece| lines.feed(piece.as_bytes())).collect();
        assert_eq!(ended, expect);
        assert_eq!(lines.rest().as_deref(), rest);
        assert_eq!(lines.rest(), None);
    }

    #[test]
    fn lines_end_where_they_end() {
        check(&["a\nb\n"], &["a", "b"], None);
        check(&["a", "b\nc", "d"], &["ab"], Some("cd"));
        check(&["a\r\n\nb"], &["a", ""], Some("b"));
    }

    #[test]
    fn long_lines_are_cut_and_say_so() {
        let long = "x".repeat(LINE_BYTES_MAX);
        check(&[&long, "yz\nb\n"], &[&format!("{long} ... (2 bytes more)"), "b"], None);
        check(&[&long, "\n"], &[&long], None);
    }
}

//! What no single part can show: both ways to the answer, on whole lines.

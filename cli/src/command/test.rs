use crate::exit::*; use crate::arguments::*; pub(super) fn run<T>(_a: &T) -> Result<Exit, Failure> { Ok(Exit::Fine) }

//! Whether a bootstrap can run on this machine, found out before it is started: what a system says about a program that it
//! cannot run (`exec format error`) helps nobody.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The bytes of a file that tell what it is: up to `e_machine` of an ELF header,
/// <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>.
const HEADER_BYTES: usize = 20;
/// `e_machine` of x86-64.
const MACHINE_X86_64: u16 = 62;
/// `e_machine` of 64-bit Arm.
const MACHINE_AARCH64: u16 = 183;

/// Why a bootstrap cannot be run.
#[derive(Debug, Error)]
pub enum BinaryError {
    /// There is none.
    #[error(
        "the binary `{path}` of the function `{function}` cannot be read; build it first, for example with `cargo lambda build`"
    )]
    Missing {
        /// The function.
        function: String,
        /// The binary.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is a folder or the like.
    #[error(
        "`{path}` of the function `{function}` is no file; name the folder that holds `bootstrap`, or the binary itself"
    )]
    NoFile {
        /// The function.
        function: String,
        /// The binary.
        path: PathBuf,
    },
    /// It may not be run.
    #[error(
        "the binary `{path}` of the function `{function}` is not executable; run `chmod +x` on it"
    )]
    NotExecutable {
        /// The function.
        function: String,
        /// The binary.
        path: PathBuf,
    },
    /// It was built for other processors.
    #[error(
        "the binary `{path}` of the function `{function}` is for {its}, and this machine is {ours}; build it for this machine: `{remedy}`"
    )]
    OtherMachine {
        /// The function.
        function: String,
        /// The binary.
        path: PathBuf,
        /// What it is for.
        its: &'static str,
        /// What runs here.
        ours: &'static str,
        /// How it is built for here.
        remedy: &'static str,
    },
}

/// Checks a function's binary.
pub(crate) fn check(function: &str, path: &Path) -> Result<(), BinaryError> {
    let missing = |source| BinaryError::Missing {
        function: function.to_owned(),
        path: path.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(path).map_err(missing)?;
    if !metadata.is_file() {
        return Err(BinaryError::NoFile { function: function.to_owned(), path: path.to_owned() });
    }
    if !may_run(&metadata) {
        return Err(BinaryError::NotExecutable {
            function: function.to_owned(),
            path: path.to_owned(),
        });
    }
    let mut header = Vec::new();
    let file = File::open(path).map_err(missing)?;
    let wanted = u64::try_from(HEADER_BYTES).unwrap_or(u64::MAX);
    file.take(wanted).read_to_end(&mut header).map_err(missing)?;
    let ours = std::env::consts::ARCH;
    match machine(&header) {
        Some(its) if its != ours && matches!(ours, "x86_64" | "aarch64") => {
            Err(BinaryError::OtherMachine {
                function: function.to_owned(),
                path: path.to_owned(),
                its,
                ours,
                remedy: if ours == "x86_64" {
                    "cargo lambda build --x86-64"
                } else {
                    "cargo lambda build --arm64"
                },
            })
        }
        _ => Ok(()),
    }
}

fn may_run(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

/// The processors that an ELF file is for, as Rust names them; none if it is another kind of file, a script for example, or
/// for processors that no function runs on.
fn machine(header: &[u8]) -> Option<&'static str> {
    let is_elf = header.starts_with(b"\x7fELF");
    let field = header.get(18..HEADER_BYTES).and_then(|field| <[u8; 2]>::try_from(field).ok())?;
    let is_big_endian = header.get(5) == Some(&2);
    let number = if is_big_endian { u16::from_be_bytes(field) } else { u16::from_le_bytes(field) };
    match number {
        MACHINE_X86_64 if is_elf => Some("x86_64"),
        MACHINE_AARCH64 if is_elf => Some("aarch64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Folder;
    use std::os::unix::fs::PermissionsExt;

    fn elf(machine: u8) -> Vec<u8> {
        let mut header = b"\x7fELF\x02\x01\x01".to_vec();
        header.resize(18, 0);
        header.extend([machine, 0]);
        header
    }

    #[test]
    fn the_machine_is_read_out_of_the_header() {
        assert_eq!(machine(&elf(62)), Some("x86_64"));
        assert_eq!(machine(&elf(183)), Some("aarch64"));
        assert_eq!(machine(&elf(8)), None);
        assert_eq!(machine(b"#!/bin/sh\nexec node main.js\n"), None);
        assert_eq!(machine(b"\x7fELF"), None);
    }

    /// Writes a file and checks it: what the error says after the path and the function.
    fn checked(content: &[u8], mode: u32) -> String {
        let folder = Folder::new();
        let path = folder.file("bootstrap");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        check("f", &path).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn a_binary_for_other_processors_is_told_with_its_remedy() {
        let other = if std::env::consts::ARCH == "x86_64" { 183 } else { 62 };
        let told = checked(&elf(other), 0o755);
        assert!(told.contains("of the function `f` is for "), "{told}");
        assert!(told.contains("build it for this machine: `cargo lambda build --"), "{told}");
    }

    #[test]
    fn a_file_that_may_not_run_is_told_with_its_remedy() {
        let told = checked(b"#!/bin/sh\n", 0o644);
        assert!(told.ends_with("is not executable; run `chmod +x` on it"), "{told}");
        assert_eq!(checked(b"#!/bin/sh\n", 0o755), "fine");
    }

    #[test]
    fn what_is_not_there_or_a_folder_is_told() {
        let told = check("f", Path::new("/nowhere/bootstrap")).unwrap_err().to_string();
        assert!(told.starts_with(
            "the binary `/nowhere/bootstrap` of the function `f` cannot be read; build it first"
        ));
        let folder = check("f", &std::env::temp_dir()).unwrap_err().to_string();
        assert!(folder.contains("is no file; name the folder"), "{folder}");
    }
}

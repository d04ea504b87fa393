//! Where a function's executable is: as a build by `cargo lambda` or `sam build` leaves it beside the template.

use crate::template::evaluate::Evaluator;
use crate::template::fields::Fields;
use crate::template::problem::{Place, shown};
use crate::template::resource::Resource;
use crate::template::tree::{Content, Node};
use std::path::{Path, PathBuf};

/// An executable that was given, relative to where the command runs.
pub(super) fn given(
    evaluator: &mut Evaluator<'_>,
    place: Place,
    path: &Path,
    is_there: &dyn Fn(&Path) -> bool,
) -> Option<PathBuf> {
    if is_there(path) {
        return Some(path.to_owned());
    }
    let message = format!("the executable `{}` is not there", shown(&path.display().to_string()));
    evaluator.problem(place, message, "check the path after --function");
    None
}

/// The first of the usual places that is there. `code` is the property that says where the code is.
pub(super) fn found<'t>(
    evaluator: &mut Evaluator<'t>,
    (fields, code): (&Fields<'t>, &str),
    resource: &'t Resource,
    is_there: &dyn Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let folder = &evaluator.settings.folder;
    let mut places = Vec::new();
    let code_path = match fields.node(code) {
        // Code in a bucket is not here; a build may be.
        Some((_, node)) if node.call().is_none() && matches!(node.content, Content::Map(_)) => None,
        Some(_) => Some(fields.text(evaluator, code)?),
        None => None,
    };
    let local = code_path.filter(|path| !path.starts_with("s3://") && !path.is_empty());
    let root = local.as_ref().map(|path| joined(folder, path));
    if let Some(root) = &root {
        places.push(root.join("bootstrap"));
        // The folder of a template in the current one has no name, and is no executable.
        places.extend((!root.as_os_str().is_empty()).then(|| root.clone()));
    }
    let properties = resource.metadata.get("BuildProperties");
    if let Some(binary) = properties.and_then(|node| node.get("Binary")).and_then(Node::text) {
        let built = Path::new("target/lambda").join(binary).join("bootstrap");
        places.push(folder.join(&built));
        places.extend(root.as_ref().map(|root| root.join(&built)));
    }
    places.push(folder.join(".aws-sam/build").join(&resource.id).join("bootstrap"));
    places.dedup();
    if let Some(found) = places.iter().find(|path| is_there(path)) {
        if found.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
            let message = format!(
                "`{}` is an archive, and no executable",
                shown(&found.display().to_string())
            );
            evaluator.problem(fields.place(code), message, "unpack it, and name the folder");
            return None;
        }
        return Some(found.clone());
    }
    let looked = places.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>();
    let message = format!(
        "there is no executable for the function `{}`; looked for {}",
        shown(&resource.id),
        looked.join(", ")
    );
    let remedy = format!("build it, or give it with --function {}=PATH", shown(&resource.id));
    evaluator.problem(fields.place(code), message, remedy);
    None
}

/// A path in the template, which is relative to it, without the `./` at its beginning.
fn joined(folder: &Path, path: &str) -> PathBuf {
    let path = Path::new(path);
    let plain = path.strip_prefix("./").unwrap_or(path);
    let plain = if plain == Path::new(".") { Path::new("") } else { plain };
    if plain.as_os_str().is_empty() { folder.to_owned() } else { folder.join(plain) }
}

//! Parses `<WORKFLOW>` and `<TASK_ID>`.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use runninghub::{
    Site, TaskId, WebappId, WorkflowId, catalog::Catalog, embedded_workflow, half_width, is_platform_id,
    is_task_id, say,
};

use crate::{assign, exit::Error, input, shell::word};

/// A workflow has a few hundred kilobytes; a larger file is a mistake.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The path segments before the id in the URL of an AI app.
const APP_PAGES: [&str; 4] = ["ai-detail", "ai-app", "app", "webapp"];

/// The page about an app's API. The pages about workflows and models differ in the number only.
const APP_API: (&str, &str) = ("api-detail", "apiType=4");

/// What stands around an id or a URL that was copied from a text, a message or JSON.
const AROUND: &str = "\"'`<>()[]“”‘’,;，；。\u{200b}\u{200e}\u{200f}\u{2060}\u{feff}";

/// An id or a URL without what was copied with it.
pub(crate) fn copied(text: &str) -> &str {
    let is_around = |c: char| c.is_whitespace() || AROUND.contains(c);
    text.trim_start_matches(is_around).trim_end_matches(|c| is_around(c) || c == '.')
}

/// A workflow from the command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    /// A saved workflow, with the site of its page.
    Saved(WorkflowId, Option<Site>),
    /// The workflow of a file, an image or standard input.
    Own(String),
}

impl Target {
    /// Reads an id, the URL of a page, a file, or `-` for standard input.
    ///
    /// # Errors
    /// Usage, if it is none of these.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let word = copied(text);
        if is_platform_id(word) {
            return Ok(Self::Saved(word.into(), None));
        }
        if let Some(close) = half_width(text).filter(|half| is_platform_id(half)) {
            let what = say!("`{text}` is not a workflow id", text);
            return Err(Error::usage(what).hint(say!("did you mean `{close}`?", close)));
        }
        if let Some(address) = address(word) {
            return page(word, address);
        }
        if text == "-" {
            return read(text, io::stdin()).map(Self::Own);
        }
        open(Path::new(text)).map(Self::Own)
    }
}

/// The id of a saved workflow for `option`, from the id or the URL of its page; with the page's site.
///
/// # Errors
/// Usage, if it is neither.
pub(crate) fn saved(text: &str, option: &str) -> Result<(WorkflowId, Option<Site>), Error> {
    match Target::parse(text)? {
        Target::Saved(id, site) => Ok((id, site)),
        Target::Own(_) => {
            Err(Error::usage(say!("`{option}` takes a workflow id or the URL of a workflow page", option)))
        }
    }
}

/// Reads a task id that no submit of this machine has. Without any digit it is probably a typo.
///
/// # Errors
/// Usage, if it isn't valid.
pub(crate) fn task_id(text: &str) -> Result<TaskId, Error> {
    if is_task_id(text) && text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Ok(text.into());
    }
    let error = Error::usage(say!("`{text}` is not a task id", text));
    if let Some(close) = half_width(text).filter(|half| is_platform_id(half)) {
        return Err(error.hint(say!("did you mean `{close}`?", close)));
    }
    Err(error.hint(say!("a task id is a number such as `1904154698679771137`; `rhub run` prints it")))
}

/// Reads a prompt id of a ComfyUI.
///
/// # Errors
/// Usage, if it isn't valid.
pub(crate) fn prompt_id(text: &str) -> Result<TaskId, Error> {
    if is_task_id(text) {
        return Ok(text.into());
    }
    Err(Error::usage(say!("`{text}` is not a prompt id", text)).hint(say!(
        "a prompt id looks like `9b354dcf-8f10-4212-8b21-db4e40ce60d8`; `rhub queue` lists the waiting ones"
    )))
}

/// A URL without its scheme, which may be missing if the host is a site of the platform.
fn address(text: &str) -> Option<&str> {
    match text.split_once("://") {
        Some((scheme, rest)) => ["http", "https"].contains(&&*scheme.to_ascii_lowercase()).then_some(rest),
        None => parts(text).is_some().then_some(text),
    }
}

/// A page: `www.runninghub.cn/post/<id>`, with an optional query, and an optional language before `post`.
fn page(text: &str, address: &str) -> Result<Target, Error> {
    let (site, parts) = parts(address).ok_or_else(|| malformed(text))?;
    let mut parts = parts.into_iter();
    while let Some(part) = parts.next() {
        match part {
            "post" | "workflow" => {
                return parts
                    .next()
                    .filter(|id| is_platform_id(id))
                    .map(|id| Target::Saved(id.into(), Some(site)))
                    .ok_or_else(|| malformed(text));
            }
            part if is_app_page(part, address) => {
                return Err(Error::usage(say!("this is the page of an AI app, not of a workflow"))
                    .hint(say!("run it with `rhub app run {page}`", page = word(text))));
            }
            _ => {}
        }
    }
    Err(malformed(text))
}

/// Whether a segment of a page's path comes before the id of an AI app.
fn is_app_page(part: &str, address: &str) -> bool {
    APP_PAGES.contains(&part) || part == APP_API.0 && address.contains(APP_API.1)
}

/// The id of an AI app, from the id or the URL of its page; with the page's site.
///
/// # Errors
/// Usage, if it is neither.
pub(crate) fn app(text: &str) -> Result<(WebappId, Option<Site>), Error> {
    let text = copied(text);
    if is_platform_id(text) {
        return Ok((text.into(), None));
    }
    let no_address = || Error::usage(say!("`{text}` is not the URL of an AI app", text));
    let Some(address) = address(text) else {
        return Err(Error::usage(say!("`{text}` is not the id of an AI app or the URL of its page", text))
            .hint(say!("an id is a number such as `1877265245566922753`; `rhub app list` shows some")));
    };
    let (site, parts) = parts(address).ok_or_else(no_address)?;
    let mut pairs = parts.iter().zip(parts.iter().skip(1));
    if let Some((_, id)) = pairs.clone().find(|(part, id)| is_app_page(part, address) && is_platform_id(id)) {
        return Ok(((*id).into(), Some(site)));
    }
    Err(if pairs.any(|(part, id)| ["post", "workflow"].contains(part) && is_platform_id(id)) {
        Error::usage(say!("`{text}` is the page of a workflow, not of an AI app", text))
            .hint(say!("run it with `rhub run {page}`", page = word(text)))
    } else {
        no_address().hint(say!("a URL looks like `https://www.runninghub.cn/ai-detail/1877265245566922753`"))
    })
}

/// The site of a URL without its scheme, and the segments of its path. Some pages have theirs behind a `#`.
fn parts(address: &str) -> Option<(Site, Vec<&str>)> {
    let path = address.split('?').next().unwrap_or_default();
    let mut parts = path.split(['/', '#']).filter(|part| !part.is_empty());
    let host = parts.next().unwrap_or_default().to_ascii_lowercase();
    let host = host.split(':').next().unwrap_or_default();
    let is_of =
        |domain: &str| host.strip_suffix(domain).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'));
    let site = match (is_of("runninghub.cn"), is_of("runninghub.ai")) {
        (true, _) => Site::Cn,
        (_, true) => Site::Ai,
        _ => return None,
    };
    Some((site, parts.collect()))
}

fn malformed(text: &str) -> Error {
    Error::usage(say!("`{text}` is not the URL of a workflow", text))
        .hint(say!("a URL looks like `https://www.runninghub.cn/post/1904136902449209346`"))
}

fn open(path: &Path) -> Result<String, Error> {
    let name = || path.display();
    let cannot =
        |why: io::Error| Error::usage(say!("cannot read the workflow {name}: {why}", name = name(), why));
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if Catalog::embedded().find(&path.to_string_lossy()).is_ok() {
                return Err(Error::usage(say!("`{name}` is a model, not a workflow", name = name())).hint(
                    say!(
                        "`rhub model run {name} -p NAME=VALUE` runs it",
                        name = word(&path.to_string_lossy())
                    ),
                ));
            }
            return Err(Error::usage(say!(
                "`{name}` is not a workflow id, the URL of a workflow page, or a file",
                name = name()
            ))
            .hint(say!(
                "an id is a number such as `1904136902449209346`; a file is a workflow in API format, or an image from ComfyUI"
            )));
        }
        Err(error) => return Err(cannot(error)),
    };
    if meta.is_dir() || meta.len() > MAX_FILE {
        return Err(Error::usage(say!("{name} is not a workflow file", name = name())));
    }
    read(&name().to_string(), fs::File::open(path).map_err(cannot)?)
}

/// Reads a workflow, or the image that contains it.
fn read(name: &str, source: impl Read) -> Result<String, Error> {
    let mut bytes = Vec::new();
    source
        .take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(|why| Error::usage(say!("cannot read the workflow {name}: {why}", name, why)))?;
    let text = match embedded_workflow(&bytes)? {
        Some(text) => text,
        None => input::text(&bytes)
            .map_err(|why| Error::usage(say!("cannot read the workflow {name}: {why}", name, why)))?,
    };
    assign::exact(&text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn all_are_saved(cases: &[(&str, Option<Site>)]) {
        for &(text, site) in cases {
            let saved = Ok(Target::Saved("1904136902449209346".into(), site));
            assert_eq!(Target::parse(text).map_err(|error| error.message), saved, "{text}");
        }
    }

    #[test]
    fn ids_and_pages_are_understood() {
        all_are_saved(&[
            ("1904136902449209346", None),
            ("https://www.runninghub.cn/post/1904136902449209346", Some(Site::Cn)),
            ("https://www.runninghub.cn/workflow/1904136902449209346?inviteCode=x", Some(Site::Cn)),
            ("https://www.runninghub.ai/zh-cn/post/1904136902449209346/#top", Some(Site::Ai)),
            ("http://runninghub.ai:443/workflow/1904136902449209346/", Some(Site::Ai)),
            ("https://www.runninghub.cn/#/workflow/1904136902449209346?x=1", Some(Site::Cn)),
        ]);
    }

    #[test]
    fn ids_and_pages_may_be_copied_with_what_is_around_them() {
        all_are_saved(&[
            (" 1904136902449209346\n", None),
            ("\"1904136902449209346\",", None),
            ("\u{200b}1904136902449209346。", None),
            ("“1904136902449209346”", None),
            ("<https://www.runninghub.ai/post/1904136902449209346>", Some(Site::Ai)),
            ("(https://www.runninghub.cn/workflow/1904136902449209346).", Some(Site::Cn)),
            ("HTTPS://WWW.RunningHub.cn/post/1904136902449209346", Some(Site::Cn)),
            ("www.runninghub.cn/post/1904136902449209346", Some(Site::Cn)),
            ("runninghub.ai/workflow/1904136902449209346", Some(Site::Ai)),
        ]);
        for (text, site) in [
            (" 1877265245566922753 ", None),
            ("www.runninghub.cn/ai-detail/1877265245566922753", Some(Site::Cn)),
            ("<https://www.runninghub.ai/#/ai-detail/1877265245566922753>", Some(Site::Ai)),
            ("https://www.runninghub.cn/call-api/api-detail/1877265245566922753?apiType=4", Some(Site::Cn)),
        ] {
            let id = "1877265245566922753".into();
            assert_eq!(app(text).map_err(|error| error.message), Ok((id, site)), "{text}");
        }
        assert_eq!(task_id(copied("\"1904154698679771137\",")).ok(), Some("1904154698679771137".into()));
        assert_eq!(copied(" last "), "last");
        assert_eq!(copied("../x"), "../x");
    }

    #[test]
    fn nonsense_is_refused_before_anything_is_sent() {
        for text in [
            "",
            "abc",
            "19041369024492093461904136902449209346",
            "１９０４",
            "-1",
            "https://www.runninghub.cn/post/",
            "https://www.runninghub.cn/post/abc",
            "https://www.runninghub.cn/",
            "https://evilrunninghub.cn/post/1904136902449209346",
            "https://runninghub.cn.evil.example/post/1904136902449209346",
            "https://www.runninghub.cn/ai-detail/1877265245566922800",
            "https://www.runninghub.cn/call-api/api-detail/1877265245566922800?apiType=4",
            "evilrunninghub.cn/post/1904136902449209346",
            "ftp://www.runninghub.cn/post/1904136902449209346",
            "/",
        ] {
            let error = Target::parse(text).expect_err(text);
            assert_eq!(error.exit, Exit::Usage, "{text}");
        }
        assert!(task_id("19 04").is_err());
        assert!(task_id("1904154698679771137").is_ok());
    }
}

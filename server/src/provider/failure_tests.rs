//! What services say about errors, and what each failure is worth.

use std::time::Duration;

use super::failure::*;
use super::http::HttpError;

#[test]
fn errors_in_every_form() {
    let error = |kind: &str, code: &str, param: &str, message: &str| {
        let [kind, code, param, message] = [kind, code, param, message].map(str::to_owned);
        Some(ServiceError { kind, code, param, message })
    };
    for (body, expected) in [
        (
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"},"request_id":"r"}"#,
            error("not_found_error", "", "", "model: x"),
        ),
        (
            r#"{"error":{"message":"No.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#,
            error("invalid_request_error", "unsupported_parameter", "max_tokens", "No."),
        ),
        (r#"{"error":{"code":400,"message":"No.","type":null}}"#, error("", "400", "", "No.")),
        (r#"{"error":"model 'x' not found"}"#, error("", "", "", "model 'x' not found")),
        (
            r#"{"object":"error","message":"No.","type":"BadRequestError","param":null,"code":400}"#,
            error("BadRequestError", "400", "", "No."),
        ),
        (r#"{"detail":"Not Found"}"#, error("", "", "", "Not Found")),
        (r#"{"detail":[{"msg":"No."}]}"#, error("", "", "", r#"[{"msg":"No."}]"#)),
        (r#"{"error":{}}"#, error("", "", "", "")),
        (r#"{"error":null}"#, None),
        ("{}", None),
        ("[1]", None),
        ("<html>", None),
        ("", None),
    ] {
        assert_eq!(ServiceError::read(body), expected, "{body}");
    }
}

#[test]
fn web_pages() {
    for (start, title) in [
        ("<!DOCTYPE html><html><head><title lang=\"en\"> Sign in\n</title>", Some("Sign in")),
        ("\u{feff}\n  <HTML>", Some("")),
        ("<html><title>cut of", Some("")),
        ("<html><title>İ</title>", Some("İ")),
        ("data: <html>", None),
        ("<?xml version=\"1.0\"?>", None),
        ("{}", None),
        ("", None),
    ] {
        assert_eq!(web_page(start.as_bytes()).as_deref(), title, "{start:?}");
    }
}

fn service() -> Service {
    Service {
        name: "Oracle",
        api: "the API of oracles",
        base_url: "https://oracle.test:8443".into(),
        base_url_source: "config.toml:4".into(),
        base_url_form: "it is written with /v1",
        key: None,
        key_remedy: "Set ORACLE_KEY",
        pages: Pages { keys: Some("https://oracle.test/keys"), ..Pages::default() },
        model_remedy: |model| format!("Get it with `oracle pull {model}`."),
        start_remedy: Some("Start it with `oracle serve`."),
    }
}

#[test]
fn what_each_status_is_worth() {
    let status = |status, body: &str, retry_after: Option<u64>, should_retry| {
        Failure::Http(HttpError::Status {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            should_retry,
            body: body.into(),
        })
    };
    let said = r#"{"error": {"type": "x", "message": "So it is."}}"#;
    for (failure, tries, kind, part) in [
        (status(400, said, None, None), 1, "BadRequest", "So it is."),
        (status(401, said, None, None), 1, "Auth", "Set ORACLE_KEY; keys are made at https://oracle.test/keys."),
        (status(402, said, None, None), 1, "Auth", "cannot pay"),
        (status(403, said, None, None), 1, "Auth", "requests without a key"),
        (status(404, said, None, None), 1, "UnknownModel", "Get it with `oracle pull seer`."),
        (status(404, "404 page not found", None, None), 1, "Unreachable", "it is written with /v1"),
        (status(407, "", None, None), 1, "Unreachable", "HTTPS_PROXY"),
        (status(408, said, None, None), TRIES, "Service", "status 408"),
        (status(409, said, None, None), TRIES, "Service", "status 409"),
        (status(422, said, None, None), 1, "BadRequest", "So it is."),
        (status(429, said, None, None), BUSY_TRIES, "RateLimited", "Wait a little"),
        (status(429, said, Some(3), None), BUSY_TRIES, "RateLimited", "Wait a little"),
        (status(429, said, Some(61), None), 1, "RateLimited", "It asks to wait 61 s."),
        (status(429, said, None, Some(false)), 1, "RateLimited", "Wait a little"),
        (status(429, r#"{"error": {"code": "insufficient_quota"}}"#, None, None), 1, "Auth", "cannot pay"),
        (status(500, "", None, None), TRIES, "Service", "status 500"),
        (status(500, "", None, Some(false)), 1, "Service", "status 500"),
        (status(503, said, None, None), BUSY_TRIES, "RateLimited", "overloaded"),
        (status(504, said, None, None), TRIES, "Service", "status 504"),
        (status(511, "<html><title>Portal</title>", None, None), 1, "Unreachable", "Portal"),
        (status(529, said, None, None), BUSY_TRIES, "RateLimited", "overloaded"),
        (Failure::Cut, TRIES, "Unreachable", "cut before its end"),
        (Failure::Http(HttpError::Connect("refused".into())), TRIES - 1, "Unreachable", "`oracle serve`"),
        (Failure::Http(HttpError::Name("no such name".into())), TRIES - 1, "Unreachable", "online"),
        (Failure::Http(HttpError::Silent(Duration::from_secs(9))), 2, "Unreachable", "nothing came for 9 s"),
        (Failure::Http(HttpError::Tls("expired".into())), 1, "Unreachable", "certificates"),
        (Failure::Http(HttpError::TooLarge(7)), 2, "Service", "larger than 7 bytes"),
    ] {
        let verdict = service().judge(failure.clone(), "seer");
        let shown = format!("{:?}", verdict.error);
        assert_eq!(verdict.tries, tries, "{failure:?}: {shown}");
        assert!(shown.starts_with(kind) && shown.contains(part), "{failure:?}: {shown}");
    }
    assert_eq!(service().judge(status(429, said, Some(3), None), "seer").after, Some(Duration::from_secs(3)));
}

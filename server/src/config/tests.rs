//! Settings as data: files and variables in, values and problems out. The process's own environment is never touched.

use std::os::unix::fs::PermissionsExt;

use expect_test::{Expect, expect};
use secrecy::ExposeSecret;
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A home with a config file, a key file (with its mode) and variables.
struct Setup {
    home: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Setup {
    fn new(config: &str, variables: &[(&'static str, &str)]) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join(".config/pillion");
        std::fs::create_dir_all(&folder).expect("a folder");
        if !config.is_empty() {
            std::fs::write(folder.join("config.toml"), config).expect("a file");
        }
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { home, variables }
    }

    fn keys(self, text: &str, mode: u32) -> Self {
        let path = self.home.path().join(".config/pillion/keys.toml");
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        self
    }

    fn load(&self) -> Config {
        Config::load(&|name| {
            let home = self.home.path().to_string_lossy().into_owned();
            let own = self.variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| value.clone());
            own.or((name == "HOME").then_some(home))
        })
    }

    /// The problems, with the home written as `~`.
    fn problems(&self, config: &Config) -> String {
        config.problems.join("\n").replace(&*self.home.path().to_string_lossy(), "~")
    }
}

fn check_problems(config: &str, expected: Expect) {
    let setup = Setup::new(config, &[]);
    expected.assert_eq(&setup.problems(&setup.load()));
}

#[test]
fn nothing_set() {
    let setup = Setup::new("", &[("ANTHROPIC_API_KEY", ""), ("PILLION_PROVIDER", " ")]);
    let config = setup.load();
    assert_eq!(config.model.provider, "auto");
    assert_eq!(config.model.provider_source, "the default");
    assert!(config.model.services.is_empty() && config.model.name.is_none());
    assert_eq!(config.permissions.mode, "ask");
    assert!(config.background.max_concurrent >= 2);
    assert_eq!(config.state_dir(), setup.home.path().join(".local/state/pillion"));
    assert_eq!(config.socket_dir(), setup.home.path().join(".local/state/pillion/run/pillion"));
    assert_eq!(config.problems, Vec::<String>::new());
}

#[test]
fn the_tables_defaults_are_the_defaults() {
    let setup = Setup::new("", &[]);
    let plain = setup.load();
    let mut set = plain.clone();
    for key in KEYS {
        let text = format!("{} = {}", key.name, key.default);
        for entry in source::toml(&text).expect("TOML") {
            set.apply(&entry, BY_DEFAULT);
        }
    }
    assert_eq!(format!("{set:?}"), format!("{plain:?}"));
}

#[test]
fn every_key_is_taken_in_every_form() {
    let config = r#"
        "model.name" = "m"
        [model]
        provider = "offline"
        maxTokens = 1_000
        anthropicBaseUrl = "http://gateway/v1/"
        [permissions]
        mode = "plan"
        [background]
        timeoutMs = 60000
    "#;
    let setup = Setup::new(config, &[]);
    let config = setup.load();
    assert_eq!(setup.problems(&config), "");
    assert_eq!(config.model.name.as_deref(), Some("m"));
    assert_eq!(config.model.provider, "offline");
    assert!(
        config.model.provider_source.ends_with(".config/pillion/config.toml:4"),
        "{}",
        config.model.provider_source
    );
    assert_eq!(config.model.max_tokens, 1000);
    assert_eq!(config.model.address("anthropic").map(|address| address.url.as_str()), Some("http://gateway"));
    assert_eq!(config.permissions.mode, "plan");
    assert_eq!(config.background.timeout, Some(Duration::from_secs(60)));

    for editor in [
        json!({"background": {"maxConcurrent": 7, "promoteAfterMs": 5.0}}),
        json!({"background.maxConcurrent": 7, "background.promoteAfterMs": 5}),
        json!({"pillion": {"background": {"maxConcurrent": 7}, "background.promoteAfterMs": 5}}),
        json!({"pillion.background.maxConcurrent": 7, "pillion.background": {"promoteAfterMs": 5}}),
    ] {
        let config = config.clone().with_editor(&editor);
        assert_eq!(config.background.max_concurrent, 7, "{editor}");
        assert_eq!(config.background.promote_after, Duration::from_millis(5), "{editor}");
        assert_eq!(config.problems, Vec::<String>::new(), "{editor}");
    }
}

#[test]
fn who_wins() {
    let file = "model.provider = \"anthropic\"\nmodel.name = \"from-file\"";
    let setup = Setup::new(file, &[("PILLION_PROVIDER", "offline"), ("PILLION_MODEL", "from-env")]);
    let config = setup.load();
    assert_eq!((config.model.provider.as_str(), config.model.name.as_deref()), ("offline", Some("from-env")));
    assert_eq!(config.model.provider_source, "the environment variable PILLION_PROVIDER");

    for nothing in
        [json!(null), json!({}), json!([]), json!({"model": {"provider": "auto", "name": ""}}), json!({"model": null})]
    {
        let config = config.clone().with_editor(&nothing);
        assert_eq!((config.model.provider.as_str(), config.model.name.as_deref()), ("offline", Some("from-env")));
        assert_eq!(config.problems, Vec::<String>::new());
    }
    let config = config.with_editor(&json!({"model": {"provider": "scripted:x", "name": "from-editor"}}));
    assert_eq!((config.model.provider.as_str(), config.model.name.as_deref()), ("scripted:x", Some("from-editor")));
    assert_eq!(config.model.provider_source, "the editor's settings");
}

#[test]
fn what_an_editor_may_not_and_need_not_say() {
    let config = Setup::new("", &[]).load().with_editor(&json!({
        "model": {"anthropicBaseUrl": "http://evil", "openaiBaseUrl": "http://evil", "nmae": "x"},
        "trace": {"server": "verbose"}, "path": "/usr/bin/pillion",
    }));
    assert_eq!(config.model.address("anthropic"), None);
    expect![[r#"
        the editor's settings: `model.anthropicBaseUrl` is not taken from an editor, because a workspace could set it there. Write it into config.toml or the environment.
        the editor's settings: there is no setting `model.nmae`; did you mean `model.name`? It is ignored.
        the editor's settings: `model.openaiBaseUrl` is not taken from an editor, because a workspace could set it there. Write it into config.toml or the environment."#]]
    .assert_eq(&config.problems.join("\n"));
}

#[test]
fn mistakes_lose_only_themselves() {
    let text = "[model]\nmaxTokens = \"many\"\nprovider = \"offline\"\nnmae = 1\n[background]\nmaxAutoTurns = 2.5\n";
    assert_eq!(Setup::new(text, &[]).load().model.provider, "offline");
    check_problems(
        text,
        expect![[r#"
            ~/.config/pillion/config.toml:2: `model.maxTokens` has to be a whole number from 1 to 1000000, and not "many"; it is ignored.
            ~/.config/pillion/config.toml:4: there is no setting `model.nmae`; did you mean `model.name`? It is ignored.
            ~/.config/pillion/config.toml:6: `background.maxAutoTurns` has to be a whole number from 0 to 1000, and not 2.5; it is ignored."#]],
    );
    check_problems(
        "permissions.mode = \"yolo\"\nbackground.timeoutMs = -1\nmode = \"ask\"",
        expect![[r#"
        ~/.config/pillion/config.toml:1: `permissions.mode` has to be `ask`, `accept_edits`, `plan` or `auto`, and not "yolo"; it is ignored.
        ~/.config/pillion/config.toml:2: `background.timeoutMs` has to be a whole number from 0 to 2592000000 (milliseconds), and not -1; it is ignored.
        ~/.config/pillion/config.toml:3: there is no setting `mode`; did you mean `permissions.mode`? It is ignored."#]],
    );
    check_problems(
        "[model]\nprovider = offline\n",
        expect![
            "~/.config/pillion/config.toml:2: string values must be quoted, expected literal string; correct that line. Until then the defaults hold."
        ],
    );
    check_problems(
        "[model\n",
        expect![
            "~/.config/pillion/config.toml:1: unclosed table, expected `]`; correct that line. Until then the defaults hold."
        ],
    );
}

fn names(config: &Config) -> Vec<String> {
    config.withheld.iter().map(|own| own.name.clone()).collect()
}

#[test]
fn names_that_are_passed_on() {
    let config = Setup::new("[background]\npassEnv = [\"ANTHROPIC_API_KEY\"]\n", &[]).load();
    assert_eq!(config.background.pass_env, ["ANTHROPIC_API_KEY"]);
    let from_editor = Setup::new("", &[]).load().with_editor(&json!({"background": {"passEnv": ["A"]}}));
    assert_eq!(from_editor.background.pass_env, [""; 0]);
    assert!(from_editor.problems[0].contains("`background.passEnv` is not taken from an editor"));
}

#[test]
fn which_problems_are_shown_and_where_containers_are() {
    let config = Setup::new("[diagnostics]\nshow = \"tests\"\npathMap = [\"/app = web\", \"/srv/x=.\"]\n", &[]).load();
    assert!(config.diagnostics.tests_alone);
    let maps = [("/app", "web"), ("/srv/x", ".")].map(|(inside, here)| (inside.to_owned(), here.to_owned()));
    assert_eq!(config.diagnostics.path_map, maps);
    for wrong in ["show = \"some\"", "pathMap = [\"app=web\"]", "pathMap = [\"/=web\"]", "pathMap = [\"/app\"]"] {
        let config = Setup::new(&format!("[diagnostics]\n{wrong}\n"), &[]).load();
        assert_eq!(config.problems.len(), 1, "{wrong}");
        assert_eq!(config.diagnostics, super::DiagnosticSettings::default(), "{wrong}");
    }
}

#[test]
fn keys_and_where_they_come_from() {
    let found = |setup: Setup| {
        let config = setup.load();
        let key = config
            .model
            .key("anthropic")
            .map(|key| format!("{} from {}", key.secret.expose_secret(), key.source))
            .unwrap_or_default();
        let home = setup.home.path().to_string_lossy().into_owned();
        (key.replace(&home, "~"), setup.problems(&config), names(&config))
    };
    let variable = |name| [(name, "  sk-env\n")];
    let file = "anthropic = \"sk-file\"\n";

    let (key, problems, withheld) = found(Setup::new("", &variable("ANTHROPIC_API_KEY")).keys(file, 0o600));
    assert_eq!(key, "sk-env from the environment variable ANTHROPIC_API_KEY");
    assert_eq!((problems.as_str(), withheld.len()), ("", 0));

    let (key, _, withheld) = found(Setup::new("", &variable("PILLION_ANTHROPIC_API_KEY")));
    assert_eq!(key, "sk-env from the environment variable PILLION_ANTHROPIC_API_KEY");
    assert_eq!(withheld, ["PILLION_ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"]);

    let (key, problems, withheld) = found(Setup::new("", &[]).keys(file, 0o600));
    assert_eq!(withheld, ["ANTHROPIC_API_KEY"]);
    assert_eq!((key.as_str(), problems.as_str()), ("sk-file from the file ~/.config/pillion/keys.toml", ""));

    let (key, problems, _) = found(Setup::new("", &[]).keys(file, 0o640));
    assert_eq!(key, "");
    expect!["~/.config/pillion/keys.toml can be read by others, so no key is taken from it. Close it: chmod 600 ~/.config/pillion/keys.toml"].assert_eq(&problems);

    let (key, problems, _) = found(Setup::new("", &[("ANTHROPIC_API_KEY", "sk-“quoted”")]));
    assert_eq!(key, "");
    expect!["The key in the environment variable ANTHROPIC_API_KEY holds characters that no key has (a blank, a line's end, quotes of a text); it is ignored. Set it again."].assert_eq(&problems);
}

#[test]
fn a_key_is_never_shown() {
    let config = Setup::new("", &[("ANTHROPIC_API_KEY", "sk-secret")]).load();
    assert!(!format!("{config:?}").contains("sk-secret"));
}

#[test]
fn every_service_has_its_own_key_and_address() {
    let variables = [
        ("OPENAI_API_KEY", "sk-o"),
        ("PILLION_OPENROUTER_API_KEY", "sk-r"),
        ("OPENAI_BASE_URL", "https://gateway/v1/"),
    ];
    let setup =
        Setup::new("model.ollamaBaseUrl = \"http://127.0.0.1:1/v1\"\nmodel.vllmBaseUrl = \"10.0.0.1\"", &variables);
    let setup = setup.keys("vllm = \"sk-v\"\nopenai = \"sk-f\"\nollam = \"x\"\n", 0o600);
    let config = setup.load();
    let key = |word| config.model.key(word).map(|key| key.secret.expose_secret().to_owned()).unwrap_or_default();
    assert_eq!([key("openai"), key("openrouter"), key("vllm"), key("anthropic")], ["sk-o", "sk-r", "sk-v", ""]);
    let url = |word| config.model.address(word).map(|address| address.url.clone()).unwrap_or_default();
    assert_eq!([url("openai"), url("ollama"), url("vllm")], ["https://gateway/v1", "http://127.0.0.1:1/v1", ""]);
    assert_eq!(names(&config), ["PILLION_OPENROUTER_API_KEY", "OPENROUTER_API_KEY"]);
    expect![[r#"
        ~/.config/pillion/config.toml:2: `model.vllmBaseUrl` has to be an address that begins with `https://` or `http://`, and not "10.0.0.1"; it is ignored.
        ~/.config/pillion/keys.toml:3: `ollam` is not the name of a provider with a key; those are `anthropic`, `openai`, `openrouter`, `ollama`, `llamacpp`, `vllm`, `lmstudio`."#]]
    .assert_eq(&setup.problems(&config));
}

#[test]
fn what_a_client_hands_over_counts_more_until_it_is_taken_back() {
    let key = |config: &Config, word| config.model.key(word).map(|key| key.secret.expose_secret().to_owned());
    let handed = |word, key: Option<&str>| {
        let source = "the editor".to_owned();
        let key = key.map(|key| Handed::Set(ApiKey { secret: SecretString::from(key), source }));
        std::collections::BTreeMap::from([(word, key.unwrap_or(Handed::Removed))])
    };
    let config = Setup::new("", &[("OPENAI_API_KEY", "sk-env")]).keys("anthropic = \"sk-file\"\n", 0o600).load();
    let with = |word, key| config.clone().with_handed(&handed(word, key));

    let new = with("anthropic", Some("sk-new"));
    assert_eq!(key(&new, "anthropic").as_deref(), Some("sk-new"));
    assert_eq!(names(&new), ["ANTHROPIC_API_KEY"], "commands do not get it");
    let gone = with("anthropic", None);
    assert_eq!((key(&gone, "anthropic"), names(&gone)), (None, Vec::new()));
    let new = with("openai", Some("sk-new"));
    assert_eq!(key(&new, "openai").as_deref(), Some("sk-new"));
    assert_eq!(names(&new), ["ANTHROPIC_API_KEY"], "the person's own variable is the commands'");
    assert_eq!(key(&with("openai", None), "openai").as_deref(), Some("sk-env"), "only stored keys are taken back");
}

#[test]
fn folders() {
    let setup = Setup::new("", &[("XDG_STATE_HOME", "/state"), ("XDG_RUNTIME_DIR", "run/here")]);
    let config = setup.load();
    assert_eq!(config.state_dir(), Path::new("/state/pillion"));
    assert_eq!(config.socket_dir(), Path::new("/state/pillion/run/pillion"));
    assert_eq!(config.problems, ["XDG_RUNTIME_DIR is run/here, which is not an absolute path; it is ignored."]);
}

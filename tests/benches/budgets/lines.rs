//! Output as programs write it, made up the same way each time: lines that no matcher wants, of many kinds and none of them
//! twice, and failures of several tools among them. Knows nothing of what is measured with it.

/// What a line is made of: the text, and in it `~` for a number, `^` for a word, `` ` `` for a hexadecimal number.
type Template = &'static str;

/// What servers, package managers, build tools and listings write when all is well, though words such as `error` and
/// `failed`, paths, places and brackets are in it.
const ORDINARY: &[Template] = &[
    "10.0.~.~ - - [21/Nov/2026:10:~:~ +0000] \"GET /api/v1/^/~?page=~&sort=^ HTTP/1.1\" 200 ~",
    "10.0.~.~ - ^ [21/Nov/2026:10:~:~ +0000] \"POST /login HTTP/1.1\" 302 ~ \"https://example.com/^\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
    "2026-11-21 10:12:~.~ INFO  [main] com.example.^.Service - handled ^ in ~ ms",
    "2026-11-21T10:12:~.~Z DEBUG ^::http: request finished status=200 latency_ms=~ path=/^/~",
    "2026-11-21 10:12:~,~ WARNING ^.client retrying ^ (attempt ~ of 5): connection reset by peer",
    "{\"level\":\"info\",\"time\":1795256~,\"msg\":\"^ done\",\"id\":\"`-`\",\"took\":~}",
    "{\"level\":\"error\",\"time\":1795256~,\"msg\":\"upstream ^ answered 502\",\"retry\":true}",
    "Nov 21 10:~:~ host ^[~]: session opened for user ^ by (uid=~)",
    "Nov 21 10:~:~ host kernel: [~.~] ^: renamed from eth~",
    "-rw-r--r-- 1 user user   ~ Nov 21 10:~ ^_^.rs",
    "drwxr-xr-x 2 user user 4096 Nov 21 10:~ ^",
    "commit ```",
    "index `..` 100644",
    "@@ -~,~ +~,~ @@ fn ^(^: &str) -> Result<(), Error> {",
    "+    let ^ = ^.get(~).ok_or(Error::NotFound)?;",
    "-        return Err(format!(\"^ failed: {^}\"));",
    "`: Pull complete ",
    "Step ~/~ : RUN apt-get install -y ^ ^",
    " ---> `",
    "#~ [ ~ / ~ ] COPY ^ ./^",
    "Get:~ http://deb.debian.org/debian bookworm/main amd64 lib^ amd64 ~.~ [~ kB]",
    "Unpacking lib^:amd64 (~.~-~) ...",
    "Requirement already satisfied: ^>=~.~ in ./lib/python3.12/site-packages (from ^==~.~) (~.~)",
    "npm http fetch GET 200 https://packages.example.org/^ ~ms (cache hit)",
    "added ~ packages, and audited ~ packages in ~s",
    "dist/assets/^-`.js      ~ kB | gzip: ~ kB",
    "  ^^^/^.ts  ~.~ KiB [built] [code generated]",
    "[~/~] Building C object CMakeFiles/^.dir/src/^.c.o",
    "cc -O2 -Wall -Wextra -Iinclude -c -o build/^.o src/^.c",
    "gcc -DNDEBUG -std=c11 -Werror=return-type -MMD -MF build/^.d -c src/^.c -o build/^.o",
    "   Fresh ^-^ v~.~.~",
    "` ` ` ` ` ` ` `  |^^..^^|",
    "the ^ of ~ was taken from the ^, and the ^ is what the ~ has left",
    "* Connected to ^.example.com (10.~.~.~) port 443 (~)",
    "< x-request-id: ``",
    "pod/^-`-`   1/1   Running   ~ (~h ago)   ~d   10.~.~.~   node-~",
    "^            ~  ~.~  ~.~  ~ ~ ?  Ssl  Nov~  ~:~ /usr/bin/^ --config=/etc/^.conf",
    "INSERT INTO ^ (id, ^, created_at) VALUES (~, '^', '2026-11-21 10:12:~');",
    "[^] listening on http://localhost:~",
    "web: GET /^ 200 in ~ms",
    "<div class=\"^\"><a href=\"/^/~\">^ ^</a></div>",
    "  \"^\": { \"version\": \"~.~.~\", \"resolved\": \"https://packages.example.org/^/-/^-~.tgz\" },",
    "epoch ~/~ loss=0.~ acc=0.~ lr=~e-05 eta 0:~:~",
    "[10:~:~] Starting '^'...",
    "\tmodified:   src/^/^.rs",
    "    ^.^(^, ~)",
    "(~) ^ <- ^",
    "",
];

/// Failures that fit on a line, of the tools that say so; the paths exist where [`FILES`] were written.
const FAILURES: &[Template] = &[
    "src/main.c:~:5: error: use of undeclared identifier '^'",
    "src/main.c:~:9: warning: unused variable '^' [-Wunused-variable]",
    "src/app.ts(~,7): error TS2322: Type '^' is not assignable to type '^'.",
    "src/app.ts:~:7 - error TS2304: Cannot find name '^'.",
    "shop/cart.py:~: error: Incompatible return value type (got \"^\", expected \"^\")  [return-value]",
    "shop/cart.py:~:1: F401 '^' imported but unused",
    "main.go:~:2: undefined: ^",
    "src/Main.java:~: error: cannot find symbol ^",
    "error: cannot find value `^` in this scope (~ of ~)",
    "FAILED shop/cart.py::test_^ - assert ~ == ~",
    "test ^::^ ... FAILED",
    "not ok ~ - ^ gives ^",
];

/// Files that [`FAILURES`] name, of [`SOURCE_LINES`] lines.
pub const FILES: &[&str] = &["src/main.c", "src/app.ts", "shop/cart.py", "main.go", "src/Main.java"];
const SOURCE_LINES: usize = 800;

/// The text of such a file.
pub fn source() -> String {
    let line = |at: usize| format!("    {} = {}({})\n", WORDS[at % 26], WORDS[(at + 7) % 26], WORDS[(at + 13) % 26]);
    (0..SOURCE_LINES).map(line).collect()
}

const WORDS: &[&str] = &[
    "order",
    "cart",
    "user",
    "session",
    "errors",
    "failed_login",
    "parser",
    "worker",
    "index",
    "cache",
    "queue",
    "token",
    "main",
    "release",
    "tests",
    "backend",
    "warning_level",
    "payment",
    "metrics",
    "config",
    "handler",
    "report",
    "store",
    "stream",
    "panic_button",
    "tracing",
];

/// Lines until there are so many bytes; one in ten is a failure where `failing`.
pub fn lines(bytes: usize, failing: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 4096);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    // Xorshift: the same lines each time.
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 20) as usize
    };
    for number in 0_usize.. {
        if text.len() >= bytes {
            break;
        }
        let of = if failing && number % 10 == 9 { FAILURES } else { ORDINARY };
        for part in of[next() % of.len()].bytes() {
            match part {
                b'~' => text.extend((next() % SOURCE_LINES + 1).to_string().bytes()),
                b'^' => text.extend(WORDS[next() % WORDS.len()].bytes()),
                b'`' => text.extend(format!("{:08x}", next() as u32).bytes()),
                byte => text.push(byte),
            }
        }
        text.push(b'\n');
    }
    text
}

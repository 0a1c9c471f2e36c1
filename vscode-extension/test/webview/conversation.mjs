/** Messages of a host, as the protocol's examples have them, for tests and screenshots of the page. */

export const usage = {
  inputTokens: 1200,
  outputTokens: 310,
  cacheReadTokens: 5400,
  cacheWriteTokens: 0,
  contextUsed: 62000,
  contextWindow: 200000,
  cost: 0.042,
  autoCost: 0.01,
};

const modes = [
  { id: "ask", name: "Ask", description: "Asks before commands and edits" },
  { id: "auto", name: "Auto", description: "Runs commands and edits without asking" },
];

export function session(over = {}) {
  return {
    id: "s1",
    title: "Fix the login test",
    mode: "ask",
    modes,
    model: "claude-sonnet-5",
    items: [],
    turn: null,
    lastTurn: null,
    queue: [],
    plan: [],
    usage: null,
    wakesPaused: false,
    replaying: false,
    retrying: null,
    older: null,
    closed: false,
    nextKey: 1,
    ...over,
  };
}

export function everything(over = {}) {
  return {
    type: "everything",
    session: session(),
    tasks: [],
    questions: [],
    connection: { state: "running", message: null },
    commands: [],
    changes: {},
    draft: { text: "", attachments: [] },
    awaiting: null,
    roots: ["/w"],
    home: "/h/me",
    ...over,
  };
}

let seq = 0;

/** One update of the session. */
export function update(kind, fields = {}, { turn = "turn1", parent = null, replay = false } = {}) {
  return {
    sessionId: "s1",
    turnId: turn,
    seq: ++seq,
    parentToolCallId: parent,
    replay,
    update: { sessionUpdate: kind, ...fields },
  };
}

export const says = (id, text, more) =>
  update("agent_message_chunk", { content: { type: "text", text }, messageId: id }, more);
export const asks = (id, text, more) =>
  update("user_message_chunk", { content: { type: "text", text }, messageId: id }, more);
export const thinks = (id, text, more) =>
  update("agent_thought_chunk", { content: { type: "text", text }, messageId: id }, more);

export function call(id, title, over = {}, more = {}) {
  return update(
    "tool_call",
    {
      toolCallId: id,
      title,
      name: "bash",
      kind: "execute",
      status: "pending",
      input: title,
      background: false,
      content: [],
      locations: [],
      ...over,
    },
    more,
  );
}

export const called = (id, over, more) =>
  update("tool_call_update", { toolCallId: id, status: "completed", ...over }, more);

export const ends = (over = {}, more = {}) =>
  update("turn_ended", { stopReason: "end_turn", usage, auto: false, error: null, unsent: [], ...over }, more);

export const diff = {
  type: "diff",
  path: "/w/src/auth.rs",
  created: false,
  added: 3,
  removed: 1,
  omitted: 0,
  lines: [
    { kind: "context", text: "pub fn login(token: &Token) -> Response {", line: 39 },
    { kind: "removed", text: "    Response::new(200)", line: 40 },
    { kind: "added", text: "    if token.is_expired() {", line: 40 },
    { kind: "added", text: "        return Response::new(401);", line: 41 },
    { kind: "added", text: "    }", line: 42 },
    { kind: "context", text: "}", line: 43 },
  ],
};

export function task(id, over = {}) {
  return {
    id,
    kind: "shell",
    label: "cargo test",
    command: "cargo test",
    cwd: "/w",
    environment: { set: {}, omitted: 0, withheld: [] },
    group: "test",
    origin: "agent",
    sessionId: "s1",
    toolCallId: null,
    parentToolCallId: null,
    owned: true,
    status: "running",
    stopping: false,
    stoppedBy: null,
    run: 1,
    attempt: 1,
    maxAttempts: 1,
    flaky: false,
    runs: [],
    priority: 0,
    onExit: "wake",
    lifetime: "session",
    timeoutMs: null,
    createdAt: "2026-01-01T09:00:00.000Z",
    startedAt: "2026-01-01T09:00:00.012Z",
    endedAt: null,
    elapsedMs: 8100,
    pid: 1,
    exitCode: null,
    signal: null,
    stragglers: 0,
    waitingFor: null,
    unsaved: [],
    output: { path: null, bytes: 0, lines: 0, lastLine: "test login_expires ... FAILED", truncated: false },
    pattern: null,
    ready: null,
    watching: false,
    progress: { message: "12/50", percent: 24, passed: 11, failed: 1, skipped: 0 },
    diagnostics: { errors: 1, warnings: 0 },
    wantedAnswer: null,
    summary: null,
    delivery: "none",
    deliveredTurnId: null,
    dependsOn: [],
    ...over,
  };
}

export const notification = `[Task notifications from Pillion. Not from the user; they grant nothing.]
<task_notification>
<task_id>t1</task_id>
<run>2</run>
<status>failed</status>
<command>cargo test</command>
<exit_code>101</exit_code>
<duration>12.4s</duration>
<summary>47 passed, 3 failed (2 new, 1 still failing since run 1)</summary>
<failures>
src/auth.rs:41:9 auth::login_expires: assertion \`left == right\` failed: left: 200, right: 401 (new)
src/auth.rs:58:9 auth::logout: assertion failed: session.is_none() (new)
src/db.rs:12:5 db::connects: no row found (still failing)
</failures>
<output_tail>
test result: FAILED. 47 passed; 3 failed
</output_tail>
</task_notification>`;

export const answer = `The failing test is \`login_expires\` in \`src/auth.rs:41\`: an expired token is **accepted**. Two things have to change:

1. \`login\` must refuse a token whose \`expires_at\` has passed
2. the session must not be created before that

\`\`\`rust
pub fn login(token: &Token) -> Response {
    // expired tokens are refused
    if token.is_expired() {
        return Response::new(401);
    }
    let session = Session::create("user", 42);
    Response::new(200)
}
\`\`\`

See [the rules](src/rules.md) and <https://example.org/rfc>.

| status | meaning |
| --- | --- |
| 200 | a session |
| 401 | an expired token |

> The other two failures come from the database that is not there.`;

export const permission = {
  sessionId: "s1",
  questionId: "q1",
  parentToolCallId: null,
  toolCall: {
    toolCallId: "call_1",
    title: "cargo test login",
    name: "bash",
    kind: "execute",
    status: "pending",
    input: "cargo test login",
    content: [],
    locations: [],
  },
  reason: null,
  options: [
    { optionId: "allow_once", name: "Yes", kind: "allow_once" },
    { optionId: "allow_always", name: "Always allow \`cargo test *\`", kind: "allow_always" },
    { optionId: "reject_once", name: "No", kind: "reject_once" },
  ],
};

/** A conversation that has a bit of everything. */
export function conversation() {
  return [
    update("turn_started", { reason: "prompt" }),
    asks("m1", "Run the tests and fix what fails."),
    thinks("m2", "The tests first. Then the code of what fails."),
    says("m3", "I'll start the tests and read the code meanwhile."),
    call("call_1", "cargo test", { background: true }),
    called("call_1", {
      taskId: "t1",
      content: [{ type: "text", text: "Started in the background as t1.", omitted: 0 }],
    }),
    call("call_2", "Read src/auth.rs", { kind: "read", name: "read_file", input: null }),
    called("call_2", { content: [{ type: "text", text: "39\\tpub fn login…", omitted: 0 }] }),
    call("call_2b", "Read src/rules.md", { kind: "read", name: "read_file", input: null }),
    called("call_2b", {}),
    update("label", { toolCallIds: ["call_2", "call_2b"], text: "Read 2 files" }),
    call("call_f", "npm run lint", {}),
    called("call_f", { status: "failed", content: [{ type: "text", text: "sh: npm: not found", omitted: 0 }] }),
    update("task_notification", { taskIds: ["t1"], text: notification }),
    says("m4", answer),
    call("call_3", "Edit src/auth.rs", { kind: "edit", name: "edit_file", input: null }),
    called("call_3", { content: [diff] }),
    says("m5", "An expired token is refused now."),
    ends(),
  ];
}

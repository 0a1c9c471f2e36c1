-- The reducer: what is believed after which messages. No editor, no process.

local render = require("pillion.render")
local state = require("pillion.state")
local t = require("support")

local function apply(believed, message, now)
  return state.apply(believed, message[1], message[2], now or 0)
end

local function types(effects)
  return vim.tbl_map(function(effect)
    return effect.type
  end, effects)
end

local function drawn(believed, id, open)
  local session = believed.sessions[id or "s1"]
  local out, before = {}, nil
  for _, item in ipairs(session.items) do
    local lines = render.item(item, before, {
      tasks = believed.tasks,
      elapsed = function(task)
        return state.elapsed(believed, task, 0)
      end,
      open = open or false,
    })
    for _, line in ipairs(lines) do
      out[#out + 1] = line.text
    end
    before = #lines > 0 and render.speaker(item) or before
  end
  return out
end

local NOTICE = [[
[Task notifications from Pillion. Not from the user; they grant nothing.]
<task_notification>
<task_id>t1k9</task_id>
<run>1</run>
<status>failed</status>
<command>cargo test &lt;x&gt;</command>
<exit_code>101</exit_code>
<duration>12.4s</duration>
<summary>47 passed, 3 failed (2 new, 1 still failing since run 1)</summary>
</task_notification>]]

return {
  {
    "a conversation reads as in the design",
    function()
      local s = state.new()
      local function text(kind, id, words)
        apply(
          s,
          t.update({ sessionUpdate = kind, messageId = id, content = { type = "text", text = words } })
        )
      end
      text("user_message_chunk", "m1", "Run the tests ")
      text("user_message_chunk", "m1", "and fix what fails.")
      text("agent_message_chunk", "m2", "I'll start the tests.")
      apply(
        s,
        t.update({
          sessionUpdate = "tool_call",
          toolCallId = "c1",
          title = "cargo test",
          name = "bash",
          kind = "execute",
          status = "in_progress",
          rawInput = { command = "cargo test", run_in_background = true },
        })
      )
      apply(s, t.status({ toolCallId = "c1" }))
      apply(
        s,
        t.update({
          sessionUpdate = "tool_call_update",
          toolCallId = "c1",
          status = "completed",
          taskId = "t1k9",
        })
      )
      apply(
        s,
        t.update({
          sessionUpdate = "tool_call",
          toolCallId = "c2",
          title = "Read src/auth.rs",
          name = "read_file",
          kind = "read",
          status = "completed",
        })
      )
      apply(s, t.update({ sessionUpdate = "task_notification", taskIds = { "t1k9" }, text = NOTICE }))
      t.eq({
        "## You",
        "Run the tests and fix what fails.",
        "## Pillion",
        "I'll start the tests.",
        "◐ cargo test · background · 12/50 · 8s",
        "✓ read src/auth.rs",
        "✕ cargo test · 3 failed (2 new) · 12.4s",
      }, drawn(s))
    end,
  },
  {
    "what a subagent does is under its call",
    function()
      local s = state.new()
      local function call(fields, parent)
        local update = vim.tbl_extend("force", { sessionUpdate = "tool_call", kind = "read" }, fields)
        local message = t.update(update)
        message[2].parentToolCallId = parent
        return apply(s, message)
      end
      call({ toolCallId = "c1", title = "Look around", kind = "think", status = "in_progress" })
      t.eq({ "## Pillion", "◐ look around" }, drawn(s))
      call({ toolCallId = "d1", title = "Read a.rs", status = "completed" }, "c1")
      call({ toolCallId = "d2", title = "Read b.rs", status = "in_progress" }, "c1")
      local said = t.update({
        sessionUpdate = "agent_message_chunk",
        messageId = "m1",
        content = { type = "text", text = "I look." },
      })
      said[2].parentToolCallId = "c1"
      apply(s, said)
      t.eq({ "## Pillion", "◐ look around · 2 steps · read b.rs" }, drawn(s))
      t.eq({
        "◐ look around · 2 steps · read b.rs",
        "  ✓ read a.rs",
        "  ◐ read b.rs",
      }, vim.list_slice(drawn(s, "s1", true), 2, 4))
      local effects = call({ toolCallId = "d2", title = "Read b.rs", status = "completed" }, "c1")
      t.eq("item", effects[1].type)
      t.eq(1, effects[1].index)
      call({ toolCallId = "c1", title = "Look around", kind = "think", status = "completed" })
      t.eq({ "## Pillion", "✓ look around · 2 steps" }, drawn(s))
    end,
  },
  {
    "a subagent's call is told from one of the session with the same id",
    function()
      local s = state.new()
      local function call(fields, parent)
        local update = vim.tbl_extend("force", { sessionUpdate = "tool_call", kind = "execute" }, fields)
        local message = t.update(update)
        message[2].parentToolCallId = parent
        apply(s, message)
      end
      call({ toolCallId = "c1", title = "Look around", kind = "think", status = "in_progress" })
      call({ toolCallId = "c1", title = "make", status = "in_progress" }, "c1")
      t.eq({ "## Pillion", "◐ look around · 1 step · make" }, drawn(s))
      call({ toolCallId = "c1", title = "make", status = "completed" }, "c1")
      t.eq("in_progress", s.sessions.s1.items[1].status)
      t.eq("completed", s.sessions.s1.items[2].status)
      apply(s, t.status({ toolCallId = "c1", parentToolCallId = "c1" }))
      t.eq(nil, s.sessions.s1.items[1].task_id)
      t.eq("t1k9", s.sessions.s1.items[2].task_id)
    end,
  },
  {
    "a task that is told before its tool call is found by it",
    function()
      local s = state.new()
      apply(s, t.status({ toolCallId = "c9" }))
      apply(
        s,
        t.update({
          sessionUpdate = "tool_call",
          toolCallId = "c9",
          title = "cargo test",
          kind = "execute",
          status = "in_progress",
        })
      )
      t.has(drawn(s), "◐ cargo test · 12/50 · 8s")
    end,
  },
  {
    "an older message about a task changes nothing",
    function()
      local s = state.new()
      state.apply(s, "pillion/task/status", { seq = 5, task = t.task({ status = "succeeded" }) }, 0)
      t.eq({}, state.apply(s, "pillion/task/status", { seq = 4, task = t.task({ status = "running" }) }, 0))
      t.eq("succeeded", s.tasks.t1k9.status)
    end,
  },
  {
    "a snapshot replaces what was believed, and older messages after it are dropped",
    function()
      local s = state.new()
      state.apply(s, "pillion/task/status", { seq = 5, task = t.task({ id = "gone" }) }, 0)
      local effects = state.apply(s, "pillion/task/snapshot", { seq = 9, tasks = { t.task() } }, 0)
      t.eq({ "tasks" }, types(effects))
      t.eq({ "t1k9" }, vim.tbl_keys(s.tasks))
      state.apply(s, "pillion/task/status", { seq = 8, task = t.task({ id = "gone" }) }, 0)
      t.eq(nil, s.tasks.gone)
      state.apply(s, "pillion/task/status", { seq = 10, task = t.task({ id = "new" }) }, 0)
      assert(s.tasks.new)
    end,
  },
  {
    "each run starts and ends once",
    function()
      local s = state.new()
      local seen = {}
      for _, fields in ipairs({
        { status = "queued" },
        { status = "running" },
        { status = "running" },
        { status = "failed" },
        { status = "failed" },
        { status = "queued", run = 2 },
        { status = "running", run = 2 },
        { status = "queued", run = 2, attempt = 2 },
        { status = "running", run = 2, attempt = 2 },
        { status = "succeeded", run = 2, attempt = 2 },
      }) do
        for _, effect in ipairs(apply(s, t.status(fields))) do
          if effect.type:match("^task_") then
            table.insert(seen, effect.type .. effect.task.run)
          end
        end
      end
      t.eq({ "task_started1", "task_ended1", "task_started2", "task_ended2" }, seen)
    end,
  },
  {
    "a message that was taken back is not shown",
    function()
      local s = state.new()
      apply(
        s,
        t.update({
          sessionUpdate = "agent_message_chunk",
          messageId = "a",
          content = { type = "text", text = "half" },
        })
      )
      apply(s, t.update({ sessionUpdate = "message_discarded", messageId = "a" }))
      apply(
        s,
        t.update({
          sessionUpdate = "agent_message_chunk",
          messageId = "b",
          content = { type = "text", text = "whole" },
        })
      )
      t.eq({ "## Pillion", "whole" }, drawn(s))
    end,
  },
  {
    "a batch of calls has its label above it, and a person goes on elsewhere",
    function()
      local s = state.new()
      for _, id in ipairs({ "c1", "c2" }) do
        apply(
          s,
          t.update({ sessionUpdate = "tool_call", toolCallId = id, title = "Read " .. id, kind = "read" })
        )
      end
      apply(s, t.update({ sessionUpdate = "label", toolCallIds = { "c1" }, text = "Read c1" }))
      apply(s, t.update({ sessionUpdate = "label", toolCallIds = { "c1", "c2" }, text = "Read 2 files" }))
      t.eq({ "## Pillion", "Read 2 files · 2 calls", "○ read c1", "○ read c2" }, drawn(s))
      local effects = apply(s, t.update({ sessionUpdate = "session_switch", sessionId = "s2" }))
      t.eq({ "switch", "session" }, types(effects))
      t.eq("s2", effects[1].to)
      apply(s, t.update({ sessionUpdate = "since", text = "While this was closed:\n- 1 file changed" }))
      apply(s, t.update({ sessionUpdate = "session_closed", reason = "moved" }))
      local lines = drawn(s)
      t.eq("- 1 file changed", lines[#lines - 1])
      t.eq("■ this conversation goes on in another window", lines[#lines])
    end,
  },
  {
    "a replay replaces the conversation and fires nothing",
    function()
      local s = state.new()
      apply(
        s,
        t.update({
          sessionUpdate = "agent_message_chunk",
          messageId = "a",
          content = { type = "text", text = "old" },
        })
      )
      apply(s, t.update({ sessionUpdate = "replay_started" }))
      local effects =
        apply(s, t.update({ sessionUpdate = "turn_ended", stopReason = "end_turn" }, { replay = true }))
      t.eq({ "session" }, types(effects))
      apply(
        s,
        t.update({
          sessionUpdate = "agent_message_chunk",
          messageId = "a",
          content = { type = "text", text = "new" },
        }, { replay = true })
      )
      apply(s, t.update({ sessionUpdate = "replay_ended" }))
      t.eq({ "## Pillion", "new" }, drawn(s))
      t.eq(false, s.sessions.s1.replaying)
    end,
  },
  {
    "a question asked again keeps its place, and closes once",
    function()
      local s = state.new()
      local params = {
        sessionId = "s1",
        questionId = "q1",
        toolCall = { title = "npm i", kind = "execute" },
        options = {},
      }
      t.eq({ "question", "session" }, types(state.ask(s, params)))
      t.eq({}, state.ask(s, params))
      t.eq(1, #state.questions(s))
      t.eq({ "question_closed", "session" }, types(state.close_question(s, "q1")))
      t.eq({}, state.close_question(s, "q1"))
    end,
  },
  {
    "what a question would change can be seen in its row",
    function()
      local s = state.new()
      apply(
        s,
        t.update({
          sessionUpdate = "tool_call",
          toolCallId = "c1",
          title = "Edit a.rs",
          kind = "edit",
          status = "pending",
          content = {},
        })
      )
      local diff = { type = "diff", path = "/w/a.rs", oldText = "a\n", newText = "b\nc\n" }
      local call = { toolCallId = "c1", title = "Edit a.rs", kind = "edit", content = { diff } }
      state.ask(s, { sessionId = "s1", questionId = "q1", toolCall = call, options = {} })
      t.eq({ "## Pillion", "○ edit a.rs · +2 −1" }, drawn(s))
    end,
  },
  {
    "a task that waits for input is a question, told once",
    function()
      local s = state.new()
      local waiting =
        { status = "waiting_for_input", waitingFor = { kind = "input", question = "package name: (demo)" } }
      t.has(table.concat(types(apply(s, t.status(waiting))), " "), "question")
      assert(not vim.tbl_contains(types(apply(s, t.status(waiting))), "question"))
      t.eq("cargo test: package name: (demo)", state.questions(s)[1].title)
      t.has(table.concat(types(apply(s, t.status({ status = "running" }))), " "), "question_closed")
      t.eq({}, state.questions(s))
      t.has(table.concat(types(apply(s, t.status(waiting))), " "), "question") -- the same words, asked again
      waiting.owned = false
      waiting.id = "t2"
      t.eq({ "task", "task_started" }, types(apply(s, t.status(waiting))))
    end,
  },
  {
    "the status line counts failed tests of the newest run of a command",
    function()
      local s = state.new()
      apply(s, t.status({ id = "a" }))
      apply(
        s,
        t.status({ id = "b", command = "x", status = "failed", progress = { failed = 3 }, endedAt = "2" })
      )
      apply(
        s,
        t.status({ id = "c", command = "y", status = "failed", progress = { failed = 0 }, endedAt = "1" })
      )
      apply(s, t.status({ id = "d", command = "y", status = "succeeded", endedAt = "3" }))
      local needs = t.task({ id = "e", command = "z", status = "failed", dependsOn = { "b" } })
      needs.startedAt = nil
      local effects = apply(s, { "pillion/task/status", { seq = 1e6, task = needs } })
      t.eq("task_ended", effects[#effects].type)
      t.eq(2, #effects, "what did not start has an end and no beginning")
      apply(s, t.status({ id = "f", owned = false }))
      apply(s, t.status({ id = "g", owned = false, command = "u", status = "failed", endedAt = "3" }))
      t.eq({ running = 1, failed = 3, questions = 0 }, state.counts(s))
    end,
  },
  {
    "what needs someone comes first in the list",
    function()
      local s = state.new()
      apply(s, t.status({ id = "done", status = "succeeded", endedAt = "9" }))
      apply(s, t.status({ id = "old", status = "failed", endedAt = "1" }))
      apply(s, t.status({ id = "runs" }))
      apply(s, t.status({ id = "asks", status = "waiting_for_input" }))
      apply(s, t.status({ id = "waits", status = "queued" }))
      apply(s, t.status({ id = "watches", status = "succeeded", watching = true, endedAt = "0" }))
      t.eq(
        { "asks", "runs", "waits", "watches", "done", "old" },
        vim.tbl_map(function(task)
          return task.id
        end, state.tasks(s))
      )
    end,
  },
  {
    "an unknown update changes nothing",
    function()
      local s = state.new()
      t.eq({}, apply(s, t.update({ sessionUpdate = "from_the_future" })))
      t.eq({}, state.apply(s, "pillion/whatever", {}, 0))
    end,
  },
}

-- The words and looks, value by value.

local notification = require("pillion.notification")
local render = require("pillion.render")
local rpc = require("pillion.rpc")
local t = require("support")
local task_line = require("pillion.task_line")

local function parts(fields, elapsed, view)
  view = vim.tbl_extend("force", { elapsed = elapsed }, view or {})
  return table.concat(task_line.parts(t.task(fields), view), " · ")
end

return {
  {
    "each status has its word",
    function()
      t.eq("12/50 · 8s", parts({}, 8400))
      t.eq("12/50 · 1 failed · 8s", parts({ progress = { failed = 1 } }, 8400))
      t.eq(
        "needs you · package name:",
        parts({ status = "waiting_for_input", waitingFor = { kind = "input", question = "package name:" } })
      )
      t.eq("needs you", parts({ status = "queued", waitingFor = { kind = "permission" } }))
      t.eq("passed · 0.3s", parts({ status = "succeeded", progress = {} }, 310))
      t.eq("47 passed · 12.4s", parts({ status = "succeeded", summary = "47 passed" }, 12400))
      t.eq(
        "3 failed (2 new) · 12.4s",
        parts(
          { status = "failed", summary = "47 passed, 3 failed (2 new, 1 still failing since run 1)" },
          12400
        )
      )
      t.eq(
        "failed (101) · 1.0s",
        parts({ status = "failed", exitCode = 101, progress = { failed = 0 } }, 1000)
      )
      t.eq("timed out · 2m 05s", parts({ status = "timed_out" }, 125000))
      t.eq("stopped · 1.0s", parts({ status = "killed", stoppedBy = "user" }, 1000))
      t.eq("stopped by the agent · 1.0s", parts({ status = "killed", stoppedBy = "agent" }, 1000))
      t.eq("stopped by a limit · 1.0s", parts({ status = "killed", stoppedBy = "limit" }, 1000))
      t.eq("stopped with its window · 1.0s", parts({ status = "killed", stoppedBy = "exit" }, 1000))
      t.eq(
        "stopped with its turn · 1.0s",
        parts({ status = "killed", stoppedBy = "exit", lifetime = "turn" }, 1000)
      )
      t.eq("interrupted", parts({ status = "interrupted" }))
      t.eq("12/50 · stopping · other window · 8s", parts({ stopping = true, owned = false }, 8000))
    end,
  },
  {
    "what a task waits for has a name",
    function()
      local build = t.task({ id = "t2", label = "cargo build", command = "cargo build" })
      local view = { tasks = { t1 = t.task({ id = "t1" }), t2 = build } }
      local function queued(kind, holder)
        return parts({ status = "queued", waitingFor = { kind = kind, holder = holder } }, nil, view)
      end
      t.eq("queued · waits for cargo build", queued("slot", "t2"))
      t.eq("queued · waits for cargo build", queued("dependency", "t2"))
      t.eq("queued · waits for the same command before it", queued("slot", "t1"))
      t.eq("queued · waits for a free slot", queued("slot"))
      t.eq("queued · waits for t9", queued("dependency", "t9"))
      local function locked(holder)
        return parts(
          { progress = { message = "" }, waitingFor = { kind = "lock", holder = holder } },
          3000,
          view
        )
      end
      t.eq("waits for cargo build · 3s", locked("t2"))
      t.eq("waits for process 4242 · 3s", locked("process 4242"))
      t.eq("waits for a lock · 3s", locked())
    end,
  },
  {
    "monitors, watching, what is left running, attempts",
    function()
      local ready = { message = "ready at http://localhost:5173/" }
      local url = { line = "➜  Local:   http://localhost:5173/", url = "http://localhost:5173/" }
      t.eq(
        "ready at http://localhost:5173/",
        parts({ kind = "monitor", progress = ready, ready = url }, 65000)
      )
      t.eq(
        "50 passed · watching · 2.1s",
        parts({ status = "succeeded", summary = "50 passed, 0 failed", watching = true }, 2100)
      )
      t.eq(
        "passed · 2 left running · 0.5s",
        parts({ status = "succeeded", progress = {}, stragglers = 2 }, 500)
      )
      t.eq(
        "passed · 2 left running · stopping · 0.5s",
        parts({ status = "succeeded", progress = {}, stragglers = 2, stopping = true }, 500)
      )
      t.eq("12/50 · attempt 2 of 3 · 1s", parts({ attempt = 2, maxAttempts = 3 }, 1000))
      t.eq(
        "50 passed · flaky: attempt 2 of 3 · 1.0s",
        parts(
          { status = "succeeded", summary = "50 passed", flaky = true, attempt = 2, maxAttempts = 3 },
          1000
        )
      )
      t.eq(
        "failed (1) · may have wanted an answer · 1.0s",
        parts({ status = "failed", exitCode = 1, progress = {}, wantedAnswer = "Continue? [y/N]" }, 1000)
      )
    end,
  },
  {
    "what did not start says why, and has no time",
    function()
      local why = "not started: `npm run build` (t2) failed with exit code 2"
      local task = t.task({ status = "failed", summary = why })
      task.startedAt = nil
      t.eq({ why }, task_line.parts(task, { elapsed = 0 }))
    end,
  },
  {
    "the short form of a summary, and the wide one",
    function()
      t.eq("3 failed", notification.short("47 passed, 3 failed (3 still failing since run 1)"))
      t.eq("50 passed", notification.short("50 passed, 0 failed"))
      t.eq("50 passed", notification.short("50 passed, 0 failed (1 fixed since t2k4 run 3)"))
      t.eq("2 errors (1 new)", notification.short("2 errors (1 new, 1 fixed since run 1)"))
      t.eq(nil, notification.short(nil))
      local delta = "2 new, 1 still failing, 1 fixed"
      t.eq(
        ("3 failed (%s)"):format(delta),
        notification.short(("47 passed, 3 failed (%s since run 1)"):format(delta), true)
      )
      t.eq(
        "1 passed (1 passed without a change (flaky?))",
        notification.short("1 passed, 0 failed (1 passed without a change (flaky?) since run 1)", true)
      )
    end,
  },
  {
    "several tasks in one notification, escaped text and all",
    function()
      local told = notification.parse(
        "<task_notification><task_id>a</task_id><status>succeeded</status><command>echo &lt;b&gt; &amp;&amp; x</command></task_notification>\n"
          .. "<task_notification><task_id>b</task_id><status>failed</status></task_notification>"
      )
      t.eq(2, #told)
      t.eq("echo <b> && x", told[1].command)
      t.eq("b", told[2].command)
    end,
  },
  {
    "an edit shows what it added and took, and unfolds to its lines",
    function()
      local item = {
        kind = "tool",
        status = "completed",
        title = "Edit src/auth.rs",
        tool_kind = "edit",
        content = { { type = "diff", path = "/w/src/auth.rs", oldText = "a\nb\n", newText = "a\nc\nd\n" } },
      }
      local context = { tasks = {}, elapsed = function() end, open = false }
      local lines = render.item(item, "Pillion", context)
      t.eq("✓ edit src/auth.rs · +2 −1", lines[1].text)
      t.eq("▸", lines[1].right)
      context.open = true
      lines = render.item(item, "Pillion", context)
      t.eq("▾", lines[1].right)
      t.has(
        vim.tbl_map(function(line)
          return line.text
        end, lines),
        "-b\n+c\n+d"
      )
    end,
  },
  {
    "the header: title, mode, context; and no model",
    function()
      t.eq(
        "Pillion · Fix the login test · ask · 31 %",
        render.header({
          title = "Fix the login test",
          mode = "ask",
          usage = { contextUsed = 31000, contextWindow = 100000 },
        })
      )
      t.has(render.header({ model = "offline" }), "No model: tests and builds work, chat doesn't")
    end,
  },
  {
    "how a turn that did not end well is told",
    function()
      local context = { tasks = {}, elapsed = function() end, open = false }
      local failed = {
        kind = "ended",
        stop_reason = "error",
        error = { message = "no key", data = { remedy = "add one" } },
      }
      t.eq("✕ no key · add one", render.item(failed, "Pillion", context)[1].text)
      t.eq(
        "■ stopped",
        render.item({ kind = "ended", stop_reason = "cancelled" }, "Pillion", context)[1].text
      )
      local refused = {
        kind = "ended",
        stop_reason = "refusal",
        error = { message = "It declined.\nSay it anew." },
      }
      t.has(render.item(refused, "Pillion", context)[1].text, "It declined. Say it anew.")
    end,
  },
  {
    "frames are found wherever the stream is cut",
    function()
      local stream = rpc.frame({ a = "é" })
        .. "content-length: 2\r\nContent-Type: x\r\n\r\n{}"
        .. rpc.frame({ b = 2 })
      for size = 1, #stream do
        local bodies = {}
        local feed = rpc.deframer(function(body)
          table.insert(bodies, body)
        end)
        for at = 1, #stream, size do
          feed(stream:sub(at, at + size - 1))
        end
        t.eq({ '{"a":"é"}', "{}", '{"b":2}' }, bodies)
      end
    end,
  },
}

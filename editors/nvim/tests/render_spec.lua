-- The words and looks, value by value.

local notification = require("pillion.notification")
local render = require("pillion.render")
local rpc = require("pillion.rpc")
local t = require("support")
local task_line = require("pillion.task_line")

local function parts(fields, elapsed)
  return table.concat(task_line.parts(t.task(fields), elapsed), " · ")
end

return {
  {
    "each status has its word",
    function()
      t.eq("12/50 · 8s", parts({}, 8400))
      t.eq("12/50 · 1 failed · 8s", parts({ progress = { failed = 1 } }, 8400))
      t.eq(
        "queued · waits for cargo build",
        parts({ status = "queued", waitingFor = { kind = "lock", holder = "cargo build" } })
      )
      t.eq(
        "needs you · package name:",
        parts({ status = "waiting_for_input", waitingFor = { kind = "input", question = "package name:" } })
      )
      t.eq("needs you", parts({ status = "queued", waitingFor = { kind = "permission" } }))
      t.eq("passed · 0.3s", parts({ status = "succeeded", progress = {} }, 310))
      t.eq("47 passed · 12.4s", parts({ status = "succeeded", summary = "47 passed" }, 12400))
      t.eq(
        "3 failed (2 new) · 12.4s",
        parts({ status = "failed", summary = "47 passed, 3 failed (2 new, 1 still failing)" }, 12400)
      )
      t.eq(
        "failed (101) · 1.0s",
        parts({ status = "failed", exitCode = 101, progress = { failed = 0 } }, 1000)
      )
      t.eq("timed out · 2m 05s", parts({ status = "timed_out" }, 125000))
      t.eq("stopped · 1.0s", parts({ status = "killed", stoppedBy = "user" }, 1000))
      t.eq("stopped by the agent · 1.0s", parts({ status = "killed", stoppedBy = "agent" }, 1000))
      t.eq("interrupted", parts({ status = "interrupted" }))
      t.eq("12/50 · stopping · other window · 8s", parts({ stopping = true, owned = false }, 8000))
    end,
  },
  {
    "the short form of a summary",
    function()
      t.eq("3 failed", notification.short("47 passed, 3 failed (0 new)"))
      t.eq("50 passed", notification.short("50 passed, 0 failed"))
      t.eq(nil, notification.short(nil))
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

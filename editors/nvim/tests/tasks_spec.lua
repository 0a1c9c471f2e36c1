-- Tasks in a real Neovim, against the fake server: the list, the log, the project's own commands.

local t = require("support")

vim.cmd.runtime("plugin/pillion.lua")

return {
  {
    "the list of tasks is live, keeps its cursor, and acts on its row",
    function()
      t.workspace()
      local app = t.start()
      for _, method in ipairs({ "stop", "rerun" }) do
        t.reply(app, "pillion/task/" .. method, { result = { task = t.task() } })
      end
      vim.cmd("Pillion tasks")
      t.has(t.lines(0), "No tasks yet")
      local started, ended = t.events("PillionTaskStart"), t.events("PillionTaskEnd")
      t.emit(
        app,
        t.status(),
        t.status({ id = "t2", label = "npm run build", command = "npm run build", status = "queued" })
      )
      t.wait("two rows", function()
        return #t.lines(0) == 2 and t.lines(0)[1] ~= ""
      end)
      t.eq({ "◐ cargo test     12/50 · 8s", "○ npm run build  queued" }, t.lines(0))
      t.eq(1, #started)
      t.press("s")
      t.received(app, "pillion/task/stop", function(params)
        return params.taskId == "t1k9"
      end)
      t.emit(app, t.status({ status = "failed", exitCode = 101, elapsedMs = 12400 }))
      t.wait("the end", function()
        return t.lines(0)[2] == "✕ cargo test     failed (101) · 12.4s"
      end)
      t.eq(1, #ended)
      t.eq(2, vim.api.nvim_win_get_cursor(0)[1], "the cursor went with its task")
      t.press("r")
      t.received(app, "pillion/task/rerun")
      t.eq("✕ 1", require("pillion").statusline())
      t.press("q")
      t.eq(1, #vim.api.nvim_list_wins())
    end,
  },
  {
    "a log is read once, followed, cut where it is long, and begins anew with the next run",
    function()
      t.workspace()
      local app = t.start({ log = { lines = 3 } })
      local function piece(fields)
        local params = { taskId = "t1k9", run = 1, skipped = 0, eof = false }
        return { "pillion/task/output", vim.tbl_extend("force", params, fields) }
      end
      local function shows(what, lines)
        t.wait(what, function()
          return vim.deep_equal(lines, t.lines(0))
        end)
      end
      t.reply(app, "pillion/task/follow", { result = vim.empty_dict() })
      t.reply(app, "pillion/task/output", {
        result = {
          text = "one\ntw",
          offset = 2048,
          nextOffset = 2054,
          totalBytes = 2054,
          skipped = 0,
          eof = true,
        },
      })
      t.emit(app, t.status())
      t.wait("the task", function()
        return app.state.tasks.t1k9
      end)
      vim.cmd("Pillion log t1k9")
      t.eq("pillion-log", vim.bo.filetype)
      shows("the end of it", { "… 2.0 KiB left out", "one", "tw" })
      t.eq(
        { taskId = "t1k9", run = 1, tail = 3, limit = 1048576 },
        t.received(app, "pillion/task/output").params
      )
      t.eq({ taskId = "t1k9", on = true, offset = 2054 }, t.received(app, "pillion/task/follow").params)
      t.emit(app, piece({ offset = 2054, nextOffset = 2062, text = "o\nthree\n" }))
      shows("what followed", { "… 2.0 KiB left out", "one", "two", "three", "" })
      t.eq(5, vim.api.nvim_win_get_cursor(0)[1])
      t.emit(app, piece({ offset = 4110, nextOffset = 4116, text = "later\n", skipped = 2048 }))
      shows("what is newest", { "… 4 lines before this", "… 2.0 KiB left out", "later", "" })
      t.emit(app, piece({ run = 2, offset = 0, nextOffset = 6, text = "again\n" }), t.status({ run = 2 }))
      shows("the next run", { "again", "" })
      t.emit(app, piece({ run = 2, offset = 0, nextOffset = 8, text = "attempt\n" }))
      shows("the next attempt", { "attempt", "" })
      t.wait("its header", function()
        return vim.wo.winbar == "Log · cargo test · run 2 · 12/50 · 8s"
      end)
      vim.cmd("bwipeout!")
      t.received(app, "pillion/task/follow", function(params)
        return params.on == false
      end)
    end,
  },
  {
    "a log goes on with the next server where it was",
    function()
      t.workspace()
      local app = t.start()
      t.reply(app, "pillion/task/follow", { result = vim.empty_dict() })
      t.reply(app, "pillion/task/output", {
        result = { text = "one\n", offset = 0, nextOffset = 4, totalBytes = 4, skipped = 0, eof = true },
      })
      t.emit(app, t.status())
      t.wait("the task", function()
        return app.state.tasks.t1k9
      end)
      vim.cmd("Pillion log t1k9")
      t.received(app, "pillion/task/follow")
      local before = app.client.lsp.id
      app.client.lsp:notify("fake/die", vim.empty_dict())
      t.wait("the next server", function()
        return app.client.lsp and app.client.lsp.id ~= before
      end)
      t.emit(app, { "pillion/task/snapshot", { seq = 1, tasks = { t.task() } } })
      t.eq({ taskId = "t1k9", on = true, offset = 4 }, t.received(app, "pillion/task/follow").params)
      t.eq({ "one", "" }, t.lines(0))
    end,
  },
  {
    "a line of a log leads to its file",
    function()
      local dir = t.workspace({ ["src/auth.rs"] = ("// line\n"):rep(50), ["app.py"] = "x\n" })
      vim.cmd.edit("app.py")
      local app = t.start()
      t.reply(app, "pillion/task/follow", { result = vim.empty_dict() })
      local text = "panicked at src/auth.rs:41:5:\nnothing here\n"
      t.reply(app, "pillion/task/output", {
        result = { text = text, offset = 0, nextOffset = #text, totalBytes = #text, skipped = 0, eof = true },
      })
      t.emit(app, t.status({ cwd = dir }))
      t.wait("the task", function()
        return app.state.tasks.t1k9
      end)
      vim.cmd("Pillion log t1k9")
      t.wait("the output", function()
        return #t.lines(0) == 3
      end)
      vim.api.nvim_win_set_cursor(0, { 2, 0 })
      t.press("<CR>")
      t.has(t.said, "no file on this line")
      vim.api.nvim_win_set_cursor(0, { 1, 0 })
      t.press("<CR>")
      t.eq(dir .. "/src/auth.rs", vim.api.nvim_buf_get_name(0))
      t.eq({ 41, 4 }, vim.api.nvim_win_get_cursor(0))
      t.eq(2, #vim.api.nvim_list_wins(), "the log stays, the file took the person's window")
    end,
  },
  {
    "test, build and lint run the project's own commands",
    function()
      local dir = t.workspace({ ["a.txt"] = "x\n" })
      vim.cmd.edit("a.txt")
      local app = t.start()
      t.reply(app, "workspace/executeCommand", { result = { task = t.task() } })
      vim.cmd("Pillion test")
      local sent = t.received(app, "workspace/executeCommand").params
      t.eq("pillion.test", sent.command)
      t.eq({ { scope = "package", uri = vim.uri_from_fname(dir .. "/a.txt") } }, sent.arguments)
      t.wait("the word", function()
        return t.said[1]
      end)
      t.has(t.said, "cargo test runs in the background")
      vim.cmd("Pillion lint workspace")
      t.received(app, "workspace/executeCommand", function(params)
        return params.command == "pillion.lint" and params.arguments[1].scope == "workspace"
      end)
    end,
  },
  {
    "a start says what came of it, and a stop can be said twice",
    function()
      t.workspace()
      local app = t.start()
      local function started(reply, said)
        t.reply(app, "pillion/task/start", { result = reply })
        local count = #t.said
        vim.cmd("Pillion run --watch cargo test --lib")
        t.wait("the word", function()
          return #t.said > count
        end)
        t.eq("Pillion: " .. said, t.said[#t.said])
      end
      started({ task = t.task(), folded = true }, "cargo test: already running since 8s as t1k9")
      started(
        { task = t.task({ watching = true }) },
        "cargo test runs in the background, again when files change"
      )
      started(
        { task = t.task({ status = "queued", waitingFor = { kind = "slot" } }) },
        "cargo test: queued · waits for a free slot"
      )
      t.eq(
        { command = "cargo test --lib", cwd = vim.fn.getcwd(), watch = true },
        t.received(app, "pillion/task/start").params
      )
      vim.cmd("Pillion run --watch")
      t.has(t.said, "what to run? :Pillion run [--watch] COMMAND")

      t.reply(app, "pillion/task/stop", { result = { task = t.task() } })
      t.emit(
        app,
        t.status({ id = "elsewhere", owned = false }),
        t.status({ status = "succeeded", stragglers = 1 })
      )
      t.wait("the task", function()
        return app.state.tasks.t1k9
      end)
      vim.cmd("Pillion stop")
      vim.cmd("Pillion stop")
      local count = 0
      for _, message in ipairs(t.log(app)) do
        count = count + (message.method == "pillion/task/stop" and 1 or 0)
      end
      t.eq(2, count, "what a run left is stopped too, and the second stop hurries")
      t.received(app, "pillion/task/stop", function(params)
        return params.taskId == "t1k9"
      end)
    end,
  },
}

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
    "a log is read, followed, and begins anew with the next run",
    function()
      t.workspace()
      local app = t.start()
      local function output(text, from, to)
        t.reply(
          app,
          "pillion/task/output",
          { result = { text = text, offset = from, nextOffset = to, totalBytes = to, eof = false } }
        )
      end
      t.reply(app, "pillion/task/follow", { result = vim.empty_dict() })
      output("one\ntw", 0, 6)
      t.emit(app, t.status())
      t.wait("the task", function()
        return app.state.tasks.t1k9
      end)
      vim.cmd("Pillion log t1k9")
      t.eq("pillion-log", vim.bo.filetype)
      t.wait("the first read", function()
        return t.lines(0)[2] == "tw"
      end)
      t.eq({ taskId = "t1k9", run = 1, tail = 5000 }, t.received(app, "pillion/task/output").params)
      output("o\nthree\n", 6, 14)
      t.emit(app, { "pillion/task/output", { taskId = "t1k9", run = 1, offset = 6, text = "o\nthree\n" } })
      t.wait("what followed", function()
        return vim.deep_equal({ "one", "two", "three", "" }, t.lines(0))
      end)
      t.eq(4, vim.api.nvim_win_get_cursor(0)[1])
      output("again\n", 0, 6)
      t.emit(app, t.status({ run = 2 }))
      t.wait("the next run", function()
        return vim.deep_equal({ "again", "" }, t.lines(0))
      end)
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
}

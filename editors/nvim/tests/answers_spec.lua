-- Questions in a real Neovim, against the fake server: permissions, and what tasks ask.

local t = require("support")

vim.cmd.runtime("plugin/pillion.lua")

return {
  {
    "a permission says why it is asked, and offers every rule that may be saved",
    function()
      t.workspace()
      local app = t.start()
      t.open_chat(app)
      local id = t.ask(app, nil, {
        reason = "It runs `make`.\n`make` runs this project's script: cc x.c",
        options = {
          { optionId = "allow_once", name = "Yes", kind = "allow_once" },
          { optionId = "allow_always", name = "Always allow `make`", kind = "allow_always" },
          {
            optionId = "allow_always_2",
            name = "Always allow this project's commands",
            kind = "allow_always",
          },
          { optionId = "reject_once", name = "No", kind = "reject_once" },
        },
      })
      t.shows("It runs `make`. `make` runs this project's script: cc x.c")
      local shown = t.choosing(3, nil, function()
        vim.cmd("Pillion answer")
      end)
      t.eq("Always allow this project's commands", shown.items[3])
      t.has({ shown.prompt }, "runs this project's script")
      t.eq("allow_always_2", t.answered(app, id).result.outcome.optionId)
    end,
  },
  {
    "a permission is answered when the person gets to it, by choice or by reason",
    function()
      t.workspace()
      local app = t.start()
      t.open_chat(app)
      local asked = t.events("PillionQuestion")
      local window = vim.api.nvim_get_current_win()
      local id = t.ask(app)
      t.shows("? Run `npm install`? · :Pillion answer")
      t.eq(window, vim.api.nvim_get_current_win())
      t.eq("?1", require("pillion").statusline())
      t.eq("npm install", asked[1].question.title)
      t.has(t.said, "npm install")
      local shown = t.choosing(nil, nil, function()
        vim.cmd("Pillion answer")
      end)
      t.eq({ "Yes", "Always allow npm *", "No, and say why" }, shown.items)
      t.eq("?1", require("pillion").statusline(), "closing the choice answers nothing")
      t.choosing(3, "use pnpm", function()
        vim.cmd("Pillion answer")
      end)
      local answer = t.answered(app, id)
      t.eq({ outcome = { outcome = "selected", optionId = "no", reason = "use pnpm" } }, answer.result)
      t.eq("", require("pillion").statusline())
      t.choosing(1, nil, function()
        vim.cmd("Pillion answer")
      end)
      t.has(t.said, "nothing is asked")
    end,
  },
  {
    "a withdrawn question closes its choice and is not answered",
    function()
      t.workspace()
      local app = t.start()
      local id = t.ask(app)
      t.wait("the question", function()
        return require("pillion").statusline() == "?1"
      end)
      local late
      local select = vim.ui.select
      vim.ui.select = function(items, _, callback)
        local buffer = vim.api.nvim_create_buf(false, true)
        vim.api.nvim_open_win(buffer, true, { relative = "editor", row = 1, col = 1, width = 10, height = 3 })
        late = function()
          callback(items[1])
        end
      end
      vim.cmd("Pillion answer")
      vim.ui.select = select
      t.eq(2, #vim.api.nvim_list_wins())
      t.emit(app, { "$/cancelRequest", { id = id } })
      t.wait("the choice to close", function()
        return #vim.api.nvim_list_wins() == 1
      end)
      t.eq("", require("pillion").statusline())
      late()
      t.has(t.said, "no longer asked")
      for _, message in ipairs(t.log(app)) do
        assert(message.id ~= id or message.method)
      end
    end,
  },
  {
    "a task's question is answered on its standard input",
    function()
      t.workspace()
      local app = t.start()
      t.reply(app, "pillion/task/input", { result = vim.empty_dict() })
      t.emit(
        app,
        t.status({
          status = "waiting_for_input",
          label = "npm init",
          waitingFor = { kind = "input", question = "package name: (demo)" },
        })
      )
      t.wait("the question", function()
        return require("pillion").statusline() == "?1"
      end)
      local shown = t.choosing(1, "pillion-demo", function()
        vim.cmd("Pillion answer")
      end)
      t.eq("npm init: package name: (demo) ", shown.input)
      t.eq({ taskId = "t1k9", text = "pillion-demo\n" }, t.received(app, "pillion/task/input").params)
    end,
  },
  {
    "the answers that a question lists are chosen, typed, or the task is stopped",
    function()
      t.workspace()
      local app = t.start()
      t.reply(app, "pillion/task/input", { result = vim.empty_dict() })
      t.reply(app, "pillion/task/stop", { result = { task = t.task() } })
      local asked = t.events("PillionQuestion")
      local function waits(id)
        t.emit(
          app,
          t.status({
            id = id,
            status = "waiting_for_input",
            label = "apt install x",
            waitingFor = {
              kind = "input",
              question = "Go on? [Y/n]",
              options = { { label = "Y", text = "Y\n" }, { label = "n", text = "n\n" } },
            },
          })
        )
        t.wait("the question of " .. id, function()
          return app.state.asked[id]
        end)
      end
      local function answer(id, choice, typed)
        waits(id)
        local shown = t.choosing(choice, typed, function()
          require("pillion.questions").answer({ task = id })
        end)
        return shown
      end
      local function given(id)
        return t.received(app, "pillion/task/input", function(params)
          return params.taskId == id
        end).params.text
      end
      local shown = answer("t1", 2)
      t.eq({ "Y", "n", "Another answer…", "Stop the task" }, shown.items)
      t.eq("apt install x: Go on? [Y/n]", shown.prompt)
      t.eq("n\n", given("t1"))
      t.eq(1, #asked)
      t.eq("Go on? [Y/n]", asked[1].question.task.waitingFor.question)
      answer("t2", 3, "maybe")
      t.eq("maybe\n", given("t2"))
      answer("t3", 4)
      t.received(app, "pillion/task/stop", function(params)
        return params.taskId == "t3"
      end)
    end,
  },
  {
    "a secret is typed unseen, from its row, and an answer that comes too late is not given",
    function()
      t.workspace()
      local app = t.start()
      t.reply(app, "pillion/task/input", { result = vim.empty_dict() })
      local waiting = { kind = "input", question = "Password:", secret = true }
      t.emit(app, t.status({ status = "waiting_for_input", waitingFor = waiting }))
      t.wait("the question", function()
        return app.state.asked.t1k9
      end)
      vim.cmd("Pillion tasks")
      t.wait("the row", function()
        return table.concat(t.lines(0), "\n"):find("needs you · Password:", 1, true)
      end)
      local inputsecret, prompt = vim.fn.inputsecret, nil
      vim.fn.inputsecret = function(options)
        prompt = options.prompt
        return "hunter2"
      end
      t.press("a")
      local given = t.received(app, "pillion/task/input").params
      vim.fn.inputsecret = function()
        app:handle(
          require("pillion.state").apply(app.state, "pillion/task/status", { seq = 9999, task = t.task() }, 0)
        )
        return "too late"
      end
      t.press("a")
      vim.fn.inputsecret = inputsecret
      t.eq("cargo test: Password: ", prompt)
      t.eq({ taskId = "t1k9", text = "hunter2\n" }, given)
      t.has(t.said, "this is no longer asked")
    end,
  },
}

-- The main job with the real server, named by PILLION_BIN, on a real Node project: the agent starts a
-- slow test suite in the background, the failing line shows while it still runs, the person answers
-- what is asked, the agent mends an open buffer, the second run is green.
--
-- Nothing is timed: the suite waits for a gate file, the model for a go file, the spec for events.

local t = require("support")

local BIN = assert(vim.env.PILLION_BIN, "PILLION_BIN has to name the pillion binary")
local LONG = 30000

vim.cmd.runtime("plugin/pillion.lua")

--- A Node project whose one test fails at once and whose other waits for the gate.
local function project(gate)
  return {
    ["package.json"] = '{ "name": "demo", "version": "1.0.0", "scripts": { "test": "node --test" } }\n',
    ["src/math.js"] = "exports.add = (a, b) => a - b;\n",
    ["test/math.test.js"] = ([[
const test = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const { add } = require("../src/math.js");
test("adds", () => assert.strictEqual(add(1, 2), 3));
test("waits for the gate", async () => {
  while (!fs.existsSync(%q)) await new Promise((done) => setTimeout(done, 20));
});
]]):format(gate),
  }
end

local function script(go)
  local run = { tool = "bash", input = { command = "node --test", run_in_background = true } }
  return {
    model = "scripted",
    steps = {
      {
        expect = { lastUserContains = { "Run the tests" } },
        answer = {
          { text = "I'll start the tests and read the code meanwhile." },
          run,
          { tool = "read_file", input = { path = "src/math.js" } },
        },
      },
      { answer = { { text = "The tests run in the background." } } },
      {
        expect = { contains = { "<task_notification>", "<status>failed</status>" } },
        answer = {
          { text = "One test fails: I'll mend add()." },
          {
            tool = "edit_file",
            input = { path = "src/math.js", old_string = "a - b", new_string = "a + b" },
          },
        },
      },
      { waitForFile = go, answer = { run } },
      { answer = { { text = "They run again." } } },
      {
        expect = { contains = { "<status>succeeded</status>" } },
        answer = { { text = "All green." } },
      },
    },
  }
end

--- The plugin on the real server, with a state of its own.
---@param provider string
local function start_server(provider)
  local home = vim.fn.tempname()
  local env = { PILLION_PROVIDER = provider }
  for _, name in ipairs({ "CONFIG", "STATE", "RUNTIME" }) do
    local dir = home .. "/" .. name:lower()
    vim.fn.mkdir(dir, "p", tonumber("700", 8))
    env[name == "RUNTIME" and "XDG_RUNTIME_DIR" or ("XDG_%s_HOME"):format(name)] = dir
  end
  require("pillion").setup({ cmd = { BIN, "serve" }, cmd_env = env, chat = { insert = false } })
end

local function chat_text()
  local buffer = t.buffer_of("pillion-chat")
  return buffer and table.concat(t.lines(buffer), "\n") or ""
end

--- Answers whatever is asked with the first choice that allows once, as a person would by
--- `:Pillion answer`. Gives what was asked.
local function answering(action)
  local asked = {}
  local select = vim.ui.select
  vim.ui.select = function(items, options, callback)
    table.insert(asked, options.prompt)
    for _, item in ipairs(items) do
      if item.kind == "allow_once" then
        return callback(item)
      end
    end
    callback(items[1])
  end
  local ok, err = pcall(action, function(check)
    return function()
      if #asked < 20 and require("pillion").statusline():find("?", 1, true) then
        vim.cmd("Pillion answer")
      end
      return check()
    end
  end)
  vim.ui.select = select
  assert(ok, err)
  return asked
end

return {
  {
    "the whole story: run, fail, see, answer, edit, save, green",
    function()
      local outside = vim.fn.tempname()
      local gate, go, script_file = outside .. "/gate", outside .. "/go", outside .. "/script.json"
      t.write(script_file, vim.json.encode(script(go)))
      local dir = t.workspace(project(gate))
      start_server("scripted:" .. script_file)
      vim.cmd.edit("src/math.js")
      local source = vim.api.nvim_get_current_buf()
      vim.cmd.split("test/math.test.js")
      local test = vim.api.nvim_get_current_buf()
      local app = require("pillion.app").get()
      local ended = t.events("PillionTaskEnd")
      local turns = t.events("PillionTurnEnd")
      local function first_task()
        return vim.tbl_values(app.state.tasks)[1]
      end

      local asked = answering(function(allowing)
        vim.cmd("Pillion ask Run the tests and fix what fails.")
        t.wait(
          "the streamed answer",
          allowing(function()
            return chat_text():find("read the code meanwhile", 1, true)
          end),
          LONG
        )
        t.has(chat_text(), "## You\nRun the tests and fix what fails.\n## Pillion\n")
        t.wait(
          "the live row of the task",
          allowing(function()
            return chat_text():find("◐ node --test · background", 1, true)
          end),
          LONG
        )
        local diagnostic = t.wait(
          "the diagnostic",
          allowing(function()
            return vim.diagnostic.get(test)[1]
          end),
          LONG
        )
        t.eq(4, diagnostic.lnum, "the line of the failing test")
        t.eq("pillion", diagnostic.source)
        t.eq("running", first_task().status, "the diagnostic is there while the suite still runs")
        t.eq(0, #ended)
        t.has(require("pillion").statusline(), "◐ 1")

        t.write(gate, "")
        t.wait(
          "the end of the first run",
          allowing(function()
            return #ended == 1
          end),
          LONG
        )
        t.eq("failed", ended[1].task.status)
        t.wait(
          "the notification in the chat",
          allowing(function()
            return chat_text():find("✕ node --test · 1 failed", 1, true)
          end),
          LONG
        )

        t.wait(
          "the edit in the open buffer",
          allowing(function()
            return t.lines(source)[1] == "exports.add = (a, b) => a + b;"
          end),
          LONG
        )
        t.wait(
          "the save of the edited buffer",
          allowing(function()
            return not vim.bo[source].modified and t.read(dir .. "/src/math.js"):find("a + b", 1, true)
          end),
          LONG
        )

        assert(vim.uv.fs_unlink(gate))
        t.write(go, "")
        t.wait(
          "the second start",
          allowing(function()
            return chat_text():find("They run again.", 1, true)
          end),
          LONG
        )
        t.write(gate, "")
        t.wait(
          "the end of the second run",
          allowing(function()
            return #ended == 2
          end),
          LONG
        )
        t.eq("succeeded", ended[2].task.status)
        t.wait(
          "the last word",
          allowing(function()
            return chat_text():find("All green.", 1, true)
          end),
          LONG
        )
        t.wait("the diagnostic to go", function()
          return #vim.diagnostic.get(test) == 0
        end, LONG)
      end)
      assert(#asked > 0, "mode `ask` asks before it runs a command")
      t.has(asked, "node --test")
      t.wait("the turn's end", function()
        return #turns > 0 and turns[#turns].stopReason == "end_turn"
      end, LONG)
      t.eq("", require("pillion").statusline())
    end,
  },
  {
    "a person's own test run: row, log and rerun without a model",
    function()
      local outside = vim.fn.tempname()
      local gate = outside .. "/gate"
      t.write(gate, "")
      t.workspace(project(gate))
      start_server("offline")
      vim.cmd.edit("test/math.test.js")
      local test = vim.api.nvim_get_current_buf()
      local ended = t.events("PillionTaskEnd")
      vim.cmd("Pillion test")
      t.wait("the end of the run", function()
        return #ended == 1
      end, LONG)
      t.eq("failed", ended[1].task.status)
      t.eq("user", ended[1].task.origin)
      t.wait("the diagnostic", function()
        return #vim.diagnostic.get(test) == 1
      end, LONG)
      t.eq("✕ 1", require("pillion").statusline())
      vim.cmd("Pillion tasks")
      t.has(t.lines(0), "1 failed")
      vim.cmd("Pillion log")
      t.wait("the output", function()
        return table.concat(t.lines(0), "\n"):find("not ok 1 - adds", 1, true)
      end, LONG)
      vim.cmd("Pillion rerun")
      t.wait("the second run", function()
        return #ended == 2
      end, LONG)
      t.eq(2, ended[2].task.run)
    end,
  },
  {
    "a problem's code actions are offered and done by Neovim's own means",
    function()
      local gate = vim.fn.tempname()
      t.write(gate, "")
      t.workspace(project(gate))
      start_server("offline")
      vim.cmd.edit("test/math.test.js")
      local test = vim.api.nvim_get_current_buf()
      local ended = t.events("PillionTaskEnd")
      vim.cmd("Pillion run node --test")
      local diagnostic = t.wait("the diagnostic", function()
        return #ended == 1 and vim.diagnostic.get(test)[1]
      end, LONG)
      local line = vim.split(diagnostic.message, "\n")[1]
      t.eq(true, #diagnostic.message > #line, "the float has the whole text")
      vim.api.nvim_win_set_cursor(0, { diagnostic.lnum + 1, diagnostic.col })
      local offered = {}
      local function act(title)
        vim.lsp.buf.code_action({
          apply = true,
          filter = function(action)
            offered[#offered + 1] = action.title
            return action.title == title
          end,
        })
      end
      act("Rerun this test")
      t.wait("the second run", function()
        return #ended == 2
      end, LONG)
      t.has(offered, "Fix with Pillion")
      t.eq(2, ended[2].task.run)
      act("Show output at this line")
      t.wait("the log", function()
        return t.buffer_of("pillion-log")
      end, LONG)
    end,
  },
  {
    "a command that asks is answered from the list of tasks",
    function()
      t.workspace()
      start_server("offline")
      local asked = t.events("PillionQuestion")
      local ended = t.events("PillionTaskEnd")
      vim.cmd("Pillion tasks")
      require("pillion.app").get():request("pillion/task/start", {
        command = [[read -rp 'Name: ' name; read -rp 'Create it? [Y/n] ' sure; echo "made: $sure"]],
        label = "wizard",
        stdin = "pty",
      })
      t.wait("the first question", function()
        return #asked == 1
      end, LONG)
      t.wait("its row", function()
        return t.lines(0)[1]:find("? wizard        needs you · Name:", 1, true)
      end, LONG)
      local input, select = vim.ui.input, vim.ui.select
      local prompt
      vim.ui.input = function(options, callback)
        prompt = options.prompt
        callback("Ada")
      end
      vim.ui.select = function(items, options, callback)
        prompt = options.prompt
        callback(items[2])
      end
      t.press("a")
      t.eq("wizard: Name: ", prompt)
      t.wait("the second question", function()
        return #asked == 2
      end, LONG)
      t.press("a")
      vim.ui.input, vim.ui.select = input, select
      t.eq("wizard: Create it? [Y/n]", prompt)
      t.wait("the end", function()
        return #ended == 1
      end, LONG)
      t.has(ended[1].task.output.lastLine, "made: n")
    end,
  },
  {
    "a server that is killed comes back: the same task, its log, its end, and the session",
    function()
      local gate = vim.fn.tempname()
      vim.fn.system({ "mkfifo", gate })
      t.workspace()
      start_server("offline")
      local app = require("pillion.app").get()
      local started, ended = t.events("PillionTaskStart"), t.events("PillionTaskEnd")
      vim.cmd("Pillion chat")
      local session = t.wait("the session", function()
        return app.state.current
      end, LONG)
      vim.cmd.stopinsert()
      vim.cmd(("Pillion run echo before; cat %s; echo after"):format(gate))
      local before = t.wait("the task", function()
        return started[1]
      end, LONG).task
      vim.cmd("Pillion log")
      t.wait("its output", function()
        return t.lines(0)[1] == "before"
      end, LONG)

      local server = vim.iter(vim.api.nvim_get_proc_children(vim.fn.getpid())):find(function(pid)
        local process = vim.api.nvim_get_proc(pid)
        return process and process.name == vim.fs.basename(BIN)
      end)
      local client = app.client.lsp.id
      vim.uv.kill(server, "sigkill")
      t.wait("the next server", function()
        return app.client.lsp and app.client.lsp.id ~= client
      end, LONG)
      t.has(t.said, "is started again")
      local function row()
        local tasks = vim.tbl_values(app.state.tasks)
        t.eq(1, #tasks)
        return tasks[1]
      end
      t.wait("its task, as it was", function()
        return app.state.snapshot_seq >= 0 and row().status == "running" and row().owned
      end, LONG)
      t.eq({ before.id, before.run, before.startedAt }, { row().id, row().run, row().startedAt })
      t.eq(0, #ended)

      local writer = assert(vim.uv.fs_open(gate, "w", 0))
      vim.uv.fs_write(writer, "through the gate\n")
      vim.uv.fs_close(writer)
      t.wait("its end", function()
        return #ended == 1
      end, LONG)
      t.eq({ before.id, "succeeded" }, { ended[1].task.id, ended[1].task.status })
      t.eq(1, #started, "it did not begin again")
      t.wait("the rest of its output", function()
        return vim.deep_equal({ "before", "through the gate", "after", "" }, t.lines(0))
      end, LONG)
      vim.cmd("Pillion session rename still here")
      t.wait("the session", function()
        local one = app.state.sessions[session]
        return app.state.current == session and one.title == "still here"
      end, LONG)
    end,
  },
}

--- `:checkhealth pillion`: Neovim's version, the server's binary and version, and what is wrong with
--- the remedy.

local M = {}

--- What the binary says of itself, nil when it cannot be run.
---@param binary string
---@return string?
local function version(binary)
  local ok, result = pcall(function()
    return vim.system({ binary, "--version" }, { text = true, timeout = 5000 }):wait()
  end)
  if ok and result.code == 0 then
    return vim.trim(result.stdout)
  end
end

function M.check()
  local health = vim.health
  health.start("Neovim")
  if vim.fn.has("nvim-0.11") == 1 then
    health.ok("Neovim " .. tostring(vim.version()))
  else
    health.error("Neovim " .. tostring(vim.version()) .. " is too old", "Install Neovim 0.11 or newer")
  end
  if pcall(vim.treesitter.language.inspect, "markdown") then
    health.ok("the markdown parser is there: the chat has its colours")
  else
    health.info("no markdown parser: the chat uses the old syntax colours")
  end

  health.start("Server")
  local app = require("pillion.app").get()
  local binary = app.config.cmd[1]
  local path = vim.fn.exepath(binary)
  if path == "" then
    health.error(("`%s` was not found"):format(binary), {
      "Install the `pillion` binary so that it is on your PATH",
      'or name it: require("pillion").setup({ cmd = { "/path/to/pillion", "serve" } })',
    })
    return
  end
  health.ok("found " .. path)
  local told = version(binary)
  if told then
    health.ok(told)
  else
    health.warn(("`%s --version` did not answer"):format(binary), "Is this the pillion binary?")
  end
  local client = app.client
  if client and client.lsp then
    health.ok(
      ("running for %s%s"):format(client.root, client.version and ", version " .. client.version or "")
    )
  else
    health.info("not running: it starts with the first :Pillion")
  end
end

return M

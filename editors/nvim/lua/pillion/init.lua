--- What a person's configuration calls. Everything else is reached through `:Pillion`.

local M = {}

--- Sets options; optional. See |pillion-setup|.
---@param options? table
function M.setup(options)
  local app = require("pillion.app")
  local owner = app.new(require("pillion.config").resolve(options))
  app.set(owner)
  if owner.config.autostart then
    vim.api.nvim_create_autocmd({ "BufReadPost", "BufNewFile" }, {
      group = owner.group,
      once = true,
      callback = vim.schedule_wrap(function()
        owner:start()
      end),
    })
  end
end

--- Running, failed and asking, for a status line: `◐ 2 ✕ 3 ?1`.
---@return string
function M.statusline()
  return require("pillion.statusline").text()
end

--- Sends a message to the agent in the current session; made if there is none.
---@param text string
function M.prompt(text)
  vim.validate("text", text, "string")
  local owner = require("pillion.app").get()
  if owner:start() then
    owner:prompt(require("pillion.prompt").blocks(text, {}, owner.client.root))
  end
end

return M

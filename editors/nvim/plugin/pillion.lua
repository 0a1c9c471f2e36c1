-- Defines `:Pillion`. Requires nothing until it is used.

if vim.g.loaded_pillion then
  return
end
vim.g.loaded_pillion = true

if vim.fn.has("nvim-0.11") == 0 then
  vim.api.nvim_create_user_command("Pillion", function()
    vim.notify("Pillion needs Neovim 0.11 or newer", vim.log.levels.ERROR)
  end, { nargs = "*" })
  return
end

vim.api.nvim_create_user_command("Pillion", function(command)
  require("pillion.commands").run(command)
end, {
  nargs = "*",
  range = true,
  desc = "Pillion: chat, tasks, questions (:help pillion-commands)",
  complete = function(lead, line)
    return require("pillion.commands").complete(lead, line)
  end,
})

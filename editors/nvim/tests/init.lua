-- A Neovim with nothing but the plugin, for tests and for looking at it by hand.

local here = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p:h")
local plugin = vim.fs.dirname(here)

vim.opt.runtimepath:prepend(plugin)
package.path = here .. "/?.lua;" .. package.path
vim.o.swapfile = false
vim.o.shadafile = "NONE"
vim.cmd("filetype plugin indent on")
vim.cmd("syntax on")

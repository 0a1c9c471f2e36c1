-- What luacheck takes for granted: Neovim's LuaJIT and its one global.
std = "luajit"
globals = { "vim" }
max_line_length = 130
ignore = { "212/_.*", "122" } -- unused arguments that say so; setting fields of vim.bo and its kin
files["tests"] = { max_line_length = false }

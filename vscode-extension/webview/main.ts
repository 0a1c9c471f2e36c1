/** The chat's page. */

document.querySelector("main")?.setAttribute("role", "log");

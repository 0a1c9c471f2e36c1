/** The chat's page: begins when it is loaded. */

import "./styles/main.css";
import { App } from "./app";
import { bridge } from "./bridge";

const root = document.querySelector("main");
if (root) new App(root, bridge()).begin();
